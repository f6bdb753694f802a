// image_collection: a cube from the images of a catalog.
#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "engine/collection_blocks.h"
#include "engine/collection_setup.h"
#include "engine/error.h"
#include "engine/gdal/image_in_view.h"
#include "engine/readings.h"
#include "engine/registry.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

class ImageCollection final : public Operator, public FileSource {
 public:
  using Params = CollectionParams;

  ImageCollection(const Params& params, std::span<const CubeInfo>, const Resources& resources)
      : ImageCollection(params, make_setup(params, resources)) {}

  Request demand(const Request&, std::size_t) const override { return {}; }
  std::unique_ptr<Kernel> kernel() const override;
  Stage stage() const override { return Stage::kReduce; }
  Cost cost(const Request& request) const override;
  bool passes_emptiness() const override { return !setup_.aggregation.counts(); }
  std::optional<ChunkWish> preferred_chunk() const override { return chunk_; }
  std::optional<StoredBlocks> stored_blocks() const override {
    std::call_once(looked_, [this] { blocks_ = look_at_blocks(); });
    return blocks_;
  }
  std::vector<Reading> readings(std::span<const std::size_t> bands) const override;
  void ingredients(const Request& request,
                   const std::function<void(const Ingredient&)>& take) const override;
  bool reads_remote() const override {
    const auto remote = [](const ImageBand& band) { return is_remote(band.descriptor); };
    return std::ranges::any_of(setup_.slices->images(), [&](const Image& image) {
      return std::ranges::any_of(image.bands, remote);
    });
  }

  std::vector<std::string> source_names() const override {
    std::vector<std::string> names;
    for (const Image& image : setup_.slices->images()) names.push_back(image.name);
    return names;
  }
  std::vector<std::string> source_names(const Request& request) const override;

 private:
  friend class CollectionKernel;

  // The bands of the collection that are read for bands of the cube.
  std::vector<std::size_t> bands_read(const std::vector<std::size_t>& bands) const {
    std::vector<std::size_t> out;
    for (const std::size_t band : bands) out.push_back(setup_.bands[band].band);
    for (const CollectionMask& mask : setup_.masks) out.push_back(mask.band);
    return out;
  }

  ImageCollection(const Params& params, CollectionSetup setup)
      : Operator(setup.info),
        setup_(std::move(setup)),
        chunk_(make_chunk_wish(params.chunk_size, "/chunk_size")),
        strict_(params.strict),
        native_masks_(params.mask_stage == "native") {
    if (!setup_.why_empty.empty()) note("", setup_.why_empty);
  }

  std::optional<StoredBlocks> look_at_blocks() const {
    auto blocks = blocks_of_collection(setup_.slices->images(), info().grid);
    for (const BandInfo& band : setup_.stored) {
      const auto bytes = static_cast<std::int64_t>(size_of(band.dtype));
      if (blocks) blocks->cell_bytes = std::max(blocks->cell_bytes, bytes);
    }
    return blocks;
  }

  CollectionSetup setup_;
  std::optional<ChunkWish> chunk_;
  bool strict_;
  bool native_masks_;
  mutable std::once_flag looked_;  // at files, for their blocks
  mutable std::optional<StoredBlocks> blocks_;
};

