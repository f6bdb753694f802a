#include "engine/reducer_states.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <vector>

#include "engine/missing.h"

namespace cube {

namespace {

bool valid(double value) { return value == value; }
double one(double value) { return valid(value) ? 1.0 : 0.0; }

template <std::size_t N>
using Numbers = std::array<double, N>;

// A fold keeps Op::kStart.size() numbers a series: Op::add() takes one value in, Op::merge() what
// came later, Op::finish() makes the result. All are written with selects only, so that the loops
// over the series vectorise.
template <class Op>
class Fold final : public ReducerState {
 public:
  void begin(std::size_t n) override {
    for (std::size_t j = 0; j < kNumbers; ++j) numbers_[j].assign(n, Op::kStart[j]);
  }

  void add(std::span<const double> values, double position) override {
    assert(values.size() == numbers_[0].size());
    const double* __restrict v = values.data();
    std::array<double*, kNumbers> numbers;
    for (std::size_t j = 0; j < kNumbers; ++j) numbers[j] = numbers_[j].data();
    double* __restrict a = numbers[0];
    double* __restrict b = numbers[kNumbers > 1 ? 1 : 0];
    double* __restrict c = numbers[kNumbers > 2 ? 2 : 0];
    double* __restrict d = numbers[kNumbers > 3 ? 3 : 0];
    // Through locals: stores under a condition would keep the loop from vectorising.
    for (std::size_t i = 0; i < values.size(); ++i) {
      double first = a[i];
      if constexpr (kNumbers == 1) {
        Op::add(v[i], first);
      } else if constexpr (kNumbers == 2) {
        double second = b[i];
        Op::add(v[i], position, first, second);
        b[i] = second;
      } else {
        double second = b[i];
        double third = c[i];
        double fourth = d[i];
        Op::add(v[i], first, second, third, fourth);
        b[i] = second;
        c[i] = third;
        d[i] = fourth;
      }
      a[i] = first;
    }
  }

  void merge(const ReducerState& later) override {
    const auto& other = static_cast<const Fold&>(later);
    std::array<double*, kNumbers> a;
    std::array<const double*, kNumbers> b;
    for (std::size_t j = 0; j < kNumbers; ++j) {
      a[j] = numbers_[j].data();
      b[j] = other.numbers_[j].data();
    }
    std::array<double, kNumbers> own;
    std::array<double, kNumbers> more;
    for (std::size_t i = 0; i < numbers_[0].size(); ++i) {
      for (std::size_t j = 0; j < kNumbers; ++j) {
        own[j] = a[j][i];
        more[j] = b[j][i];
      }
      Op::merge(own, more);
      for (std::size_t j = 0; j < kNumbers; ++j) a[j][i] = own[j];
    }
  }

  void finish(std::span<double> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) {
      if constexpr (kNumbers == 1) {
        out[i] = Op::finish(numbers_[0][i]);
      } else if constexpr (kNumbers == 2) {
        out[i] = Op::finish(numbers_[0][i], numbers_[1][i]);
      } else {
        out[i] = Op::finish(numbers_[0][i], numbers_[2][i]);
      }
    }
  }

