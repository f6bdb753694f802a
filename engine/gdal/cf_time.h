// Times as CF files state them, numbers since an instant in a calendar, and as others do.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/time_axis.h"

namespace cube {

struct CfTimes {
  std::vector<double> values;  // of the slices
  std::vector<double> bounds;  // two a slice, empty = none
  std::string units;           // "days since 1970-01-01"
  std::string bounds_units;    // where they differ from those of the times, else ""
  std::string calendar;        // "" = standard
  std::string step;            // ISO 8601, of a regular axis, where the file says so; else ""
};

// True for units such as "days since ...", and for "day as %Y%m%d.%f", of dates as numbers.
bool is_time_unit(const std::string& units);

// The instants, to whole seconds. Units are (plural or not, or short) from nanoseconds to weeks,
// and months and years in whole numbers, counted in calendar months as xarray's and gdalcubes'
// users mean them. Calendars: standard (before 1582-10-15 Julian, as CF has it),
// proleptic_gregorian, julian (instants are those of its dates), noleap, all_leap, 360_day. Throws
// Error(kInvalid) for others, and for the first date that does not exist, such as 30 February.
std::vector<Instant> decode_instants(const std::vector<double>& values, const std::string& units,
                                     const std::string& calendar);

// A regular axis where bounds follow on each other in equal steps of the calendar: slices start
// where their bounds do. Else one that is labelled with the times. Throws Error(kInvalid) also
// where times do not ascend.
TimeAxis decode_times(const CfTimes& times);

// Labelled with times that are written out, "2020-01-31". Throws Error(kInvalid) for what is none,
// and where they do not ascend.
TimeAxis axis_of_texts(const std::vector<std::string>& texts);

}  // namespace cube
