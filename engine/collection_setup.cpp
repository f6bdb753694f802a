#include "engine/collection_setup.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "engine/collection_view.h"
#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/gdal/crs.h"
#include "engine/text.h"
#include "engine/warp_args.h"

namespace cube {

namespace {

// The scale and offset of each band's images in the view; those of least offset come first.
using Packings = std::vector<std::vector<Packing>>;

Packings packings_of(const std::vector<Image>& images, const std::vector<BandInfo>& stored) {
  Packings out(stored.size());
  for (const Image& image : images) {
    for (const ImageBand& file : image.bands) {
      const BandInfo& band = stored[file.band];
      const Packing packing = file.packing.value_or(Packing{band.scale, band.offset});
      if (std::ranges::find(out[file.band], packing) == out[file.band].end()) {
        out[file.band].push_back(packing);
      }
    }
  }
  for (auto& packings : out) {
    std::ranges::sort(packings, {}, [](const Packing& packing) {
      return std::tuple(std::abs(packing.offset), packing.offset, packing.scale);
    });
  }
  return out;
}

// Takes or keeps scale and offset. Where images differ they are brought to those of the first; the
// values then need a type of their own.
void plan_packing(CollectionBand& plan, BandInfo& band, const std::vector<Packing>& packings,
                  bool unpack) {
  plan.stored = {band.scale, band.offset};
  const Packing first = packings.empty() ? plan.stored : packings.front();
  const bool differ = packings.size() > 1;
  const Packing wanted = unpack ? Packing{} : first;
  band.scale = wanted.scale;
  band.offset = wanted.offset;
  if (!differ && (!unpack || !first.any())) return;
  plan.wanted = wanted;
  band.note = !differ  ? unpacking_note(first)
              : unpack ? "unpacked, image by image"
                       : "images differ: brought to scale " + number_text(first.scale) +
                             ", offset " + number_text(first.offset);
}

void add_band(CollectionSetup& setup, std::size_t index, const CollectionParams& params,
              const View& view, const std::vector<Packing>& packings) {
  BandInfo band = setup.stored[index];
  CollectionBand plan{.band = index, .nodata = band.nodata, .resampling = {}, .read = {}};
  plan.resampling = parse_resampling(view.resampling.of(band.name), "/view/resampling");
  plan_packing(plan, band, packings, params.unpack);
  const bool computed = plan.wanted.has_value();
  const bool has_nodata =
      band.nodata && !is_float(band.dtype) && can_hold(band.dtype, *band.nodata);
  const DType type =
      computed || !keeps_values(plan.resampling) ? arithmetic_dtype(band.dtype) : band.dtype;
  plan.read = with_missing(type, has_nodata ? band.nodata : std::nullopt);
  if (!computed && plan.read.dtype != type) {
    band.note = "widened from " + std::string(name(type)) + ", which has no nodata value";
  }
  band.dtype = plan.read.dtype;
  band.nodata = plan.read.nodata;
  setup.info.bands.push_back(setup.aggregation.result_band(band, setup.slices->densest()));
  setup.bands.push_back(plan);
}

// Every key of resampling is a band of the collection.
void check_resampling(const ResamplingChoice& choice, const CubeInfo& bands) {
  for (const auto& [key, method] : choice.methods) {
    const std::string where = "/view/resampling" + (choice.short_form() ? "" : pointer_step(key));
    if (key != "*") bands.band(key, where);
    parse_resampling(method, where);
  }
}

// What is asked of a catalog; errors are about the argument that names it.
template <class Ask>
auto ask(const std::string& file, const Ask& question) {
  try {
    return question();
  } catch (const Error& error) {
    const bool named = error.where().empty() || error.message().find(file) != std::string::npos;
    throw Error(error.code(), (named ? "" : error.where() + ": ") + error.message(), "/file",
                hint_for(file, "image_collection", error.hint()));
  }
}

std::shared_ptr<const ImageIndex> open_index(const std::string& file, const Resources& resources) {
  if (!resources.open_index) {
    throw Error(ErrorCode::kInternal, "the program cannot open catalogs", "/file");
  }
  return ask(file, [&] { return resources.open_index(file); });
}

void check_target_masks(const std::vector<CollectionMask>& masks) {
  for (std::size_t i = 0; i < masks.size(); ++i) {
    if (masks[i].rule.dilate == 0) continue;
    throw Error(ErrorCode::kInvalid,
                "dilate counts cells of the image, which target masks do not see",
                "/mask" + pointer_step(i) + "/dilate", "use \"mask_stage\": \"native\"");
  }
}

std::string box_text(const Box& box) {
  const auto degrees = [](double value) {
    return number_text(std::round(value * 1e4) / 1e4 + 0.0);
  };
  return "longitude " + degrees(box.left) + " to " + degrees(box.right) + ", latitude " +
         degrees(box.bottom) + " to " + degrees(box.top);
}

// Where the images are, as none is in the view.
std::string elsewhere(const ImageIndex& index, const CubeInfo& view) {
  const CollectionSummary summary = index.summary();
  if (summary.images == 0) return "the collection has no image, so all cells are missing";
  const std::string nothing =
      "no image of the collection touches the view, so all its cells are missing";
  const std::string hint = " ('cube catalog info' says what the collection covers)";
  const TimeAxis& time = view.time;
  if (time.size() == 0) return nothing + hint;
  const auto day = [](Instant instant) { return to_text(instant).substr(0, 10); };
  if (summary.first && summary.last &&
      (*summary.last < time.start(0) || *summary.first >= time.end(time.size() - 1))) {
    return nothing + ": its images are of " + day(*summary.first) + " to " + day(*summary.last) +
           ", the view of " + day(time.start(0)) + " to " +
           day(time.end(time.size() - 1) - std::chrono::seconds(1)) + hint;
  }
  const std::vector<Box> boxes = transform_box(view.grid.extent(), view.grid.crs, "EPSG:4326");
  const auto touches = [&](const Box& box) { return box.intersects(*summary.extent); };
  if (!summary.extent || boxes.empty() || std::ranges::any_of(boxes, touches)) {
    return nothing + hint;
  }
  return nothing + ": its images lie in " + box_text(*summary.extent) + ", the view in " +
         box_text(boxes.front()) + hint;
}

}  // namespace

Packing CollectionBand::packing(const ImageBand& file) const {
  if (!wanted) return {};
  const Packing own = file.packing.value_or(stored);
  return {own.scale / wanted->scale, (own.offset - wanted->offset) / wanted->scale};
}

void CollectionParams::fields(FieldVisitor& v) {
  v.field({.name = "file",
           .help = "The catalog: made by `cube catalog create` or by gdalcubes.",
           .required = true,
           .path = true},
          file);
  v.field({.name = "view",
           .help = "Grid, time axis, aggregation and resampling. Without it: the extent of all "
                   "images, 512 cells on the longer side, months."},
          view);
  chunk_size_field(v, chunk_size);
  v.field({.name = "mask",
           .help = "Which cells of the images are hidden, by the value of a quality band; of "
                   "several masks, any one hides.",
           .one_or_many = true},
          mask);
  v.field({.name = "mask_band", .help = "The band of masks that name none."}, mask_band);
  v.field({.name = "mask_stage",
           .help = "native: hide cells of the image before it is resampled, so that clouds do "
                   "not bleed; target: resample the mask band by nearest and hide afterwards, "
                   "as gdalcubes does.",
           .choices = {"native", "target"}},
          mask_stage);
  v.field({.name = "strict",
           .help = "An image that cannot be read fails the run; false: it is left out and "
                   "reported."},
          strict);
  v.field({.name = "unpack",
           .help = "Apply the collection's scale and offset, each image's own where they differ: "
                   "bands become physical values."},
          unpack);
  v.field({.name = "warp_args", .help = kWarpArgsHelp}, warp_args);
}

CollectionSetup make_setup(const CollectionParams& params, const Resources& resources) {
  const WarpArgs warp_args = parse_warp_args(params.warp_args);
  const auto index = open_index(params.file, resources);
  View view = params.view ? *params.view : view_of_collection(*index);
  if (warp_args.resampling) view.resampling.set_short_form(*warp_args.resampling);
  CollectionSetup setup{.info = make_axes(view, "/view"),
                        .aggregation = Aggregation::make(view.aggregation, "/view/aggregation"),
                        .stored = index->bands(),
                        .bands = {},
                        .masks = {},
                        .overviews = warp_args.overviews,
                        .slices = {},
                        .why_empty = {}};
  warp_args.apply(setup.stored);
  const CubeInfo stored{setup.info.grid, setup.info.time, setup.stored};
  check_resampling(view.resampling, stored);
  setup.masks = make_masks(params.mask, params.mask_band, stored);
  if (params.mask_stage == "target") check_target_masks(setup.masks);
  std::vector<Image> images =
      ask(params.file, [&] { return find_images(*index, setup.info.grid, setup.info.time); });
  const std::size_t found = images.size();
  if (found == 0) setup.why_empty = elsewhere(*index, setup.info);
  drop_unmaskable(images, setup.masks, setup.stored);
  if (images.empty() && found > 0) {
    setup.why_empty = (found == 1 ? std::string("the only image in the view lacks")
                                  : "all " + std::to_string(found) + " images in the view lack") +
                      " a mask band, which leaves nothing, so all cells are missing";
  }
  setup.slices.emplace(std::move(images), setup.info.grid, setup.info.time);
  const Packings packings = packings_of(setup.slices->images(), setup.stored);
  for (std::size_t i = 0; i < setup.stored.size(); ++i) {
    add_band(setup, i, params, view, packings[i]);
  }
  return setup;
}

}  // namespace cube
