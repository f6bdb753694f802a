// What times in arguments mean, and which slices of an axis.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/time_axis.h"

namespace cube {

// The slice that holds the start of the span that `text` names, or else the only one that starts in
// that span (so that a date finds an image's second). Throws Error with `where`: kInvalid when the
// text is no time, kNotFound when no slice or more than one is meant, naming the nearest.
std::int64_t find_slice(const std::string& text, const TimeAxis& time, const std::string& where);

// The start of the span that `text` names, or its end. Throws Error(kInvalid) with `where` when the
// text is no time.
Instant time_argument(const std::string& text, bool end, const std::string& where);

// The slices that start within [t0, t1]; t1 reaches to the end of the span it names, and what is
// not given to the end of the axis. Throws Error(kInvalid) at `where`/t0 or `where`/t1, or at
// `where` when no slice does.
Range slices_between(const std::optional<std::string>& t0, const std::optional<std::string>& t1,
                     const TimeAxis& time, const std::string& where);

// "the cube's 3 slices run from 2020-01 to 2020-03".
std::string slices_text(const TimeAxis& time);

}  // namespace cube
