// Time arithmetic over 1900..2100 against a calendar that is walked day by day: periods, axes,
// groups, cycles, texts and the date functions of formulas.
//
// The walk knows nothing but the rule of leap years, the lengths of months and that 1900-01-01 was
// a Monday; the first test case checks it with dates known from elsewhere.
#include <array>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "engine/calendar.h"
#include "engine/formula.h"
#include "engine/time_axis.h"
#include "engine/time_groups.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr int kFirstYear = 1900;
constexpr int kLastYear = 2100;
constexpr std::int64_t kFirstDay = -25567;  // 1900-01-01, in days since 1970-01-01

struct Day {
  int year, month, day;
  int of_year;  // 1 = the first of January
  int weekday;  // 1 = Monday

  std::string date() const {
    char text[16];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
    return text;
  }
  std::string ordinal() const {
    char text[16];
    std::snprintf(text, sizeof text, "%04d-%03d", year, of_year);
    return text;
  }
};

int length(int year, int month) {
  constexpr std::array<int, 13> kDays = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kDays[static_cast<std::size_t>(month)] + (leap && month == 2 ? 1 : 0);
}

// Every day from 1900-01-01 to 2100-12-31.
std::vector<Day> walk() {
  std::vector<Day> days;
  int weekday = 1;
  for (int year = kFirstYear; year <= kLastYear; ++year) {
    int of_year = 1;
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= length(year, month); ++day) {
        days.push_back({year, month, day, of_year++, weekday});
        weekday = weekday % 7 + 1;
      }
    }
  }
  return days;
}

const std::vector<Day>& calendar() {
  static const std::vector<Day> days = walk();
  return days;
}

std::int64_t days_in_all() { return static_cast<std::int64_t>(calendar().size()); }

const Day& day_at(std::int64_t number) { return calendar()[static_cast<std::size_t>(number)]; }

// The midnight that day `number` of the calendar begins with.
Instant midnight(std::int64_t number) {
  return Instant(std::chrono::seconds((kFirstDay + number) * 86400));
}

// Number of the first day of each month, by months since January 1900; one more at the end.
const std::vector<std::int64_t>& month_starts() {
  static const std::vector<std::int64_t> starts = [] {
    std::vector<std::int64_t> found;
    for (std::int64_t i = 0; i < days_in_all(); ++i) {
      if (day_at(i).day == 1) found.push_back(i);
    }
    found.push_back(days_in_all());
    return found;
  }();
  return starts;
}

TimeAxis all_days() { return TimeAxis::regular(midnight(0), {.days = 1}, days_in_all()); }

// Day `number` moved by so many months, and at most to a month's last day; -1 when that is outside.
std::int64_t moved(std::int64_t number, std::int64_t months) {
  const Day& day = day_at(number);
  const std::int64_t month = (day.year - kFirstYear) * 12 + day.month - 1 + months;
  const auto& starts = month_starts();
  if (month < 0 || month + 1 >= static_cast<std::int64_t>(starts.size())) return -1;
  const auto place = static_cast<std::size_t>(month);
  return std::min(starts[place] + day.day, starts[place + 1]) - 1;
}

// What two days have in common when they lie in the same calendar period or cycle.
using Key = std::tuple<int, int, int>;

// The year that the December of a season belongs to begins with it.
Key season(const Day& d) { return {d.month == 12 ? d.year + 1 : d.year, d.month % 12 / 3, 0}; }

int dekad(const Day& d) { return std::min((d.day - 1) / 10, 2); }

Key period_of(std::string_view period, std::int64_t number) {
  const Day& d = day_at(number);
  if (period == "day") return {d.year, d.of_year, 0};
  if (period == "week") return {static_cast<int>(number / 7), 0, 0};  // 1900 begins with a Monday
  if (period == "dekad") return {d.year, d.month, dekad(d)};
  if (period == "month") return {d.year, d.month, 0};
  if (period == "season") return season(d);
  return {d.year, 0, 0};
}

Key place_of(std::string_view cycle, const Day& d) {
  if (cycle == "month") return {d.month, 0, 0};
  if (cycle == "season") return {std::get<1>(season(d)), 0, 0};
  if (cycle == "dekad") return {d.month, dekad(d), 0};
  if (cycle == "dayofyear") return {d.of_year, 0, 0};
  return {d.year, 0, 0};
}