 private:
  static constexpr std::size_t kNumbers = Op::kStart.size();
  std::array<std::vector<double>, kNumbers> numbers_;
};

// NaN says that nothing has come yet; `|` instead of `||` keeps the branch out.
void take_lower(double v, double& best) { best = (v < best) | !valid(best) ? v : best; }
void take_higher(double v, double& best) { best = (v > best) | !valid(best) ? v : best; }

struct Min {
  static constexpr std::array kStart = {kMissing};
  static void add(double v, double& best) { take_lower(v, best); }
  static void merge(Numbers<1>& own, const Numbers<1>& later) { take_lower(later[0], own[0]); }
  static double finish(double best) { return best; }
};

struct Max {
  static constexpr std::array kStart = {kMissing};
  static void add(double v, double& best) { take_higher(v, best); }
  static void merge(Numbers<1>& own, const Numbers<1>& later) { take_higher(later[0], own[0]); }
  static double finish(double best) { return best; }
};

struct Span {
  static constexpr std::array kStart = {kMissing, kMissing};
  static void add(double v, double, double& low, double& high) {
    take_lower(v, low);
    take_higher(v, high);
  }
  static void merge(Numbers<2>& own, const Numbers<2>& later) {
    take_lower(later[0], own[0]);
    take_higher(later[1], own[1]);
  }
  static double finish(double low, double high) { return high - low; }
};

struct First {
  static constexpr std::array kStart = {kMissing};
  static void add(double v, double& first) { first = valid(first) ? first : v; }
  static void merge(Numbers<1>& own, const Numbers<1>& later) { add(later[0], own[0]); }
  static double finish(double first) { return first; }
};

struct Last {
  static constexpr std::array kStart = {kMissing};
  static void add(double v, double& last) { last = valid(v) ? v : last; }
  static void merge(Numbers<1>& own, const Numbers<1>& later) { add(later[0], own[0]); }
  static double finish(double last) { return last; }
};

struct Count {
  static constexpr std::array kStart = {0.0};
  static void add(double v, double& count) { count += one(v); }
  static void merge(Numbers<1>& own, const Numbers<1>& later) { own[0] += later[0]; }
  static double finish(double count) { return count; }
};

struct Sum {
  static constexpr std::array kStart = {0.0, 0.0};
  static void add(double v, double, double& sum, double& count) {
    sum += valid(v) ? v : 0.0;
    count += one(v);
  }
  static void merge(Numbers<2>& own, const Numbers<2>& later) {
    own[0] += later[0];
    own[1] += later[1];
  }
  static double finish(double sum, double count) { return count > 0 ? sum : kMissing; }
};

struct Mean : Sum {
  static double finish(double sum, double count) { return count > 0 ? sum / count : kMissing; }
};

struct Rms {
  static constexpr std::array kStart = {0.0, 0.0};
  static void add(double v, double position, double& sum, double& count) {
    Sum::add(v * v, position, sum, count);
  }
  static void merge(Numbers<2>& own, const Numbers<2>& later) { Sum::merge(own, later); }
  static double finish(double sum, double count) { return std::sqrt(Mean::finish(sum, count)); }
};

struct Prod {
  static constexpr std::array kStart = {1.0, 0.0};
  static void add(double v, double, double& prod, double& count) {
    prod *= valid(v) ? v : 1.0;
    count += one(v);
  }
  static void merge(Numbers<2>& own, const Numbers<2>& later) {
    own[0] *= later[0];
    own[1] += later[1];
  }
  static double finish(double prod, double count) { return count > 0 ? prod : kMissing; }
};

// Welford's update: sums of squares of the values themselves would cancel. Of the differences to
// the first value, as a running mean of large numbers would be rounded to their precision.
struct Var {
  static constexpr std::array kStart = {0.0, 0.0, 0.0, kMissing};
  static void add(double v, double& count, double& mean, double& squares, double& first) {
    first = valid(first) ? first : v;
    const double delta = valid(v) ? (v - first) - mean : 0.0;
    count += one(v);
    const double step = delta / (count > 1 ? count : 1.0);
    mean += step;
    squares += delta * (delta - step);
  }
  // Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983.
  static void merge(Numbers<4>& own, const Numbers<4>& later) {
    const double count = own[0] + later[0];
    const double apart = (later[3] - own[3]) + (later[1] - own[1]);
    const double share = later[0] / (count > 1 ? count : 1.0);
    const bool both = (own[0] > 0) & (later[0] > 0);
    const double mean = own[0] > 0 ? own[1] : later[1];
    own[1] = both ? own[1] + apart * share : mean;
    own[2] += both ? later[2] + apart * apart * own[0] * share : later[2];
    own[3] = valid(own[3]) ? own[3] : later[3];
    own[0] = count;
  }
  static double finish(double count, double squares) {
    return count > 1 ? squares / (count - 1) : kMissing;
  }
};

struct Sd : Var {
  static double finish(double count, double squares) {
    return std::sqrt(Var::finish(count, squares));
  }
};

bool truth(double v) { return (v < 0) | (v > 0); }  // false for NaN

struct Any : Max {
  static void add(double v, double& any) {
    any = (v == 0) & !valid(any) ? 0.0 : any;
    any = truth(v) ? 1.0 : any;
  }
};

struct All : Min {
  static void add(double v, double& all) {
    all = truth(v) & !valid(all) ? 1.0 : all;
    all = v == 0 ? 0.0 : all;
  }
};

struct WhichMin {
  static constexpr std::array kStart = {kMissing, kMissing};
  static void add(double v, double position, double& best, double& where) {
    const bool better = (v < best) | (valid(v) & !valid(best));
    best = better ? v : best;
    where = better ? position : where;
  }
  static void merge(Numbers<2>& own, const Numbers<2>& later) {
    add(later[0], later[1], own[0], own[1]);
  }
  static double finish(double, double where) { return where; }
};

struct WhichMax {
  static constexpr std::array kStart = {kMissing, kMissing};
  static void add(double v, double position, double& best, double& where) {
    const bool better = (v > best) | (valid(v) & !valid(best));
    best = better ? v : best;
    where = better ? position : where;
  }
  static void merge(Numbers<2>& own, const Numbers<2>& later) {
    add(later[0], later[1], own[0], own[1]);
  }
  static double finish(double, double where) { return where; }
};

}  // namespace

std::unique_ptr<ReducerState> min_state() { return std::make_unique<Fold<Min>>(); }
std::unique_ptr<ReducerState> max_state() { return std::make_unique<Fold<Max>>(); }
std::unique_ptr<ReducerState> range_state() { return std::make_unique<Fold<Span>>(); }
std::unique_ptr<ReducerState> first_state() { return std::make_unique<Fold<First>>(); }
std::unique_ptr<ReducerState> last_state() { return std::make_unique<Fold<Last>>(); }
std::unique_ptr<ReducerState> count_state() { return std::make_unique<Fold<Count>>(); }
std::unique_ptr<ReducerState> sum_state() { return std::make_unique<Fold<Sum>>(); }
std::unique_ptr<ReducerState> prod_state() { return std::make_unique<Fold<Prod>>(); }
std::unique_ptr<ReducerState> mean_state() { return std::make_unique<Fold<Mean>>(); }
std::unique_ptr<ReducerState> rms_state() { return std::make_unique<Fold<Rms>>(); }
std::unique_ptr<ReducerState> var_state() { return std::make_unique<Fold<Var>>(); }
std::unique_ptr<ReducerState> sd_state() { return std::make_unique<Fold<Sd>>(); }
std::unique_ptr<ReducerState> any_state() { return std::make_unique<Fold<Any>>(); }
std::unique_ptr<ReducerState> all_state() { return std::make_unique<Fold<All>>(); }
std::unique_ptr<ReducerState> which_min_state() { return std::make_unique<Fold<WhichMin>>(); }
std::unique_ptr<ReducerState> which_max_state() { return std::make_unique<Fold<WhichMax>>(); }

}  // namespace cube
