#include "engine/counted_mode.h"

#include <algorithm>
#include <cmath>

#include "engine/missing.h"
#include "engine/radix_select.h"

namespace cube {

namespace {

constexpr int kHashBits = 24;
constexpr std::size_t kHashes = std::size_t{1} << kHashBits;
constexpr std::size_t kMostFilters = 6;
constexpr std::uint8_t kMany = std::numeric_limits<std::uint8_t>::max();

// Multiplication spreads the low bits, each pass in its own way (Steele and Vigna, 2021).
std::size_t hash(std::uint64_t key, std::size_t pass) {
  constexpr std::uint64_t kSpread = 0xd1342543de82ef95;
  constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;
  constexpr int kHalf = 32;
  std::uint64_t mixed = (key + (pass + 1) * kStep) * kSpread;
  mixed = (mixed ^ (mixed >> kHalf)) * kSpread;
  return static_cast<std::size_t>(mixed >> (64 - kHashBits));
}

}  // namespace

CountedMode::CountedMode() {
  fresh_.reserve(kFresh);
  counts_.reserve(kCountedValues);
  merged_.reserve(kCountedValues);
}

std::int64_t CountedMode::bytes(std::int64_t parts) {
  constexpr std::int64_t kWords = 4 * kCountedValues + kCountedValues / 2;
  constexpr auto kFilters = static_cast<std::int64_t>(kHashes + kMostFilters * kHashes / 8);
  return kWords * static_cast<std::int64_t>(sizeof(std::int64_t)) + kFilters +
         parts * static_cast<std::int64_t>(sizeof(WeightedCell) + sizeof(Weighed));
}

void CountedMode::begin(std::int64_t parts) {
  first_ = true;
  begin_ = 0;
  best_ = {0, 0};
  hashed_.clear();
  filters_.clear();
  parts_.clear();
  parts_.reserve(static_cast<std::size_t>(parts));
  part_keys_.clear();
  part_keys_.reserve(static_cast<std::size_t>(parts));
  next_part_ = 0;
  start_pass();
}

void CountedMode::start_pass() {
  end_ = kAll;
  seen_ = 0;
  counts_.clear();
  fresh_.clear();
}

void CountedMode::add(std::span<const double> values) {
  for (const double value : values) add(value);
}

void CountedMode::add(double value) {
  if (std::isnan(value)) return;
  const std::uint64_t key = key_of(value);
  if (key < begin_ || !passes_filters(key)) return;
  ++seen_;
  if (!hashed_.empty()) count_hash(key);
  if (key >= end_) return;
  fresh_.push_back(key);
  if (fresh_.size() == kFresh) take_in();
}

void CountedMode::add_part(double value, double weight) {
  if (first_) parts_.push_back({value, weight});
}

// Nothing above can come more often than what is left; equally often is not enough.
bool CountedMode::wants_again() {
  take_in();
  if (first_) merge_parts();
  find_best();
  const double heaviest = heaviest_part_left();
  if (rest_ == 0 || static_cast<double>(rest_) + heaviest <= best_.weight) return false;
  begin_ = end_;
  if (!hashed_.empty() && filters_.size() < kMostFilters) add_filter();
  hashed_.assign(kHashes, 0);
  first_ = false;
  start_pass();
  return true;
}

double CountedMode::result() const {
  return best_.weight > 0 ? value_of<double>(best_.key) : kMissing;
}

void CountedMode::merge_parts() {
  std::sort(parts_.begin(), parts_.end());
  for (const WeightedCell& part : parts_) {
    const std::uint64_t key = key_of(part.value);
    if (part_keys_.empty() || part_keys_.back().key != key) part_keys_.push_back({key, 0});
    part_keys_.back().weight += part.weight;
  }
}

// Among the values of this pass, also those that come in part only.
void CountedMode::find_best() {
  rest_ = seen_;
  for (const Counted& counted : counts_) {
    for (; next_part_ < part_keys_.size() && part_keys_[next_part_].key < counted.key;
         ++next_part_) {
      take_if_better(part_keys_[next_part_].key, part_keys_[next_part_].weight);
    }
    double weight = 0;
    if (next_part_ < part_keys_.size() && part_keys_[next_part_].key == counted.key) {
      weight = part_keys_[next_part_++].weight;
    }
    take_if_better(counted.key, weight + static_cast<double>(counted.count));
    rest_ -= counted.count;
  }
  for (; next_part_ < part_keys_.size() && part_keys_[next_part_].key < end_; ++next_part_) {
    take_if_better(part_keys_[next_part_].key, part_keys_[next_part_].weight);
  }
}

void CountedMode::take_if_better(std::uint64_t key, double weight) {
  if (weight > best_.weight) best_ = {key, weight};
}

double CountedMode::heaviest_part_left() const {
  double heaviest = 0;
  for (std::size_t i = next_part_; i < part_keys_.size(); ++i) {
    heaviest = std::max(heaviest, part_keys_[i].weight);
  }
  return heaviest;
}

bool CountedMode::passes_filters(std::uint64_t key) const {
  for (std::size_t i = 0; i < filters_.size(); ++i) {
    if (!filters_[i][hash(key, i)]) return false;
  }
  return true;
}

void CountedMode::count_hash(std::uint64_t key) {
  std::uint8_t& count = hashed_[hash(key, filters_.size())];
  if (count < kMany) ++count;
}

void CountedMode::add_filter() {
  const double heaviest = heaviest_part_left();
  Filter filter(kHashes);
  for (std::size_t i = 0; i < kHashes; ++i) {
    filter[i] = hashed_[i] == kMany || static_cast<double>(hashed_[i]) + heaviest > best_.weight;
  }
  filters_.push_back(std::move(filter));
}

// Merges the fresh keys into the counts. Too many: the highest are left for the next pass.
void CountedMode::take_in() {
  std::sort(fresh_.begin(), fresh_.end());
  merged_.clear();
  auto old = counts_.begin();
  for (auto run = fresh_.begin(); run != fresh_.end();) {
    const std::uint64_t key = *run;
    const auto end = std::upper_bound(run, fresh_.end(), key);
    while (old != counts_.end() && old->key < key) merged_.push_back(*old++);
    merged_.push_back({key, end - run});
    if (old != counts_.end() && old->key == key) merged_.back().count += (old++)->count;
    run = end;
  }
  merged_.insert(merged_.end(), old, counts_.end());
  fresh_.clear();
  constexpr auto kMost = static_cast<std::size_t>(kCountedValues) - kFresh;
  if (merged_.size() > kMost) {
    end_ = merged_[kMost].key;
    merged_.resize(kMost);
  }
  std::swap(counts_, merged_);
}

}  // namespace cube
