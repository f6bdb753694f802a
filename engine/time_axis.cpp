#include "engine/time_axis.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>

namespace cube {

namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::month;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::int64_t kMonthsAYear = 12;
constexpr std::int64_t kDaysAWeek = 7;
constexpr std::int64_t kSecondsAMinute = 60;
constexpr std::int64_t kSecondsAnHour = 3600;
constexpr std::int64_t kSecondsADay = 86400;
// Every month has it, so adding months from it or an earlier day never clamps.
constexpr unsigned kLastSafeDay = 28;

// Longest period in each unit (10000 years), which keeps all sums far from overflow.
constexpr std::int64_t kMostMonths = 10000 * kMonthsAYear;
constexpr std::int64_t kMostDays = 3652500;
constexpr std::int64_t kMostSeconds = kMostDays * kSecondsADay;

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

// A cursor over a text; every take_*() that fails leaves it where it was.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }

  bool take(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
    taken_ = text_.front();
    text_.remove_prefix(1);
    return true;
  }
  char taken() const { return taken_; }

  // How many digits come next.
  std::size_t digits() const {
    std::size_t n = 0;
    while (n < text_.size() && text_[n] >= '0' && text_[n] <= '9') ++n;
    return n;
  }

  // A number of `least` to `most` digits.
  std::optional<std::int64_t> number(std::size_t least, std::size_t most) {
    const std::size_t n = std::min(digits(), most);
    if (n < least || n == 0) return std::nullopt;
    std::int64_t value = 0;
    for (std::size_t i = 0; i < n; ++i) value = value * 10 + (text_[i] - '0');
    text_.remove_prefix(n);
    return value;
  }

  // Stores a number of exactly two digits.
  bool two_digits(std::int64_t& out) {
    const auto value = number(2, 2);
    if (value) out = *value;
    return value.has_value();
  }

  void skip_digits() { text_.remove_prefix(digits()); }
  void skip_spaces() {
    while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
  }

  // The English name of a month, whole or its first three letters.
  std::optional<std::int64_t> month_name() {
    static constexpr std::array<std::string_view, 12> kNames = {
        "january", "february", "march",     "april",   "may",      "june",
        "july",    "august",   "september", "october", "november", "december"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      for (const std::size_t length : {kNames[i].size(), std::size_t{3}}) {
        if (!starts_with(kNames[i].substr(0, length))) continue;
        text_.remove_prefix(length);
        return static_cast<std::int64_t>(i + 1);
      }
    }
    return std::nullopt;
  }

 private:
  // `name` is in lower case; the case of the text is ignored.
  bool starts_with(std::string_view name) const {
    if (text_.size() < name.size()) return false;
    return std::equal(name.begin(), name.end(), text_.begin(),
                      [](char a, char b) { return a == b || a == b - 'A' + 'a'; });
  }

  std::string_view text_;
  char taken_ = 0;
};

