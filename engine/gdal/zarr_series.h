// ZarrSeries: a Zarr group that is a cube, seen as something that more slices can be put behind.
// Thread rule: immutable once made.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/array_cube.h"
#include "engine/cube_info.h"
#include "engine/gdal/zarr_codec.h"
#include "engine/gdal/zarr_metadata.h"

namespace cube {

// How the chunks of an array are stored.
struct ZarrLayout {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> chunks;
  std::string separator;  // between the numbers of a chunk's file name
  std::size_t cell = 0;   // bytes
  bool has_fill = false;  // chunks that are not there have a meaning
  ZarrEncoder encoder;
  ChunkCodec codec;  // its inverse

  std::string chunk_name(std::span<const std::int64_t> chunk) const;  // "nir/3.0.1"
  std::size_t chunk_bytes() const;
};

struct ZarrSeries {
  ZarrMetadata metadata;
  CubeInfo info;                  // what is stored
  std::vector<ZarrLayout> bands;  // of the result's bands
  ZarrLayout times;
  std::optional<ZarrLayout> bounds;  // of slices of a regular axis
  std::string time_units;            // "days since 1970-01-01"
  std::string bounds_units;
  std::string calendar;

  std::int64_t slices() const { return info.time.size(); }
};

// Throws Error with `where` = `root` where slices of `result` cannot be put behind it: what it
// holds is no cube in the order time, y, x, differs from the result in grid, bands or how they are
// stored (the first difference is named), ends later than the result begins, or is stored as we
// cannot write.
ZarrSeries open_series(const std::string& root, const CubeInfo& result);

// The axis of the store with the result's slices behind: regular as long as they go on in its
// steps, else labelled.
TimeAxis joined(const TimeAxis& stored, const TimeAxis& more);

// The number that a coordinate has for an instant; nullopt when it has none that comes back as
// the instant. `whole`: whole numbers only.
std::optional<double> number_of(Instant instant, const std::string& units,
                                const std::string& calendar, bool whole);

}  // namespace cube