using Partition = std::vector<std::vector<std::int64_t>>;

// The days of each group, the groups in the order of their first days.
Partition partition_of(const TimeGroups& groups) {
  std::map<std::int64_t, std::vector<std::int64_t>> ordered;
  for (const std::vector<Range>& ranges : groups.members) {
    std::vector<std::int64_t> members;
    for (const Range& range : ranges) {
      for (std::int64_t i = range.begin; i < range.end; ++i) members.push_back(i);
    }
    if (!members.empty()) ordered[members[0]] = members;
  }
  Partition result;
  for (auto& entry : ordered) result.push_back(std::move(entry.second));
  return result;
}

Partition partition_by(const std::function<Key(std::int64_t)>& key) {
  std::map<Key, std::vector<std::int64_t>> groups;
  std::map<std::int64_t, Key> ordered;
  for (std::int64_t i = 0; i < days_in_all(); ++i) {
    groups[key(i)].push_back(i);
    if (groups[key(i)].size() == 1) ordered[i] = key(i);
  }
  Partition result;
  for (const auto& entry : ordered) result.push_back(groups[entry.second]);
  return result;
}

// The value of a formula of t0 for every day.
std::vector<double> of_every_day(const std::string& text) {
  CubeInfo cube;
  cube.grid = {"EPSG:32618", 0, 1, 1, 1, 1, 1};
  cube.time = all_days();
  const Formula formula(text, std::vector<std::string>{}, "");
  FormulaRunner runner(formula);
  std::vector<double> values;
  for (std::int64_t t = 0; t < days_in_all(); ++t) {
    double value = 0;
    runner.run({}, {.cube = &cube, .t = t, .y = 0, .columns = {0, 1}}, {&value, 1});
    values.push_back(value);
  }
  return values;
}

}  // namespace

TEST_CASE("the calendar that is walked is the real one") {
  CHECK(days_in_all() == 201 * 365 + 49);  // 1900 and 2100 are not leap years
  CHECK(day_at(-kFirstDay).date() == "1970-01-01");
  CHECK(day_at(-kFirstDay).weekday == 4);                   // a Thursday
  CHECK(day_at(10957 - kFirstDay).date() == "2000-01-01");  // 946684800 / 86400
  CHECK(day_at(10957 - kFirstDay).weekday == 6);
  CHECK(day_at(days_in_all() - 1).date() == "2100-12-31");
  CHECK(day_at(days_in_all() - 1).weekday == 5);
}

TEST_CASE("texts of every day") {
  for (std::int64_t i = 0; i < days_in_all(); ++i) {
    const Day& d = day_at(i);
    const auto span = parse_time(d.date());
    const auto ordinal = parse_time(d.ordinal());
    const bool same = span && ordinal && span->start == midnight(i) &&
                      span->end == midnight(i + 1) && ordinal->start == midnight(i) &&
                      to_text(midnight(i)) == d.date() + "T00:00:00" &&
                      parse_time(d.ordinal(), "%Y-%j") == midnight(i) &&
                      parse_time(d.date(), "%Y-%m-%d") == midnight(i);
    if (!same) FAIL(d.date());
  }
}

TEST_CASE("units that every second of a day is rounded down to") {
  for (std::int64_t i = 0; i < days_in_all(); ++i) {
    const Day& d = day_at(i);
    const Instant late = midnight(i) + std::chrono::seconds(86399);
    const std::int64_t month =
        month_starts()[static_cast<std::size_t>((d.year - kFirstYear) * 12 + d.month - 1)];
    const bool same = truncate(late, Precision::kDay) == midnight(i) &&
                      truncate(late, Precision::kMonth) == midnight(month) &&
                      truncate(late, Precision::kYear) == midnight(i - d.of_year + 1) &&
                      truncate(late, Precision::kHour) == midnight(i) + std::chrono::hours(23);
    if (!same) FAIL(d.date());
  }
}

