#include "engine/slabs.h"

namespace cube {

namespace {

constexpr std::int64_t kSlabBytes = std::int64_t{256} << 10;

}  // namespace

Slabs::Slabs(const CubeInfo& input) {
  for (const BandInfo& band : input.bands) {
    cell_bytes_.push_back(static_cast<std::int64_t>(size_of(band.dtype)));
  }
}

std::int64_t Slabs::slices(const Request& request) const {
  std::int64_t bytes = 0;  // of a slice
  for (const std::size_t band : request.bands) bytes += cell_bytes_[band];
  bytes *= request.region.y.size() * request.region.x.size();
  return std::max<std::int64_t>(1, kSlabBytes / std::max<std::int64_t>(1, bytes));
}

}  // namespace cube
