#include "engine/weighted_select.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/missing.h"
#include "engine/quantile_position.h"
#include "engine/quantile_walk.h"
#include "engine/radix_select.h"

namespace cube {

namespace {

constexpr int kBits = 64;
constexpr int kDigitBits = 16;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

}  // namespace

WeightedSelect::WeightedSelect(const WeightedReducer& reducer)
    : quantile_(reducer.spoils_cells() ? 0.5 : reducer.plain().quantile()),
      mad_(reducer.spoils_cells()),
      result_(kMissing) {}

std::int64_t WeightedSelect::bytes(std::int64_t parts) {
  constexpr auto kCounts = static_cast<std::int64_t>(kDigits * sizeof(std::int64_t));
  constexpr auto kHeld = kMostHeld * static_cast<std::int64_t>(sizeof(std::uint64_t));
  return kCounts + kHeld + parts * static_cast<std::int64_t>(sizeof(WeightedCell) + sizeof(double));
}

void WeightedSelect::begin(std::int64_t parts) {
  center_.reset();
  parts_.reserve(static_cast<std::size_t>(parts));
  weights_.reserve(static_cast<std::size_t>(parts) + 1);
  begin_quantile();
}

void WeightedSelect::begin_quantile() {
  result_ = kMissing;
  parts_.clear();
  weights_.clear();
  pass_ = Pass::kCount;
  known_bits_ = 0;
  low_ = 0;
  high_ = std::numeric_limits<std::uint64_t>::max();
  whole_ = 0;
  below_ = 0;
  counts_.assign(kDigits, 0);
}

void WeightedSelect::add(std::span<const double> values, std::span<const double> weights) {
  const bool first = pass_ == Pass::kCount && known_bits_ == 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    const double value = center_ ? deviation(values[i], *center_) : values[i];
    if (weights[i] >= 1) {
      add_whole(value);
    } else if (first) {
      parts_.push_back({value, weights[i]});
    }
  }
}

void WeightedSelect::add_whole(double value) {
  const std::uint64_t key = key_of(value);
  if (key >= low_ && key <= high_) {
    if (pass_ == Pass::kCount) {
      ++counts_[key >> (kBits - known_bits_ - kDigitBits) & (kDigits - 1)];
    } else if (is_held()) {
      held_.push_back(key);
    }
  } else if (pass_ == Pass::kCollect) {
    if (key < low_) before_ = std::max(before_.value_or(key), key);
    if (key > high_) after_ = std::min(after_.value_or(key), key);
  }
}

bool WeightedSelect::wants_again() {
  if (quantile_wants_again()) return true;
  if (!mad_ || center_ || std::isnan(result_)) return false;
  center_ = result_;
  begin_quantile();
  return true;
}

bool WeightedSelect::is_held() const { return inside_ <= kMostHeld; }

bool WeightedSelect::quantile_wants_again() {
  if (pass_ == Pass::kCount) {
    if (known_bits_ == 0) {
      sort_parts();
      for (const std::int64_t count : counts_) whole_ += count;
    }
    held_.clear();
    before_.reset();
    after_.reset();
    if (whole_ > 0) {
      narrow();
      if (is_held() || known_bits_ == kBits) pass_ = Pass::kCollect;
      std::fill(counts_.begin(), counts_.end(), 0);
      return true;
    }
    inside_ = 0;
  }
  result_ = finish();
  return false;
}

void WeightedSelect::sort_parts() {
  std::sort(parts_.begin(), parts_.end());
  weights_.assign(1, 0.0);
  for (const WeightedCell& part : parts_) weights_.push_back(weights_.back() + part.weight);
}

// The value is their number here.
WeightedCell WeightedSelect::parts_up_to(double value) const {
  const auto end =
      std::upper_bound(parts_.begin(), parts_.end(), value,
                       [](double v, const WeightedCell& part) { return v < part.value; });
  const auto n = static_cast<std::size_t>(end - parts_.begin());
  return {static_cast<double>(n), weights_[n]};
}

