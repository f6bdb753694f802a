#include "engine/constant_source.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"

namespace cube {

namespace {

constexpr std::int64_t kMostBands = 10000;

class FillKernel final : public Kernel {
 public:
  explicit FillKernel(std::optional<double> fill) : fill_(fill) {}

  Chunk run(const Request& request, Inputs&) override {
    Chunk chunk{request.region, std::vector<BlockPtr>(request.bands.size())};
    if (!fill_ || request.bands.empty()) return chunk;
    Block block(request.region, with_missing(DType::kFloat64, {}));
    std::ranges::fill(block.cells<double>(), *fill_);
    std::ranges::fill(chunk.bands, share(std::move(block)));
    return chunk;
  }

 private:
  std::optional<double> fill_;
};

}  // namespace

void ConstantSource::Layout::fields(FieldVisitor& v) {
  v.field({.name = "view", .help = "Grid and time axis of the cube.", .required = true}, view);
  v.field({.name = "nbands", .help = "Number of bands, named band1, band2, ..."}, nbands);
  v.field({.name = "chunk_size", .help = "Preferred chunk [t, y, x] in cells."}, chunk_size);
}

ConstantSource::ConstantSource(const Layout& layout, std::optional<double> fill)
    : Operator(described(layout)),
      fill_(fill && std::isnan(*fill) ? std::nullopt : fill),
      chunk_(make_chunk_shape(layout.chunk_size, "/chunk_size")) {}

CubeInfo ConstantSource::described(const Layout& layout) {
  CubeInfo info = make_axes(layout.view, "/view");
  if (layout.nbands < 1 || layout.nbands > kMostBands) {
    throw Error(ErrorCode::kInvalid, "the number of bands is " + std::to_string(layout.nbands),
                "/nbands", "from 1 to " + std::to_string(kMostBands));
  }
  const Storage storage = with_missing(DType::kFloat64, {});
  for (std::int64_t i = 1; i <= layout.nbands; ++i) {
    BandInfo band;
    band.name = "band" + std::to_string(i);
    band.dtype = storage.dtype;
    band.nodata = storage.nodata;
    info.bands.push_back(std::move(band));
  }
  return info;
}

std::unique_ptr<Kernel> ConstantSource::kernel() const {
  return std::make_unique<FillKernel>(fill_);
}

Cost ConstantSource::cost(const Request&) const {
  Cost cost;
  cost.empty = !fill_;
  return cost;
}

}  // namespace cube
