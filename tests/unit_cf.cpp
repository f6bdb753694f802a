// CF in both directions: what is written is read back; times, CRSs and axes that others write.
#include <cmath>

#include "engine/gdal/cf_axes.h"
#include "engine/gdal/cf_crs.h"
#include "engine/gdal/cf_time.h"
#include "engine/gdal/crs.h"
#include "tests/support.h"

using namespace cube;

namespace {

std::vector<std::string> texts(const std::vector<double>& values, const std::string& units,
                               const std::string& calendar = "") {
  std::vector<std::string> out;
  for (const Instant instant : decode_instants(values, units, calendar)) {
    out.push_back(to_text(instant));
  }
  return out;
}

using Texts = std::vector<std::string>;

// The time variable of an axis as it is written, read again.
TimeAxis written_and_read(const TimeAxis& axis) {
  CubeInfo info;
  info.time = axis;
  const CfCube cf = describe_cf(info, {});
  CfTimes times;
  for (const CfVariable& variable : cf.coordinates) {
    const auto* numbers = std::get_if<std::vector<std::int64_t>>(&variable.values);
    if (!numbers) continue;
    auto& out = variable.name == "time" ? times.values : times.bounds;
    out.assign(numbers->begin(), numbers->end());
    if (variable.name != "time") continue;
    times.units = text_attribute(variable.attributes, "units");
    times.calendar = text_attribute(variable.attributes, "calendar");
    times.step = text_attribute(variable.attributes, kTimeStep);
  }
  return decode_times(times);
}

}  // namespace

TEST_CASE("time axes come back as they were written") {
  const auto start = [](const char* text) { return parse_time(text)->start; };
  const auto regular = [&](const char* t0, const char* step, std::int64_t n) {
    return TimeAxis::regular(start(t0), *Period::parse(step), n);
  };
  for (const TimeAxis& axis :
       {regular("2020-01-01", "P1D", 400), regular("2020-01-01", "P1M", 14),
        regular("2020-01-31", "P1M", 5), regular("2020-02-01", "P1Y", 1),
        regular("2020-01-01", "P31D", 1), regular("1969-12-31T22", "PT1H", 30),
        regular("2020-01-01T10:20:30", "PT7S", 3), regular("2020-01-01", "P1Y6M", 3),
        regular("2018-01-01", "P16D", 24)}) {
    CAPTURE(axis.label(0));
    CAPTURE(axis.step()->text());
    CHECK(written_and_read(axis) == axis);
  }
  const TimeAxis labelled = TimeAxis::labelled({start("2018-03-05T10:20:30"), start("2019-01-01")});
  CHECK(written_and_read(labelled) == labelled);
}

TEST_CASE("bounds without a stated step tell months from days") {
  const auto axis = [](std::vector<double> bounds) {
    CfTimes times{.values = {}, .bounds = {}, .units = "days since 2019-01-01"};
    for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
      times.values.push_back((bounds[i] + bounds[i + 1]) / 2);
      times.bounds.insert(times.bounds.end(), {bounds[i], bounds[i + 1]});
    }
    return decode_times(times);
  };
  CHECK(axis({0, 31, 59, 90}).step()->text() == "P1M");
  CHECK(axis({0, 90, 181}).step()->text() == "P3M");
  CHECK(axis({0, 8, 16, 24}).step()->text() == "P8D");
  CHECK(axis({0, 0.25, 0.5}).step()->text() == "PT6H");
  CHECK_FALSE(axis({0, 8, 17, 24}).is_regular());
  CHECK(axis({0, 8, 17, 24}).start(0) == parse_time("2019-01-05")->start);  // the times themselves
}

