// Packings: scales and offsets of a band that differ from image to image.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "catalog/collection.h"

namespace cube {

// "some images have offset -0.1": of those beside the band's own, in order of their numbers.
std::string packings_text(std::vector<Packing> packings);

// What the file of a band of an image says, else the band.
Packing packing_of(const CollectedImage::Source& source, const BandInfo& band);

// Gives each band the scale and offset of most of its images, of equally many the least offset, and
// the others their own. Bands that other images have stay as they are.
void settle_packings(Collection& collection);

}  // namespace cube
