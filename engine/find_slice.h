// Which slice of a time axis a text means.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "engine/time_axis.h"

namespace cube {

// The slice that holds the start of the span that `text` names, or else the only one that starts in
// that span (so that a date finds an image's second). Throws Error with `where`: kInvalid when the
// text is no time, kNotFound when no slice or more than one is meant, naming the nearest.
std::int64_t find_slice(const std::string& text, const TimeAxis& time, const std::string& where);

// "the cube's 3 slices run from 2020-01 to 2020-03".
std::string slices_text(const TimeAxis& time);

}  // namespace cube
