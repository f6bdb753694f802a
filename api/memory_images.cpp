#include "cube/memory_images.h"

#include <cpl_vsi.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/write_tiff.h"
#include "engine/text.h"

namespace cube {

class MemoryImages::Index final : public ImageIndex {
 public:
  explicit Index(std::vector<BandInfo> bands) : bands_(std::move(bands)) {
    if (bands_.empty()) throw Error(ErrorCode::kInvalid, "images without bands");
    check_unique_bands(bands_, "");
    register_gdal();
  }
  ~Index() override {
    for (const std::string& file : files_) VSIUnlink(file.c_str());
  }
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  const std::vector<BandInfo>& bands() const override { return bands_; }

  std::vector<Image> find(const ImageQuery& query) const override {
    std::vector<Image> found;
    for (const Image& image : images_) {
      if (image.datetime < query.start || image.datetime >= query.end) continue;
      const auto touched = [&](const Box& area) {
        return std::ranges::any_of(image.footprint,
                                   [&](const Box& box) { return box.intersects(area); });
      };
      if (!query.area.empty() && std::ranges::none_of(query.area, touched)) continue;
      found.push_back(image);
      std::erase_if(found.back().bands, [&](const ImageBand& band) {
        return !query.bands.empty() &&
               std::ranges::find(query.bands, band.band) == query.bands.end();
      });
    }
    std::ranges::sort(found, {}, [](const Image& i) { return std::pair(i.datetime, i.name); });
    return found;
  }

  CollectionSummary summary() const override {
    CollectionSummary out{.images = static_cast<std::int64_t>(images_.size()),
                          .files = static_cast<std::int64_t>(files_.size())};
    for (const Image& image : images_) {
      out.first = out.first ? std::min(*out.first, image.datetime) : image.datetime;
      out.last = out.last ? std::max(*out.last, image.datetime) : image.datetime;
      ++out.crs[image.crs];
      out.dates.push_back(to_text(image.datetime).substr(0, std::string_view("2018-01-06").size()));
      for (const Box& box : image.footprint) {
        Box all = out.extent.value_or(box);
        all = {std::min(all.left, box.left), std::min(all.bottom, box.bottom),
               std::max(all.right, box.right), std::max(all.top, box.top)};
        out.extent = all;
      }
    }
    std::ranges::sort(out.dates);
    out.dates.erase(std::unique(out.dates.begin(), out.dates.end()), out.dates.end());
    return out;
  }

  void add(const std::string& name, Instant time, const Grid& grid,
           const std::vector<BlockPtr>& blocks) {
    check(name, grid, blocks);
    Image image{.name = name,
                .datetime = time,
                .footprint = transform_box(grid.extent(), grid.crs, "EPSG:4326"),
                .crs = grid.crs,
                .bands = {}};
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (!blocks[i]) continue;
      files_.push_back(next_file());
      write_tiff(files_.back(), *blocks[i], grid);
      image.bands.push_back({.band = i, .descriptor = files_.back()});
    }
    images_.push_back(std::move(image));
  }

 private:
  void check(const std::string& name, const Grid& grid, const std::vector<BlockPtr>& blocks) const {
    const auto invalid = [&](const std::string& what, const std::string& hint = {}) {
      return Error(ErrorCode::kInvalid, what, "image '" + name + "'", hint);
    };
    if (std::ranges::find(images_, name, &Image::name) != images_.end()) {
      throw invalid("there is one of that name");
    }
    if (grid.crs.empty()) throw invalid("its grid has no CRS");
    if (blocks.size() != bands_.size()) {
      throw invalid("cells of " + counted(blocks.size(), "band") + " for images of " +
                    counted(bands_.size(), "band"));
    }
    const Region whole{{0, 1}, {0, grid.height}, {0, grid.width}};
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (!blocks[i]) continue;
      const BandInfo& band = bands_[i];
      if (blocks[i]->region() != whole) {
        throw invalid(
            "the cells of band '" + band.name + "' are of " + to_text(blocks[i]->region()),
            "all of the grid, " + to_text(whole));
      }
      if (blocks[i]->dtype() != band.dtype ||
          (!is_float(band.dtype) && blocks[i]->nodata() != band.nodata)) {
        throw invalid("the cells of band '" + band.name + "' are not stored as the band is");
      }
    }
  }

  // Among files of other objects too no other has it.
  std::string next_file() const {
    std::array<char, 64> name{};
    std::snprintf(name.data(), name.size(), "/vsimem/cube_images_%p_%zu.tif",
                  static_cast<const void*>(this), files_.size());
    return name.data();
  }

  std::vector<BandInfo> bands_;
  std::vector<Image> images_;
  std::vector<std::string> files_;
};

MemoryImages::MemoryImages(std::vector<BandInfo> bands)
    : index_(std::make_shared<Index>(std::move(bands))) {}

void MemoryImages::add(const std::string& name, Instant time, const Grid& grid,
                       const std::vector<BlockPtr>& bands) {
  index_->add(name, time, grid, bands);
}

void MemoryImages::add_to(Resources& resources, const std::string& name) const {
  resources.open_index =
      [index = index_, name, others = std::move(resources.open_index)](
          const std::filesystem::path& file) -> std::shared_ptr<const ImageIndex> {
    if (file == std::filesystem::path(name)) return index;
    if (!others) throw Error(ErrorCode::kNotFound, "there are no such images", file.string());
    return others(file);
  };
}

}  // namespace cube
