// Packings: scales and offsets of a band that differ from image to image.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/collection.h"

namespace cube {

// "some images have offset -0.1": of those beside the band's own, in order of their numbers.
std::string packings_text(std::vector<Packing> packings);

// What the file of a band of an image says, else the band.
Packing packing_of(const CollectedImage::Source& source, const BandInfo& band);

// How many images have which scale and offset of a band.
class PackingCounts {
 public:
  void add(const Packing& packing, std::int64_t images = 1) { counts_[packing] += images; }
  // That of most images, of equally many the least offset; nullopt of none.
  std::optional<Packing> most() const;

  struct Earlier {  // least offset first
    bool operator()(const Packing& a, const Packing& b) const;
  };

 private:
  std::map<Packing, std::int64_t, Earlier> counts_;
};

// Gives each band the scale and offset of most of its images, of equally many the least offset, and
// the others their own. Bands that other images have stay as they are.
void settle_packings(Collection& collection);

}  // namespace cube
