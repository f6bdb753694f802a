// CollectionSetup: an image collection made ready to be read, with all that a user states checked.
// Thread rule: immutable once made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/collection_mask.h"
#include "engine/composite.h"
#include "engine/image_reader.h"
#include "engine/image_slices.h"
#include "engine/packing.h"
#include "engine/resources.h"
#include "engine/view.h"

namespace cube {

// The arguments of image_collection.
struct CollectionParams {
  std::string file;
  std::optional<View> view;
  std::optional<ChunkSize> chunk_size;
  std::vector<MaskParams> mask;
  std::optional<std::string> mask_band;
  std::string mask_stage = "native";
  bool strict = true;
  bool unpack = false;
  std::vector<std::string> warp_args;

  void fields(FieldVisitor& v);
};

// What is read of one band and what becomes of it.
struct CollectionBand {
  std::size_t band = 0;          // index into ImageIndex::bands()
  std::optional<double> nodata;  // NaN = the files' own does not count
  Resampling resampling = Resampling::kNearest;
  Storage read;                     // as it comes from the reader
  Packing stored = {};              // scale and offset of images that have none of their own
  std::optional<Packing> wanted{};  // those of the result; null = all images have them

  // What becomes of the values of a file, so that they have the result's scale and offset.
  Packing packing(const ImageBand& file) const;
};

// Everything the operator needs, checked.
struct CollectionSetup {
  CubeInfo info;
  Aggregation aggregation;
  std::vector<BandInfo> stored;       // ImageIndex::bands()
  std::vector<CollectionBand> bands;  // of info.bands
  std::vector<CollectionMask> masks;
  OverviewChoice overviews;  // of the bands, not of masks
  std::optional<ImageSlices> slices;
  std::string why_empty;  // "" = there are images in the view
};

// Opens the catalog, makes the view's grid and time axis and finds the images in it (one query).
// Throws Error that points into the node ("/view/space/left", "/mask/0").
CollectionSetup make_setup(const CollectionParams& params, const Resources& resources);

}  // namespace cube