TEST_CASE("units of times") {
  CHECK(texts({0, 1.5}, "days since 1970-01-01") ==
        Texts{"1970-01-01T00:00:00", "1970-01-02T12:00:00"});
  CHECK(texts({1.0 / 24}, "days since 2000-1-1 0:0:0") == Texts{"2000-01-01T01:00:00"});
  CHECK(texts({1}, "hours since 1900-01-01 00:00:0.0") == Texts{"1900-01-01T01:00:00"});
  CHECK(texts({1}, "Hour since 2000-01-01T06") == Texts{"2000-01-01T07:00:00"});
  CHECK(texts({90}, "mins since 2000-01-01 06:00 UTC") == Texts{"2000-01-01T07:30:00"});
  CHECK(texts({30}, "s since 2000-01-01 06:00:00Z") == Texts{"2000-01-01T06:00:30"});
  CHECK(texts({1e9}, "nanoseconds since 2000-01-01") == Texts{"2000-01-01T00:00:01"});
  CHECK(texts({2500}, "milliseconds since 2000-01-01") == Texts{"2000-01-01T00:00:02"});
  CHECK(texts({2}, "weeks since 2000-01-01") == Texts{"2000-01-15T00:00:00"});
  CHECK(texts({1, 13}, "months since 2000-01-31") ==
        Texts{"2000-02-29T00:00:00", "2001-02-28T00:00:00"});
  CHECK(texts({-1}, "years since 2000-06-01") == Texts{"1999-06-01T00:00:00"});
  CHECK(texts({0}, "hours since 2000-01-01 00:00 +05:30") == Texts{"1999-12-31T18:30:00"});
  CHECK(texts({0}, "hours since 2000-01-01 00:00:00 -6:00") == Texts{"2000-01-01T06:00:00"});
  CHECK(texts({0}, "hours since 2000-01-01 0 +0200") == Texts{"1999-12-31T22:00:00"});
  CHECK_FALSE(is_time_unit("degrees_east"));
  CHECK_FALSE(is_time_unit("mm since"));
  CHECK(is_time_unit("days since somewhen"));
}

TEST_CASE("calendars") {
  // cftime: num2date(59, "days since 2020-01-01", calendar)
  CHECK(texts({59}, "days since 2020-01-01", "noleap") == Texts{"2020-03-01T00:00:00"});
  CHECK(texts({59}, "days since 2020-01-01", "365_day") == Texts{"2020-03-01T00:00:00"});
  CHECK(texts({-1.25, 365 * 300}, "days since 2001-01-01", "noleap") ==
        Texts{"2000-12-30T18:00:00", "2301-01-01T00:00:00"});
  CHECK(texts({59}, "days since 2020-01-01", "standard") == Texts{"2020-02-29T00:00:00"});
  // The standard calendar is Julian before 1582-10-15: 1 day after the 4th is the 15th.
  CHECK(texts({1}, "days since 1582-10-04", "standard") == Texts{"1582-10-15T00:00:00"});
  CHECK(texts({1}, "days since 1582-10-04", "proleptic_gregorian") == Texts{"1582-10-05T00:00:00"});
  CHECK(texts({17522904}, "hours since 1-1-1", "gregorian") == Texts{"2000-01-01T00:00:00"});
  // cftime: num2date([15, 45, 345], "days since 1950-01-01", "360_day"), each month's 16th.
  CHECK(texts({15, 45, 345, -1}, "days since 1950-01-01", "360_day") ==
        Texts{"1950-01-16T00:00:00", "1950-02-16T00:00:00", "1950-12-16T00:00:00",
              "1949-12-30T00:00:00"});
  CHECK(texts({58.5}, "days since 1952-01-01", "360_day") == Texts{"1952-02-29T12:00:00"});
  const auto strange = [](double day, const std::string& calendar) {
    return test::error_of([&] { texts({0, day, day + 1}, "days since 1950-01-01", calendar); });
  };
  CHECK(strange(58, "360_day") ==
        "times are in the calendar '360_day', and one of them is 1950-02-29, a date that does not "
        "exist (xarray's convert_calendar makes dates of them, or \"datetime\" states them)");
  CHECK(strange(59, "360_day").find("1950-02-30,") != std::string::npos);
  CHECK(strange(59, "all_leap").find("1950-02-29,") != std::string::npos);
  CHECK(texts({60, 366}, "days since 1950-01-01", "366_day") ==
        Texts{"1950-03-01T00:00:00", "1951-01-01T00:00:00"});
  // 14 days after a Julian day number's date of ours: 1900-03-01 there is 1900-03-14 here.
  CHECK(texts({0, 1}, "days since 1900-03-01", "julian") ==
        Texts{"1900-03-14T00:00:00", "1900-03-15T00:00:00"});
  CHECK(strange(1, "mayan") ==
        "times are in the calendar 'mayan', which is none of those of CF (\"datetime\" states "
        "times instead)");
  // Monthly means of 360_day: bounds are firsts of months, which exist, so the axis is regular.
  const TimeAxis monthly = decode_times({.values = {15, 45, 75},
                                         .bounds = {0, 30, 30, 60, 60, 90},
                                         .units = "days since 1950-01-01",
                                         .bounds_units = "",
                                         .calendar = "360_day",
                                         .step = ""});
  REQUIRE(monthly.is_regular());
  CHECK(monthly.step()->text() == "P1M");
  CHECK(monthly.label(1) == "1950-02");
  // Daily bounds that do not exist leave a labelled axis of times that do.
  const TimeAxis daily = decode_times({.values = {57.5, 60.5},
                                       .bounds = {57, 58, 60, 61},
                                       .units = "days since 1950-01-01",
                                       .bounds_units = "",
                                       .calendar = "360_day",
                                       .step = ""});
  CHECK_FALSE(daily.is_regular());
  CHECK(daily.label(0) == "1950-02-28T12:00:00");
  CHECK(test::error_of([] { texts({NAN}, "days since 2000-01-01"); }) ==
        "a time is nan days since 2000-01-01");
  CHECK(test::error_of([] { texts({1e30}, "days since 2000-01-01"); }) ==
        "a time is 1e+30 days since 2000-01-01");
  for (const char* reference : {"", "2000", "2000-13-01", "2000-01-01 25:00", "2000-01-01 foo",
                                "2000-01-01 00:00:00 +", "2000-01-01 00:61"}) {
    CAPTURE(reference);
    CHECK(test::error_of([&] {
            texts({1}, std::string("days since ") + reference);
          }).find("is no instant to count from") != std::string::npos);
  }
}