// Reads and combines on one thread.
class CollectionKernel final : public Kernel {
 public:
  explicit CollectionKernel(const ImageCollection& op)
      : op_(op), setup_(op.setup_), composite_(op.setup_.aggregation) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    const Region& region = request.region;
    Chunk chunk{region, {}};
    std::vector<std::optional<Block>> blocks(request.bands.size());
    for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
      target_masks_.clear();
      const auto images = setup_.slices->touching(t, region.y, region.x);
      for (std::size_t i = 0; i < request.bands.size(); ++i) {
        const BlockPtr slice = setup_.aggregation.counts_images()
                                   ? count_images(images, region)
                                   : composite(images, request.bands[i], region, inputs);
        if (!slice) continue;
        if (!blocks[i]) blocks[i].emplace(region, op_.info().bands[request.bands[i]].storage());
        place(*slice, t, *blocks[i]);
      }
    }
    for (auto& block : blocks) chunk.bands.push_back(block ? share(std::move(*block)) : nullptr);
    return chunk;
  }

 private:
  // Copies a block of one slice into slice `t`.
  static void place(const Block& slice, std::int64_t t, Block& out) {
    dispatch(out.dtype(), [&]<class T>(std::type_identity<T>) {
      const auto cells = slice.cells<T>();
      const Region& region = out.region();
      const std::size_t first = out.offset(t, region.y.begin, region.x.begin);
      std::ranges::copy(cells, out.cells<T>().subspan(first, cells.size()).begin());
    });
  }

  static Region one_slice(const Region& region) { return {{0, 1}, region.y, region.x}; }

  BlockPtr composite(const std::vector<std::size_t>& images, std::size_t band, const Region& region,
                     Inputs& inputs) {
    composite_.begin(one_slice(region), op_.info().bands[band].storage());
    for (std::size_t i = 0; i < images.size() && !composite_.complete(); ++i) {
      const bool reverse = setup_.aggregation.newest_first();
      composite_.add(read(images[reverse ? images.size() - 1 - i : i], band, region, inputs));
    }
    return composite_.finish();
  }

  // One band of one image, masked and unpacked; null when it has no cell here or was left out.
  BlockPtr read(std::size_t image, std::size_t band, const Region& region, Inputs& inputs) {
    const Image& source = setup_.slices->images()[image];
    const ImageBand* file = find_band(source, setup_.bands[band].band);
    if (!file) return nullptr;
    try {
      return unpacked(read_masked(image, *file, band, region, inputs.images()),
                      setup_.bands[band].packing(*file));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnreadable && error.code() != ErrorCode::kNotFound) throw;
      const std::string shown = without_queries(file->descriptor);
      const bool named = std::string_view(error.what()).find(shown) != std::string::npos;
      const std::string reason = (named ? "" : shown + ": ") + error.what();
      if (op_.strict_) {
        throw Error(ErrorCode::kUnreadable, "image " + source.name + " cannot be read: " + reason,
                    "", "\"strict\": false leaves such images out");
      }
      inputs.skipped({source.name, reason});
      return nullptr;
    }
  }

  BlockPtr read_masked(std::size_t image, const ImageBand& file, std::size_t band,
                       const Region& region, ImageReader& reader) {
    const CollectionBand& plan = setup_.bands[band];
    const Image& source = setup_.slices->images()[image];
    const NativeMask mask =
        op_.native_masks_ ? native_mask(source, setup_.masks, setup_.stored) : NativeMask{};
    const ReadTarget target{.grid = &op_.info().grid,
                            .rows = region.y,
                            .columns = region.x,
                            .resampling = plan.resampling,
                            .storage = plan.read};
    const RasterBand raster{.descriptor = file.descriptor,
                            .band = file.raster_band,
                            .nodata = plan.nodata,
                            .crs = file.crs,
                            .overviews = setup_.overviews};
    BlockPtr block = reader.read(raster, target, mask.layers.empty() ? nullptr : &mask);
    if (!block || op_.native_masks_) return block;
    const std::vector<MaskBlock>& masks = target_masks(image, region, reader);
    for (const MaskBlock& m : masks) block = hide_cells(block, m.block, setup_.masks[m.mask].rule);
    return block;
  }

  struct MaskBlock {
    std::size_t mask = 0;
    BlockPtr block;
  };

  // Mask bands of an image on the target grid, read once a slice for all bands.
  const std::vector<MaskBlock>& target_masks(std::size_t image, const Region& region,
                                             ImageReader& reader) {
    const auto [entry, added] = target_masks_.try_emplace(image);
    if (!added) return entry->second;
    std::vector<MaskBlock> blocks;
    const Image& source = setup_.slices->images()[image];
    for (std::size_t i = 0; i < setup_.masks.size(); ++i) {
      const ImageBand* file = find_band(source, setup_.masks[i].band);
      if (!file) continue;
      const ReadTarget target{.grid = &op_.info().grid,
                              .rows = region.y,
                              .columns = region.x,
                              .resampling = Resampling::kNearest,
                              .storage = with_missing(DType::kFloat64, {})};
      const RasterBand raster{.descriptor = file->descriptor,
                              .band = file->raster_band,
                              .nodata = setup_.stored[setup_.masks[i].band].nodata,
                              .crs = file->crs};
      try {
        blocks.push_back({i, reader.read(raster, target, nullptr)});
      } catch (...) {
        target_masks_.erase(image);
        throw;
      }
    }
    return entry->second = std::move(blocks);
  }

  // How many footprints cover the centre of each cell.
  BlockPtr count_images(const std::vector<std::size_t>& images, const Region& region) {
    const Grid& grid = op_.info().grid;
    Block out(one_slice(region), op_.info().bands.front().storage());
    values_.resize(static_cast<std::size_t>(region.x.size()));
    for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
      for (std::int64_t x = region.x.begin; x < region.x.end; ++x) {
        const auto covers = [&](std::size_t image) {
          return setup_.slices->covers(image, grid.x_center(x), grid.y_center(y));
        };
        values_[static_cast<std::size_t>(x - region.x.begin)] =
            static_cast<double>(std::ranges::count_if(images, covers));
      }
      out.set_row(0, y, values_);
    }
    return share(std::move(out));
  }

  const ImageCollection& op_;
  const CollectionSetup& setup_;
  Composite composite_;
  std::map<std::size_t, std::vector<MaskBlock>> target_masks_;  // of the current slice, by image
  std::vector<double> values_;
};

