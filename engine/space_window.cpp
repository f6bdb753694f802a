#include "engine/space_window.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "engine/fold_window.h"
#include "engine/missing.h"
#include "engine/multiversion.h"
#include "engine/order_window.h"

namespace cube {

namespace {

constexpr auto kValueBytes = static_cast<std::int64_t>(sizeof(double));

CUBE_MULTIVERSION void add_weighted(const double* values, std::size_t n, double weight,
                                    double* sums) {
  for (std::size_t i = 0; i < n; ++i) sums[i] += weight * values[i];
}

// Of values that are there; the sums of their weights too.
CUBE_MULTIVERSION void add_weighted_there(const double* values, std::size_t n, double weight,
                                          double* sums, double* weights) {
  for (std::size_t i = 0; i < n; ++i) {
    const bool there = values[i] == values[i];
    sums[i] += there ? weight * values[i] : 0.0;
    weights[i] += there ? weight : 0.0;
  }
}

// Sums scaled as if all weights were there; missing of nothing.
CUBE_MULTIVERSION void scale_up(std::size_t n, double all, const double* weights, double* sums) {
  for (std::size_t i = 0; i < n; ++i) {
    sums[i] = weights[i] != 0 ? sums[i] * (all / weights[i]) : kMissing;
  }
}

// The `n` cells of row y from column x on.
const double* cells_at(const PaddedSlice& in, std::int64_t y, std::int64_t x) {
  return in.row(y).data() + (x - in.columns().begin);
}

class KernelWindow final : public SpaceWindow {
 public:
  KernelWindow(SpaceKernel kernel, bool skip_missing)
      : kernel_(std::move(kernel)),
        skip_missing_(skip_missing),
        sum_(std::accumulate(kernel_.weights.begin(), kernel_.weights.end(), 0.0)) {}

  void run(const PaddedSlice& in, std::int64_t y, std::int64_t x, std::span<double> out) override {
    std::fill(out.begin(), out.end(), 0.0);
    if (skip_missing_) weights_.assign(out.size(), 0.0);
    const double* weight = kernel_.weights.data();
    for (std::int64_t r = 0; r < kernel_.rows; ++r) {
      for (std::int64_t c = 0; c < kernel_.columns; ++c, ++weight) {
        if (*weight == 0) continue;
        const double* values = cells_at(in, y - kernel_.rows / 2 + r, x - kernel_.columns / 2 + c);
        if (skip_missing_) {
          add_weighted_there(values, out.size(), *weight, out.data(), weights_.data());
        } else {
          add_weighted(values, out.size(), *weight, out.data());
        }
      }
    }
    if (skip_missing_) scale_up(out.size(), sum_, weights_.data(), out.data());
  }

 private:
  SpaceKernel kernel_;
  bool skip_missing_;
  double sum_;
  std::vector<double> weights_;
};

// Keeps rows that are filtered along the row already, as rows are asked for from the top down.
class SeparableWindow final : public SpaceWindow {
 public:
  SeparableWindow(std::vector<double> weights, bool skip_missing)
      : weights_(std::move(weights)), skip_missing_(skip_missing), filtered_(weights_.size()) {}

  void begin() override {
    for (Row& row : filtered_) row.columns = {};
  }

  void run(const PaddedSlice& in, std::int64_t y, std::int64_t x, std::span<double> out) override {
    const std::size_t n = out.size();
    std::fill(out.begin(), out.end(), 0.0);
    if (skip_missing_) sums_.assign(n, 0.0);
    const auto reach = static_cast<std::int64_t>(weights_.size() / 2);
    for (std::size_t k = 0; k < weights_.size(); ++k) {
      const Row& row = filtered(in, y - reach + static_cast<std::int64_t>(k), x, n);
      add_weighted(row.values.data(), n, weights_[k], out.data());
      if (skip_missing_) add_weighted(row.weights.data(), n, weights_[k], sums_.data());
    }
    if (skip_missing_) scale_up(n, 1, sums_.data(), out.data());
  }

 private:
  struct Row {
    std::int64_t y = 0;
    Range columns;  // empty: nothing is kept
    std::vector<double> values;
    std::vector<double> weights;
  };