TEST_CASE("CRSs come back from their text and from CF's parameters alone") {
  for (const char* crs : {"EPSG:4326", "EPSG:32631", "EPSG:32733", "EPSG:3035", "EPSG:5070",
                          "EPSG:3395", "EPSG:2154", "ESRI:54008"}) {
    CAPTURE(crs);
    Grid grid{.crs = canonical_crs(crs, ""), .width = 1, .height = 1};
    CfAttributes all = describe_crs(grid);
    CHECK(decode_crs(all) == grid.crs);
    std::erase_if(all, [](const auto& attribute) {
      return attribute.first == "crs_wkt" || attribute.first == "spatial_ref";
    });
    const std::string decoded = decode_crs(all);
    REQUIRE_FALSE(decoded.empty());
    const bool datum_has_a_name = std::string(crs) == "EPSG:3035" ||
                                  std::string(crs) == "EPSG:5070" ||
                                  std::string(crs) == "EPSG:2154";
    if (!datum_has_a_name) CHECK(same_crs(decoded, grid.crs));
    // The same places, to the centimetre.
    std::vector<double> x = {12};
    std::vector<double> y = {48};
    std::vector<double> p = x;
    std::vector<double> q = y;
    if (std::string(crs) != "EPSG:4326") {
      CrsTransform("EPSG:4326", grid.crs).apply(x, y);
      CrsTransform("EPSG:4326", decoded).apply(p, q);
    }
    CHECK(p[0] == doctest::Approx(x[0]).epsilon(1e-7));
    CHECK(q[0] == doctest::Approx(y[0]).epsilon(1e-7));
  }
  CHECK(decode_crs({}).empty());
  CHECK(decode_crs({{"crs_wkt", std::string("nonsense")},
                    {"spatial_ref", std::string("EPSG:3857")}}) == "EPSG:3857");
  CHECK(test::error_of([] {
          decode_crs({{"grid_mapping_name", std::string("flat")}});
        }).starts_with("the projection 'flat' is not supported"));
}
