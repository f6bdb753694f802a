// Order statistics of all cells of a slice; see space_statistic.h for how.
#include <algorithm>
#include <utility>
#include <vector>

#include "engine/counted_mode.h"
#include "engine/missing.h"
#include "engine/radix_select.h"
#include "engine/reducer_states.h"
#include "engine/space_statistic.h"

namespace cube {

namespace {

bool has_short_cells(const Storage& storage) { return size_of(storage.dtype) <= 2; }

// Calls row(values) for the rows of a slice, as doubles.
template <class F>
void each_row(const Block& block, std::int64_t t, std::vector<double>& scratch, F&& row) {
  for (std::int64_t y = block.region().y.begin; y < block.region().y.end; ++y) {
    row(block.row(t, y, scratch));
  }
}

// The cells of one slice as they are stored.
template <class T>
std::span<const T> slice_of(const Block& block, std::int64_t t) {
  const Region& region = block.region();
  const auto n = static_cast<std::size_t>(region.y.size() * region.x.size());
  return block.cells<T>().subspan(block.offset(t, region.y.begin, region.x.begin), n);
}

// Few cells: their values.
class HeldOrder final : public SpaceStatistic {
 public:
  HeldOrder(const Reducer& reducer, std::int64_t cells)
      : kind_(reducer.kind()), quantile_(reducer.quantile()) {
    values_.reserve(static_cast<std::size_t>(cells));
  }

  void begin() override { values_.clear(); }

  void add(const Block& block, std::int64_t t) override {
    each_row(block, t, row_, [&](std::span<const double> row) {
      for (const double v : row) {
        if (v == v) values_.push_back(v);
      }
    });
  }

  bool wants_again() override {
    result_ = kind_ == Reducer::Kind::kMode  ? mode_of_values(values_)
              : kind_ == Reducer::Kind::kMad ? mad_of_values(values_)
                                             : quantile_of_values(values_, quantile_);
    return false;
  }

  double result() const override { return result_; }

 private:
  Reducer::Kind kind_;
  double quantile_;
  std::vector<double> values_;
  std::vector<double> row_;
  double result_ = kMissing;
};

// Types of 8 and 16 bits: how often each value comes.
class HistogramOrder final : public SpaceStatistic {
 public:
  HistogramOrder(const Reducer& reducer, const Storage& storage)
      : kind_(reducer.kind()),
        quantile_(reducer.quantile()),
        lowest_(static_cast<std::int64_t>(lowest(storage.dtype))),
        counts_(static_cast<std::size_t>(highest(storage.dtype) - lowest(storage.dtype)) + 1) {
    if (!storage.nodata) return;
    dispatch(storage.dtype, [&]<class T>(std::type_identity<T>) {
      nodata_ = static_cast<std::int64_t>(cell_cast<T>(*storage.nodata));
    });
  }

  void begin() override { std::fill(counts_.begin(), counts_.end(), 0); }

  void add(const Block& block, std::int64_t t) override {
    dispatch(block.dtype(), [&]<class T>(std::type_identity<T>) {
      if constexpr (sizeof(T) <= 2) {
        std::int64_t* zero = counts_.data() - lowest_;
        for (const T v : slice_of<T>(block, t)) ++zero[v];
      }
    });
  }

  bool wants_again() override {
    if (nodata_) counts_[static_cast<std::size_t>(*nodata_ - lowest_)] = 0;
    std::vector<Counted> values;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) continue;
      values.push_back({static_cast<double>(static_cast<std::int64_t>(i) + lowest_), counts_[i]});
    }
    result_ = values.empty() ? kMissing : of(std::move(values));
    return false;
  }

  double result() const override { return result_; }

  static constexpr std::int64_t kBytes = 5 * sizeof(std::int64_t) << 16;  // counts and values

 private:
  struct Counted {
    double value;
    std::int64_t count;
  };

  double of(std::vector<Counted> values) const {
    if (kind_ == Reducer::Kind::kMode) {
      const auto fewer = [](const Counted& a, const Counted& b) { return a.count < b.count; };
      return std::max_element(values.begin(), values.end(), fewer)->value;
    }
    const double quantile = quantile_of(values, quantile_);
    if (kind_ != Reducer::Kind::kMad) return quantile;
    for (Counted& value : values) value.value = deviation(value.value, quantile);
    std::sort(values.begin(), values.end(),
              [](const Counted& a, const Counted& b) { return a.value < b.value; });
    return quantile_of(values, quantile_);
  }