// Whether the place of the whole cell of this rank, which has this value, is that of the quantile
// or beyond.
bool WeightedSelect::reaches(std::int64_t rank, double value) const {
  if (parts_.empty()) {
    const QuantilePosition at(quantile_, static_cast<double>(whole_));
    return rank >= static_cast<std::int64_t>(at.index) + (at.fraction > 0 ? 1 : 0);
  }
  const auto rest = static_cast<double>(whole_ - 1) + static_cast<double>(parts_.size());
  const double wanted = quantile_ * (rest * (static_cast<double>(whole_) + weights_.back()));
  const WeightedCell before = parts_up_to(value);
  const double index = static_cast<double>(rank) + before.value;
  return index > 0 && index + rest * (static_cast<double>(rank) + before.weight) >= wanted;
}

// Goes on with the first bin that may hold a cell that reaches the quantile, else with the last
// one.
void WeightedSelect::narrow() {
  const int shift = kBits - known_bits_ - kDigitBits;
  const std::uint64_t width = std::uint64_t{1} << shift;
  std::int64_t rank = below_;
  const std::uint64_t low = low_;
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    if (counts_[digit] == 0) continue;
    const std::uint64_t bin = low + digit * width;
    below_ = rank;
    inside_ = counts_[digit];
    low_ = bin;
    high_ = bin + (width - 1);
    rank += counts_[digit];
    // Beyond infinity keys are of no value: nothing is as large as what stands for them.
    const double highest = value_of<double>(high_);
    if (reaches(rank - 1, std::isnan(highest) ? kInfinity : highest)) break;
  }
  known_bits_ += kDigitBits;
}

double WeightedSelect::finish() {
  const auto cells = whole_ + static_cast<std::int64_t>(parts_.size());
  if (cells == 0) return kMissing;
  std::sort(held_.begin(), held_.end());
  return parts_.empty() ? plain_quantile() : weighted_quantile();
}

// Type 7. REQUIRES: the held keys are in order.
double WeightedSelect::plain_quantile() const {
  const auto value = [&](std::int64_t rank) {
    if (rank < below_) return value_of<double>(*before_);
    if (rank >= below_ + inside_) return value_of<double>(*after_);
    return value_of<double>(is_held() ? held_[static_cast<std::size_t>(rank - below_)] : low_);
  };
  const QuantilePosition at(quantile_, static_cast<double>(whole_));
  const auto rank = static_cast<std::int64_t>(at.index);
  return at.fraction > 0 ? at.between(value(rank), value(rank + 1)) : value(rank);
}

// Goes through the cells from the last one before the range to the first one after it, and all in
// part between and beyond.
double WeightedSelect::weighted_quantile() const {
  const auto whole = static_cast<double>(whole_);
  QuantileWalk walk(quantile_, whole_ + static_cast<std::int64_t>(parts_.size()), whole,
                    weights_.back());
  auto part = parts_.begin();
  const auto run = [&](std::uint64_t key, std::int64_t count) {
    const double value = value_of<double>(key);
    for (; part != parts_.end() && part->value <= value; ++part) {
      walk.run(part->value, part->weight, 1);
    }
    walk.run(value, 1, count);
  };
  if (before_) {
    const WeightedCell skipped = parts_up_to(value_of<double>(*before_));
    walk.skip(static_cast<double>(below_ - 1), skipped.value, skipped.weight);
    part += static_cast<std::ptrdiff_t>(skipped.value);
    run(*before_, 1);
  }
  for (const std::uint64_t key : held_) run(key, 1);
  if (inside_ > 0 && !is_held()) run(low_, inside_);
  if (after_) run(*after_, 1);
  for (; part != parts_.end(); ++part) walk.run(part->value, part->weight, 1);
  return walk.result();
}

}  // namespace cube
