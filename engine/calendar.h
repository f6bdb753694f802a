// The numbers of the calendar.
#pragma once

#include <cstdint>

namespace cube {

inline constexpr std::int64_t kMonthsAYear = 12;
inline constexpr std::int64_t kDaysAWeek = 7;
inline constexpr std::int64_t kSecondsAMinute = 60;
inline constexpr std::int64_t kSecondsAnHour = 3600;
inline constexpr std::int64_t kSecondsADay = 86400;

}  // namespace cube
