// Reducers: the one set that serves composites, time, space, windows and coarsening.
//
// Missing cells are skipped; of nothing, count is 0 and everything else (sum and product too) is
// missing. Values are taken in the order they are added, so the result does not depend on chunks.
//
//   min max first last range  as they say
//   mean sum prod rms         in the order added; rms is the root of the mean square
//   count                     how many values are there
//   var sd                    of a sample (n - 1); missing for a single value
//   which_min which_max       when (or the index at which) the extreme comes first
//   mode                      the most frequent value, the smallest of equally frequent ones
//   median q1 q3 pNN quantile Hyndman and Fan's type 7, the default of R and numpy
//   mad                       median absolute deviation from the median, without a factor
//   any all                   1 where some (every) value is not 0, else 0
//
// Thread rule: Reducer is an immutable value; a ReducerState belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/cube_info.h"
#include "engine/dtype.h"
#include "engine/params.h"
#include "engine/time_axis.h"

namespace cube {

// A reducer as a document names it: "median", "p90", {"quantile": 0.9}, {"name": "which_max",
// "index": true}.
struct ReducerSpec {
  std::string name = "mean";
  std::optional<double> quantile;  // in [0, 1]; implies name "quantile"
  bool index = false;              // which_min, which_max: the index instead of the instant

  void fields(FieldVisitor& v);
  std::optional<std::string> short_form() const;
  void set_short_form(std::string text);
};

// Running reduction of `n` independent series of the same length, cell by cell of a strip.
class ReducerState {
 public:
  virtual ~ReducerState() = default;

  // Says, before begin(), how many values a series has at most: what holds values then takes what
  // Reducer::state_bytes() says, else up to three times that.
  virtual void expect(std::int64_t) {}

  // Forgets everything; n series follow.
  virtual void begin(std::size_t n) = 0;

  // The next value of each series, NaN = missing. `position` is what which_min and which_max give:
  // epoch seconds of the slice, or its index. REQUIRES: values.size() == n.
  virtual void add(std::span<const double> values, double position) = 0;

  // Takes in what `later` has taken in, as if added here. REQUIRES: a state of the same reducer, of
  // as many series; the reducer holds no values. Sums are rounded otherwise than by add().
  virtual void merge(const ReducerState& later) = 0;

  // REQUIRES: out.size() == n. May be called once a begin(), or, where the reducer holds no values,
  // after any add() for the values so far.
  virtual void finish(std::span<double> out) = 0;
};

class Reducer {
 public:
  enum class Kind : std::uint8_t {
    kMin,
    kMax,
    kMean,
    kMedian,
    kSum,
    kProd,
    kCount,
    kVar,
    kSd,
    kFirst,
    kLast,
    kWhichMin,
    kWhichMax,
    kMode,
    kRange,
    kQuantile,
    kQ1,
    kQ3,
    kAny,
    kAll,
    kRms,
    kMad,
  };

  // Throws Error(kInvalid) with `where` for an unknown name (nearest one named) or quantile.
  static Reducer make(const ReducerSpec& spec, std::string_view where);

  // "median", "p90", ...: what stands in the names of result bands ("NDVI_median").
  const std::string& name() const { return name_; }

  Kind kind() const { return kind_; }
  double quantile() const { return quantile_; }  // of median, quantile, q1 and q3

  // Storage of the result for series of `input`, of at most `length` values: min, max, first, last
  // and mode keep it; count is an unsigned integer without a nodata value; any and all are uint8;
  // instants are float64 and indices int32; the rest is arithmetic_dtype().
  // A series that may have no value at all needs an input made by with_missing().
  Storage result(Storage input, std::int64_t length) const;

  // `in` as its result is described: storage as above, and unit, scale and offset as far as they
  // still hold (a sd has no offset, a variance the squared scale, a count none of them).
  BandInfo result_band(const BandInfo& in, std::int64_t length) const;

  // The same where positions are numbers of cells, 0 to cells - 1.
  BandInfo result_band(const BandInfo& in, std::int64_t length, std::int64_t cells) const;

  // True when the result says something of nothing (count).
  bool counts() const;

  // True when results are values of cells: min, max, first, last, mode.
  bool picks() const;

  // True for which_min and which_max, which give the position of a value.
  bool locates() const { return kind_ == Kind::kWhichMin || kind_ == Kind::kWhichMax; }

  // True when positions matter, and which kind.
  bool wants_index() const { return index_; }

  // True for order statistics, whose states hold all values until finish().
  bool holds_values() const;

  // Memory of a state in bytes, for so many series of at most `length` values.
  std::int64_t state_bytes(std::int64_t series, std::int64_t length) const;

  std::unique_ptr<ReducerState> state() const;
  // One that expects series of `length` values.
  std::unique_ptr<ReducerState> state(std::int64_t length) const;

 private:
  Reducer(Kind kind, std::string name, double quantile, bool index)
      : kind_(kind), name_(std::move(name)), quantile_(quantile), index_(index) {}

  Kind kind_;
  std::string name_;
  double quantile_;
  bool index_;
};

// Every reducer name, for help and suggestions.
std::span<const std::string> reducer_names();

}  // namespace cube
