// Reducers that need all values of a series in order.
//
// Series of up to kLongestNetwork values are sorted side by side by a sorting network: the same
// minimum and maximum of two rows for all of them, without branches. Missing values become
// +infinity and end up last; a series' count tells them from infinities of the data. Measured with
// SSE2, a value: 2 ns in series of 12 to 6 ns in series of 365, where std::nth_element takes 12 ns.
// Longer series are taken one by one.
#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/missing.h"
#include "engine/multiversion.h"
#include "engine/quantile_position.h"
#include "engine/reducer_states.h"

namespace cube {

namespace {

constexpr std::size_t kLanes = 32;            // series side by side
constexpr std::size_t kShort = 64;            // rows that are sooner gone through than indexed
constexpr std::size_t kLongestNetwork = 512;  // beyond, picking out of one series is faster

using Lanes = std::array<double, kLanes>;
using Comparator = std::pair<std::uint16_t, std::uint16_t>;

// Batcher's merge exchange (Knuth 5.2.2, algorithm M): sorts any `length` values.
std::vector<Comparator> sorting_network(std::size_t length) {
  std::vector<Comparator> network;
  std::size_t top = 1;
  while (2 * top < length) top *= 2;
  for (std::size_t p = top; p > 0; p /= 2) {
    std::size_t q = top;
    std::size_t r = 0;
    std::size_t distance = p;
    while (true) {
      for (std::size_t i = 0; i + distance < length; ++i) {
        if ((i & p) != r) continue;
        network.emplace_back(static_cast<std::uint16_t>(i),
                             static_cast<std::uint16_t>(i + distance));
      }
      if (q == p) break;
      distance = q - p;
      q /= 2;
      r = p;
    }
  }
  return network;
}

// The two selects are written as the processor's min and max are defined, so that they become these
// instructions. Of -0 and 0, which are equal, the same may be kept twice.
CUBE_MULTIVERSION void sort_lanes(std::span<const Comparator> network, Lanes* rows) {
  for (const auto& [i, j] : network) {
    double* __restrict a = rows[i].data();
    double* __restrict b = rows[j].data();
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double x = a[lane];
      const double y = b[lane];
      a[lane] = y < x ? y : x;
      b[lane] = y > x ? y : x;
    }
  }
}

// Series side by side, sorted: value j of series `lane` is rows[j][lane], values 0 to counts[lane]
// - 1.
struct Tile {
  std::vector<Lanes> rows;
  Lanes counts;
  const std::vector<Comparator>* network;
};

// Fills the rows of a tile from rows `stride` apart.
CUBE_MULTIVERSION void load_lanes(const double* __restrict values, std::size_t stride, Tile& tile) {
  tile.counts.fill(0);
  double* __restrict counts = tile.counts.data();
  for (Lanes& lanes : tile.rows) {
    double* __restrict row = lanes.data();
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double value = values[lane];
      row[lane] = value == value ? value : kInfinity;
      counts[lane] += value == value ? 1.0 : 0.0;
    }
    values += stride;
  }
}

double quantile_of_lane(const Tile& tile, std::size_t lane, double quantile) {
  if (tile.counts[lane] == 0) return kMissing;
  const QuantilePosition at(quantile, tile.counts[lane]);
  const double low = tile.rows[at.index][lane];
  return at.fraction > 0 ? at.between(low, tile.rows[at.index + 1][lane]) : low;
}

// The quantiles of short series, of all lanes: the rows on both sides are picked out by going
// through all. The same to the bit as quantile_of_lane().
CUBE_MULTIVERSION void quantiles_of_lanes(const Tile& tile, double quantile, Lanes& out) {
  Lanes index;
  Lanes fraction;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const double position = (tile.counts[lane] - 1) * quantile;
    index[lane] = std::floor(position);
    fraction[lane] = position - index[lane];
  }
  Lanes low{};
  Lanes high{};
  for (std::size_t j = 0; j < tile.rows.size(); ++j) {
    const auto place = static_cast<double>(j);
    const double* __restrict row = tile.rows[j].data();
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      low[lane] = index[lane] == place ? row[lane] : low[lane];
      high[lane] = index[lane] + 1 == place ? row[lane] : high[lane];
    }
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const double part = fraction[lane];
    const double between = part == 0.5 ? (low[lane] + high[lane]) / 2  // as QuantilePosition
                                       : low[lane] + part * (high[lane] - low[lane]);
    const double value = part > 0 ? between : low[lane];
    out[lane] = tile.counts[lane] > 0 ? value : kMissing;
  }
}

// REQUIRES: not empty. Reorders the values.
double quantile_of_series(std::vector<double>& values, double quantile) {
  const QuantilePosition at(quantile, static_cast<double>(values.size()));
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(at.index);
  std::nth_element(values.begin(), place, values.end());
  if (!(at.fraction > 0)) return *place;
  return at.between(*place, *std::min_element(place + 1, values.end()));
}

struct Quantile {
  double quantile;

  void of_tile(Tile& tile, Lanes& out) const {
    if (tile.rows.size() <= kShort) return quantiles_of_lanes(tile, quantile, out);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      out[lane] = quantile_of_lane(tile, lane, quantile);
    }
  }
  double of_series(std::vector<double>& values) const {
    return quantile_of_series(values, quantile);
  }
};

