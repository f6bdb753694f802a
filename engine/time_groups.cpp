#include "engine/time_groups.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "engine/calendar.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

// More steps than this are a mistake, and would only fill memory.
constexpr std::int64_t kMostSteps = 1'000'000;
constexpr int kMonthsASeason = 3;
constexpr int kDekadsAMonth = 3;
constexpr int kDaysADekad = 10;
constexpr Period kMonth{.months = 1};

year_month_day date_of(Instant instant) {
  return year_month_day(std::chrono::floor<days>(instant));
}

int month_of(Instant instant) {
  return static_cast<int>(static_cast<unsigned>(date_of(instant).month()));
}

// 0, 1 or 2 within the month.
int dekad_of(Instant instant) {
  const auto day = static_cast<int>(static_cast<unsigned>(date_of(instant).day()));
  return std::min(kDekadsAMonth - 1, (day - 1) / kDaysADekad);
}

Instant start_of_dekad(Instant instant) {
  return truncate(instant, Precision::kMonth) + days(kDaysADekad * dekad_of(instant));
}

Instant start_of_next_dekad(Instant start) {
  if (dekad_of(start) + 1 < kDekadsAMonth) return start + days(kDaysADekad);
  return advance(truncate(start, Precision::kMonth), kMonth, 1);
}

Instant start_of_week(Instant instant) {
  const sys_days day = std::chrono::floor<days>(instant);
  return day - days(std::chrono::weekday(day).iso_encoding() - 1);
}

// December, January and February are one season.
Instant start_of_season(Instant instant) {
  return advance(truncate(instant, Precision::kMonth), kMonth,
                 -(month_of(instant) % kMonthsASeason));
}

// Adds a slice at the end of a group.
void append(std::vector<Range>& group, std::int64_t t) {
  if (!group.empty() && group.back().end == t) {
    ++group.back().end;
  } else {
    group.push_back({t, t + 1});
  }
}

// Each input slice to the slice of `axis` that starts last at or before it.
// REQUIRES: axis.start(0) is not after in.start(0).
TimeGroups assign(const TimeAxis& in, TimeAxis axis) {
  std::vector<std::vector<Range>> members(static_cast<std::size_t>(axis.size()));
  std::int64_t slice = 0;
  for (std::int64_t t = 0; t < in.size(); ++t) {
    while (slice + 1 < axis.size() && axis.start(slice + 1) <= in.start(t)) ++slice;
    append(members[static_cast<std::size_t>(slice)], t);
  }
  return {std::move(axis), std::move(members)};
}

TimeGroups steps_from(const TimeAxis& in, Instant t0, const Period& dt, std::string_view where) {
  const Instant last = in.start(in.size() - 1);
  std::int64_t n = 1;
  while (advance(t0, dt, n) <= last) {
    if (++n <= kMostSteps) continue;
    throw Error(ErrorCode::kInvalid,
                "'" + dt.text() + "' makes more than " + std::to_string(kMostSteps) +
                    " slices of " + in.label(0) + " to " + in.label(in.size() - 1),
                std::string(where), "a longer step");
  }
  return assign(in, TimeAxis::regular(t0, dt, n));
}

[[noreturn]] void unknown(std::string_view what, std::string_view name,
                          std::span<const std::string_view> known, std::string_view where) {
  throw Error(
      ErrorCode::kInvalid, "there is no " + std::string(what) + " '" + std::string(name) + "'",
      std::string(where), suggest(std::vector<std::string>(known.begin(), known.end()), name));
}

// Where a slice stands in its cycle, and when that place starts in year `first`.
struct Place {
  int key;
  Instant label;
};

Place place_of(Instant instant, std::string_view cycle, std::chrono::year first,
               std::string_view where) {
  const Instant new_year = sys_days(first / 1 / 1);
  const int month = month_of(instant) - 1;
  if (cycle == "month") return {month, advance(new_year, kMonth, month)};
  if (cycle == "season") {
    const int season = (month + 1) % int{kMonthsAYear} / kMonthsASeason;
    return {season, advance(new_year, kMonth, season * kMonthsASeason - 1)};
  }
  if (cycle == "dekad") {
    const int dekad = dekad_of(instant);
    return {month * kDekadsAMonth + dekad,
            advance(new_year, kMonth, month) + days(dekad * kDaysADekad)};
  }
  const std::chrono::year own = date_of(instant).year();
  if (cycle == "dayofyear") {
    const int day =
        static_cast<int>((std::chrono::floor<days>(instant) - sys_days(own / 1 / 1)).count());
    return {day, new_year + days(day)};
  }
  if (cycle == "year") return {static_cast<int>(own), sys_days(own / 1 / 1)};
  unknown("cycle", cycle, kCycles, where);
}

}  // namespace

