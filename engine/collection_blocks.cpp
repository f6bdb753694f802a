#include "engine/collection_blocks.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/raster_info.h"

namespace cube {

namespace {

constexpr std::size_t kBandsTried = 4;  // each opens a file
constexpr int kEnoughAlike = 2;         // images of the same blocks: others are not looked at
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

std::optional<ChunkShape> shape_of(const RasterInfo& image, const Grid& grid) {
  const RasterInfo::Level full{image.grid.width, image.grid.height, image.block_width,
                               image.block_height};
  if (const auto blocks = blocks_on(image, full, grid)) return blocks;
  for (const RasterInfo::Level& level : image.overview_levels) {
    if (const auto blocks = blocks_on(image, level, grid)) return blocks;
  }
  return std::nullopt;
}

// Of the first of its bands that lies on the grid.
std::optional<StoredBlocks> blocks_of(const Image& image, const Grid& grid) {
  try {
    const std::size_t count = std::min(image.bands.size(), kBandsTried);
    for (std::size_t i = 0; i < count; ++i) {
      const ImageBand& band = image.bands[i];
      if (i > 0 && band.descriptor == image.bands[i - 1].descriptor) continue;
      const RasterInfo info = describe_raster(band.descriptor, band.crs, RasterDetail::kStorage);
      if (!info.north_up || !same_crs(info.crs, grid.crs)) return std::nullopt;
      if (const auto shape = shape_of(info, grid)) {
        return StoredBlocks{.shape = *shape,
                            .kept = info.blocks_kept,
                            .bands = info.bands_in_block,
                            .in_part = info.blocks_in_part};
      }
    }
  } catch (const Error&) {  // said when the image is read, or left out
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::size_t> some_of(std::size_t count) {
  const std::size_t last = count - 1;
  std::vector<std::size_t> out;
  for (const std::size_t at : {std::size_t{0}, last / 2, last, last / 4, last - last / 4}) {
    if (std::find(out.begin(), out.end(), at) == out.end()) out.push_back(at);
  }
  const std::size_t most = std::min<std::size_t>(count, 5);
  for (std::size_t at = 0; out.size() < most; ++at) {
    if (std::find(out.begin(), out.end(), at) == out.end()) out.push_back(at);
  }
  return out;
}

std::optional<StoredBlocks> blocks_of_collection(const std::vector<Image>& images,
                                                 const Grid& grid) {
  if (images.empty()) return std::nullopt;
  std::map<ChunkShape, int> count;
  std::optional<StoredBlocks> most;
  for (const std::size_t at : some_of(images.size())) {
    const auto blocks = blocks_of(images[at], grid);
    if (!blocks) continue;
    if (++count[blocks->shape] == kEnoughAlike) return blocks;
    if (!most) most = blocks;
  }
  return most;
}

}  // namespace cube
