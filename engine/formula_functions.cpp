#include "engine/formula_functions.h"

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>

#include "engine/calendar.h"
#include "engine/dtype.h"
#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube::formula {

namespace {

// Whole numbers up to here are exact in double: the range of the bit operators.
constexpr double kWhole = 9007199254740992.0;
// Dates further from 1970 than this many seconds (some 300 000 years) are missing.
constexpr double kFarTime = 1e13;

// The conditions below are written as selections between computed values, not as branches, so that
// the loops over strips vectorise.
bool missing(double a, double b) { return std::isunordered(a, b); }
double truth(bool value) { return value ? 1.0 : 0.0; }

double add(double a, double b) { return a + b; }
double subtract(double a, double b) { return a - b; }
double multiply(double a, double b) { return a * b; }
double divide(double a, double b) { return a / b; }
double remainder_of(double a, double b) { return std::fmod(a, b); }
// IEEE's pow(NaN, 0) and pow(1, NaN) are 1; here missing stays missing.
double raise(double a, double b) {
  if (b == 2) return a * a;
  return missing(a, b) ? kMissing : std::pow(a, b);
}
double square(double a) { return a * a; }
double negate(double a) { return -a; }
double plus(double a) { return a; }

double less(double a, double b) { return missing(a, b) ? kMissing : truth(a < b); }
double less_equal(double a, double b) { return missing(a, b) ? kMissing : truth(a <= b); }
double greater(double a, double b) { return missing(a, b) ? kMissing : truth(a > b); }
double greater_equal(double a, double b) { return missing(a, b) ? kMissing : truth(a >= b); }
double equal(double a, double b) { return missing(a, b) ? kMissing : truth(a == b); }
double not_equal(double a, double b) { return missing(a, b) ? kMissing : truth(a != b); }
double both(double a, double b) { return missing(a, b) ? kMissing : truth((a != 0) & (b != 0)); }
double either(double a, double b) { return missing(a, b) ? kMissing : truth((a != 0) | (b != 0)); }
double not_of(double a) { return std::isnan(a) ? kMissing : truth(a == 0); }

// Bits are those of the whole part, in two's complement; numbers too large for that are missing.
bool whole(double a) { return std::abs(a) < kWhole; }
template <class F>
double on_bits(double a, double b, F f) {
  if (!whole(a) || !whole(b)) return kMissing;
  return static_cast<double>(f(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b)));
}
double bit_and(double a, double b) {
  return on_bits(a, b, [](std::int64_t p, std::int64_t q) { return p & q; });
}
double bit_or(double a, double b) {
  return on_bits(a, b, [](std::int64_t p, std::int64_t q) { return p | q; });
}
double bit_not(double a) { return whole(a) ? -std::trunc(a) - 1 : kMissing; }
double shift_left(double a, double b) {
  if (!whole(a) || !(b >= 0 && b < 53)) return kMissing;
  const double shifted = std::ldexp(std::trunc(a), static_cast<int>(b));
  return whole(shifted) ? shifted : kMissing;
}
double shift_right(double a, double b) {
  if (!whole(a) || !(b >= 0 && b < 64)) return kMissing;
  return std::floor(std::ldexp(std::trunc(a), -static_cast<int>(b)));
}
double bit(double a, double b) { return bit_and(shift_right(a, b), 1); }

// n (n - 1) ... of r factors.
double falling_product(double n, double r) {
  if (missing(n, r) || !(n >= 0 && r >= 0 && r <= n)) return kMissing;
  double product = 1;
  for (double k = 0; k < r && product <= std::numeric_limits<double>::max(); ++k) product *= n - k;
  return product;
}
double factorial(double a) { return falling_product(std::trunc(a), std::trunc(a)); }
double permutations(double n, double r) { return falling_product(std::trunc(n), std::trunc(r)); }
// Divided at each step, so that it stays whole and finite for as long as the result is.
double combinations(double n, double r) {
  n = std::trunc(n);
  r = std::trunc(r);
  if (missing(n, r) || !(n >= 0 && r >= 0 && r <= n)) return kMissing;
  const double fewer = std::min(r, n - r);
  double product = 1;
  for (double k = 0; k < fewer && product <= std::numeric_limits<double>::max(); ++k) {
    product = product * (n - k) / (k + 1);
  }
  return product;
}

