#include "engine/gdal/cf_time.h"

#include <array>
#include <cmath>
#include <utility>

#include "engine/calendar.h"
#include "engine/error.h"
#include "engine/text.h"
#include "engine/time_scanner.h"

namespace cube {

namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

Error invalid(const std::string& message, const std::string& hint = {}) {
  return Error(ErrorCode::kInvalid, message, "", hint);
}

// What values count: seconds, or months.
struct Unit {
  double seconds = 0;
  std::int64_t months = 0;
};

std::optional<Unit> parse_unit(std::string name) {
  static const std::vector<std::pair<std::vector<std::string>, Unit>> kUnits = {
      {{"nanosecond", "ns", "nsec"}, {1e-9}},
      {{"microsecond", "us", "usec", "microsec"}, {1e-6}},
      {{"millisecond", "ms", "msec", "millisec"}, {1e-3}},
      {{"second", "s", "sec"}, {1}},
      {{"minute", "min"}, {kSecondsAMinute}},
      {{"hour", "h", "hr"}, {kSecondsAnHour}},
      {{"day", "d"}, {kSecondsADay}},
      {{"week"}, {kSecondsADay * kDaysAWeek}},
      {{"month", "mon"}, {0, 1}},
      {{"year", "yr"}, {0, kMonthsAYear}},
  };
  name = lower(name);
  for (const auto& [names, unit] : kUnits) {
    for (const std::string& known : names) {
      if (name == known || name == known + "s") return unit;
    }
  }
  return std::nullopt;
}

struct Since {
  std::string unit;
  std::string reference;
};

std::optional<Since> split_units(const std::string& units) {
  static constexpr std::string_view kSince = " since ";
  const std::size_t at = lower(units).find(kSince);
  if (at == std::string::npos) return std::nullopt;
  const auto trimmed = [](const std::string& text) {
    const std::size_t first = text.find_first_not_of(' ');
    return first == std::string::npos ? std::string()
                                      : text.substr(first, text.find_last_not_of(' ') - first + 1);
  };
  return Since{trimmed(units.substr(0, at)), trimmed(units.substr(at + kSince.size()))};
}

// "", "Z", "UTC", "+02:00", "-6:00", "+0530": how far local time is ahead of UTC.
std::optional<seconds> scan_zone(TimeScanner& in, std::string_view rest) {
  for (const std::string_view utc : {"", "Z", "z", "UTC", "utc", "GMT"}) {
    if (rest == utc) return seconds(0);
  }
  if (!in.take("+-")) return std::nullopt;
  const std::int64_t sign = in.taken() == '-' ? -1 : 1;
  const auto hour = in.number(1, 2);
  const bool colon = in.take(":");
  const auto minute = in.done() && !colon ? 0 : in.number(2, 2);
  if (!hour || !minute || !in.done()) return std::nullopt;
  return seconds(sign * (*hour * kSecondsAnHour + *minute * kSecondsAMinute));
}

// An instant to count from, which is not always ISO 8601: "1-1-1 00:00:0.0", "2000-01-01 0 UTC".
std::optional<Instant> scan_reference(const std::string& text) {
  TimeScanner in(text);
  const auto year = in.number(1, 4);
  if (!in.take("-")) return std::nullopt;
  const auto month = in.number(1, 2);
  if (!in.take("-")) return std::nullopt;
  const auto day = in.number(1, 2);
  if (!year || !month || !day) return std::nullopt;
  const year_month_day date = std::chrono::year(static_cast<int>(*year)) /
                              static_cast<int>(*month) / static_cast<int>(*day);
  if (!date.ok()) return std::nullopt;
  in.take("Tt");
  in.skip_spaces();
  std::array<std::int64_t, 3> clock = {0, 0, 0};
  for (std::size_t i = 0; i < clock.size() && in.digits() > 0; ++i) {
    clock[i] = *in.number(1, 2);
    if (!in.take(":")) break;
  }
  if (in.take(".")) in.skip_digits();
  in.skip_spaces();
  const auto ahead = scan_zone(in, in.rest());
  if (!ahead || clock[0] > 24 || clock[1] > 59 || clock[2] > 59) return std::nullopt;
  return sys_days(date) +
         seconds(clock[0] * kSecondsAnHour + clock[1] * kSecondsAMinute + clock[2]) - *ahead;
}

// A date of the Julian calendar as the instant it was. Fliegel & van Flandern's day numbers.
sys_days from_julian(const year_month_day& date) {
  const auto y = static_cast<std::int64_t>(static_cast<int>(date.year()));
  const auto m = static_cast<std::int64_t>(static_cast<unsigned>(date.month()));
  const auto d = static_cast<std::int64_t>(static_cast<unsigned>(date.day()));
  const std::int64_t a = (14 - m) / 12;
  const std::int64_t years = y + 4800 - a;
  const std::int64_t day_number =
      d + (153 * (m + 12 * a - 3) + 2) / 5 + 365 * years + years / 4 - 32083;
  constexpr std::int64_t kEpoch = 2440588;  // 1970-01-01
  return sys_days(days(day_number - kEpoch));
}

enum class Calendar { kStandard, kProleptic, kNoLeap };

Calendar parse_calendar(const std::string& text) {
  const std::string name = lower(text);
  if (name.empty() || name == "standard" || name == "gregorian") return Calendar::kStandard;
  if (name == "proleptic_gregorian") return Calendar::kProleptic;
  if (name == "noleap" || name == "365_day") return Calendar::kNoLeap;
  throw invalid("times are in the calendar '" + text + "', whose dates are not all real dates",
                "standard, proleptic_gregorian or noleap; \"datetime\" states times instead");
}

// Days since the year 0 of a calendar without leap days.
constexpr std::array<std::int64_t, 13> kMonthStarts = {0,   31,  59,  90,  120, 151, 181,
                                                       212, 243, 273, 304, 334, 365};
constexpr std::int64_t kDaysAYear = 365;

std::int64_t noleap_days(const year_month_day& date) {
  return kDaysAYear * static_cast<int>(date.year()) +
         kMonthStarts[static_cast<unsigned>(date.month()) - 1] + static_cast<unsigned>(date.day()) -
         1;
}

sys_days from_noleap(std::int64_t count) {
  const std::int64_t year =
      count >= 0 ? count / kDaysAYear : -((kDaysAYear - 1 - count) / kDaysAYear);
  const std::int64_t day = count - year * kDaysAYear;
  std::size_t month = 0;
  while (kMonthStarts[month + 1] <= day) ++month;
  return sys_days(std::chrono::year(static_cast<int>(year)) /
                  std::chrono::month(static_cast<unsigned>(month) + 1) /
                  std::chrono::day(static_cast<unsigned>(day - kMonthStarts[month]) + 1));
}

// Seconds after a reference.
Instant after(Instant reference, std::int64_t count, Calendar calendar) {
  if (calendar != Calendar::kNoLeap) return reference + seconds(count);
  const sys_days day = floor<days>(reference);
  const std::int64_t of_day = (reference - day).count() + count;
  const std::int64_t more =
      of_day >= 0 ? of_day / kSecondsADay : -((kSecondsADay - 1 - of_day) / kSecondsADay);
  return from_noleap(noleap_days(year_month_day(day)) + more) +
         seconds(of_day - more * kSecondsADay);
}

// The step in which instants follow on each other, the last being the end; nullopt when in none.
std::optional<Period> common_step(const std::vector<Instant>& edges, const std::string& stated) {
  const auto fits = [&](const Period& step) {
    if (step == Period{}) return false;
    for (std::size_t i = 1; i < edges.size(); ++i) {
      if (advance(edges[0], step, static_cast<std::int64_t>(i)) != edges[i]) return false;
    }
    return true;
  };
  if (const auto step = Period::parse(stated); step && fits(*step)) return step;
  const year_month_day a(floor<days>(edges[0]));
  const year_month_day b(floor<days>(edges[1]));
  const Period months{.months = ((b.year() / b.month()) - (a.year() / a.month())).count()};
  if (months.months > 0 && fits(months)) return months;
  const std::int64_t length = (edges[1] - edges[0]).count();
  if (length <= 0) return std::nullopt;
  const Period plain = length % kSecondsADay == 0 ? Period{.days = length / kSecondsADay}
                                                  : Period{.seconds = length};
  if (fits(plain)) return plain;
  return std::nullopt;
}

std::optional<TimeAxis> regular_axis(const CfTimes& times) {
  const std::size_t n = times.values.size();
  if (n == 0 || times.bounds.size() != 2 * n) return std::nullopt;
  const std::vector<Instant> bounds = decode_instants(
      times.bounds, times.bounds_units.empty() ? times.units : times.bounds_units, times.calendar);
  std::vector<Instant> edges;
  for (std::size_t i = 0; i < n; ++i) {
    if (i > 0 && bounds[2 * i] != bounds[2 * i - 1]) return std::nullopt;
    edges.push_back(bounds[2 * i]);
  }
  edges.push_back(bounds.back());
  const auto step = common_step(edges, times.step);
  if (!step) return std::nullopt;
  return TimeAxis::regular(edges[0], *step, static_cast<std::int64_t>(n));
}

}  // namespace

