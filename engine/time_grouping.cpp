#include "engine/time_grouping.h"

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

void TimeGrouping::fields(FieldVisitor& v) {
  v.field({.name = "dt",
           .help = "New step, ISO 8601 (P1M, P16D). Steps start where the cube starts, rounded "
                   "down to the unit of dt."},
          dt);
  v.field({.name = "fact", .help = "How many slices make one."}, fact);
  v.field({.name = "period",
           .help = "Calendar periods. Weeks start on Monday, seasons on the first of March, "
                   "June, September and December, dekads on days 1, 11 and 21.",
           .choices = {kPeriods.begin(), kPeriods.end()}},
          period);
  v.field({.name = "group",
           .help = "Slices of the same time of year together: a climatology. The result is "
                   "labelled with the starts of these times in the year of the first slice (the "
                   "winter's is the December before).",
           .choices = {kCycles.begin(), kCycles.end()}},
          group);
}

int TimeGrouping::given() const {
  return static_cast<int>(dt.has_value()) + static_cast<int>(fact.has_value()) +
         static_cast<int>(period.has_value()) + static_cast<int>(group.has_value());
}

TimeGroups TimeGrouping::groups(const TimeAxis& in) const {
  if (given() != 1) {
    throw Error(ErrorCode::kInvalid,
                std::to_string(given()) + " of dt, fact, period and group are given", "",
                "give one of them");
  }
  if (in.size() == 0) throw Error(ErrorCode::kInvalid, "the cube has no time slices");
  if (period) return group_by_period(in, *period, "/period");
  if (group) return group_by_cycle(in, *group, "/group");
  if (dt) {
    if (const auto step = Period::parse(*dt)) return group_by_step(in, *step, "/dt");
    throw Error(ErrorCode::kInvalid, "'" + *dt + "' is not a duration", "/dt",
                "ISO 8601 in whole units, e.g. P1M, P16D, PT6H");
  }
  constexpr std::int64_t kLargest = 1'000'000;  // keeps steps far from overflow
  if (*fact >= 1 && *fact <= kLargest) return group_by_count(in, *fact);
  throw Error(ErrorCode::kInvalid, counted(*fact, "slice") + " cannot make one", "/fact",
              "1 to " + std::to_string(kLargest));
}

}  // namespace cube