double absolute(double a) { return std::abs(a); }
double sign(double a) { return std::isnan(a) ? kMissing : truth(a > 0) - truth(a < 0); }
double min_of(double a, double b) { return missing(a, b) ? kMissing : (b < a ? b : a); }
double max_of(double a, double b) { return missing(a, b) ? kMissing : (b > a ? b : a); }
double clamp(double a, double low, double high) { return min_of(max_of(a, low), high); }
double normalized_difference(double a, double b) { return (a - b) / (a + b); }
double is_nan(double a) { return truth(std::isnan(a)); }
double is_finite(double a) { return truth(std::abs(a) <= std::numeric_limits<double>::max()); }
double select(double condition, double a, double b) {
  const double chosen = condition != 0 ? a : b;
  return std::isnan(condition) ? kMissing : chosen;
}

template <class F>
double of_date(double t, F f) {
  if (!(std::abs(t) < kFarTime)) return kMissing;
  const std::chrono::sys_seconds instant{
      std::chrono::seconds(static_cast<std::int64_t>(std::floor(t)))};
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  return static_cast<double>(f(day, (instant - day).count()));
}
using Day = std::chrono::sys_days;
double year(double t) {
  return of_date(t, [](Day d, auto) { return int{std::chrono::year_month_day(d).year()}; });
}
double month(double t) {
  return of_date(t, [](Day d, auto) { return unsigned{std::chrono::year_month_day(d).month()}; });
}
double day_of_month(double t) {
  return of_date(t, [](Day d, auto) { return unsigned{std::chrono::year_month_day(d).day()}; });
}
double day_of_year(double t) {
  return of_date(t, [](Day d, auto) {
    const Day first(std::chrono::year_month_day(d).year() / std::chrono::January / 1);
    return (d - first).count() + 1;
  });
}
double weekday(double t) {
  return of_date(t, [](Day d, auto) { return std::chrono::weekday(d).iso_encoding(); });
}
double hours(double t) {
  return of_date(t, [](Day, auto second) { return second % kSecondsADay / kSecondsAnHour; });
}
double minutes(double t) {
  return of_date(t, [](Day, auto second) { return second % kSecondsAnHour / kSecondsAMinute; });
}
double seconds(double t) {
  return of_date(t, [](Day, auto second) { return second % kSecondsAMinute; });
}

// The C library's functions, as plain function pointers.
template <double (*F)(double)>
double call(double a) {
  return F(a);
}

template <Scalar1 F>
CUBE_MULTIVERSION void loop1(std::span<const double* const> arguments, std::size_t size,
                             double* __restrict out) {
  const double* __restrict a = arguments[0];
  for (std::size_t i = 0; i < size; ++i) out[i] = F(a[i]);
}
template <Scalar2 F>
CUBE_MULTIVERSION void loop2(std::span<const double* const> arguments, std::size_t size,
                             double* __restrict out) {
  const double* __restrict a = arguments[0];
  const double* __restrict b = arguments[1];
  for (std::size_t i = 0; i < size; ++i) out[i] = F(a[i], b[i]);
}
template <Scalar3 F>
CUBE_MULTIVERSION void loop3(std::span<const double* const> arguments, std::size_t size,
                             double* __restrict out) {
  const double* __restrict a = arguments[0];
  const double* __restrict b = arguments[1];
  const double* __restrict c = arguments[2];
  for (std::size_t i = 0; i < size; ++i) out[i] = F(a[i], b[i], c[i]);
}

double keep(double total, std::size_t) { return total; }
double average(double total, std::size_t count) { return total / static_cast<double>(count); }

// F from left to right over all arguments, then Finish(result, number of arguments).
template <Scalar2 F, double (*Finish)(double, std::size_t)>
double fold(const double* arguments, int count) {
  double total = arguments[0];
  for (int k = 1; k < count; ++k) total = F(total, arguments[k]);
  return Finish(total, static_cast<std::size_t>(count));
}
template <Scalar2 F, double (*Finish)(double, std::size_t)>
CUBE_MULTIVERSION void fold_loop(std::span<const double* const> arguments, std::size_t size,
                                 double* __restrict out) {
  const double* __restrict first = arguments[0];
  for (std::size_t i = 0; i < size; ++i) out[i] = first[i];
  for (const double* next : arguments.subspan(1)) {
    const double* __restrict a = next;
    for (std::size_t i = 0; i < size; ++i) out[i] = F(out[i], a[i]);
  }
  for (std::size_t i = 0; i < size; ++i) out[i] = Finish(out[i], arguments.size());
}

