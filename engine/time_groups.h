// Which slices of a time axis belong together when a cube is aggregated in time.
// Thread rule: pure functions and values.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/time_axis.h"

namespace cube {

struct TimeGroups {
  TimeAxis axis;  // of the result
  // For each slice of `axis`, the input slices that make it, in ascending order; none where it has
  // no input.
  std::vector<std::vector<Range>> members;

  bool has_gaps() const;
  std::int64_t longest() const;  // input slices in the largest group
};

// The input slices from the first to the last that make `slices`; empty when there are none.
Range hull_of(const std::vector<std::vector<Range>>& members, const Range& slices);

// REQUIRES for all: the axis has slices. All throw Error(kInvalid).

// One slice over the whole of a regular axis. The slices of a labelled one have no extent, so its
// first instant stands for all, as in gdalcubes.
TimeAxis whole_axis(const TimeAxis& in);

// Steps of `dt` from the axis' start, rounded down to dt's unit. An input slice belongs to the step
// that its start falls into. `where` names the argument in an error.
TimeGroups group_by_step(const TimeAxis& in, const Period& dt, std::string_view where);

// `count` slices each; what is left at the end makes a shorter group.
TimeGroups group_by_count(const TimeAxis& in, std::int64_t count);

// Calendar periods, one of kPeriods, from the one that holds the first slice to the last one's.
// Weeks start on Monday, seasons on the first of March, June, September and December, dekads on
// day 1, 11 and 21 of a month (a labelled axis; the others are regular).
inline constexpr std::array<std::string_view, 6> kPeriods = {"day",   "week",   "dekad",
                                                             "month", "season", "year"};
TimeGroups group_by_period(const TimeAxis& in, std::string_view period, std::string_view where);

// Slices of the same time of year, one of kCycles ("year": of the same year). The result has the
// groups that occur, labelled by when they start in the year of the first slice: 2018-01-01,
// 2018-02-01, ... for months; seasons begin with the December before, 2017-12-01.
inline constexpr std::array<std::string_view, 5> kCycles = {"month", "season", "dekad", "dayofyear",
                                                            "year"};
TimeGroups group_by_cycle(const TimeAxis& in, std::string_view cycle, std::string_view where);

}  // namespace cube
