// Instants, periods and the time axis, against numbers worked out by hand.
#include "engine/time_axis.h"
#include "tests/support.h"

using namespace cube;

namespace {

Instant at(std::string_view text) { return parse_time(text).value().start; }

std::string span_text(std::string_view text) {
  const auto span = parse_time(text);
  return span ? to_text(span->start) + " " + to_text(span->end) : "no";
}

std::string read(std::string_view text, std::string_view format) {
  const auto instant = parse_time(text, format);
  return instant ? to_text(*instant) : "no";
}

std::string moved(std::string_view start, std::string_view period, std::int64_t n) {
  return to_text(advance(at(start), Period::parse(period).value(), n));
}

TimeAxis axis(std::string_view t0, std::string_view dt, std::int64_t n) {
  return TimeAxis::regular(at(t0), Period::parse(dt).value(), n);
}

}  // namespace

TEST_CASE("a date names its whole span") {
  CHECK(span_text("2018") == "2018-01-01T00:00:00 2019-01-01T00:00:00");
  CHECK(span_text("2018-12") == "2018-12-01T00:00:00 2019-01-01T00:00:00");
  CHECK(span_text("2020-02-29") == "2020-02-29T00:00:00 2020-03-01T00:00:00");
  CHECK(span_text("20180305") == "2018-03-05T00:00:00 2018-03-06T00:00:00");
  CHECK(span_text("2020-366") == "2020-12-31T00:00:00 2021-01-01T00:00:00");
  CHECK(span_text("2018060") == "2018-03-01T00:00:00 2018-03-02T00:00:00");
  CHECK(span_text("1899-12-31") == "1899-12-31T00:00:00 1900-01-01T00:00:00");
  CHECK(span_text("2018-03-05T10") == "2018-03-05T10:00:00 2018-03-05T11:00:00");
  CHECK(span_text("2018-03-05T10:20") == "2018-03-05T10:20:00 2018-03-05T10:21:00");
  CHECK(span_text("20180305T102030") == "2018-03-05T10:20:30 2018-03-05T10:20:31");
  CHECK(span_text("2018-03-05T24:00") == "2018-03-06T00:00:00 2018-03-06T00:01:00");
}

TEST_CASE("offsets are honoured and fractions of a second dropped") {
  CHECK(span_text("2018-03-05T10:20:30.987Z") == "2018-03-05T10:20:30 2018-03-05T10:20:31");
  CHECK(span_text("2018-03-05 10:20:30,5") == "2018-03-05T10:20:30 2018-03-05T10:20:31");
  CHECK(to_text(at("2018-03-05T10:20+02:00")) == "2018-03-05T08:20:00");
  CHECK(to_text(at("2018-12-31T23:30:00-0130")) == "2019-01-01T01:00:00");
  CHECK(to_text(at("2018-03-05T10+05")) == "2018-03-05T05:00:00");
  CHECK(parse_time("2018-03-05T10:20+02:00")->precision == Precision::kMinute);
}

TEST_CASE("what is no ISO 8601 date is told so") {
  for (const char* text : {"",
                           "18",
                           "201803",
                           "2018-13",
                           "2018-02-29",
                           "2018-366",
                           "2018-3-5",
                           "2018-03-05T",
                           "2018-03-05T25",
                           "2018-03-05T10:60",
                           "2018-03-05T10:20:30.",
                           "2018-03-05T10:20+2",
                           "2018-03-05T10:20Zx",
                           "2018-03T10",
                           "2018T10",
                           "2018-",
                           "2018-03-05 ",
                           "March 2018",
                           "2018-03-05T24:01",
                           "2018-00-01",
                           "2018-01-00",
                           "-2018",
                           "2018-03-05T10:20+25:00"}) {
    CAPTURE(text);
    CHECK(span_text(text) == "no");
  }
}