bool is_time_unit(const std::string& units) {
  const auto since = split_units(units);
  return since && parse_unit(since->unit).has_value();
}

std::vector<Instant> decode_instants(const std::vector<double>& values, const std::string& units,
                                     const std::string& calendar) {
  const auto since = split_units(units);
  const auto unit = since ? parse_unit(since->unit) : std::nullopt;
  if (!unit) {
    throw invalid("times are in '" + units + "'", "such as \"days since 1970-01-01\"");
  }
  const Calendar kind = parse_calendar(calendar);
  const auto found = scan_reference(since->reference);
  if (!found) {
    throw invalid("'" + since->reference + "' is no instant to count from",
                  "such as 1970-01-01 00:00:00");
  }
  Instant reference = *found;
  const sys_days day = floor<days>(reference);
  static const sys_days kReform = std::chrono::year(1582) / 10 / 15;
  if (kind == Calendar::kStandard && day < kReform) {
    reference += from_julian(year_month_day(day)) - day;
  }
  constexpr double kFar = 1e12;  // seconds: beyond the years that a calendar has
  std::vector<Instant> out;
  for (const double value : values) {
    if (unit->months > 0) {
      if (value != std::nearbyint(value) || !(std::abs(value) < kFar)) {
        throw invalid("a time is " + number_text(value) + " " + since->unit,
                      "months and years are counted in whole numbers");
      }
      out.push_back(advance(reference, {.months = unit->months}, std::llround(value)));
      continue;
    }
    const double count = std::nearbyint(value * unit->seconds);
    if (!(std::abs(count) < kFar)) throw invalid("a time is " + number_text(value) + " " + units);
    out.push_back(after(reference, std::llround(count), kind));
  }
  return out;
}

TimeAxis decode_times(const CfTimes& times) {
  if (const auto axis = regular_axis(times)) return *axis;
  std::vector<Instant> labels = decode_instants(times.values, times.units, times.calendar);
  for (std::size_t i = 1; i < labels.size(); ++i) {
    if (labels[i - 1] < labels[i]) continue;
    throw invalid("time " + std::to_string(i) + ", " + to_text(labels[i]) +
                      ", is not after the one before it, " + to_text(labels[i - 1]),
                  "slices stand in ascending order of time");
  }
  return TimeAxis::labelled(std::move(labels));
}

}  // namespace cube
