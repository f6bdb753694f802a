// Compressing cells with what GDAL was built with, in the caller's thread.
// Thread rule: any thread, each with its own output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace cube {

// How GDAL names a compressor and its options: {"zlib", {{"LEVEL", "6"}}}.
struct Compression {
  std::string name;
  std::map<std::string, std::string> options;
};

// Whether GDAL was built with it.
bool has_compressor(const std::string& name);

// Whether GDAL can undo it; "" is none.
bool has_decompressor(const std::string& name);

// Undoes a compression: fills `out`, whose size is that of the cells. Throws Error(kUnreadable)
// with `where` when the bytes are broken or of another size.
void decompress(const std::string& name, std::span<const std::byte> bytes, std::span<std::byte> out,
                const std::string& where);

// The same for bytes whose size is not known before.
std::vector<std::byte> decompress_all(const std::string& name, std::span<const std::byte> bytes,
                                      const std::string& where);

// The compressed bytes: a part of `out`, which grows as needed and is best kept for the next call.
// Throws Error(kInternal) with `where` when the compressor gives up.
std::span<const std::byte> compress(const Compression& compression,
                                    std::span<const std::byte> bytes, std::vector<std::byte>& out,
                                    const std::string& where);

// Upper bounds of `out` for so many bytes, and of what the compressor holds while it works.
std::int64_t compressed_bytes(std::int64_t bytes);
std::int64_t compressor_bytes(const std::string& name, int level);

// The bytes of cells of `cell` bytes in planes: the first bytes of all, then the second ones, as
// HDF5's shuffle filter has them. REQUIRES: `out` has room for as many bytes.
void shuffle_bytes(std::span<const std::byte> cells, std::size_t cell, std::span<std::byte> out);

// Its inverse, for cells of any size; bytes that do not make up a cell stay at the end.
void unshuffle_bytes(std::span<const std::byte> shuffled, std::size_t cell,
                     std::span<std::byte> out);

}  // namespace cube
