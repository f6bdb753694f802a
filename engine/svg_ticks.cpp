// Where axes have marks.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "engine/svg_chart.h"
#include "engine/time_axis.h"

namespace cube {

namespace {

constexpr double kMinute = 60;
constexpr double kHour = 60 * kMinute;
constexpr double kDay = 24 * kHour;

// Steps of equal length; the text is as much of ISO 8601 as the step needs.
struct Step {
  double seconds;
  std::size_t from;  // of the text
  std::size_t length;
};
constexpr std::size_t kDate = 10;
constexpr std::size_t kToMinute = 16;
constexpr std::size_t kFromTime = 11;
constexpr std::array kSteps = {
    Step{1, kFromTime, 8},
    Step{5, kFromTime, 8},
    Step{15, kFromTime, 8},
    Step{kMinute, 0, kToMinute},
    Step{5 * kMinute, 0, kToMinute},
    Step{15 * kMinute, 0, kToMinute},
    Step{kHour, 0, kToMinute},
    Step{3 * kHour, 0, kToMinute},
    Step{6 * kHour, 0, kToMinute},
    Step{12 * kHour, 0, kToMinute},
    Step{kDay, 0, kDate},
    Step{2 * kDay, 0, kDate},
    Step{5 * kDay, 0, kDate},
    Step{10 * kDay, 0, kDate},
};

Instant instant_of(double seconds) {
  return Instant(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

std::vector<TimeTick> equal_steps(double low, double high, const Step& step) {
  std::vector<TimeTick> out;
  for (double at = std::ceil(low / step.seconds) * step.seconds; at <= high; at += step.seconds) {
    out.push_back({at, to_text(instant_of(at)).substr(step.from, step.length)});
  }
  return out;
}

// First days of months, every so many of them; whole years are called by the year alone.
std::vector<TimeTick> month_steps(double low, double high, std::int64_t step) {
  using namespace std::chrono;
  constexpr std::int64_t kMonths = 12;
  const year_month_day first(floor<days>(instant_of(low)));
  const std::int64_t month = static_cast<int>(first.year()) * kMonths +
                             static_cast<std::int64_t>(static_cast<unsigned>(first.month())) - 1;
  std::vector<TimeTick> out;
  for (std::int64_t at = month - month % step; true; at += step) {
    const year_month_day day(year(static_cast<int>(at / kMonths)),
                             std::chrono::month(static_cast<unsigned>(at % kMonths + 1)),
                             std::chrono::day(1));
    const double time = epoch_seconds(Instant(sys_days(day)));
    if (time > high) return out;
    if (time < low) continue;
    constexpr std::size_t kYear = 4;
    constexpr std::size_t kToMonth = 7;
    out.push_back(
        {time, to_text(Instant(sys_days(day))).substr(0, step % kMonths == 0 ? kYear : kToMonth)});
  }
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int wanted) {
  const double rough = (high - low) / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  std::vector<double> out;
  const double first = std::ceil(low / step - 1e-9);
  for (double i = first; i * step <= high + step * 1e-9; ++i) out.push_back(i * step + 0.0);
  return out;
}

std::vector<TimeTick> time_ticks(double low, double high, int most) {
  const double span = high - low;
  for (const Step& step : kSteps) {
    if (span / step.seconds <= most - 1) return equal_steps(low, high, step);
  }
  constexpr double kMonth = 30 * kDay;
  for (const std::int64_t months : {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 12000}) {
    if (span / (kMonth * static_cast<double>(months)) <= most - 1) {
      return month_steps(low, high, months);
    }
  }
  return {{low, to_text(instant_of(low)).substr(0, kDate)}};
}

}  // namespace cube
