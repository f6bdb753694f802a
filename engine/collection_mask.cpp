#include "engine/collection_mask.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/mask_rule.h"
#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kMostBits = 32;  // of the widest integer band
constexpr std::int64_t kMostDilation = 1000;

MaskRule make_rule(const MaskParams& params, const std::string& where) {
  const auto reject = [&](const std::string& place, const std::string& what,
                          const std::string& hint) {
    throw Error(ErrorCode::kInvalid, what, where + place, hint);
  };
  const bool range = params.min || params.max;
  if (params.mask_type == "value_mask" && params.values.empty()) {
    reject("", "a value_mask without values", "give values");
  }
  if (params.mask_type == "range_mask" && !range) {
    reject("", "a range_mask without min and max", "give min, max or both");
  }
  if (params.values.empty() && !range && params.bits.empty()) {
    reject("", "the mask says nothing", "give values, min and max, or bits");
  }
  if (params.min && params.max && *params.min > *params.max) {
    reject("/max", "max is below min", "");
  }
  MaskRule rule{.values = params.values,
                .min = params.min,
                .max = params.max,
                .bits = {},
                .shift = !params.mask_type,
                .invert = params.invert,
                .dilate = params.dilate};
  for (std::size_t i = 0; i < params.bits.size(); ++i) {
    const std::int64_t bit = params.bits[i];
    if (bit < 0 || bit >= kMostBits) {
      reject("/bits" + pointer_step(i), "there is no bit " + std::to_string(bit),
             "from 0, the lowest, to 31");
    }
    rule.bits.push_back(static_cast<int>(bit));
  }
  if (params.values.empty() && !range) rule.min = 1;  // bits alone: any of them
  if (params.dilate < 0 || params.dilate > kMostDilation) {
    reject("/dilate", "cannot grow by " + counted(params.dilate, "cell"), "from 0 to 1000");
  }
  return rule;
}

}  // namespace

void MaskParams::fields(FieldVisitor& v) {
  v.field(
      {.name = "values",
       .help = "Hide where the mask band has one of these values; with min or max: or is in that "
               "range. Where the mask band is missing nothing is hidden, unless inverted."},
      values);
  v.field({.name = "min", .help = "Hide where the mask band is at least this (and at most max)."},
          min);
  v.field({.name = "max", .help = "Hide where the mask band is at most this (and at least min)."},
          max);
  v.field({.name = "bits",
           .help = "Compare the number made of these bits of the mask band (0 is the lowest) "
                   "instead of the whole value; alone: hide where any of them is set."},
          bits);
  v.field({.name = "invert", .help = "Hide what is not listed instead."}, invert);
  v.field({.name = "band",
           .help = "The mask band; by default that of mask_band.",
           .aliases = {"mask_band"}},
          band);
  v.field({.name = "dilate", .help = "Grow hidden areas by this many cells of the mask band."},
          dilate);
  v.field({.name = "missing",
           .help = "What becomes of an image that lacks the mask band: error, ignore (it is used "
                   "without a mask) or drop (it is left out).",
           .choices = {"error", "ignore", "drop"}},
          missing);
  v.field({.name = "mask_type",
           .help = "gdalcubes' form: bits are compared where they stand, not shifted down.",
           .choices = {"value_mask", "range_mask"}},
          mask_type);
}

std::vector<CollectionMask> make_masks(const std::vector<MaskParams>& params,
                                       const std::optional<std::string>& mask_band,
                                       const CubeInfo& bands) {
  if (mask_band && params.empty()) {
    throw Error(ErrorCode::kInvalid, "mask_band is given without mask", "/mask_band",
                "say in mask which of its values hide a cell");
  }
  std::vector<CollectionMask> masks;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const std::string where = "/mask" + pointer_step(i);
    const auto& name = params[i].band ? params[i].band : mask_band;
    if (!name) {
      throw Error(ErrorCode::kInvalid, "the mask names no band", where,
                  "give band, or mask_band beside mask");
    }
    const std::string& missing = params[i].missing;
    masks.push_back({.band = bands.band(*name, params[i].band ? where + "/band" : "/mask_band"),
                     .rule = make_rule(params[i], where),
                     .missing = missing == "ignore" ? CollectionMask::Missing::kIgnore
                                : missing == "drop" ? CollectionMask::Missing::kDrop
                                                    : CollectionMask::Missing::kError});
  }
  return masks;
}

const ImageBand* find_band(const Image& image, std::size_t band) {
  const auto found = std::ranges::find(image.bands, band, &ImageBand::band);
  return found == image.bands.end() ? nullptr : &*found;
}

void drop_unmaskable(std::vector<Image>& images, const std::vector<CollectionMask>& masks,
                     const std::vector<BandInfo>& bands) {
  std::erase_if(images, [&](const Image& image) {
    return std::ranges::any_of(masks, [&](const CollectionMask& mask) {
      if (mask.missing == CollectionMask::Missing::kIgnore || find_band(image, mask.band)) {
        return false;
      }
      if (mask.missing == CollectionMask::Missing::kDrop) return true;
      throw Error(ErrorCode::kInvalid,
                  "image " + image.name + " has no mask band '" + bands[mask.band].name + "'",
                  "/mask",
                  "\"missing\": \"ignore\" uses such images unmasked, \"drop\" leaves them out");
    });
  });
}

NativeMask native_mask(const Image& image, const std::vector<CollectionMask>& masks,
                       const std::vector<BandInfo>& bands) {
  NativeMask out;
  for (const CollectionMask& mask : masks) {
    const ImageBand* file = find_band(image, mask.band);
    if (!file) continue;
    out.layers.push_back({.band = {.descriptor = file->descriptor,
                                   .band = file->raster_band,
                                   .nodata = bands[mask.band].nodata,
                                   .crs = file->crs},
                          .rule = mask.rule});
  }
  return out;
}

BlockPtr hide_cells(const BlockPtr& block, const BlockPtr& mask, const MaskRule& rule) {
  if (!block) return nullptr;
  if (!mask) return rule.invert ? nullptr : block;
  const MaskTest test(rule);
  const Region& region = block->region();
  Block out(region, block->storage());
  std::vector<double> cells;
  std::vector<double> scratch;
  std::vector<double> mask_scratch;
  for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
    const auto row = block->row(region.t.begin, y, scratch);
    const auto quality = mask->row(region.t.begin, y, mask_scratch);
    cells.assign(row.begin(), row.end());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (test.hides(quality[i])) cells[i] = kMissing;
    }
    out.set_row(region.t.begin, y, cells);
  }
  return share(std::move(out));
}

}  // namespace cube
