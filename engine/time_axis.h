// Instants, ISO 8601 periods and the time axis of a cube. All times are UTC.
// Thread rule: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/region.h"

namespace cube {

// Seconds since 1970-01-01T00:00:00Z.
using Instant = std::chrono::sys_seconds;

// "2018-01-31T10:20:30".
std::string to_text(Instant instant);
double epoch_seconds(Instant instant);

// How much of a date a text spells out.
enum class Precision : std::uint8_t { kYear, kMonth, kDay, kHour, kMinute, kSecond };

// A text such as "2018", "2018-03", "2018-03-05", "20180305", "2018-03-05T10:20:30.5Z" or
// "2018-03-05T10:20+02:00" names the whole span [start, end): a year, a month, ... a second.
struct TimeSpan {
  Instant start;
  Instant end;
  Precision precision = Precision::kSecond;
};
// nullopt for anything that is not a valid ISO 8601 date or date and time.
std::optional<TimeSpan> parse_time(std::string_view text);

// The time in `text` read by a strptime-like `format`: %Y %y %m %d %j %H %M %S %b and literals
// (what collection formats use; no locale). Characters after the format are ignored.
std::optional<Instant> parse_time(std::string_view text, std::string_view format);

// A duration in calendar units: "P1D", "P16D", "P1W", "P3M", "P1Y6M", "PT1H".
struct Period {
  std::int64_t months = 0;  // years count 12
  std::int64_t days = 0;    // weeks count 7
  std::int64_t seconds = 0;

  // nullopt when the text is not an ISO 8601 duration in whole units, or is zero.
  static std::optional<Period> parse(std::string_view text);

  // The smallest unit that the period is written in; slices start on a whole one.
  Precision unit() const;
  std::string text() const;  // canonical ISO 8601, e.g. "P1Y6M"
  auto operator<=>(const Period&) const = default;
};

// `start` + n periods: months first (a day past the month's end becomes its last day), then days,
// then seconds. Counted from `start`, so that the 31st does not drift.
Instant advance(Instant start, const Period& period, std::int64_t n);

// `instant` rounded down to a whole unit.
Instant truncate(Instant instant, Precision unit);

// The slices of a cube. Regular: slice i covers [start(i), start(i + 1)) with a fixed period.
// Labelled: slice i is the instant start(i), in strictly ascending order.
class TimeAxis {
 public:
  TimeAxis() = default;  // no slices

  // REQUIRES: n >= 0, step not zero.
  static TimeAxis regular(Instant t0, Period step, std::int64_t n);
  // REQUIRES: strictly ascending.
  static TimeAxis labelled(std::vector<Instant> labels);

  std::int64_t size() const { return size_; }
  bool is_regular() const { return step_.has_value(); }
  const std::optional<Period>& step() const { return step_; }

  Instant start(std::int64_t i) const;
  Instant end(std::int64_t i) const;  // exclusive; labelled: one second past the instant

  // The slice that `instant` falls into.
  std::optional<std::int64_t> index(Instant instant) const;

  // start(i) as text, as precise as the axis: "2018", "2018-03", "2018-03-05T10:00:00".
  std::string label(std::int64_t i) const;

  // The slices [range.begin, range.end), which may lie outside on a regular axis.
  TimeAxis window(const Range& range) const;

  bool operator==(const TimeAxis&) const = default;

 private:
  Instant t0_{};
  std::optional<Period> step_;
  std::int64_t first_ = 0;  // periods from t0_ to slice 0, where moving t0_ would make it drift
  std::int64_t size_ = 0;
  Precision precision_ = Precision::kDay;  // of labels; follows from the rest
  std::vector<Instant> labels_;
};

}  // namespace cube
