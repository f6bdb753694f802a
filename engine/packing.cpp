#include "engine/packing.h"

#include <utility>

#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

std::string unpacking_note(const Packing& packing) {
  return "unpacked: stored * " + number_text(packing.scale) + " + " + number_text(packing.offset);
}

Packing take_packing(BandInfo& band) {
  const Packing packing{std::exchange(band.scale, 1), std::exchange(band.offset, 0)};
  if (!packing.any()) return packing;
  set_computed(band);
  band.note = unpacking_note(packing);
  return packing;
}

BlockPtr unpacked(BlockPtr block, const Packing& packing) {
  if (!block || !packing.any()) return block;
  const Region& region = block->region();
  Block out = Block::unfilled(region, block->storage());
  std::vector<double> scratch;
  std::vector<double> values(static_cast<std::size_t>(region.x.size()));
  for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
    for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
      const auto row = block->row(t, y, scratch);
      for (std::size_t i = 0; i < row.size(); ++i) {
        values[i] = row[i] * packing.scale + packing.offset;
      }
      out.set_row(t, y, values);
    }
  }
  return share(std::move(out));
}

}  // namespace cube