bool TimeGroups::has_gaps() const {
  return std::any_of(members.begin(), members.end(), [](const auto& m) { return m.empty(); });
}

std::int64_t TimeGroups::longest() const {
  std::int64_t longest = 0;
  for (const auto& ranges : members) {
    std::int64_t slices = 0;
    for (const Range& range : ranges) slices += range.size();
    longest = std::max(longest, slices);
  }
  return longest;
}

Range hull_of(const std::vector<std::vector<Range>>& members, const Range& slices) {
  Range hull;
  for (std::int64_t t = slices.begin; t < slices.end; ++t) {
    for (const Range& range : members[static_cast<std::size_t>(t)]) {
      hull = hull.empty() ? range
                          : Range{std::min(hull.begin, range.begin), std::max(hull.end, range.end)};
    }
  }
  return hull;
}

TimeAxis whole_axis(const TimeAxis& in) {
  const std::int64_t n = in.size();
  if (in.is_regular()) {
    const Period& step = *in.step();
    const Period all{step.months * n, step.days * n, step.seconds * n};
    const TimeAxis axis = TimeAxis::regular(in.start(0), all, 1);
    if (axis.end(0) == in.end(n - 1)) return axis;
  }
  return TimeAxis::labelled({in.start(0)});
}

TimeGroups group_by_step(const TimeAxis& in, const Period& dt, std::string_view where) {
  return steps_from(in, truncate(in.start(0), dt.unit()), dt, where);
}

TimeGroups group_by_count(const TimeAxis& in, std::int64_t count) {
  TimeGroups groups;
  std::vector<Instant> labels;
  for (std::int64_t t = 0; t < in.size(); t += count) {
    groups.members.push_back({Range{t, std::min(t + count, in.size())}});
    labels.push_back(in.start(t));
  }
  if (in.is_regular()) {
    const Period& step = *in.step();
    const Period longer{step.months * count, step.days * count, step.seconds * count};
    groups.axis =
        TimeAxis::regular(in.start(0), longer, static_cast<std::int64_t>(groups.members.size()));
  } else {
    groups.axis = TimeAxis::labelled(std::move(labels));
  }
  return groups;
}

TimeGroups group_by_period(const TimeAxis& in, std::string_view period, std::string_view where) {
  const Instant first = in.start(0);
  if (period == "day") {
    return steps_from(in, truncate(first, Precision::kDay), {.days = 1}, where);
  }
  if (period == "week") return steps_from(in, start_of_week(first), {.days = 7}, where);
  if (period == "month") return steps_from(in, truncate(first, Precision::kMonth), kMonth, where);
  if (period == "season") {
    return steps_from(in, start_of_season(first), {.months = kMonthsASeason}, where);
  }
  if (period == "year") {
    return steps_from(in, truncate(first, Precision::kYear), {.months = kMonthsAYear}, where);
  }
  if (period != "dekad") unknown("period", period, kPeriods, where);
  std::vector<Instant> labels;
  for (Instant t = start_of_dekad(first); t <= in.start(in.size() - 1);
       t = start_of_next_dekad(t)) {
    labels.push_back(t);
  }
  return assign(in, TimeAxis::labelled(std::move(labels)));
}

TimeGroups group_by_cycle(const TimeAxis& in, std::string_view cycle, std::string_view where) {
  const std::chrono::year first = date_of(in.start(0)).year();
  std::map<int, std::pair<Instant, std::vector<Range>>> groups;
  for (std::int64_t t = 0; t < in.size(); ++t) {
    const Place place = place_of(in.start(t), cycle, first, where);
    auto& [label, slices] = groups[place.key];
    label = place.label;
    append(slices, t);
  }
  TimeGroups out;
  std::vector<Instant> labels;
  for (auto& [key, group] : groups) {
    labels.push_back(group.first);
    out.members.push_back(std::move(group.second));
  }
  out.axis = TimeAxis::labelled(std::move(labels));
  return out;
}

}  // namespace cube