TEST_CASE("every day moved by months, days and hours") {
  const Period quarter_and_more{.months = 3, .days = 10, .seconds = 3600};
  for (const std::int64_t months : {1, 2, 3, 5, 6, 12, 18, 60, 120}) {
    for (const std::int64_t n : {-7, -1, 1, 2, 11}) {
      for (std::int64_t i = 0; i < days_in_all(); ++i) {
        const std::int64_t wanted = moved(i, months * n);
        if (wanted < 0) continue;
        if (advance(midnight(i), {.months = months}, n) != midnight(wanted)) {
          FAIL(day_at(i).date() << " by " << n << " times " << months << " months");
        }
      }
    }
  }
  for (std::int64_t i = 0; i < days_in_all(); ++i) {  // months first, then days, then seconds
    const std::int64_t month = moved(i, 6);
    if (month < 0) continue;
    const Instant wanted = midnight(month + 20) + std::chrono::hours(2);
    if (advance(midnight(i), quarter_and_more, 2) != wanted) FAIL(day_at(i).date());
  }
}

TEST_CASE("the slice of every day, for axes of every period") {
  const auto number_in = [](const std::vector<Instant>& starts, Instant instant) {
    return std::upper_bound(starts.begin(), starts.end(), instant) - starts.begin() - 1;
  };
  for (const char* text : {"P1D", "P5D", "P7D", "P8D", "P10D", "P16D", "P1M", "P2M", "P3M", "P6M",
                           "P1Y", "P18M", "P5Y", "P10Y", "PT12H", "P1M10D", "P1YT6H"}) {
    CAPTURE(text);
    const Period period = *Period::parse(text);
    // Its slices, worked out from the walk: from 1900-01-01 to past the last day.
    std::vector<Instant> starts;
    for (std::int64_t n = 0;; ++n) {
      const std::int64_t day = moved(0, period.months * n);
      if (day < 0) break;
      const Instant start =
          midnight(day + period.days * n) + std::chrono::seconds(period.seconds * n);
      if (start >= midnight(days_in_all())) break;
      starts.push_back(start);
    }
    const TimeAxis axis =
        TimeAxis::regular(midnight(0), period, static_cast<std::int64_t>(starts.size()));
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const auto slice = static_cast<std::int64_t>(i);
      CHECK(axis.start(slice) == starts[i]);
      if (i > 0) CHECK(axis.end(slice - 1) == starts[i]);
    }
    const Instant end = axis.end(axis.size() - 1);
    for (std::int64_t i = 0; i < days_in_all() && midnight(i + 1) <= end; ++i) {
      for (const std::int64_t second : {0, 21599, 43200, 86399}) {
        const Instant instant = midnight(i) + std::chrono::seconds(second);
        if (axis.index(instant) != number_in(starts, instant)) FAIL(to_text(instant));
      }
    }
    CHECK_FALSE(axis.index(end).has_value());
    CHECK_FALSE(axis.index(midnight(0) - std::chrono::seconds(1)).has_value());
  }
}

TEST_CASE("days belong to calendar periods and to places of the year") {
  for (const std::string_view period : kPeriods) {
    CAPTURE(std::string(period));
    const TimeGroups groups = group_by_period(all_days(), period, "");
    CHECK(partition_of(groups) == partition_by([&](auto i) { return period_of(period, i); }));
    if (groups.axis.size() > 1) CHECK(groups.axis.start(1) == midnight(groups.members[1][0].begin));
  }
  for (const std::string_view cycle : kCycles) {
    CAPTURE(std::string(cycle));
    const auto groups = partition_of(group_by_cycle(all_days(), cycle, ""));
    CHECK(groups == partition_by([&](auto i) { return place_of(cycle, day_at(i)); }));
  }
}

TEST_CASE("date functions of formulas, at the last second of every day") {
  const std::vector<double> year = of_every_day("year(t0+86399)");
  const std::vector<double> month = of_every_day("month(t0+86399)");
  const std::vector<double> day = of_every_day("day(t0+86399)");
  const std::vector<double> of_year = of_every_day("dayofyear(t0+86399)");
  const std::vector<double> weekday = of_every_day("weekday(t0+86399)");
  const std::vector<double> time =
      of_every_day("hours(t0+86399)*10000+minutes(t0+86399)*100+seconds(t0+86399)");
  for (std::int64_t i = 0; i < days_in_all(); ++i) {
    const Day& d = day_at(i);
    const auto at = static_cast<std::size_t>(i);
    const bool same = year[at] == d.year && month[at] == d.month && day[at] == d.day &&
                      of_year[at] == d.of_year && weekday[at] == d.weekday && time[at] == 235959;
    if (!same) FAIL(d.date());
  }
}
