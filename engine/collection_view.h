// The view of a collection for which the user states none.
// Thread rule: a pure function.
#pragma once

#include "engine/image_index.h"
#include "engine/view.h"

namespace cube {

// The extent of all images in the CRS they share (else EPSG:3857), square cells of which 512 lie
// along the longer side, and months from the first image to the last.
// Throws Error(kInvalid) when the collection has no images or no extent.
View view_of_collection(const ImageIndex& index);

}  // namespace cube