template <Scalar1 F>
constexpr Function one(std::string_view name, std::string_view help,
                       Missing rule = Missing::kPasses) {
  return {name, help, F, loop1<F>, rule};
}
template <Scalar2 F>
constexpr Function two(std::string_view name, std::string_view help) {
  return {name, help, F, loop2<F>};
}
template <Scalar3 F>
constexpr Function three(std::string_view name, std::string_view help,
                         Missing rule = Missing::kPasses) {
  return {name, help, F, loop3<F>, rule};
}
template <Scalar2 F, double (*Finish)(double, std::size_t) = keep>
constexpr Function many(std::string_view name, std::string_view help) {
  return {name, help, fold<F, Finish>, fold_loop<F, Finish>};
}

constexpr auto kFunctions = std::to_array<Function>({
    one<call<std::sin>>("sin", "sin(x): sine, x in radians"),
    one<call<std::cos>>("cos", "cos(x)"),
    one<call<std::tan>>("tan", "tan(x)"),
    one<call<std::asin>>("asin", "asin(x)"),
    one<call<std::acos>>("acos", "acos(x)"),
    one<call<std::atan>>("atan", "atan(x)"),
    two<std::atan2>("atan2", "atan2(y, x): angle of the point (x, y)"),
    one<call<std::sinh>>("sinh", "sinh(x)"),
    one<call<std::cosh>>("cosh", "cosh(x)"),
    one<call<std::tanh>>("tanh", "tanh(x)"),
    one<call<std::asinh>>("asinh", "asinh(x)"),
    one<call<std::acosh>>("acosh", "acosh(x)"),
    one<call<std::atanh>>("atanh", "atanh(x)"),
    one<call<std::exp>>("exp", "exp(x): e to the power of x"),
    one<call<std::log>>("log", "log(x): natural logarithm"),
    one<call<std::log>>("ln", "ln(x): natural logarithm"),
    one<call<std::log10>>("log10", "log10(x): logarithm to base 10"),
    one<call<std::log2>>("log2", "log2(x): logarithm to base 2"),
    two<raise>("pow", "pow(a, b): the same as a ^ b"),
    one<call<std::sqrt>>("sqrt", "sqrt(x)"),
    one<absolute>("abs", "abs(x)"),
    one<sign>("sign", "sign(x): -1, 0 or 1"),
    one<call<std::rint>>("rint", "rint(x): nearest whole number, ties to even"),
    one<call<std::round>>("round", "round(x): nearest whole number, ties away from zero"),
    one<call<std::floor>>("floor", "floor(x): largest whole number not above x"),
    one<call<std::ceil>>("ceil", "ceil(x): smallest whole number not below x"),
    many<min_of>("min", "min(a, b, ...): missing where any argument is"),
    many<max_of>("max", "max(a, b, ...): missing where any argument is"),
    many<add>("sum", "sum(a, b, ...)"),
    many<add, average>("avg", "avg(a, b, ...): mean"),
    three<select>("iif", "iif(c, a, b): a where c is not 0, else b; missing where c is",
                  Missing::kSelects),
    three<select>("ifelse", "ifelse(c, a, b): the same as iif", Missing::kSelects),
    one<is_nan>("isnan", "isnan(x): 1 where x is missing, else 0", Missing::kAbsorbs),
    one<is_finite>("isfinite", "isfinite(x): 1 where x is neither missing nor infinite, else 0",
                   Missing::kAbsorbs),
    three<clamp>("clamp", "clamp(x, lo, hi): x, but not below lo nor above hi"),
    two<normalized_difference>("nd", "nd(a, b): normalized difference (a - b) / (a + b)"),
    two<bit>("bit", "bit(x, i): bit i of x, 0 or 1; bit 0 is the lowest"),
    one<factorial>("fac", "fac(n): n!, the factorial of the whole part"),
    two<combinations>("ncr", "ncr(n, r): how many ways there are to choose r of n"),
    two<permutations>("npr", "npr(n, r): the same where their order counts"),
    one<year>("year", "year(t): year of an instant in seconds since 1970, UTC, e.g. of t0"),
    one<month>("month", "month(t): 1 to 12"),
    one<day_of_month>("day", "day(t): day of the month, 1 to 31"),
    one<day_of_year>("dayofyear", "dayofyear(t): 1 to 366"),
    one<weekday>("weekday", "weekday(t): 1 = Monday to 7 = Sunday (ISO 8601)"),
    one<hours>("hours", "hours(t): hour of the day, 0 to 23"),
    one<minutes>("minutes", "minutes(t): minute of the hour, 0 to 59"),
    one<seconds>("seconds", "seconds(t): second of the minute, 0 to 59"),
});