  // REQUIRES: sorted, not empty.
  static double quantile_of(const std::vector<Counted>& values, double quantile) {
    std::int64_t n = 0;
    for (const Counted& value : values) n += value.count;
    const QuantilePosition at(quantile, static_cast<double>(n));
    auto rank = static_cast<std::int64_t>(at.index);
    std::size_t i = 0;
    while (rank >= values[i].count) rank -= values[i++].count;
    if (!(at.fraction > 0)) return values[i].value;
    const std::size_t next = rank + 1 < values[i].count ? i : i + 1;
    return at.between(values[i].value, values[next].value);
  }

  Reducer::Kind kind_;
  double quantile_;
  std::optional<std::int64_t> nodata_;
  std::int64_t lowest_;
  std::vector<std::int64_t> counts_;
  double result_ = kMissing;
};

// median and quantiles of wider types; of mad, the first half.
template <class T>
class RadixOrder final : public SpaceStatistic {
 public:
  RadixOrder(const Reducer& reducer, const Storage& storage)
      : quantile_(reducer.quantile()), mad_(reducer.kind() == Reducer::Kind::kMad) {
    if constexpr (!std::is_floating_point_v<T>) {
      has_nodata_ = storage.nodata.has_value();
      nodata_ = cell_cast<T>(storage.nodata.value_or(0));
    }
  }

  void begin() override {
    deviates_ = false;
    result_ = kMissing;
    values_.begin(quantile_);
  }

  void add(const Block& block, std::int64_t t) override {
    const std::span<const T> cells = slice_of<T>(block, t);
    const auto skip = [&](std::size_t i) { return missing(cells[i]); };
    if (!deviates_) {
      values_.add(cells.size(), skip, [&](std::size_t i) { return key_of(cells[i]); });
    } else {
      deviations_.add(cells.size(), skip, [&](std::size_t i) {
        return key_of(deviation(static_cast<double>(cells[i]), result_));
      });
    }
  }

  bool wants_again() override {
    if (deviates_) {
      if (deviations_.wants_again()) return true;
      result_ = deviations_.result<double>();
      return false;
    }
    if (values_.wants_again()) return true;
    if (values_.count() == 0) return false;
    result_ = values_.template result<T>();
    if (!mad_) return false;
    deviates_ = true;
    deviations_.begin(quantile_);
    return true;
  }

  double result() const override { return result_; }

 private:
  bool missing(T cell) const {
    if constexpr (std::is_floating_point_v<T>) {
      return cell != cell;
    } else {
      return has_nodata_ && cell == nodata_;
    }
  }

  double quantile_;
  bool mad_;
  bool has_nodata_ = false;
  T nodata_ = 0;
  RadixSelect values_{sizeof(T) == sizeof(double) ? 64 : 32};
  RadixSelect deviations_{64};
  bool deviates_ = false;  // result_ is the median, from which deviations are taken
  double result_ = kMissing;
};

// mode of wider types.
class ModeOrder final : public SpaceStatistic {
 public:
  void begin() override { mode_.begin(); }
  void add(const Block& block, std::int64_t t) override {
    each_row(block, t, row_, [&](std::span<const double> row) { mode_.add(row); });
  }
  bool wants_again() override { return mode_.wants_again(); }
  double result() const override { return mode_.result(); }

 private:
  CountedMode mode_;
  std::vector<double> row_;
};

}  // namespace

std::unique_ptr<SpaceStatistic> make_space_order(const Reducer& reducer, const Storage& storage,
                                                 std::int64_t cells) {
  if (cells <= SpaceStatistic::kHeldCells) return std::make_unique<HeldOrder>(reducer, cells);
  if (has_short_cells(storage)) return std::make_unique<HistogramOrder>(reducer, storage);
  if (reducer.kind() == Reducer::Kind::kMode) return std::make_unique<ModeOrder>();
  return dispatch(storage.dtype,
                  [&]<class T>(std::type_identity<T>) -> std::unique_ptr<SpaceStatistic> {
                    if constexpr (sizeof(T) > 2)
                      return std::make_unique<RadixOrder<T>>(reducer, storage);
                    return nullptr;
                  });
}

std::int64_t space_order_bytes(const Reducer& reducer, const Storage& storage, std::int64_t cells) {
  constexpr std::int64_t kHistograms = 2;
  if (cells <=
      SpaceStatistic::kHeldCells) {  // a vector grows to twice its size, beside the old one
    return 3 * cells * static_cast<std::int64_t>(sizeof(double));
  }
  if (has_short_cells(storage)) return HistogramOrder::kBytes;
  if (reducer.kind() == Reducer::Kind::kMode) return CountedMode::bytes();
  return kHistograms * RadixSelect::kBytes;
}

}  // namespace cube
