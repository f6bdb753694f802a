#include "engine/weighted_cells.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "engine/missing.h"
#include "engine/quantile_position.h"
#include "engine/quantile_walk.h"
#include "engine/reducer_states.h"

namespace cube {

namespace {

constexpr std::size_t kValues = std::size_t{1} << 16;

}  // namespace

WeightedCells::WeightedCells(const Storage& storage) : storage_(storage) {}

// Fewer cells are sorted faster than so many counts are looked through.
bool WeightedCells::counts(const Storage& storage, std::int64_t whole) {
  constexpr std::int64_t kLeast = std::int64_t{1} << 15;
  return size_of(storage.dtype) <= 2 && whole >= kLeast;
}

std::int64_t WeightedCells::bytes(const Storage& storage, std::int64_t whole, std::int64_t parts) {
  const auto cell = static_cast<std::int64_t>(sizeof(double));
  constexpr std::size_t kGrowing = 3;  // a list grows to twice its size, beside the old one
  constexpr std::size_t kCounted = kValues * (sizeof(std::int64_t) + kGrowing * sizeof(Run));
  const auto of_whole = counts(storage, whole) ? static_cast<std::int64_t>(kCounted) : cell * whole;
  return of_whole + parts * static_cast<std::int64_t>(sizeof(WeightedCell));
}

void WeightedCells::begin(std::int64_t whole, std::int64_t parts) {
  sorted_ = false;
  parts_.clear();
  whole_.clear();
  runs_.clear();
  counted_ = 0;
  counting_ = counts(storage_, whole);
  parts_.reserve(static_cast<std::size_t>(parts));
  if (counting_) {
    counts_.assign(kValues, 0);
  } else {
    whole_.reserve(static_cast<std::size_t>(whole));
  }
}

void WeightedCells::add(std::span<const double> values, std::span<const double> weights) {
  const double low = counting_ ? lowest(storage_.dtype) : 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    if (weights[i] < 1) {
      parts_.push_back({values[i], weights[i]});
    } else if (counting_) {
      ++counts_[static_cast<std::size_t>(values[i] - low)];
      ++counted_;
    } else {
      whole_.push_back(values[i]);
    }
  }
}

std::int64_t WeightedCells::size() const {
  return static_cast<std::int64_t>(whole_.size() + parts_.size()) + counted_;
}

void WeightedCells::sort() {
  if (sorted_) return;
  sorted_ = true;
  if (counting_ && runs_.empty()) {
    const double low = lowest(storage_.dtype);
    for (std::size_t i = 0; i < kValues; ++i) {
      if (counts_[i] > 0) runs_.push_back({low + static_cast<double>(i), counts_[i]});
    }
  }
  std::sort(whole_.begin(), whole_.end());
  std::sort(runs_.begin(), runs_.end());
  std::sort(parts_.begin(), parts_.end());
}

// Of equal values those of smaller weight come first.
template <class F>
void WeightedCells::each_run(F&& f) const {
  auto part = parts_.begin();
  const auto run = [&](double value, std::int64_t count) {
    for (; part != parts_.end() && part->value <= value; ++part) f(part->value, part->weight, 1);
    f(value, 1.0, count);
  };
  for (const double value : whole_) run(value, 1);
  for (const Run& counted : runs_) run(counted.value, counted.count);
  for (; part != parts_.end(); ++part) f(part->value, part->weight, 1);
}

double WeightedCells::quantile(double quantile) {
  const std::int64_t cells = size();
  if (cells == 0) return kMissing;
  if (parts_.empty() && !counting_ && !sorted_) return quantile_of_values(whole_, quantile);
  sort();
  if (parts_.empty()) return plain_quantile(quantile);
  double parts = 0;
  for (const WeightedCell& part : parts_) parts += part.weight;
  const auto whole = static_cast<double>(cells - static_cast<std::int64_t>(parts_.size()));
  QuantileWalk walk(quantile, cells, whole, parts);
  each_run(
      [&](double value, double weight, std::int64_t count) { walk.run(value, weight, count); });
  return walk.result();
}

// Where all weights are 1: type 7. REQUIRES: sorted.
double WeightedCells::plain_quantile(double quantile) {
  const QuantilePosition at(quantile, static_cast<double>(size()));
  const auto first = static_cast<std::int64_t>(at.index);
  double low = kMissing;
  double high = kMissing;
  std::int64_t before = 0;
  each_run([&](double value, double, std::int64_t count) {
    const auto holds = [&](std::int64_t k) { return k >= before && k < before + count; };
    if (holds(first)) low = value;
    if (holds(first + 1)) high = value;
    before += count;
  });
  return at.fraction > 0 ? at.between(low, high) : low;
}

double WeightedCells::mode() {
  sort();
  double best = kMissing;
  double most = 0;
  double current = kMissing;
  double parts = 0;
  std::int64_t whole = 0;
  each_run([&](double value, double weight, std::int64_t count) {
    if (value != current) {
      parts = 0;
      whole = 0;
    }
    current = value;
    if (weight < 1) {
      parts += weight;
    } else {
      whole += count;
    }
    const double sum = parts + static_cast<double>(whole);
    if (sum > most) {
      most = sum;
      best = value;
    }
  });
  return best;
}

double WeightedCells::mad() {
  const double middle = quantile(0.5);
  if (size() == 0) return kMissing;
  for (double& value : whole_) value = deviation(value, middle);
  for (Run& run : runs_) run.value = deviation(run.value, middle);
  for (WeightedCell& part : parts_) part.value = deviation(part.value, middle);
  sorted_ = false;
  return quantile(0.5);
}

}  // namespace cube
