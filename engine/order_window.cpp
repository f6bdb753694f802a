#include "engine/order_window.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>
#include <vector>

#include "engine/missing.h"
#include "engine/multiversion.h"
#include "engine/quantile_position.h"
#include "engine/radix_select.h"

namespace cube {

namespace {

using Rank = std::uint32_t;
constexpr Rank kNoRank = std::numeric_limits<Rank>::max();
constexpr std::size_t kWordBits = 64;

// Rows and columns of a tile, so that ranking what its windows reach is shared by many cells.
std::int64_t tile_side(std::int64_t reach) {
  constexpr std::int64_t kLeast = 64;
  constexpr std::int64_t kMost = 256;
  return std::clamp(2 * reach, kLeast, kMost);
}

struct Keyed {
  std::uint64_t key;
  std::uint32_t cell;
};

// Sorts by key, least significant digit first; digits that are the same in all are left out.
void sort_by_key(std::vector<Keyed>& values, std::vector<Keyed>& scratch) {
  constexpr int kDigitBits = 8;
  constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
  constexpr std::size_t kPasses = 64 / kDigitBits;
  const auto digit = [](std::uint64_t key, std::size_t pass) {
    return static_cast<std::size_t>(key >> (pass * kDigitBits)) & (kDigits - 1);
  };
  std::array<std::array<std::uint32_t, kDigits>, kPasses> counts{};
  for (const Keyed& value : values) {
    for (std::size_t pass = 0; pass < kPasses; ++pass) ++counts[pass][digit(value.key, pass)];
  }
  scratch.resize(values.size());
  for (std::size_t pass = 0; pass < kPasses; ++pass) {
    auto& starts = counts[pass];
    if (values.empty() || starts[digit(values[0].key, pass)] == values.size()) continue;
    std::uint32_t sum = 0;
    for (std::uint32_t& start : starts) start = std::exchange(sum, sum + start);
    for (const Keyed& value : values) scratch[starts[digit(value.key, pass)]++] = value;
    std::swap(values, scratch);
  }
}

// A set of ranks and a place in it.
class RankSet {
 public:
  void clear(std::size_t ranks) {
    words_.assign(ranks / kWordBits + 1, 0);
    size_ = 0;
    word_ = 0;
    before_ = 0;
  }

  std::size_t size() const { return size_; }

  void flip(Rank rank, int change) {
    words_[rank / kWordBits] ^= std::uint64_t{1} << (rank % kWordBits);
    size_ += static_cast<std::size_t>(change);
    before_ += rank / kWordBits < word_ ? static_cast<std::size_t>(change) : 0;
  }

  // The element with `k` smaller ones. REQUIRES: k < size().
  Rank select(std::size_t k) {
    while (before_ > k) before_ -= count(--word_);
    for (std::size_t n = count(word_); before_ + n <= k; n = count(++word_)) before_ += n;
    std::uint64_t bits = words_[word_];
    for (std::size_t skip = k - before_; skip > 0; --skip) bits &= bits - 1;
    return static_cast<Rank>(word_ * kWordBits) + static_cast<Rank>(std::countr_zero(bits));
  }

  // The next larger element. REQUIRES: there is one.
  Rank after(Rank rank) const {
    std::size_t word = rank / kWordBits;
    std::uint64_t bits = words_[word] & (~std::uint64_t{1} << (rank % kWordBits));
    while (bits == 0) bits = words_[++word];
    return static_cast<Rank>(word * kWordBits) + static_cast<Rank>(std::countr_zero(bits));
  }

 private:
  std::size_t count(std::size_t word) const {
    return static_cast<std::size_t>(std::popcount(words_[word]));
  }

  std::vector<std::uint64_t> words_;
  std::size_t size_ = 0;
  std::size_t word_ = 0;    // the place
  std::size_t before_ = 0;  // elements in words before it
};

// The ranks of the cells of a tile and of what its windows reach.
struct RankedTile {
  std::int64_t columns = 0;
  std::vector<Rank> ranks;     // of cells, row by row; kNoRank = missing
  std::vector<double> values;  // in order

  const Rank* at(std::int64_t y, std::int64_t x) const { return ranks.data() + y * columns + x; }
};

// What windows of rows x columns cells have in a tile's cells; the window of cell (y, x) begins at
// cell (y, x) of `tile`.
struct TileWalk {
  const RankedTile& tile;
  std::int64_t rows;
  std::int64_t columns;
  double quantile;
  RankSet& set;

  void flip(std::int64_t y, std::int64_t x, std::int64_t down, std::int64_t across, int change) {
    for (std::int64_t j = y; j < y + down; ++j) {
      const Rank* rank = tile.at(j, x);
      for (std::int64_t i = 0; i < across; ++i) {
        if (rank[i] != kNoRank) set.flip(rank[i], change);
      }
    }
  }

