#include "catalog/packings.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "engine/text.h"

namespace cube {

bool PackingCounts::Earlier::operator()(const Packing& a, const Packing& b) const {
  const auto key = [](const Packing& packing) {
    return std::tuple(std::abs(packing.offset), packing.offset, packing.scale);
  };
  return key(a) < key(b);
}

std::optional<Packing> PackingCounts::most() const {
  const auto at = std::ranges::max_element(counts_, {}, [](const auto& c) { return c.second; });
  return at == counts_.end() ? std::nullopt : std::optional(at->first);
}

std::string packings_text(std::vector<Packing> packings) {
  std::ranges::sort(packings, PackingCounts::Earlier());
  std::vector<std::string> parts;
  for (const Packing& packing : packings) {
    parts.push_back("scale " + number_text(packing.scale) + ", offset " +
                    number_text(packing.offset));
  }
  return "some images have " + join(parts, "; ");
}

Packing packing_of(const CollectedImage::Source& source, const BandInfo& band) {
  return source.packing.value_or(Packing{band.scale, band.offset});
}

void settle_packings(Collection& collection) {
  std::vector<PackingCounts> counts(collection.bands.size());
  for (const CollectedImage& image : collection.images) {
    for (const auto& [band, source] : image.sources) {
      counts[band].add(packing_of(source, collection.bands[band]));
    }
  }
  std::vector<Packing> most;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const BandInfo& band = collection.bands[i];
    const Packing own{band.scale, band.offset};
    most.push_back(collection.has_elsewhere(i) ? own : counts[i].most().value_or(own));
  }
  for (CollectedImage& image : collection.images) {
    for (auto& [band, source] : image.sources) {
      const Packing own = packing_of(source, collection.bands[band]);
      source.packing = own == most[band] ? std::nullopt : std::optional(own);
    }
  }
  for (std::size_t i = 0; i < most.size(); ++i) {
    collection.bands[i].scale = most[i].scale;
    collection.bands[i].offset = most[i].offset;
  }
}

}  // namespace cube