  const Row& filtered(const PaddedSlice& in, std::int64_t y, std::int64_t x, std::size_t n) {
    const auto size = static_cast<std::int64_t>(filtered_.size());
    Row& row = filtered_[static_cast<std::size_t>((y % size + size) % size)];
    const Range columns{x, x + static_cast<std::int64_t>(n)};
    if (row.y == y && row.columns == columns) return row;
    row.y = y;
    row.columns = columns;
    row.values.assign(n, 0.0);
    if (skip_missing_) row.weights.assign(n, 0.0);
    const std::int64_t first = x - size / 2;
    for (std::size_t k = 0; k < weights_.size(); ++k) {
      const double* values = cells_at(in, y, first + static_cast<std::int64_t>(k));
      if (skip_missing_) {
        add_weighted_there(values, n, weights_[k], row.values.data(), row.weights.data());
      } else {
        add_weighted(values, n, weights_[k], row.values.data());
      }
    }
    return row;
  }

  std::vector<double> weights_;
  bool skip_missing_;
  std::vector<Row> filtered_;  // row y at y modulo their number
  std::vector<double> sums_;
};

// Columns that order statistics take at a time: their values fill a few megabytes at most.
std::int64_t strip_columns(const Reducer& reducer, const SpaceReach& reach) {
  constexpr std::int64_t kFold = 4096;
  constexpr std::int64_t kValues = std::int64_t{1} << 18;
  constexpr std::int64_t kLeast = 32;
  return reducer.holds_values() ? std::clamp(kValues / reach.cells(), kLeast, kFold) : kFold;
}

class ReducerWindow final : public SpaceWindow {
 public:
  ReducerWindow(const Reducer& reducer, const SpaceReach& reach)
      : state_(reducer.state(reach.cells())),
        reach_(reach),
        strip_(strip_columns(reducer, reach)) {}

  void run(const PaddedSlice& in, std::int64_t y, std::int64_t x, std::span<double> out) override {
    while (!out.empty()) {
      const std::size_t n = std::min(out.size(), static_cast<std::size_t>(strip_));
      run_strip(in, y, x, out.first(n));
      out = out.subspan(n);
      x += static_cast<std::int64_t>(n);
    }
  }

 private:
  void run_strip(const PaddedSlice& in, std::int64_t y, std::int64_t x, std::span<double> out) {
    state_->begin(out.size());
    double position = 0;
    for (std::int64_t dy = -reach_.y; dy <= reach_.y; ++dy) {
      for (std::int64_t dx = -reach_.x; dx <= reach_.x; ++dx) {
        state_->add({cells_at(in, y + dy, x + dx), out.size()}, position);
        position += 1;
      }
    }
    state_->finish(out);
  }

  std::unique_ptr<ReducerState> state_;
  SpaceReach reach_;
  std::int64_t strip_;
};

// Quantiles of large windows.
bool moves_in_order(const Reducer& reducer, const SpaceReach& reach) {
  using Kind = Reducer::Kind;
  static constexpr std::array kQuantiles = {Kind::kMedian, Kind::kQuantile, Kind::kQ1, Kind::kQ3};
  return reach.cells() >= kLeastOrderWindow &&
         std::find(kQuantiles.begin(), kQuantiles.end(), reducer.kind()) != kQuantiles.end();
}

// How much rows above and below, and columns left and right, differ: sums of Horn's (Sobel's)
// weights 1 2 1, to the east and to the south.
struct Rise {
  double east;
  double south;
};

Rise rise_at(const double* above, const double* here, const double* below, std::size_t i) {
  return {
      (above[i + 2] + 2 * here[i + 2] + below[i + 2]) - (above[i] + 2 * here[i] + below[i]),
      (below[i] + 2 * below[i + 1] + below[i + 2]) - (above[i] + 2 * above[i + 1] + above[i + 2])};
}

class TerrainWindow final : public SpaceWindow {
 public:
  explicit TerrainWindow(const Terrain& terrain) : terrain_(terrain) {}

