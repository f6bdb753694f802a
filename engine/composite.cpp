#include "engine/composite.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "engine/error.h"

namespace cube {

namespace {

template <class T>
bool is_missing(T value, T nodata) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::isnan(value);
  } else {
    return value == nodata;
  }
}

// Takes cells of `in` where `take(old, new)` says so and there is a new value; returns how many
// cells are still missing.
template <class T, class Take>
std::size_t merge_cells(std::span<T> out, std::span<const T> in, T nodata, Take take) {
  std::size_t missing = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool lacking = is_missing(out[i], nodata);
    const bool given = !is_missing(in[i], nodata);
    const bool replace = given && (lacking || take(out[i], in[i]));
    out[i] = replace ? in[i] : out[i];
    missing += lacking && !given ? 1U : 0U;
  }
  return missing;
}

// True when no cell is missing.
bool is_full(const Block& block) {
  return dispatch(block.dtype(), [&]<class T>(std::type_identity<T>) {
    const auto cells = block.cells<T>();
    const T nodata = cell_cast<T>(block.nodata().value_or(0));
    return std::ranges::none_of(cells, [&](T value) { return is_missing(value, nodata); });
  });
}

}  // namespace

Aggregation Aggregation::make(std::string_view name, std::string_view where) {
  std::string reducer(name);
  if (name == "none") reducer = "last";
  if (name.starts_with("count")) reducer = "count";
  const Kind kind = reducer == "first"  ? Kind::kFirst
                    : reducer == "last" ? Kind::kLast
                    : reducer == "min"  ? Kind::kMin
                    : reducer == "max"  ? Kind::kMax
                                        : Kind::kReduce;
  ReducerSpec spec;
  spec.name = reducer;
  return {kind, Reducer::make(spec, where), name == "count_images"};
}

BandInfo Aggregation::result_band(const BandInfo& in, std::int64_t images) const {
  BandInfo out = reducer_.result_band(in, images);
  out.name = in.name;
  return out;
}

void Composite::begin(const Region& region, Storage storage) {
  assert(region.t.size() == 1);
  region_ = region;
  storage_ = storage;
  held_.clear();
  merged_.reset();
  complete_ = false;
}

void Composite::add(BlockPtr block) {
  if (!block || complete_) return;
  assert(block->region() == region_);
  const bool keeps_first = aggregation_.kind_ == Aggregation::Kind::kFirst ||
                           aggregation_.kind_ == Aggregation::Kind::kLast;
  if (aggregation_.holds_images() || (held_.empty() && !merged_)) {
    complete_ = keeps_first && is_full(*block);
    held_.push_back(std::move(block));
    return;
  }
  if (!merged_) {
    merged_.emplace(*held_.front());
    held_.clear();
  }
  merge(*block);
}

void Composite::merge(const Block& block) {
  using Kind = Aggregation::Kind;
  assert(block.dtype() == merged_->dtype());
  dispatch(block.dtype(), [&]<class T>(std::type_identity<T>) {
    const T nodata = cell_cast<T>(block.nodata().value_or(0));
    const auto out = merged_->cells<T>();
    const auto in = block.cells<T>();
    if (aggregation_.kind_ == Kind::kMin) {
      merge_cells<T>(out, in, nodata, [](T old, T next) { return next < old; });
    } else if (aggregation_.kind_ == Kind::kMax) {
      merge_cells<T>(out, in, nodata, [](T old, T next) { return next > old; });
    } else {
      complete_ = merge_cells<T>(out, in, nodata, [](T, T) { return false; }) == 0;
    }
  });
}

std::int64_t Aggregation::row_bytes(std::int64_t columns, std::int64_t images) const {
  constexpr std::int64_t kRows = 2;  // of values and of results
  if (!holds_images()) return 0;
  return kRows * columns * static_cast<std::int64_t>(sizeof(double)) +
         reducer_.state_bytes(columns, images);
}

BlockPtr Composite::finish() {
  if (aggregation_.holds_images()) return reduce();
  if (merged_) return share(std::move(*std::exchange(merged_, std::nullopt)));
  return held_.empty() ? nullptr : std::move(held_.front());
}

BlockPtr Composite::reduce() {
  if (held_.empty() && !aggregation_.counts()) return nullptr;
  if (!state_) state_ = aggregation_.reducer_.state();
  Block out(region_, storage_);
  if (held_.empty()) return share(std::move(out));
  const auto width = static_cast<std::size_t>(region_.x.size());
  std::vector<double> scratch;
  std::vector<double> result(width);
  state_->expect(static_cast<std::int64_t>(held_.size()));
  for (std::int64_t y = region_.y.begin; y < region_.y.end; ++y) {
    state_->begin(width);
    for (std::size_t i = 0; i < held_.size(); ++i) {
      state_->add(held_[i]->row(region_.t.begin, y, scratch), static_cast<double>(i));
    }
    state_->finish(result);
    out.set_row(region_.t.begin, y, result);
  }
  return share(std::move(out));
}

}  // namespace cube
