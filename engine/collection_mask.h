// CollectionMask: which cells of an image collection a quality band hides, as a user states it.
// Thread rule: values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/block.h"
#include "engine/image_index.h"
#include "engine/image_reader.h"
#include "engine/params.h"

namespace cube {

// One element of the `mask` of an image collection.
struct MaskParams {
  std::optional<std::string> mask_type;  // gdalcubes' form: bits stay where they are
  std::vector<double> values;
  std::optional<double> min;
  std::optional<double> max;
  std::vector<std::int64_t> bits;
  bool invert = false;
  std::optional<std::string> band;
  std::int64_t dilate = 0;
  std::string missing = "error";

  void fields(FieldVisitor& v);
};

// The same, checked.
struct CollectionMask {
  enum class Missing : std::uint8_t { kError, kIgnore, kDrop };

  std::size_t band = 0;  // index into ImageIndex::bands()
  MaskRule rule;
  Missing missing = Missing::kError;  // what becomes of an image that lacks the band
};

// Checks `params`; `mask_band` is the band of those that name none. `bands` are the collection's.
// Throws Error with pointers "/mask/0/bits/1" or "/mask_band".
std::vector<CollectionMask> make_masks(const std::vector<MaskParams>& params,
                                       const std::optional<std::string>& mask_band,
                                       const CubeInfo& bands);

// The file of a band of an image; null when the image lacks it.
const ImageBand* find_band(const Image& image, std::size_t band);

// Removes the images that lack a mask band and are to be dropped. Throws Error that names the
// first one for which that is an error.
void drop_unmaskable(std::vector<Image>& images, const std::vector<CollectionMask>& masks,
                     const std::vector<BandInfo>& bands);

// The mask files of one image, to act on its own grid. An image that lacks a band goes without.
NativeMask native_mask(const Image& image, const std::vector<CollectionMask>& masks,
                       const std::vector<BandInfo>& bands);

// `block` without the cells that `mask` (the same region) hides; a null mask is
// missing everywhere.
BlockPtr hide_cells(const BlockPtr& block, const BlockPtr& mask, const MaskRule& rule);

}  // namespace cube