// Of a few images: more for few bands, one where each file takes a request to a server.
std::vector<Reading> ImageCollection::readings(std::span<const std::size_t> bands) const {
  constexpr std::size_t kMostOpened = 24;
  const std::vector<Image>& images = setup_.slices->images();
  ReadingCount count;
  if (images.empty() || bands.empty() || setup_.aggregation.counts_images()) return {};
  std::vector<std::size_t> some = some_of(images.size());
  const auto* first = find_band(images.front(), setup_.bands[bands.front()].band);
  const bool remote = first && first->descriptor.find("/vsi") != std::string::npos;
  const std::size_t most = std::max<std::size_t>(1, kMostOpened / bands.size());
  some.resize(std::min(some.size(), remote ? 1 : most));
  WaysToGrid ways(info().grid);
  for (const std::size_t band : bands) {
    const CollectionBand& plan = setup_.bands[band];
    for (const std::size_t at : some) {
      const ImageBand* file = find_band(images[at], plan.band);
      if (!file) continue;
      const RasterBand raster{.descriptor = file->descriptor,
                              .band = file->raster_band,
                              .crs = file->crs,
                              .overviews = setup_.overviews};
      count.add(band, ways.text(raster, plan.resampling));
    }
  }
  return count.take();
}

std::unique_ptr<Kernel> ImageCollection::kernel() const {
  return std::make_unique<CollectionKernel>(*this);
}

std::vector<std::string> ImageCollection::source_names(const Request& request) const {
  const std::vector<Image>& images = setup_.slices->images();
  std::vector<bool> used(images.size());
  for (std::int64_t t = request.region.t.begin; t < request.region.t.end; ++t) {
    for (const std::size_t i : setup_.slices->touching(t, request.region.y, request.region.x)) {
      used[i] = true;
    }
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (used[i]) names.push_back(images[i].name);
  }
  return names;
}