  void run(const PaddedSlice& in, std::int64_t y, std::int64_t x, std::span<double> out) override {
    constexpr double kWeights = 8;  // the sum of Horn's on either side, times two cells
    const double* above = cells_at(in, y - 1, x - 1);
    const double* here = cells_at(in, y, x - 1);
    const double* below = cells_at(in, y + 1, x - 1);
    const bool sobel = terrain_.kind == Terrain::Kind::kSobel;
    const double east = sobel ? 1 : terrain_.z_factor / (kWeights * terrain_.dx);
    const double south = sobel ? 1 : terrain_.z_factor / (kWeights * terrain_.dy);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Rise rise = rise_at(above, here, below, i);
      const double value = of({rise.east * east, rise.south * south});
      out[i] = here[i + 1] == here[i + 1] ? value : kMissing;  // the middle has no weight
    }
  }

 private:
  double of(const Rise& gradient) const {
    switch (terrain_.kind) {
      case Terrain::Kind::kSlope:
        return slope(gradient);
      case Terrain::Kind::kAspect:
        return aspect(gradient);
      case Terrain::Kind::kHillshade:
        return hillshade(gradient);
      default:
        return steepness(gradient);
    }
  }

  static double steepness(const Rise& g) { return std::sqrt(g.east * g.east + g.south * g.south); }

  double slope(const Rise& g) const {
    constexpr double kPercent = 100;
    return terrain_.percent ? kPercent * steepness(g) : std::atan(steepness(g)) * kDegrees;
  }

  static double aspect(const Rise& g) {
    if (g.east == 0 && g.south == 0) return kMissing;
    const double degrees = std::atan2(-g.east, g.south) * kDegrees;  // downhill, from north
    const double positive = degrees < 0 ? degrees + kCircle : degrees;
    return positive >= kCircle ? 0 : positive;
  }

  // The cosine of the angle between the light and the surface's normal.
  double hillshade(const Rise& g) const {
    constexpr double kShades = 254;
    const double light_east = std::sin(terrain_.azimuth / kDegrees);
    const double light_north = std::cos(terrain_.azimuth / kDegrees);
    const double toward = -g.east * light_east + g.south * light_north;
    const double cosine =
        (std::sin(terrain_.altitude / kDegrees) + std::cos(terrain_.altitude / kDegrees) * toward) /
        std::sqrt(1 + g.east * g.east + g.south * g.south);
    const double shade = 1 + kShades * (cosine > 0 ? cosine : 0);
    return cosine == cosine ? std::floor(shade + 0.5) : kMissing;
  }

  static constexpr double kCircle = 360;
  static constexpr double kDegrees = 180 / std::numbers::pi;

  Terrain terrain_;
};

}  // namespace

std::unique_ptr<SpaceWindow> kernel_window(SpaceKernel kernel, bool skip_missing) {
  return std::make_unique<KernelWindow>(std::move(kernel), skip_missing);
}

std::unique_ptr<SpaceWindow> separable_window(std::vector<double> row_weights, bool skip_missing) {
  return std::make_unique<SeparableWindow>(std::move(row_weights), skip_missing);
}

std::int64_t separable_window_bytes(const SpaceReach& reach) {
  return 2 * (2 * reach.y + 2) * kValueBytes;  // values and weights of each row and of the result
}

std::unique_ptr<SpaceWindow> reducer_window(const Reducer& reducer, const SpaceReach& reach) {
  if (auto window = fold_window(reducer, reach)) return window;
  if (moves_in_order(reducer, reach)) return order_window(reducer.quantile(), reach);
  return std::make_unique<ReducerWindow>(reducer, reach);
}

std::int64_t reducer_window_column_bytes(const Reducer& reducer, const SpaceReach& reach) {
  if (moves_in_order(reducer, reach)) return order_window_column_bytes(reach);
  return fold_window(reducer, reach) ? fold_window_column_bytes(reach) : 0;
}

std::int64_t reducer_window_bytes(const Reducer& reducer, const SpaceReach& reach) {
  if (moves_in_order(reducer, reach)) return order_window_bytes(reach);
  return reducer.state_bytes(strip_columns(reducer, reach), reach.cells());
}

std::unique_ptr<SpaceWindow> terrain_window(const Terrain& terrain) {
  return std::make_unique<TerrainWindow>(terrain);
}

}  // namespace cube