  double value() {
    if (set.size() == 0) return kMissing;
    const QuantilePosition at(quantile, static_cast<double>(set.size()));
    const Rank low = set.select(at.index);
    if (!(at.fraction > 0)) return tile.values[low];
    return at.between(tile.values[low], tile.values[set.after(low)]);
  }
};

// Down the first column of the tile, up the next, and so on.
CUBE_MULTIVERSION void walk_tile(const RankedTile& tile, const SpaceReach& reach, double quantile,
                                 RankSet& set, std::int64_t down, std::int64_t across,
                                 std::int64_t stride, double* out) {
  TileWalk walk{tile, 2 * reach.y + 1, 2 * reach.x + 1, quantile, set};
  set.clear(tile.values.size());
  walk.flip(0, 0, walk.rows, walk.columns, 1);
  std::int64_t y = 0;
  for (std::int64_t x = 0; x < across; ++x) {
    if (x > 0) {
      walk.flip(y, x - 1, walk.rows, 1, -1);
      walk.flip(y, x - 1 + walk.columns, walk.rows, 1, 1);
    }
    out[y * stride + x] = walk.value();
    const bool downwards = x % 2 == 0;
    for (std::int64_t k = 1; k < down; ++k) {
      const std::int64_t to = downwards ? y + 1 : y - 1;
      walk.flip(downwards ? y : y + walk.rows - 1, x, 1, walk.columns, -1);
      walk.flip(downwards ? y + walk.rows : to, x, 1, walk.columns, 1);
      y = to;
      out[y * stride + x] = walk.value();
    }
  }
}

class OrderWindow final : public SpaceWindow {
 public:
  OrderWindow(double quantile, const SpaceReach& reach) : quantile_(quantile), reach_(reach) {}

  void begin() override { made_ = {}; }

  void run(const PaddedSlice& in, std::int64_t y, std::int64_t x, std::span<double> out) override {
    const Range columns{x, x + static_cast<std::int64_t>(out.size())};
    if (!made_.contains(y) || columns != columns_) {
      columns_ = columns;
      made_ = {y, std::min(y + tile_side(reach_.y), in.rows().end - reach_.y)};
      make(in);
    }
    std::copy_n(results_.begin() + (y - made_.begin) * columns.size(), out.size(), out.begin());
  }

 private:
  void make(const PaddedSlice& in) {
    results_.resize(static_cast<std::size_t>(made_.size() * columns_.size()));
    const std::int64_t side = tile_side(reach_.x);
    for (std::int64_t x = columns_.begin; x < columns_.end; x += side) {
      const Range columns{x, std::min(x + side, columns_.end)};
      rank(in, columns);
      walk_tile(tile_, reach_, quantile_, set_, made_.size(), columns.size(), columns_.size(),
                results_.data() + (x - columns_.begin));
    }
  }

  void rank(const PaddedSlice& in, const Range& columns) {
    const Range rows{made_.begin - reach_.y, made_.end + reach_.y};
    tile_.columns = columns.size() + 2 * reach_.x;
    tile_.ranks.assign(static_cast<std::size_t>(rows.size() * tile_.columns), kNoRank);
    sorted_.clear();
    std::uint32_t cell = 0;
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      const auto first = static_cast<std::size_t>(columns.begin - reach_.x - in.columns().begin);
      for (const double v : in.row(y).subspan(first, static_cast<std::size_t>(tile_.columns))) {
        if (v == v) sorted_.push_back({key_of(v), cell});
        ++cell;
      }
    }
    sort_by_key(sorted_, scratch_);
    tile_.values.resize(sorted_.size());
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
      tile_.ranks[sorted_[i].cell] = static_cast<Rank>(i);
      tile_.values[i] = value_of<double>(sorted_[i].key);
    }
  }

  double quantile_;
  SpaceReach reach_;
  Range made_;  // rows whose results are at hand, of columns_
  Range columns_;
  std::vector<double> results_;
  RankedTile tile_;
  RankSet set_;
  std::vector<Keyed> sorted_;
  std::vector<Keyed> scratch_;
};

}  // namespace

std::unique_ptr<SpaceWindow> order_window(double quantile, const SpaceReach& reach) {
  return std::make_unique<OrderWindow>(quantile, reach);
}

std::int64_t order_window_bytes(const SpaceReach& reach) {
  constexpr std::int64_t kGrowing = 2;  // lists grow to twice what they hold
  constexpr auto kCell = static_cast<std::int64_t>(sizeof(Rank) + sizeof(double) +
                                                   kGrowing * sizeof(Keyed) + sizeof(Keyed) + 1);
  return kCell * (tile_side(reach.y) + 2 * reach.y) * (tile_side(reach.x) + 2 * reach.x);
}

std::int64_t order_window_column_bytes(const SpaceReach& reach) {
  return tile_side(reach.y) * static_cast<std::int64_t>(sizeof(double));
}

}  // namespace cube