TEST_CASE("times in file names are read by a format without a locale") {
  CHECK(read("20180131_20180207", "%Y%m%d") == "2018-01-31T00:00:00");
  CHECK(read("2018032", "%Y%j") == "2018-02-01T00:00:00");
  CHECK(read("20200215T083919", "%Y%m%dT%H%M%S") == "2020-02-15T08:39:19");
  CHECK(read("05 Mar 99", "%d %b %y") == "1999-03-05T00:00:00");
  CHECK(read("5-june-2018", "%d-%B-%Y") == "2018-06-05T00:00:00");
  CHECK(read("100%2018", "100%%%Y") == "2018-01-01T00:00:00");
  CHECK(read("2018-02-30", "%Y-%m-%d") == "no");
  CHECK(read("2018_02", "%Y-%m") == "no");
  CHECK(read("2018-xyz", "%Y-%b") == "no");
  CHECK(read("2018", "%Q") == "no");
  CHECK(read("2018", "%Y%") == "no");
  CHECK(read("", "%Y") == "no");
}

TEST_CASE("periods are read and written canonically") {
  CHECK(*Period::parse("P1Y6M") == Period{.months = 18});
  CHECK(*Period::parse("P16D") == Period{.days = 16});
  CHECK(*Period::parse("P2W") == Period{.days = 14});
  CHECK(*Period::parse("PT1H") == Period{.seconds = 3600});
  CHECK(*Period::parse("P1DT12H30M5S") == Period{.days = 1, .seconds = 45005});
  CHECK(Period::parse("P18M")->text() == "P1Y6M");
  CHECK(Period::parse("P1W")->text() == "P7D");
  CHECK(Period::parse("PT90M")->text() == "PT1H30M");
  CHECK(Period::parse("P1DT1S")->text() == "P1DT1S");
  for (const char* text : {"", "P", "PT", "P1", "1D", "P0D", "P1.5M", "P-1D", "P1D1M", "P1M1M",
                           "PT1D", "P1H", "P1X", "P1DT", "P99999Y", "P9999999999999D", "p1d"}) {
    CAPTURE(text);
    CHECK_FALSE(Period::parse(text).has_value());
  }
}

TEST_CASE("the unit of a period is its smallest") {
  CHECK(Period::parse("P2Y")->unit() == Precision::kYear);
  CHECK(Period::parse("P1Y6M")->unit() == Precision::kMonth);
  CHECK(Period::parse("P1W")->unit() == Precision::kDay);
  CHECK(Period::parse("PT6H")->unit() == Precision::kHour);
  CHECK(Period::parse("P1MT5M")->unit() == Precision::kMinute);
  CHECK(Period::parse("PT5S")->unit() == Precision::kSecond);
}

TEST_CASE("months clamp at month ends and are counted from the start") {
  CHECK(moved("2019-01-31", "P1M", 1) == "2019-02-28T00:00:00");
  CHECK(moved("2020-01-31", "P1M", 1) == "2020-02-29T00:00:00");
  CHECK(moved("2019-01-31", "P1M", 2) == "2019-03-31T00:00:00");
  CHECK(moved("2020-02-29", "P1Y", 1) == "2021-02-28T00:00:00");
  CHECK(moved("2020-02-29", "P1Y", 4) == "2024-02-29T00:00:00");
  CHECK(moved("2018-01-01", "P1Y6M", 3) == "2022-07-01T00:00:00");
  CHECK(moved("2018-01-31", "P1M1D", 1) == "2018-03-01T00:00:00");
  CHECK(moved("2018-03-31", "P1M", -1) == "2018-02-28T00:00:00");
  CHECK(moved("2018-01-01", "P1M", -1) == "2017-12-01T00:00:00");
  CHECK(moved("1899-12-31T23:00", "PT1H", 2) == "1900-01-01T01:00:00");
  CHECK(moved("2016-12-31", "P16D", 1) == "2017-01-16T00:00:00");
}

