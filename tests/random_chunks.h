// Cubes of random cells, written by a sink from three threads and opened by GDAL.
#pragma once

#include <gdal_priv.h>

#include <limits>
#include <random>
#include <thread>

#include "engine/gdal/raster_info.h"
#include "engine/sink.h"
#include "tests/support.h"

namespace cube::test {

using Options = std::map<std::string, std::string>;

// Not multiples of tiles nor chunks.
inline CubeInfo cube_of(DType dtype, std::size_t bands, std::int64_t slices = 1) {
  CubeInfo info{{"EPSG:32631", 500000, 5000000, 10, 10, 200, 150},
                TimeAxis::regular(parse_time("2020-01")->start, *Period::parse("P1M"), slices),
                {}};
  for (std::size_t b = 0; b < bands; ++b) {
    BandInfo band;
    band.name = std::string("b").append(std::to_string(b));
    band.dtype = dtype;
    if (is_float(dtype)) band.nodata = std::numeric_limits<double>::quiet_NaN();
    info.bands.push_back(band);
  }
  return info;
}

// Any bits, smooth enough for predictors to matter; the same for the same region.
inline BlockPtr random_block(const Region& region, Storage storage, std::uint32_t seed) {
  Block block(region, storage);
  std::mt19937 random(seed + static_cast<std::uint32_t>(region.t.begin * 7919 +
                                                        region.y.begin * 104729 + region.x.begin));
  dispatch(storage.dtype, [&]<class T>(std::type_identity<T>) {
    double value = 0;
    for (T& cell : block.cells<T>()) {
      value += static_cast<double>(random() % 2001) - 1000;
      cell = is_float(storage.dtype) ? static_cast<T>(value * 1.37e-3)
                                     : static_cast<T>(static_cast<std::int64_t>(value * 771));
    }
  });
  return std::make_shared<const Block>(std::move(block));
}

inline std::vector<Chunk> random_chunks(const CubeInfo& info, const ChunkShape& shape) {
  std::vector<Chunk> chunks;
  const Region all = info.extent();
  for (std::int64_t t = 0; t < all.t.end; t += shape.t) {
    for (std::int64_t y = 0; y < all.y.end; y += shape.y) {
      for (std::int64_t x = 0; x < all.x.end; x += shape.x) {
        const Region box{{t, t + shape.t}, {y, y + shape.y}, {x, x + shape.x}};
        Chunk chunk{intersect(all, box), {}};
        for (std::size_t b = 0; b < info.bands.size(); ++b) {
          chunk.bands.push_back(
              random_block(chunk.region, info.bands[b].storage(), static_cast<std::uint32_t>(b)));
        }
        chunks.push_back(std::move(chunk));
      }
    }
  }
  return chunks;
}

inline void write_chunks(const OutputSpec& spec, const CubeInfo& info, const ChunkShape& shape,
                         const std::vector<Chunk>& chunks) {
  const auto sink = make_sink(spec, info);
  sink->begin(shape, {"{}", {}});
  {
    std::vector<std::jthread> workers;
    for (std::size_t w = 0; w < 3; ++w) {
      workers.emplace_back([&, w] {
        for (std::size_t i = w; i < chunks.size(); i += 3) sink->write(chunks[i]);
      });
    }
  }
  sink->finish();
}

inline GDALDatasetUniquePtr open(const std::string& name) {
  register_gdal();
  GDALDatasetUniquePtr dataset(GDALDataset::Open(name.c_str(), GDAL_OF_RASTER));
  REQUIRE_MESSAGE(dataset, name);
  return dataset;
}

}  // namespace cube::test