// YYYY, YYYY-MM, YYYY-MM-DD, YYYY-DDD, YYYYMMDD or YYYYDDD. (YYYYMM is not ISO 8601.)
bool scan_date(Scanner& in, DateParts& parts, Precision& precision) {
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
bool scan_clock(Scanner& in, DateParts& parts, Precision& precision) {
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
std::optional<seconds> scan_zone(Scanner& in) {
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
bool scan_field(Scanner& in, char field, DateParts& parts) {
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

// Adds `count` of the unit that `letter` names. `rank` makes sure that units come in order.
bool add_component(Period& period, char letter, bool clock, std::int64_t count, int& rank) {
  static constexpr std::string_view kDateUnits = "YMWD";
  static constexpr std::string_view kClockUnits = "HMS";
  const std::size_t place = (clock ? kClockUnits : kDateUnits).find(letter);
  if (place == std::string_view::npos) return false;
  const int new_rank = static_cast<int>(place) + (clock ? static_cast<int>(kDateUnits.size()) : 0);
  if (new_rank <= rank) return false;
  rank = new_rank;
  if (clock) {
    static constexpr std::array<std::int64_t, 3> kFactors = {kSecondsAnHour, kSecondsAMinute, 1};
    period.seconds += count * kFactors[place];
  } else if (letter == 'Y' || letter == 'M') {
    period.months += count * (letter == 'Y' ? kMonthsAYear : 1);
  } else {
    period.days += count * (letter == 'W' ? kDaysAWeek : 1);
  }
  return true;
}

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

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

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

std::optional<TimeSpan> parse_time(std::string_view text) {
  Scanner in(text);
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
  Scanner in(text);
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

std::optional<Period> Period::parse(std::string_view text) {
  Scanner in(text);
  if (!in.take("P")) return std::nullopt;
  Period period;
  bool clock = false;
  int rank = -1;
  while (!in.done()) {
    if (!clock && in.take("T")) {
      clock = true;
      if (in.done()) return std::nullopt;
    }
    static constexpr std::size_t kMostDigits = 12;
    const auto count = in.number(1, kMostDigits);
    if (!count || !in.take("YMWDHS")) return std::nullopt;
    if (!add_component(period, in.taken(), clock, *count, rank)) return std::nullopt;
  }
  if (period == Period{}) return std::nullopt;
  if (period.months > kMostMonths || period.days > kMostDays || period.seconds > kMostSeconds) {
    return std::nullopt;
  }
  return period;
}

Precision Period::unit() const {
  if (seconds % kSecondsAMinute != 0) return Precision::kSecond;
  if (seconds % kSecondsAnHour != 0) return Precision::kMinute;
  if (seconds != 0) return Precision::kHour;
  if (days != 0) return Precision::kDay;
  return months % kMonthsAYear != 0 ? Precision::kMonth : Precision::kYear;
}

std::string Period::text() const {
  std::string out = "P";
  const auto put = [&](std::int64_t count, char letter) {
    if (count != 0) out += std::to_string(count) + letter;
  };
  put(months / kMonthsAYear, 'Y');
  put(months % kMonthsAYear, 'M');
  put(days, 'D');
  if (seconds != 0) out += 'T';
  put(seconds / kSecondsAnHour, 'H');
  put(seconds % kSecondsAnHour / kSecondsAMinute, 'M');
  put(seconds % kSecondsAMinute, 'S');
  return out;
}

Instant advance(Instant start, const Period& period, std::int64_t n) {
  const sys_days date = floor<days>(start);
  const auto clock = start - date;
  sys_days moved = date;
  if (period.months != 0) {
    const year_month_day from(date);
    const std::int64_t total = std::int64_t{int(from.year())} * kMonthsAYear +
                               unsigned(from.month()) - 1 + n * period.months;
    const year y{static_cast<int>(std::clamp<std::int64_t>(
        floor_div(total, kMonthsAYear), int((year::min)()), int((year::max)())))};
    const month m{static_cast<unsigned>(total - floor_div(total, kMonthsAYear) * kMonthsAYear + 1)};
    const std::chrono::day last = (y / m / std::chrono::last).day();
    moved = sys_days(y / m / std::min(from.day(), last));
  }
  return moved + clock + days(n * period.days) + seconds(n * period.seconds);
}

Instant truncate(Instant instant, Precision unit) {
  const sys_days date = floor<days>(instant);
  const year_month_day ymd(date);
  switch (unit) {
    case Precision::kYear:
      return sys_days(ymd.year() / 1 / 1);
    case Precision::kMonth:
      return sys_days(ymd.year() / ymd.month() / 1);
    case Precision::kDay:
      return date;
    case Precision::kHour:
      return floor<hours>(instant);
    case Precision::kMinute:
      return floor<minutes>(instant);
    case Precision::kSecond:
      break;
  }
  return instant;
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
  const std::string text = to_text(start(i));
  if (precision_ == Precision::kYear) return text.substr(0, kYearLength);
  if (precision_ == Precision::kMonth) return text.substr(0, kMonthLength);
  if (precision_ == Precision::kDay) return text.substr(0, kDayLength);
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
