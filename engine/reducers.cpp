#include "engine/reducers.h"

#include <array>
#include <cmath>
#include <map>

#include "engine/error.h"
#include "engine/missing.h"
#include "engine/reducer_states.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::string_view kDefaultName = "mean";

// In the order of Reducer::Kind.
const std::array<std::string, 22>& names() {
  static const std::array<std::string, 22> kNames = {
      "min", "max",   "mean", "median",    "sum",       "prod", "count", "var",
      "sd",  "first", "last", "which_min", "which_max", "mode", "range", "quantile",
      "q1",  "q3",    "any",  "all",       "rms",       "mad"};
  return kNames;
}

// "p90" as 0.9; nullopt when the text is not of that form.
std::optional<double> parse_percentile(std::string_view text) {
  if (text.empty() || (text.front() != 'p' && text.front() != 'P')) return std::nullopt;
  const auto percent = parse_number(text.substr(1));
  if (!percent) return std::nullopt;
  return *percent / 100;
}

// "p90". Ten decimals are enough to tell 7 from 100 * 0.07.
std::string percentile_text(double quantile) {
  constexpr double kDigits = 1e10;
  std::string text = "p";
  text += number_text(std::round(quantile * 100 * kDigits) / kDigits);
  return text;
}

// What numpy, SQL, openEO and others call a reducer: "mean" for "avg"; "" = no such name.
std::string name_elsewhere(std::string_view text) {
  static const std::map<std::string, std::string, std::less<>> kNames = {
      {"avg", "mean"},     {"average", "mean"},     {"std", "sd"},           {"stddev", "sd"},
      {"stdev", "sd"},     {"variance", "var"},     {"product", "prod"},     {"n", "count"},
      {"length", "count"}, {"argmin", "which_min"}, {"argmax", "which_max"}, {"majority", "mode"},
      {"nanmean", "mean"}, {"nanmedian", "median"}, {"percentile", "p90"},   {"quantiles", "p90"}};
  const auto found = kNames.find(lower(text));
  return found == kNames.end() ? "" : found->second;
}

}  // namespace

void ReducerSpec::fields(FieldVisitor& v) {
  // Optional here, so that {"quantile": 0.9} need not name itself and {"name": "mean", "quantile":
  // 0.9} is not taken for it.
  std::optional<std::string> given;
  if (name != kDefaultName || quantile) given = name;
  v.field({.name = "name", .help = "The reducer, e.g. \"quantile\" or \"which_max\"."}, given);
  v.field({.name = "quantile", .help = "Which quantile, from 0 to 1 (type 7)."}, quantile);
  v.field({.name = "index",
           .help = "which_min, which_max: the slice's index from 0 instead of its instant."},
          index);
  if (given) {
    name = *given;
  } else if (quantile) {
    name = "quantile";
  }
}

std::optional<std::string> ReducerSpec::short_form() const {
  if (index) return std::nullopt;
  if (!quantile) return name;
  const std::string text = percentile_text(*quantile);
  return name == "quantile" && parse_percentile(text) == quantile ? std::optional(text)
                                                                  : std::nullopt;
}

void ReducerSpec::set_short_form(std::string text) {
  *this = ReducerSpec();
  quantile = parse_percentile(text);
  name = quantile ? "quantile" : std::move(text);
}

Reducer Reducer::make(const ReducerSpec& spec, std::string_view where) {
  const auto fail = [&](const std::string& message, const std::string& hint) -> Error {
    return Error(ErrorCode::kInvalid, message, std::string(where), hint);
  };
  const auto found = find_name(names(), spec.name);
  if (!found) {
    const std::string meant = name_elsewhere(spec.name);
    throw fail("there is no reducer '" + spec.name + "'",
               meant.empty() ? suggest(names(), spec.name) : "did you mean '" + meant + "'?");
  }
  const auto kind = static_cast<Kind>(*found);
  const std::string& name = names()[*found];
  if (spec.index && kind != Kind::kWhichMin && kind != Kind::kWhichMax) {
    throw fail("reducer '" + name + "' has no index", "only which_min and which_max have one");
  }
  if (spec.quantile && kind != Kind::kQuantile) {
    throw fail("reducer '" + name + "' takes no quantile", "leave one of the two away");
  }
  if (kind != Kind::kQuantile) {
    const double quantile = kind == Kind::kQ1 ? 0.25 : kind == Kind::kQ3 ? 0.75 : 0.5;
    return Reducer(kind, name, quantile, spec.index);
  }
  if (!spec.quantile) throw fail("which quantile?", "write \"p90\" or {\"quantile\": 0.9}");
  if (!(*spec.quantile >= 0 && *spec.quantile <= 1)) {
    throw fail("there is no quantile " + number_text(*spec.quantile),
               "0 to 1, or p0 to p100 as a text");
  }
  return Reducer(kind, percentile_text(*spec.quantile), *spec.quantile, false);
}

