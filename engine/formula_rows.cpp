#include "engine/formula_rows.h"

#include <algorithm>

#include "engine/missing.h"

namespace cube {

namespace {

const BlockPtr& block_of(const Chunk& chunk, std::span<const std::size_t> pulled,
                         std::size_t band) {
  const auto place = std::lower_bound(pulled.begin(), pulled.end(), band);
  assert(place != pulled.end() && *place == band);
  return chunk.bands[static_cast<std::size_t>(place - pulled.begin())];
}

}  // namespace

std::vector<std::size_t> united(std::vector<std::size_t> bands, std::span<const std::size_t> more) {
  bands.insert(bands.end(), more.begin(), more.end());
  std::sort(bands.begin(), bands.end());
  bands.erase(std::unique(bands.begin(), bands.end()), bands.end());
  return bands;
}

void FormulaRows::run(const Chunk& chunk, std::span<const std::size_t> pulled, const Region& region,
                      std::int64_t t, std::int64_t y, std::span<double> out) {
  strips_.clear();
  for (std::size_t k = 0; k < scratch_.size(); ++k) {
    const BlockPtr& block = block_of(chunk, pulled, formula_.bands()[k]);
    if (block) {
      strips_.push_back(block->row(t, y, scratch_[k]));
    } else {
      missing_.resize(out.size(), kMissing);
      strips_.push_back(std::span<const double>(missing_).first(out.size()));
    }
  }
  runner_.run(strips_, {&cube_, t, y, region.x}, out);
}

bool FormulaRows::surely_missing(const Chunk& chunk, std::span<const std::size_t> pulled) const {
  if (formula_.survives_missing()) return false;
  return std::all_of(formula_.bands().begin(), formula_.bands().end(),
                     [&](std::size_t band) { return !block_of(chunk, pulled, band); });
}

}  // namespace cube
