// Durations in calendar units, and moving instants by them.
#include <algorithm>
#include <array>

#include "engine/calendar.h"
#include "engine/time_axis.h"
#include "engine/time_scanner.h"

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

// Longest period in each unit (10000 years), which keeps all sums far from overflow.
constexpr std::int64_t kMostMonths = 10000 * kMonthsAYear;
constexpr std::int64_t kMostDays = 3652500;
constexpr std::int64_t kMostSeconds = kMostDays * kSecondsADay;

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

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

std::optional<Period> Period::parse(std::string_view text) {
  TimeScanner in(text);
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

}  // namespace cube
