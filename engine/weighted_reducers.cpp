#include "engine/weighted_reducers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/missing.h"

namespace cube {

namespace {

// A state that folds each value into a few numbers. `Op` has add(value, weight) and result().
template <class Op>
class Fold final : public WeightedState {
 public:
  void begin() override { op_ = Op(); }
  void add(std::span<const double> values, std::span<const double> weights) override {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isnan(values[i])) op_.add(values[i], weights[i]);
    }
  }
  double finish() override { return op_.result(); }

 private:
  Op op_;
};

struct Extremes {
  double low = kMissing;
  double high = kMissing;
  void add(double v, double) {
    low = v >= low ? low : v;  // also where nothing has come yet
    high = v <= high ? high : v;
  }
};
struct Min : Extremes {
  double result() const { return low; }
};
struct Max : Extremes {
  double result() const { return high; }
};
struct Spread : Extremes {
  double result() const { return high - low; }
};

struct First {
  std::optional<double> first;
  void add(double v, double) {
    if (!first) first = v;
  }
  double result() const { return first.value_or(kMissing); }
};
struct Last {
  double last = kMissing;
  void add(double v, double) { last = v; }
  double result() const { return last; }
};

struct Sum {
  double weight = 0;
  double sum = 0;
  void add(double v, double w) {
    weight += w;
    sum += w * v;
  }
  double result() const { return weight > 0 ? sum : kMissing; }
};
struct Count : Sum {
  double result() const { return weight; }
};
struct Mean : Sum {
  double result() const { return weight > 0 ? sum / weight : kMissing; }
};
struct Rms : Mean {
  void add(double v, double w) { Sum::add(v * v, w); }
  double result() const { return std::sqrt(Mean::result()); }
};
struct Prod {
  std::optional<double> prod;
  void add(double v, double) { prod = prod ? *prod * v : v; }
  double result() const { return prod.value_or(kMissing); }
};

// West (1979), "Updating mean and variance estimates: an improved method".
struct Var {
  double weight = 0;
  double squares = 0;  // of the weights
  double mean = 0;
  double sum = 0;  // of the weighted squared distances
  std::int64_t n = 0;
  void add(double v, double w) {
    weight += w;
    squares += w * w;
    const double distance = v - mean;
    mean += distance * (w / weight);
    sum += w * distance * (v - mean);
    ++n;
  }
  double result() const { return n > 1 ? sum / (weight - squares / weight) : kMissing; }
};
struct Sd : Var {
  double result() const { return std::sqrt(Var::result()); }
};

struct Any {
  double any = kMissing;
  void add(double v, double) { any = v != 0 || any == 1 ? 1 : 0; }
  double result() const { return any; }
};
struct All {
  double all = kMissing;
  void add(double v, double) { all = v != 0 && all != 0 ? 1 : 0; }
  double result() const { return all; }
};

struct Weighed {
  double value;
  double weight;
  auto operator<=>(const Weighed&) const = default;
};
using Cells = std::vector<Weighed>;

// A state that keeps the cells until it is asked, and then has them in order of value.
class Holding : public WeightedState {
 public:
  void begin() override { cells_.clear(); }
  void add(std::span<const double> values, std::span<const double> weights) override {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isnan(values[i])) cells_.push_back({values[i], weights[i]});
    }
  }
  double finish() final {
    if (cells_.empty()) return kMissing;
    std::sort(cells_.begin(), cells_.end());
    return of(cells_);
  }

 private:
  virtual double of(Cells& sorted) const = 0;
  Cells cells_;
};

