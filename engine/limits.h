// How large the things may be that other people hand in: documents, formulas, names, cubes.
//
// Each is far beyond what is of use, and small enough that no text of a few kilobytes can take all
// memory, run for hours or overflow a count. What is beyond is an Error(kInvalid) at its place.
// Windows, kernels and periods have limits of their own (window_params.cpp, period.cpp).
// README, "Files of strangers", lists all of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cube::limits {

// Documents: graphs, formats of collections, items of STAC.
inline constexpr int kNesting = 1000;  // objects and lists in each other
inline constexpr std::size_t kDocumentBytes = std::size_t{64} << 20;  // parameters replaced, too
inline constexpr std::size_t kCubes = 10'000;  // of a graph; of a saved one each time it is named
inline constexpr std::size_t kMessageBytes = std::size_t{64} << 10;  // of an error, each part

// Formulas and patterns.
inline constexpr std::size_t kFormulaBytes = 20'000;
inline constexpr std::size_t kPatternBytes = 1000;

// Cubes.
inline constexpr std::int64_t kBands = 10'000;
inline constexpr std::size_t kNameBytes = 1000;  // of a band
inline constexpr std::int64_t kSlices = 10'000'000;
inline constexpr std::int64_t kCellsAside = 2'147'483'647;     // as GDAL counts, in 32 bits
inline constexpr std::int64_t kCells = std::int64_t{1} << 56;  // of a band: bytes fit 64 bits
inline constexpr std::int64_t kChunks = 100'000'000;           // some bytes are kept of each

// Files.
inline constexpr std::int64_t kImages = 5'000'000;        // of a collection that one view touches
inline constexpr std::int64_t kCoordinates = 10'000'000;  // of an axis, beside --memory
inline constexpr std::size_t kArrays = 100'000;           // arrays and groups of a file

}  // namespace cube::limits
