#include "engine/collection_blocks.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/raster_info.h"

namespace cube {

namespace {

constexpr std::size_t kBandsTried = 4;  // each opens a file
constexpr double kTolerance = 1e-5;     // cells

bool is_near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; }

// True when a block begins at `edge`, cells from the first of a row of blocks.
bool begins_block(double edge, std::int64_t size) {
  const double whole = std::nearbyint(edge);
  return is_near(edge, whole, kTolerance) && std::fmod(whole, static_cast<double>(size)) == 0;
}

std::optional<ChunkShape> blocks_on(const RasterInfo& image, const RasterInfo::Level& level,
                                    const Grid& grid) {
  const double dx =
      image.grid.dx * static_cast<double>(image.grid.width) / static_cast<double>(level.width);
  const double dy =
      image.grid.dy * static_cast<double>(image.grid.height) / static_cast<double>(level.height);
  const bool lines_up = is_near(dx / grid.dx, 1, kTolerance / static_cast<double>(grid.width)) &&
                        is_near(dy / grid.dy, 1, kTolerance / static_cast<double>(grid.height)) &&
                        begins_block(grid.column(image.grid.left), level.block_width) &&
                        begins_block(grid.row(image.grid.top), level.block_height);
  if (!lines_up) return std::nullopt;
  return ChunkShape{1, level.block_height, level.block_width};
}

std::optional<ChunkShape> blocks_of(const ImageBand& band, const Grid& grid) {
  const RasterInfo image = describe_raster(band.descriptor, band.crs, RasterDetail::kStorage);
  if (!image.north_up || !same_crs(image.crs, grid.crs)) return std::nullopt;
  const RasterInfo::Level full{image.grid.width, image.grid.height, image.block_width,
                               image.block_height};
  if (const auto blocks = blocks_on(image, full, grid)) return blocks;
  for (const RasterInfo::Level& level : image.overview_levels) {
    if (const auto blocks = blocks_on(image, level, grid)) return blocks;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ChunkShape> blocks_of_collection(const std::vector<Image>& images, const Grid& grid) {
  if (images.empty()) return std::nullopt;
  const std::vector<ImageBand>& bands = images.front().bands;
  try {
    for (std::size_t i = 0; i < std::min(bands.size(), kBandsTried); ++i) {
      if (const auto blocks = blocks_of(bands[i], grid)) return blocks;
    }
  } catch (const Error&) {  // said when the image is read, or left out
  }
  return std::nullopt;
}

}  // namespace cube
