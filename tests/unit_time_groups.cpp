// Which slices belong together. What the operators make of it is in tests/ops/aggregate_time.json.
#include <string>

#include "engine/time_groups.h"
#include "tests/support.h"

using namespace cube;

namespace {

Instant at(const std::string& text) { return parse_time(text)->start; }

TimeAxis days_from(const std::string& t0, std::int64_t n) {
  return TimeAxis::regular(at(t0), {.days = 1}, n);
}

// Every slice exactly once, in order, and none that starts before its group or after the next.
void check_partition(const TimeAxis& in, const TimeGroups& groups) {
  std::int64_t next = 0;
  REQUIRE(static_cast<std::int64_t>(groups.members.size()) == groups.axis.size());
  for (std::int64_t i = 0; i < groups.axis.size(); ++i) {
    for (const Range& range : groups.members[static_cast<std::size_t>(i)]) {
      CHECK(range.begin == next);
      CHECK(in.start(range.begin) >= groups.axis.start(i));
      if (i + 1 < groups.axis.size()) CHECK(in.start(range.end - 1) < groups.axis.start(i + 1));
      next = range.end;
    }
  }
  CHECK(next == in.size());
}

}  // namespace

TEST_CASE("calendar periods cut ten years of days without loss") {
  const TimeAxis in = days_from("2015-05-17", 3653);
  for (const auto period : kPeriods) {
    INFO(std::string(period));
    const TimeGroups groups = group_by_period(in, period, "");
    check_partition(in, groups);
    CHECK_FALSE(groups.has_gaps());
  }
  check_partition(in, group_by_step(in, *Period::parse("P1M10D"), ""));
  check_partition(in, group_by_count(in, 7));
}

TEST_CASE("how many slices each period has") {
  const TimeAxis in = days_from("2019-01-01", 365 + 366);
  CHECK(group_by_period(in, "day", "").axis.size() == 731);
  CHECK(group_by_period(in, "month", "").axis.size() == 24);
  CHECK(group_by_period(in, "dekad", "").axis.size() == 72);
  CHECK(group_by_period(in, "year", "").axis.size() == 2);
  CHECK(group_by_period(in, "season", "").axis.size() == 9);  // from December before to December
  CHECK(group_by_period(in, "week", "").axis.size() == 105);  // 2018-12-31 is a Monday
  CHECK(group_by_period(in, "month", "").longest() == 31);
  CHECK(group_by_period(in, "year", "").longest() == 366);
}

TEST_CASE("cycles have the places of the year that occur") {
  const TimeAxis in = days_from("2019-01-01", 365 + 366);
  CHECK(group_by_cycle(in, "dayofyear", "").axis.size() == 366);
  CHECK(group_by_cycle(in, "month", "").axis.size() == 12);
  CHECK(group_by_cycle(in, "dekad", "").axis.size() == 36);
  CHECK(group_by_cycle(in, "season", "").axis.size() == 4);
  CHECK(group_by_cycle(in, "year", "").axis.size() == 2);
  CHECK(group_by_cycle(in, "month", "").longest() == 62);
  const TimeGroups months = group_by_cycle(in, "month", "");
  CHECK(months.members[1] == std::vector<Range>{{31, 59}, {396, 425}});
  CHECK(months.axis.label(1) == "2019-02-01");
}

TEST_CASE("the start is rounded down to the unit of the step") {
  const TimeAxis in = days_from("2020-05-17", 40);
  CHECK(group_by_step(in, {.months = 1}, "").axis.label(0) == "2020-05");
  CHECK(group_by_step(in, {.months = 12}, "").axis.label(0) == "2020");
  CHECK(group_by_step(in, {.days = 16}, "").axis.label(0) == "2020-05-17");
}

TEST_CASE("unknown periods and cycles") {
  const TimeAxis in = days_from("2020-05-17", 4);
  CHECK(test::error_of([&] { group_by_period(in, "moth", "/period"); }) ==
        "/period: there is no period 'moth' (did you mean 'month'?)");
  CHECK(test::error_of([&] { group_by_cycle(in, "hour", "/group"); }) ==
        "/group: there is no cycle 'hour' (one of month, season, dekad, dayofyear, year)");
}
