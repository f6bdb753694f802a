#include "engine/gdal/cf_time.h"

#include <array>
#include <cmath>
#include <cstdio>
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

// "day as %Y%m%d.%f", as CDO and ESMF write: 20200131.25 is six o'clock.
bool is_date_number(const std::string& units) { return lower(units).starts_with("day as %y%m%d"); }

Instant from_date_number(double value) {
  const double whole = std::floor(value);
  const auto date = whole > 0 && whole < 1e8 ? static_cast<int>(whole) : 0;
  constexpr int kYear = 10000;
  constexpr int kMonth = 100;
  const year_month_day day =
      std::chrono::year(date / kYear) / (date % kYear / kMonth) / (date % kMonth);
  if (!day.ok()) throw invalid("a time is " + number_text(value) + ", which is no date");
  return sys_days(day) + seconds(std::llround((value - whole) * kSecondsADay));
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

enum class Calendar { kStandard, kProleptic, kJulian, kNoLeap, kAllLeap, k360Day };

Calendar parse_calendar(const std::string& text) {
  static const std::vector<std::pair<std::string_view, Calendar>> kNames = {
      {"", Calendar::kStandard},          {"standard", Calendar::kStandard},
      {"gregorian", Calendar::kStandard}, {"proleptic_gregorian", Calendar::kProleptic},
      {"julian", Calendar::kJulian},      {"noleap", Calendar::kNoLeap},
      {"365_day", Calendar::kNoLeap},     {"all_leap", Calendar::kAllLeap},
      {"366_day", Calendar::kAllLeap},    {"360_day", Calendar::k360Day}};
  const std::string name = lower(text);
  for (const auto& [known, calendar] : kNames) {
    if (name == known) return calendar;
  }
  throw invalid("times are in the calendar '" + text + "', which is none of those of CF", "",
                "\"datetime\" states times instead");
}

// A calendar whose years are all alike: days since its year 0.
class EqualYears {
 public:
  // REQUIRES: one of these.
  explicit EqualYears(Calendar calendar) {
    for (unsigned month = 1; month <= 12; ++month) {
      const auto last = std::chrono::year(calendar == Calendar::kAllLeap ? 2000 : 2001) /
                        std::chrono::month(month) / std::chrono::last;
      const std::int64_t length =
          calendar == Calendar::k360Day
              ? 30
              : static_cast<std::int64_t>(static_cast<unsigned>(last.day()));
      starts_[month] = starts_[month - 1] + length;
    }
  }

  std::int64_t days_to(const year_month_day& date) const {
    return starts_.back() * static_cast<int>(date.year()) +
           starts_[static_cast<unsigned>(date.month()) - 1] + static_cast<unsigned>(date.day()) - 1;
  }

  // May be no date of ours: !ok().
  year_month_day date(std::int64_t count) const {
    const std::int64_t length = starts_.back();
    const std::int64_t year = count >= 0 ? count / length : -((length - 1 - count) / length);
    const std::int64_t day = count - year * length;
    std::size_t month = 0;
    while (starts_[month + 1] <= day) ++month;
    return std::chrono::year(static_cast<int>(year)) /
           std::chrono::month(static_cast<unsigned>(month) + 1) /
           std::chrono::day(static_cast<unsigned>(day - starts_[month]) + 1);
  }

 private:
  std::array<std::int64_t, 13> starts_{};  // of months, days of the year
};

// A date as ISO 8601, also one that does not exist.
std::string date_text(const year_month_day& date) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

// Instants of a calendar. `strange`: the first date of them that does not exist, "" = none.
struct Decoded {
  std::vector<Instant> instants;
  std::string strange;

  // Adds what lies some seconds after a reference.
  void add(Instant reference, std::int64_t count, Calendar calendar) {
    if (calendar < Calendar::kNoLeap) {
      instants.push_back(reference + seconds(count));
      return;
    }
    const EqualYears years(calendar);
    const sys_days day = floor<days>(reference);
    const std::int64_t of_day = (reference - day).count() + count;
    const std::int64_t more =
        of_day >= 0 ? of_day / kSecondsADay : -((kSecondsADay - 1 - of_day) / kSecondsADay);
    const year_month_day date = years.date(years.days_to(year_month_day(day)) + more);
    if (!date.ok() && strange.empty()) strange = date_text(date);
    instants.push_back(sys_days(date) + seconds(of_day - more * kSecondsADay));
  }
};

Decoded decode(const std::vector<double>& values, const std::string& units,
               const std::string& calendar) {
  if (is_date_number(units)) {
    Decoded dates;
    for (const double value : values) dates.instants.push_back(from_date_number(value));
    return dates;
  }
  const auto since = split_units(units);
  const auto unit = since ? parse_unit(since->unit) : std::nullopt;
  if (!unit) {
    throw invalid("times are in '" + units + "'", "", "such as \"days since 1970-01-01\"");
  }
  const Calendar kind = parse_calendar(calendar);
  const auto found = scan_reference(since->reference);
  if (!found) {
    throw invalid("'" + since->reference + "' is no instant to count from", "",
                  "such as 1970-01-01 00:00:00");
  }
  Instant reference = *found;
  const sys_days day = floor<days>(reference);
  static const sys_days kReform = std::chrono::year(1582) / 10 / 15;
  if (kind == Calendar::kJulian || (kind == Calendar::kStandard && day < kReform)) {
    reference += from_julian(year_month_day(day)) - day;
  }
  constexpr double kFar = 1e12;  // seconds: beyond the years that a calendar has
  Decoded out;
  for (const double value : values) {
    if (unit->months > 0) {
      if (value != std::nearbyint(value) || !(std::abs(value) < kFar)) {
        throw invalid("a time is " + number_text(value) + " " + since->unit, "",
                      "months and years are counted in whole numbers");
      }
      out.instants.push_back(advance(reference, {.months = unit->months}, std::llround(value)));
      continue;
    }
    const double count = std::nearbyint(value * unit->seconds);
    if (!(std::abs(count) < kFar)) throw invalid("a time is " + number_text(value) + " " + units);
    out.add(reference, std::llround(count), kind);
  }
  return out;
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
  const Decoded decoded = decode(
      times.bounds, times.bounds_units.empty() ? times.units : times.bounds_units, times.calendar);
  if (!decoded.strange.empty()) return std::nullopt;
  const std::vector<Instant>& bounds = decoded.instants;
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

TimeAxis ascending_axis(std::vector<Instant> labels) {
  for (std::size_t i = 1; i < labels.size(); ++i) {
    if (labels[i - 1] < labels[i]) continue;
    throw invalid("time " + std::to_string(i) + ", " + to_text(labels[i]) +
                      ", is not after the one before it, " + to_text(labels[i - 1]),
                  "", "slices stand in ascending order of time");
  }
  return TimeAxis::labelled(std::move(labels));
}

}  // namespace

bool is_time_unit(const std::string& units) {
  if (is_date_number(units)) return true;
  const auto since = split_units(units);
  return since && parse_unit(since->unit).has_value();
}

std::vector<Instant> decode_instants(const std::vector<double>& values, const std::string& units,
                                     const std::string& calendar) {
  Decoded out = decode(values, units, calendar);
  if (out.strange.empty()) return std::move(out.instants);
  throw invalid("times are in the calendar '" + calendar + "', and one of them is " + out.strange +
                    ", a date that does not exist",
                "", "xarray's convert_calendar makes dates of them, or \"datetime\" states them");
}

TimeAxis decode_times(const CfTimes& times) {
  if (const auto axis = regular_axis(times)) return *axis;
  return ascending_axis(decode_instants(times.values, times.units, times.calendar));
}

TimeAxis axis_of_texts(const std::vector<std::string>& texts) {
  std::vector<Instant> labels;
  for (const std::string& text : texts) {
    const auto span = parse_time(text);
    if (!span) {
      throw invalid("'" + text + "' is no time", "",
                    "such as 2023-06-15; \"datetime\" states times");
    }
    labels.push_back(span->start);
  }
  return ascending_axis(std::move(labels));
}

}  // namespace cube
