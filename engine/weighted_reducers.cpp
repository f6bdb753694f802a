#include "engine/weighted_reducers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

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
  double first = 0;    // all others count from it: the mean of large values would be rounded
  double mean = 0;
  double sum = 0;  // of the weighted squared distances
  std::int64_t n = 0;
  void add(double v, double w) {
    if (n == 0) first = v;
    weight += w;
    squares += w * w;
    const double distance = v - first - mean;
    mean += distance * (w / weight);
    sum += w * distance * (v - first - mean);
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

template <class Op>
std::unique_ptr<WeightedState> fold() {
  return std::make_unique<Fold<Op>>();
}

struct Entry {
  std::string_view name;
  std::unique_ptr<WeightedState> (*make)();
};

constexpr std::array kFolds = {
    Entry{"min", fold<Min>},   Entry{"max", fold<Max>},      Entry{"mean", fold<Mean>},
    Entry{"sum", fold<Sum>},   Entry{"prod", fold<Prod>},    Entry{"count", fold<Count>},
    Entry{"var", fold<Var>},   Entry{"sd", fold<Sd>},        Entry{"first", fold<First>},
    Entry{"last", fold<Last>}, Entry{"range", fold<Spread>}, Entry{"any", fold<Any>},
    Entry{"all", fold<All>},   Entry{"rms", fold<Rms>},
};

}  // namespace

WeightedReducer WeightedReducer::make(const ReducerSpec& spec, std::string_view where) {
  Reducer plain = Reducer::make(spec, where);
  if (plain.holds_values()) return {std::move(plain), nullptr};
  const auto entry = std::find_if(kFolds.begin(), kFolds.end(), [&](const Entry& candidate) {
    return candidate.name == plain.name();
  });
  if (entry != kFolds.end()) return {std::move(plain), entry->make};
  throw Error(ErrorCode::kInvalid, "reducer '" + plain.name() + "' says when, not where",
              std::string(where), "min or max gives the extreme itself");
}

double WeightedReducer::of(WeightedCells& cells) const {
  if (plain_.kind() == Reducer::Kind::kMode) return cells.mode();
  if (spoils_cells()) return cells.mad();
  return cells.quantile(plain_.quantile());
}

}  // namespace cube
