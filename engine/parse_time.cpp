// Reading dates and times.
#include "engine/calendar.h"
#include "engine/time_axis.h"
#include "engine/time_scanner.h"

namespace cube {

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

// Calendar parts of a text before they are checked.
struct DateParts {
  std::int64_t year = 1970;
  std::int64_t month = 1;
  std::int64_t day = 1;
  std::optional<std::int64_t> day_of_year;  // instead of month and day
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
};

// 24:00:00 is the end of the day, as ISO 8601 has it.
std::optional<Instant> instant_of(const DateParts& parts) {
  const bool end_of_day = parts.hour == 24 && parts.minute == 0 && parts.second == 0;
  if ((parts.hour > 23 && !end_of_day) || parts.minute > 59 || parts.second > 59) {
    return std::nullopt;
  }
  const year y{static_cast<int>(parts.year)};
  sys_days date{};
  if (parts.day_of_year) {
    const std::int64_t length = y.is_leap() ? 366 : 365;
    if (*parts.day_of_year < 1 || *parts.day_of_year > length) return std::nullopt;
    date = sys_days(y / 1 / 1) + days(*parts.day_of_year - 1);
  } else {
    const year_month_day ymd = y / static_cast<int>(parts.month) / static_cast<int>(parts.day);
    if (!ymd.ok()) return std::nullopt;
    date = sys_days(ymd);
  }
  return date + hours(parts.hour) + minutes(parts.minute) + seconds(parts.second);
}

// YYYY, YYYY-MM, YYYY-MM-DD, YYYY-DDD, YYYYMMDD or YYYYDDD. (YYYYMM is not ISO 8601.)
bool scan_date(TimeScanner& in, DateParts& parts, Precision& precision) {
  const std::size_t run = in.digits();
  if (run != 4 && run != 7 && run != 8) return false;
  parts.year = *in.number(4, 4);
  precision = Precision::kYear;
  if (in.done()) return true;
  const bool dashes = run == 4;
  if (dashes && !in.take("-")) return false;
  precision = Precision::kDay;
  if (in.digits() == 3) {
    parts.day_of_year = in.number(3, 3);
    return true;
  }
  if (!in.two_digits(parts.month)) return false;
  if (dashes && !in.take("-")) {
    precision = Precision::kMonth;
    return true;
  }
  return in.two_digits(parts.day);
}

// hh, hh:mm, hh:mm:ss or without colons; a fraction of a second is dropped.
bool scan_clock(TimeScanner& in, DateParts& parts, Precision& precision) {
  if (!in.two_digits(parts.hour)) return false;
  precision = Precision::kHour;
  const bool colons = in.take(":");
  if (!colons && in.digits() == 0) return true;
  if (!in.two_digits(parts.minute)) return false;
  precision = Precision::kMinute;
  if (colons ? !in.take(":") : in.digits() == 0) return true;
  if (!in.two_digits(parts.second)) return false;
  precision = Precision::kSecond;
  if (in.take(".,")) {
    if (in.digits() == 0) return false;
    in.skip_digits();
  }
  return true;
}

// Nothing, Z, +hh, +hhmm or +hh:mm: how far local time is ahead of UTC.
std::optional<seconds> scan_zone(TimeScanner& in) {
  if (in.done() || in.take("Zz")) return seconds(0);
  if (!in.take("+-")) return std::nullopt;
  const std::int64_t sign = in.taken() == '-' ? -1 : 1;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  if (!in.two_digits(hour)) return std::nullopt;
  const bool more = in.take(":") || in.digits() > 0;
  if (more && !in.two_digits(minute)) return std::nullopt;
  if (hour > 23 || minute > 59) return std::nullopt;
  return seconds(sign * (hour * kSecondsAnHour + minute * kSecondsAMinute));
}

Period one(Precision unit) {
  switch (unit) {
    case Precision::kYear:
      return {.months = kMonthsAYear};
    case Precision::kMonth:
      return {.months = 1};
    case Precision::kDay:
      return {.days = 1};
    case Precision::kHour:
      return {.seconds = kSecondsAnHour};
    case Precision::kMinute:
      return {.seconds = kSecondsAMinute};
    case Precision::kSecond:
      break;
  }
  return {.seconds = 1};
}

// One conversion of parse_time(text, format).
bool scan_field(TimeScanner& in, char field, DateParts& parts) {
  const auto store = [&](std::size_t width, auto& out) {
    const auto value = in.number(1, width);
    if (value) out = *value;
    return value.has_value();
  };
  switch (field) {
    case 'Y':
      return store(4, parts.year);
    case 'y':
      if (!store(2, parts.year)) return false;
      parts.year += parts.year < 69 ? 2000 : 1900;  // as POSIX has it
      return true;
    case 'm':
      return store(2, parts.month);
    case 'b':
    case 'B': {
      const auto named = in.month_name();
      if (named) parts.month = *named;
      return named.has_value();
    }
    case 'd':
      return store(2, parts.day);
    case 'j':
      return store(3, parts.day_of_year);
    case 'H':
      return store(2, parts.hour);
    case 'M':
      return store(2, parts.minute);
    case 'S':
      return store(2, parts.second);
    case '%':
      return in.take("%");
    default:
      return false;
  }
}

}  // namespace

std::optional<TimeSpan> parse_time(std::string_view text) {
  TimeScanner in(text);
  DateParts parts;
  TimeSpan span;
  if (!scan_date(in, parts, span.precision)) return std::nullopt;
  std::optional<seconds> ahead = seconds(0);
  if (!in.done()) {
    if (span.precision != Precision::kDay || !in.take("Tt ")) return std::nullopt;
    if (!scan_clock(in, parts, span.precision)) return std::nullopt;
    ahead = scan_zone(in);
  }
  const auto start = instant_of(parts);
  if (!start || !ahead || !in.done()) return std::nullopt;
  span.start = *start - *ahead;
  // The length of a year or month is that of the local calendar, which has no offset here.
  span.end = advance(span.start, one(span.precision), 1);
  return span;
}

std::optional<Instant> parse_time(std::string_view text, std::string_view format) {
  TimeScanner in(text);
  DateParts parts;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] == ' ') {
      in.skip_spaces();
    } else if (format[i] != '%') {
      if (!in.take(format.substr(i, 1))) return std::nullopt;
    } else if (++i == format.size() || !scan_field(in, format[i], parts)) {
      return std::nullopt;
    }
  }
  return instant_of(parts);
}

}  // namespace cube