TEST_CASE("truncation takes the start of the unit, before 1970 too") {
  const Instant instant = at("1899-11-17T10:20:30");
  CHECK(to_text(truncate(instant, Precision::kYear)) == "1899-01-01T00:00:00");
  CHECK(to_text(truncate(instant, Precision::kMonth)) == "1899-11-01T00:00:00");
  CHECK(to_text(truncate(instant, Precision::kDay)) == "1899-11-17T00:00:00");
  CHECK(to_text(truncate(instant, Precision::kHour)) == "1899-11-17T10:00:00");
  CHECK(to_text(truncate(instant, Precision::kMinute)) == "1899-11-17T10:20:00");
  CHECK(truncate(instant, Precision::kSecond) == instant);
}

TEST_CASE("a regular axis finds the slice of an instant") {
  const TimeAxis months = axis("2018-01", "P1M", 12);
  CHECK(*months.index(at("2018-01-01")) == 0);
  CHECK(*months.index(at("2018-01-31T23:59:59")) == 0);
  CHECK(*months.index(at("2018-02-01")) == 1);
  CHECK(*months.index(at("2018-12-31T23:59:59")) == 11);
  CHECK_FALSE(months.index(at("2017-12-31T23:59:59")).has_value());
  CHECK_FALSE(months.index(at("2019-01-01")).has_value());
  CHECK_FALSE(TimeAxis().index(at("2019-01-01")).has_value());
  for (const char* dt : {"P1D", "P16D", "P1M", "P1Y6M", "PT7H", "P1M3D"}) {
    const TimeAxis any = axis("2019-01-31", dt, 40);
    for (std::int64_t i = 0; i < 40; ++i) {
      CHECK(*any.index(any.start(i)) == i);
      CHECK(*any.index(any.end(i) - std::chrono::seconds(1)) == i);
      CHECK(any.end(i) == any.start(i + 1));
    }
  }
}

TEST_CASE("labels are as precise as the axis") {
  CHECK(axis("2018", "P1Y", 3).label(2) == "2020");
  CHECK(axis("2018", "P3M", 3).label(2) == "2018-07");
  CHECK(axis("2018", "P1D", 3).label(2) == "2018-01-03");
  CHECK(axis("2018-01-31", "P1M", 3).label(1) == "2018-02-28");
  CHECK(axis("2018", "PT1H", 3).label(2) == "2018-01-01T02:00:00");
  CHECK(TimeAxis::labelled({at("2020"), at("2021")}).label(1) == "2021-01-01");
  CHECK(TimeAxis::labelled({at("2020"), at("2020-01-01T10:00")}).label(0) == "2020-01-01T00:00:00");
}

TEST_CASE("a labelled axis holds instants") {
  const TimeAxis labels = TimeAxis::labelled({at("2020-01-01"), at("2020-02-15")});
  CHECK_FALSE(labels.is_regular());
  CHECK(*labels.index(at("2020-02-15")) == 1);
  CHECK_FALSE(labels.index(at("2020-02-14")).has_value());
  CHECK(labels.end(0) == at("2020-01-01T00:00:01"));
  CHECK(labels.window({1, 2}) == TimeAxis::labelled({at("2020-02-15")}));
  CHECK(labels.window({2, 5}).size() == 0);
}

TEST_CASE("a window of an axis has the same instants, without drift at month ends") {
  CHECK(axis("2018-01", "P1M", 12).window({3, 5}) == axis("2018-04", "P1M", 2));
  CHECK(axis("2018-01", "P1M", 12).window({-1, 1}) == axis("2017-12", "P1M", 2));
  for (const char* dt : {"P1M", "P1Y", "P1M1D", "P1MT1H", "P16D"}) {
    const TimeAxis whole = axis("2020-02-29", dt, 30);
    const TimeAxis part = whole.window({5, 20}).window({2, 12});
    CHECK(part.size() == 10);
    for (std::int64_t i = 0; i < 10; ++i) CHECK(part.start(i) == whole.start(i + 7));
  }
}