constexpr OperatorSign infix(Function function, int precedence) {
  return {function, precedence, false};
}

// Bit operators bind tighter than comparisons (as in Python, unlike C), so that `qa & 8 == 0`
// means what it says.
constexpr int kOr = 1;
constexpr int kAnd = 2;
constexpr int kCompare = 3;
constexpr int kBitOr = 4;
constexpr int kBitAnd = 5;
constexpr int kShift = 6;
constexpr int kAdd = 7;
constexpr int kMultiply = 8;  // signs too: -a * b is (-a) * b, but -a ^ 2 is -(a ^ 2)
constexpr int kPower = 9;

constexpr auto kOperators = std::to_array<OperatorSign>({
    infix(two<either>("||", "a || b: 1 where a or b is not 0"), kOr),
    infix(two<both>("&&", "a && b: 1 where a and b are not 0"), kAnd),
    infix(two<less_equal>("<=", "a < b, a <= b, a > b, a >= b, a == b, a != b: 1 where so, else 0"),
          kCompare),
    infix(two<greater_equal>(">=", ""), kCompare),
    infix(two<equal>("==", ""), kCompare),
    infix(two<not_equal>("!=", ""), kCompare),
    infix(two<less>("<", ""), kCompare),
    infix(two<greater>(">", ""), kCompare),
    infix(two<bit_or>("|", "a | b: bits of either"), kBitOr),
    infix(two<bit_and>("&", "a & b: bits of both; binds tighter than comparisons"), kBitAnd),
    infix(two<shift_left>("<<", "a << n: bits moved up by n"), kShift),
    infix(two<shift_right>(">>", "a >> n: bits moved down by n"), kShift),
    infix(two<add>("+", ""), kAdd),
    infix(two<subtract>("-", ""), kAdd),
    infix(two<multiply>("*", ""), kMultiply),
    infix(two<divide>("/", "a / b: x / 0 is infinite, 0 / 0 is missing"), kMultiply),
    infix(two<remainder_of>("%", "a % b: remainder with the sign of a; missing where b is 0"),
          kMultiply),
    {two<raise>("^", "a ^ b: power, from right to left"), kPower, true},
    infix(one<negate>("-", ""), kMultiply),
    infix(one<plus>("+", ""), kMultiply),
    infix(one<not_of>("!", "!a: 1 where a is 0"), kMultiply),
    infix(one<bit_not>("~", "~a: bits inverted, -a - 1"), kMultiply),
});

constexpr auto kVariables = std::to_array<VariableInfo>({
    {"ix", "ix: column of the cell, from 0", Variable::kIx, true, false},
    {"iy", "iy: row of the cell, from 0 at the top", Variable::kIy, false, false},
    {"it", "it: slice, from 0", Variable::kIt, false, false},
    {"x", "x: centre of the cell, in units of the CRS", Variable::kX, true, true},
    {"y", "y: centre of the cell, in units of the CRS", Variable::kY, false, true},
    {"left", "left: left edge of the cell", Variable::kLeft, true, true},
    {"right", "right: right edge of the cell", Variable::kRight, true, true},
    {"top", "top: top edge of the cell", Variable::kTop, false, true},
    {"bottom", "bottom: bottom edge of the cell", Variable::kBottom, false, true},
    {"t0", "t0: start of the slice, seconds since 1970, UTC", Variable::kT0, false, true},
    {"t1", "t1: end of the slice, seconds since 1970, UTC", Variable::kT1, false, true},
});

constexpr auto kConstants = std::to_array<Constant>({
    {"pi", std::numbers::pi},
    {"_pi", std::numbers::pi},
    {"e", std::numbers::e},
    {"_e", std::numbers::e},
    {"nan", kMissing},
});

}  // namespace

std::span<const Function> functions() { return kFunctions; }
std::span<const OperatorSign> operators() { return kOperators; }
std::span<const VariableInfo> variables() { return kVariables; }
std::span<const Constant> constants() { return kConstants; }

ColumnLoop select_loop() { return loop3<select>; }
ColumnLoop square_loop() { return loop1<square>; }
Scalar2 power() { return raise; }

}  // namespace cube::formula