void ImageCollection::ingredients(const Request& request,
                                  const std::function<void(const Ingredient&)>& take) const {
  const auto packing_text = [](double scale, double offset) {
    return "scale " + number_text(scale) + ", offset " + number_text(offset);
  };
  const std::vector<std::size_t> bands = bands_read(request.bands);
  for (const std::size_t b : bands) {
    const BandInfo& band = setup_.stored[b];
    take({"the collection's band " + band.name,
          std::string(name(band.dtype)) +
              ", missing = " + (band.nodata ? number_text(*band.nodata) : "none") + ", " +
              packing_text(band.scale, band.offset)});
  }
  for (std::int64_t t = request.region.t.begin; t < request.region.t.end; ++t) {
    for (const std::size_t i : setup_.slices->touching(t, request.region.y, request.region.x)) {
      const Image& image = setup_.slices->images()[i];
      std::string state = "of " + to_text(image.datetime);
      for (const std::size_t b : bands) {
        const ImageBand* file = find_band(image, b);
        if (!file) continue;
        state += ", " + setup_.stored[b].name + " in band " + std::to_string(file->raster_band) +
                 " of " + without_secrets(file->descriptor);
        if (!file->crs.empty()) state += " in " + file->crs;
        if (file->packing) {
          state += " with " + packing_text(file->packing->scale, file->packing->offset);
        }
      }
      take({"image " + image.name, state});
    }
  }
}

Cost ImageCollection::cost(const Request& request) const {
  Cost cost;
  const std::int64_t slice_cells = request.region.y.size() * request.region.x.size();
  std::int64_t most = 0;
  std::int64_t filled = 0;
  for (std::int64_t t = request.region.t.begin; t < request.region.t.end; ++t) {
    const auto images = setup_.slices->touching(t, request.region.y, request.region.x);
    cost.images += static_cast<std::int64_t>(images.size());
    most = std::max(most, static_cast<std::int64_t>(images.size()));
    filled += images.empty() ? 0 : 1;
    if (setup_.aggregation.counts_images()) continue;
    for (const std::size_t image : images) {
      const auto use = [&](std::size_t band) {
        const ImageBand* file = find_band(setup_.slices->images()[image], band);
        if (!file) return;
        cost.files.push_back(file->descriptor);
        // The resolution of a file is not known without opening it; the grid's stands for it.
        cost.read_bytes +=
            slice_cells * static_cast<std::int64_t>(size_of(setup_.stored[band].dtype));
      };
      for (const std::size_t band : bands_read(request.bands)) use(band);
    }
  }
  cost.empty = cost.images == 0 && !setup_.aggregation.counts();
  if (!setup_.aggregation.counts()) cost.filled_slices = filled;
  if (most == 0) return cost;
  // Held at a time: the blocks of a slice, or the composite, the next image and a copy of it.
  const std::int64_t held = setup_.aggregation.holds_images() ? most + 2 : 3;
  std::int64_t cell = 0;
  for (const std::size_t band : request.bands) {
    cell = std::max(cell, static_cast<std::int64_t>(size_of(setup_.bands[band].read.dtype)));
  }
  cost.scratch_bytes = kReaderBytes + held * slice_cells * cell +
                       setup_.aggregation.row_bytes(request.region.x.size(), most);
  if (!native_masks_ && !setup_.masks.empty()) {
    const auto masks = static_cast<std::int64_t>(setup_.masks.size());
    cost.scratch_bytes += most * masks * slice_cells * static_cast<std::int64_t>(sizeof(double));
  }
  return cost;
}

}  // namespace

namespace ops {

OperatorType image_collection() {
  return operator_type<ImageCollection>({
      .id = "image_collection",
      .summary = "A cube from the images of a catalog.",
      .help =
          "Images whose time lies in a slice (start <= time < end) are resampled to the view "
          "and combined in acquisition order (time, then name). Methods that pick "
          "values (near, mode, min, max, med, q1, q3) keep the data type of the files; others "
          "give float32 (float64 for 32-bit integers and float64). "
          "Where the images of the view differ in scale or offset (Sentinel-2 before and after "
          "processing baseline 04.00) values are brought to the smallest offset, as floats; "
          "\"unpack\": true makes them physical. "
          "An image that goes round the world has no edge where its last column meets its first: "
          "every method takes cells from both sides. "
          "count_values counts the images that have a value in the cell, count_images those "
          "whose footprint, as a box in degrees, covers it.",
      .example = R"({"cube_type": "image_collection", "file": "collection.db",
  "view": {"aggregation": "median", "resampling": "bilinear",
    "space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
    "time": {"t0": "2018", "t1": "2018", "dt": "P1M"}}})",
      .inputs = {},
      .aliases = {"raster_cube"},
  });
}

}  // namespace ops

}  // namespace cube