double quantile_of(const Cells& sorted, double quantile) {
  const std::size_t n = sorted.size();
  const auto place = [&](std::size_t k, double before) {
    return static_cast<double>(k) * sorted[k].weight + static_cast<double>(n - 1) * before;
  };
  double all = 0;
  for (const Weighed& cell : sorted) all += cell.weight;
  const double wanted = quantile * place(n - 1, all - sorted[n - 1].weight);
  double before = 0;
  double last = 0;
  for (std::size_t k = 1; k < n; ++k) {
    before += sorted[k - 1].weight;
    const double here = place(k, before);
    if (here >= wanted) {
      const double f = here > last ? std::clamp((wanted - last) / (here - last), 0.0, 1.0) : 0;
      if (f == 1) return sorted[k].value;
      return sorted[k - 1].value + f * (sorted[k].value - sorted[k - 1].value);
    }
    last = here;
  }
  return sorted[n - 1].value;
}

class Quantile final : public Holding {
 public:
  explicit Quantile(double quantile) : quantile_(quantile) {}

 private:
  double of(Cells& sorted) const override { return quantile_of(sorted, quantile_); }
  double quantile_;
};

class Mad final : public Holding {
  double of(Cells& sorted) const override {
    const double middle = quantile_of(sorted, 0.5);
    for (Weighed& cell : sorted) cell.value = std::abs(cell.value - middle);
    std::sort(sorted.begin(), sorted.end());
    return quantile_of(sorted, 0.5);
  }
};

class Mode final : public Holding {
  double of(Cells& sorted) const override {
    double best = kMissing;
    double most = 0;
    for (std::size_t i = 0; i < sorted.size();) {
      const double value = sorted[i].value;
      double weight = 0;
      for (; i < sorted.size() && sorted[i].value == value; ++i) weight += sorted[i].weight;
      if (weight > most) {
        most = weight;
        best = value;
      }
    }
    return best;
  }
};

template <class Op>
std::unique_ptr<WeightedState> fold(double) {
  return std::make_unique<Fold<Op>>();
}
template <class State>
std::unique_ptr<WeightedState> holding(double) {
  return std::make_unique<State>();
}
std::unique_ptr<WeightedState> ordered(double quantile) {
  return std::make_unique<Quantile>(quantile);
}

struct Entry {
  std::string_view name;
  std::unique_ptr<WeightedState> (*make)(double quantile);
  double quantile = 0.5;
};

constexpr std::array kReducers = {
    Entry{"min", fold<Min>},       Entry{"max", fold<Max>},    Entry{"mean", fold<Mean>},
    Entry{"median", ordered, 0.5}, Entry{"sum", fold<Sum>},    Entry{"prod", fold<Prod>},
    Entry{"count", fold<Count>},   Entry{"var", fold<Var>},    Entry{"sd", fold<Sd>},
    Entry{"first", fold<First>},   Entry{"last", fold<Last>},  Entry{"mode", holding<Mode>},
    Entry{"range", fold<Spread>},  Entry{"q1", ordered, 0.25}, Entry{"q3", ordered, 0.75},
    Entry{"any", fold<Any>},       Entry{"all", fold<All>},    Entry{"rms", fold<Rms>},
    Entry{"mad", holding<Mad>},
};

}  // namespace

WeightedReducer WeightedReducer::make(const ReducerSpec& spec, std::string_view where) {
  Reducer plain = Reducer::make(spec, where);
  if (spec.quantile) return {std::move(plain), ordered, *spec.quantile};
  const auto entry = std::find_if(kReducers.begin(), kReducers.end(), [&](const Entry& candidate) {
    return candidate.name == plain.name();
  });
  if (entry != kReducers.end()) return {std::move(plain), entry->make, entry->quantile};
  throw Error(ErrorCode::kInvalid, "reducer '" + plain.name() + "' says when, not where",
              std::string(where), "min or max gives the extreme itself");
}

std::int64_t WeightedReducer::state_bytes(std::int64_t cells) const {
  constexpr std::int64_t kState = 128;
  if (!plain_.holds_values()) return kState;
  constexpr std::int64_t kGrowing = 3;  // the old cells and room for twice as many
  return kState + kGrowing * cells * static_cast<std::int64_t>(sizeof(Weighed));
}

}  // namespace cube