Storage Reducer::result(Storage input, std::int64_t length) const {
  constexpr double kNoPredicate = 255;
  constexpr double kNoIndex = -1;
  if (picks()) return input;
  switch (kind_) {
    case Kind::kCount:
      return {
          static_cast<double>(length) <= highest(DType::kUInt16) ? DType::kUInt16 : DType::kUInt32,
          std::nullopt};
    case Kind::kAny:
    case Kind::kAll:
      return {DType::kUInt8, kNoPredicate};
    case Kind::kWhichMin:
    case Kind::kWhichMax:
      return index_ ? Storage{DType::kInt32, kNoIndex} : Storage{DType::kFloat64, kMissing};
    default:
      return {arithmetic_dtype(input.dtype), kMissing};
  }
}

BandInfo Reducer::result_band(const BandInfo& in, std::int64_t length) const {
  BandInfo out = in;
  out.alias.clear();  // the cells are others now
  if (!picks()) out.classes.clear();
  const Storage storage = result(in.storage(), length);
  out.dtype = storage.dtype;
  out.nodata = storage.nodata;
  const auto plain = [&](std::string unit) {
    out.unit = std::move(unit);
    out.scale = 1;
    out.offset = 0;
  };
  switch (kind_) {
    case Kind::kSd:
    case Kind::kRange:
    case Kind::kMad:
      out.offset = 0;
      break;
    case Kind::kVar:
      if (!in.unit.empty()) out.unit = "(" + in.unit + ")2";
      out.scale = in.scale * in.scale;
      out.offset = 0;
      break;
    case Kind::kCount:
    case Kind::kAny:
    case Kind::kAll:
      plain("1");
      break;
    case Kind::kWhichMin:
    case Kind::kWhichMax:
      plain(index_ ? "1" : "seconds since 1970-01-01 00:00:00");
      break;
    case Kind::kSum:
    case Kind::kRms:
      if (in.offset != 0) plain("");
      break;
    case Kind::kProd:
      plain("");
      break;
    default:
      break;
  }
  return out;
}

BandInfo Reducer::result_band(const BandInfo& in, std::int64_t length, std::int64_t cells) const {
  BandInfo out = result_band(in, length);
  if (!locates()) return out;
  constexpr double kNoCell = -1;
  const bool fits = static_cast<double>(cells) <= highest(DType::kInt32);
  out.dtype = fits ? DType::kInt32 : DType::kFloat64;
  out.nodata = fits ? kNoCell : kMissing;
  out.unit = std::string("1");
  return out;
}

bool Reducer::picks() const {
  switch (kind_) {
    case Kind::kMin:
    case Kind::kMax:
    case Kind::kFirst:
    case Kind::kLast:
    case Kind::kMode:
      return true;
    default:
      return false;
  }
}

bool Reducer::counts() const { return kind_ == Kind::kCount; }

bool Reducer::holds_values() const {
  switch (kind_) {
    case Kind::kMedian:
    case Kind::kMode:
    case Kind::kQuantile:
    case Kind::kQ1:
    case Kind::kQ3:
    case Kind::kMad:
      return true;
    default:
      return false;
  }
}

std::int64_t Reducer::state_bytes(std::int64_t series, std::int64_t length) const {
  if (holds_values()) return order_state_bytes(series, length);
  constexpr std::int64_t kLargestFold = 4;  // of var: count, mean, sum of squares, first value
  return series * kLargestFold * static_cast<std::int64_t>(sizeof(double));
}

std::unique_ptr<ReducerState> Reducer::state(std::int64_t length) const {
  auto out = state();
  out->expect(length);
  return out;
}

std::unique_ptr<ReducerState> Reducer::state() const {
  switch (kind_) {
    case Kind::kMin:
      return min_state();
    case Kind::kMax:
      return max_state();
    case Kind::kMean:
      return mean_state();
    case Kind::kSum:
      return sum_state();
    case Kind::kProd:
      return prod_state();
    case Kind::kCount:
      return count_state();
    case Kind::kVar:
      return var_state();
    case Kind::kSd:
      return sd_state();
    case Kind::kFirst:
      return first_state();
    case Kind::kLast:
      return last_state();
    case Kind::kWhichMin:
      return which_min_state();
    case Kind::kWhichMax:
      return which_max_state();
    case Kind::kMode:
      return mode_state();
    case Kind::kRange:
      return range_state();
    case Kind::kAny:
      return any_state();
    case Kind::kAll:
      return all_state();
    case Kind::kRms:
      return rms_state();
    case Kind::kMad:
      return mad_state();
    case Kind::kMedian:
    case Kind::kQuantile:
    case Kind::kQ1:
    case Kind::kQ3:
      break;
  }
  return quantile_state(quantile_);
}

std::span<const std::string> reducer_names() { return names(); }

}  // namespace cube
