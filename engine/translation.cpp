#include "engine/translation.h"

#include <utility>

namespace cube {

namespace {

bool same(const Storage& a, const Storage& b) {
  return a.dtype == b.dtype && (is_float(a.dtype) || a.nodata == b.nodata);
}

}  // namespace

Translation::Translation(const CubeInfo& input, std::span<const BandInfo> bands, const By& by)
    : extent_(input.extent()), by_(by) {
  for (const BandInfo& band : bands) storages_.push_back(band.storage());
}

Request Translation::source(const Request& out) const {
  Region region = intersect(out.region.shifted(by_.t, by_.y, by_.x), extent_);
  if (region.empty()) region = {};
  return {region, out.bands};
}

class Translation::Move final : public Kernel {
 public:
  explicit Move(const Translation& how) : how_(how) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    Chunk out{request.region, std::vector<BlockPtr>(request.bands.size())};
    const Request source = how_.source(request);
    if (source.region.empty()) return out;
    Chunk in = inputs.pull(0, source);
    for (std::size_t i = 0; i < out.bands.size(); ++i) {
      if (in.bands[i]) out.bands[i] = moved(in.bands[i], request.region, request.bands[i]);
    }
    return out;
  }

 private:
  BlockPtr moved(const BlockPtr& block, const Region& region, std::size_t band) const {
    const Storage& storage = how_.storages_[band];
    if (block->region() == region && same(block->storage(), storage)) return block;
    Block out(region, storage);
    out.copy_moved(*block, -how_.by_.t, -how_.by_.y, -how_.by_.x);
    return share(std::move(out));
  }

  const Translation& how_;
};

std::unique_ptr<Kernel> Translation::kernel() const { return std::make_unique<Move>(*this); }

}  // namespace cube
