#include "engine/time_axis.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>

namespace cube {

namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

// Every month has it, so adding months from it or an earlier day never clamps.
constexpr unsigned kLastSafeDay = 28;

// The coarsest unit of which `instant` is a whole one.
Precision wholeness(Instant instant) {
  for (const Precision unit : {Precision::kYear, Precision::kMonth, Precision::kDay,
                               Precision::kHour, Precision::kMinute}) {
    if (truncate(instant, unit) == instant) return unit;
  }
  return Precision::kSecond;
}

// Whether advance(advance(t, step, a), step, b) == advance(t, step, a + b) for all a and b.
bool adds_up(Instant start, const Period& step) {
  if (step.months == 0) return true;
  const year_month_day date(floor<days>(start));
  return step.days == 0 && step.seconds == 0 && unsigned(date.day()) <= kLastSafeDay;
}

}  // namespace

std::string to_text(Instant instant) {
  const sys_days date = floor<days>(instant);
  const year_month_day ymd(date);
  const std::chrono::hh_mm_ss<seconds> clock(instant - date);
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d", int(ymd.year()),
                unsigned(ymd.month()), unsigned(ymd.day()), int(clock.hours().count()),
                int(clock.minutes().count()), int(clock.seconds().count()));
  return buffer.data();
}

double epoch_seconds(Instant instant) {
  return static_cast<double>(instant.time_since_epoch().count());
}

TimeAxis TimeAxis::regular(Instant t0, Period step, std::int64_t n) {
  assert(n >= 0 && step != Period{});
  TimeAxis axis;
  axis.t0_ = t0;
  axis.step_ = step;
  axis.size_ = n;
  axis.precision_ = std::max(step.unit(), wholeness(t0));
  return axis;
}

TimeAxis TimeAxis::labelled(std::vector<Instant> labels) {
  assert(std::adjacent_find(labels.begin(), labels.end(), std::greater_equal<>()) == labels.end());
  TimeAxis axis;
  axis.size_ = static_cast<std::int64_t>(labels.size());
  axis.precision_ = Precision::kDay;
  for (const Instant label : labels) axis.precision_ = std::max(axis.precision_, wholeness(label));
  axis.labels_ = std::move(labels);
  return axis;
}

Instant TimeAxis::start(std::int64_t i) const {
  if (step_) return advance(t0_, *step_, first_ + i);
  assert(i >= 0 && i < size_);
  return labels_[static_cast<std::size_t>(i)];
}

Instant TimeAxis::end(std::int64_t i) const { return step_ ? start(i + 1) : start(i) + seconds(1); }

std::optional<std::int64_t> TimeAxis::index(Instant instant) const {
  // The number of slices that start at or before the instant.
  std::int64_t low = 0;
  std::int64_t high = size_;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (start(middle) <= instant) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0 || instant >= end(low - 1)) return std::nullopt;
  return low - 1;
}

std::string TimeAxis::label(std::int64_t i) const {
  static constexpr std::size_t kYearLength = 4;
  static constexpr std::size_t kMonthLength = 7;
  static constexpr std::size_t kDayLength = 10;
  std::string text = to_text(start(i));
  if (precision_ == Precision::kYear) text.resize(kYearLength);
  if (precision_ == Precision::kMonth) text.resize(kMonthLength);
  if (precision_ == Precision::kDay) text.resize(kDayLength);
  return text;
}

TimeAxis TimeAxis::window(const Range& range) const {
  if (!step_) {
    const Range inside = intersect(range, Range{0, size_});
    const auto first = labels_.begin() + inside.begin;
    return labelled({first, first + inside.size()});
  }
  TimeAxis out = *this;
  out.size_ = range.size();
  if (adds_up(t0_, *step_)) {
    return regular(start(range.begin), *step_, range.size());
  }
  out.first_ = first_ + range.begin;
  return out;
}

}  // namespace cube