struct Mode {
  void of_tile(Tile& tile, Lanes& out) const {
    Lanes run{};
    Lanes longest{};
    out.fill(kMissing);
    for (std::size_t j = 0; j < tile.rows.size(); ++j) {
      const Lanes& row = tile.rows[j];
      const Lanes& before = tile.rows[j > 0 ? j - 1 : 0];
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        run[lane] = row[lane] == before[lane] ? run[lane] + 1 : 1;
        const bool better =
            (run[lane] > longest[lane]) & (static_cast<double>(j) < tile.counts[lane]);
        longest[lane] = better ? run[lane] : longest[lane];
        out[lane] = better ? row[lane] : out[lane];
      }
    }
  }
  double of_series(std::vector<double>& values) const {
    std::sort(values.begin(), values.end());
    double mode = kMissing;
    std::ptrdiff_t longest = 0;
    for (auto run = values.begin(); run != values.end();) {
      const auto end = std::upper_bound(run, values.end(), *run);
      if (end - run > longest) {
        longest = end - run;
        mode = *run;
      }
      run = end;
    }
    return mode;
  }
};

struct Mad {
  void of_tile(Tile& tile, Lanes& out) const {
    constexpr Quantile kMedian{0.5};
    Lanes center;
    kMedian.of_tile(tile, center);
    for (std::size_t j = 0; j < tile.rows.size(); ++j) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const bool there = static_cast<double>(j) < tile.counts[lane];
        tile.rows[j][lane] = there ? deviation(tile.rows[j][lane], center[lane]) : kInfinity;
      }
    }
    sort_lanes(*tile.network, tile.rows.data());
    kMedian.of_tile(tile, out);
  }
  double of_series(std::vector<double>& values) const {
    const double center = quantile_of_series(values, 0.5);
    for (double& value : values) value = deviation(value, center);
    return quantile_of_series(values, 0.5);
  }
};

template <class Statistic>
class OrderState final : public ReducerState {
 public:
  explicit OrderState(Statistic statistic) : statistic_(statistic) {}

  void expect(std::int64_t length) override { expected_ = static_cast<std::size_t>(length); }

  void begin(std::size_t n) override {
    n_ = n;
    length_ = 0;
    values_.clear();
    if (values_.capacity() >= n * expected_) return;
    values_ = {};  // not beside what is taken anew
    values_.reserve(n * expected_);
  }

  void add(std::span<const double> values, double) override {
    assert(values.size() == n_);
    values_.insert(values_.end(), values.begin(), values.end());
    ++length_;
  }

  void merge(const ReducerState&) override { assert(false); }

  void finish(std::span<double> out) override {
    if (length_ > kLongestNetwork) {
      for (std::size_t i = 0; i < n_; ++i) out[i] = of_series(i);
      return;
    }
    if (tile_.rows.size() != length_ || network_.empty()) {
      network_ = sorting_network(length_);
      tile_.rows.resize(length_);
      tile_.network = &network_;
    }
    Lanes result;
    for (std::size_t i = 0; i < n_; i += kLanes) {
      const std::size_t width = std::min(kLanes, n_ - i);
      load(i, width);
      sort_lanes(network_, tile_.rows.data());
      statistic_.of_tile(tile_, result);
      std::copy_n(result.begin(), width, out.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

 private:
  void load(std::size_t first, std::size_t width) {
    if (width == kLanes) {
      load_lanes(values_.data() + first, n_, tile_);
      return;
    }
    edge_.assign(length_ * kLanes, kMissing);
    for (std::size_t j = 0; j < length_; ++j) {
      std::copy_n(values_.data() + j * n_ + first, width, edge_.data() + j * kLanes);
    }
    load_lanes(edge_.data(), kLanes, tile_);
  }

  double of_series(std::size_t i) {
    series_.clear();
    series_.reserve(length_);
    for (std::size_t j = 0; j < length_; ++j) {
      const double value = values_[j * n_ + i];
      if (value == value) series_.push_back(value);
    }
    return series_.empty() ? kMissing : statistic_.of_series(series_);
  }

  Statistic statistic_;
  std::size_t expected_ = 0;  // values of a series
  std::size_t n_ = 0;
  std::size_t length_ = 0;
  std::vector<double> values_;  // value j of series i is values_[j * n_ + i]
  std::vector<double> edge_;    // the last series, filled up to kLanes with missing ones
  std::vector<Comparator> network_;
  Tile tile_;
  std::vector<double> series_;
};

}  // namespace

std::int64_t order_state_bytes(std::int64_t series, std::int64_t length) {
  const auto cell = static_cast<std::int64_t>(sizeof(double));
  const std::int64_t values = series * length * cell;
  if (length > static_cast<std::int64_t>(kLongestNetwork)) return values + length * cell;
  // The tile, the last series filled up, and the network, of log2(n) (log2(n) + 1) / 4 comparators
  // a row, in a list that grows to twice its size beside the old one.
  constexpr std::int64_t kTiles = 2;
  constexpr std::int64_t kComparators = 24;
  constexpr std::int64_t kGrowing = 3;
  return values +
         length * (kTiles * static_cast<std::int64_t>(sizeof(Lanes)) +
                   kGrowing * kComparators * static_cast<std::int64_t>(sizeof(Comparator)));
}

double quantile_of_values(std::vector<double>& values, double quantile) {
  return values.empty() ? kMissing : Quantile{quantile}.of_series(values);
}

double mode_of_values(std::vector<double>& values) { return Mode{}.of_series(values); }

double mad_of_values(std::vector<double>& values) {
  return values.empty() ? kMissing : Mad{}.of_series(values);
}

std::unique_ptr<ReducerState> quantile_state(double quantile) {
  return std::make_unique<OrderState<Quantile>>(Quantile{quantile});
}

std::unique_ptr<ReducerState> mode_state() { return std::make_unique<OrderState<Mode>>(Mode{}); }

std::unique_ptr<ReducerState> mad_state() { return std::make_unique<OrderState<Mad>>(Mad{}); }

}  // namespace cube
