#include "engine/cell_reduction.h"

#include <optional>
#include <utility>

#include "engine/missing.h"

namespace cube {

CellReduction::CellReduction(const CubeInfo& input, Reducer reducer, const CellWindows& t,
                             const CellWindows& y, const CellWindows& x, Position position)
    : reducer_(std::move(reducer)),
      t_(t),
      y_(y),
      x_(x),
      locates_(position == Position::kCell && reducer_.locates()) {
  const std::int64_t length = t.longest() * y.longest() * x.longest();
  for (const BandInfo& band : input.bands) {
    bands_.push_back(locates_ ? reducer_.result_band(band, length, y.cells * x.cells)
                              : reducer_.result_band(band, length));
  }
  for (std::int64_t i = 0; i < input.time.size(); ++i) {
    positions_.push_back(reducer_.wants_index() ? static_cast<double>(i)
                                                : epoch_seconds(input.time.start(i)));
  }
}

Request CellReduction::demand(const Request& out) const {
  return {{t_.inside(out.region.t), y_.inside(out.region.y), x_.inside(out.region.x)}, out.bands};
}

Cost CellReduction::cost(const Request& request) const {
  const auto cell = static_cast<std::int64_t>(sizeof(double));
  const std::int64_t length = longest();
  constexpr std::int64_t kStrips = 3;  // one of cells, one of results, first columns
  Cost cost;
  cost.scratch_bytes = reducer_.state_bytes(request.region.x.size(), length) +
                       request.region.x.size() * kStrips * cell +
                       x_.inside(request.region.x).size() * cell;
  return cost;
}

class CellReduction::Work final : public Kernel {
 public:
  explicit Work(const CellReduction& what)
      : what_(what), state_(what.reducer_.state(what.longest())) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    const Region& region = request.region;
    find_columns(region.x);
    std::vector<std::optional<Block>> blocks(request.bands.size());
    const auto make = [&](std::size_t i) {
      if (!blocks[i]) blocks[i].emplace(region, what_.bands_[request.bands[i]].storage());
    };
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (what_.reducer_.counts()) make(i);  // zeros stand where nothing comes
    }
    for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
      const Region window{what_.t_.inside(t), what_.y_.inside(region.y), what_.x_.inside(region.x)};
      const Chunk in = inputs.pull(0, {window, request.bands});
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (!in.bands[i]) continue;
        make(i);
        reduce(*in.bands[i], t, *blocks[i]);
      }
    }
    Chunk out{region, {}};
    for (auto& block : blocks) out.bands.push_back(block ? share(std::move(*block)) : nullptr);
    return out;
  }

 private:
  void find_columns(const Range& columns) {
    firsts_.clear();
    for (std::int64_t x = columns.begin; x <= columns.end; ++x) {
      firsts_.push_back(what_.x_.first(x));
    }
    const auto other = [&](std::int64_t a, std::int64_t b) { return b - a != what_.x_.longest(); };
    alike_ = what_.x_.inside(columns) == what_.x_.whole(columns) &&
             std::ranges::adjacent_find(firsts_, other) == firsts_.end();
  }

  // Slice t of the result.
  void reduce(const Block& in, std::int64_t t, Block& out) {
    const auto n = static_cast<std::size_t>(out.region().x.size());
    strip_.resize(n);
    for (std::int64_t y = out.region().y.begin; y < out.region().y.end; ++y) {
      state_->begin(n);
      const Range slices = what_.t_.inside(t);
      const Range rows = what_.y_.inside(y);
      for (std::int64_t s = slices.begin; s < slices.end; ++s) {
        for (std::int64_t r = rows.begin; r < rows.end; ++r) {
          add_row(in.row(s, r, row_), in.region().x, what_.positions_[static_cast<std::size_t>(s)],
                  r - rows.begin);
        }
      }
      state_->finish(strip_);
      if (what_.locates_) number_cells(rows.begin);
      out.set_row(t, y, strip_);
    }
  }

  // Cell k of every window makes a strip; a cell outside the window or the cube is missing.
  void add_row(std::span<const double> row, const Range& there, double position,
               std::int64_t row_of_window) {
    const std::int64_t longest = what_.x_.longest();
    const auto size = static_cast<std::int64_t>(row.size());
    for (std::int64_t k = 0; k < longest; ++k) {
      if (alike_) {
        const double* from = row.data() + (firsts_[0] + k - there.begin);
        for (std::size_t i = 0; i < strip_.size(); ++i, from += longest) strip_[i] = *from;
      } else {
        for (std::size_t i = 0; i < strip_.size(); ++i) {
          const std::int64_t at = firsts_[i] + k;
          const std::int64_t x = at - there.begin;
          const bool inside = at < firsts_[i + 1] && x >= 0 && x < size;
          strip_[i] = inside ? row[static_cast<std::size_t>(x)] : kMissing;
        }
      }
      if (what_.locates_) position = static_cast<double>(row_of_window * longest + k);
      state_->add(strip_, position);
    }
  }

  // Positions in the windows, whose first row is `first_row`, become numbers in the slice.
  void number_cells(std::int64_t first_row) {
    const auto longest = static_cast<double>(what_.x_.longest());
    for (std::size_t i = 0; i < strip_.size(); ++i) {
      const double row = std::floor(strip_[i] / longest);
      const double column = strip_[i] - row * longest + static_cast<double>(firsts_[i]);
      strip_[i] = (static_cast<double>(first_row) + row) * static_cast<double>(what_.x_.cells) +
                  column;  // missing stays missing
    }
  }

  const CellReduction& what_;
  std::unique_ptr<ReducerState> state_;
  std::vector<std::int64_t> firsts_;  // columns that windows begin at, and the end of the last
  bool alike_ = false;                // windows have the same number of columns, all of them inside
  std::vector<double> strip_;
  std::vector<double> row_;
};

std::unique_ptr<Kernel> CellReduction::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace cube
