#include "engine/find_slice.h"

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

TimeSpan span_of(const std::string& text, const std::string& where) {
  if (const auto span = parse_time(text)) return *span;
  throw Error(ErrorCode::kInvalid, "'" + text + "' is not a time", where,
              "ISO 8601, e.g. 2018-03-05 or 2018-03-05T10:20:30");
}

// The slice that starts nearest to an instant, the earlier of two. REQUIRES: there are slices.
std::int64_t nearest_slice(const TimeAxis& time, Instant instant) {
  std::int64_t nearest = 0;
  const auto distance = [&](std::int64_t i) { return std::chrono::abs(time.start(i) - instant); };
  for (std::int64_t i = 1; i < time.size(); ++i) {
    if (distance(i) < distance(nearest)) nearest = i;
  }
  return nearest;
}

}  // namespace

std::string slices_text(const TimeAxis& time) {
  if (time.size() == 0) return "the cube has no slices";
  if (time.size() == 1) return "the cube's only slice is " + time.label(0);
  return "the cube's " + counted(time.size(), "slice") + " run from " + time.label(0) + " to " +
         time.label(time.size() - 1);
}

Instant time_argument(const std::string& text, bool end, const std::string& where) {
  const TimeSpan span = span_of(text, where);
  return end ? span.end : span.start;
}

Range slices_between(const std::optional<std::string>& t0, const std::optional<std::string>& t1,
                     const TimeAxis& time, const std::string& where) {
  Range out{0, time.size()};
  if (t0) {
    const Instant start = time_argument(*t0, false, where + "/t0");
    while (out.begin < out.end && time.start(out.begin) < start) ++out.begin;
  }
  if (t1) {
    const Instant end = time_argument(*t1, true, where + "/t1");
    while (out.end > out.begin && time.start(out.end - 1) >= end) --out.end;
  }
  if (!out.empty()) return out;
  throw Error(ErrorCode::kInvalid, "no slice starts in this time", where, slices_text(time));
}

std::int64_t find_slice(const std::string& text, const TimeAxis& time, const std::string& where) {
  const TimeSpan span = span_of(text, where);
  if (const auto slice = time.index(span.start)) return *slice;
  std::int64_t only = 0;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < time.size(); ++i) {
    if (time.start(i) < span.start || time.start(i) >= span.end) continue;
    only = i;
    ++count;
  }
  if (count == 1) return only;
  if (count > 1) {
    throw Error(ErrorCode::kNotFound, counted(count, "slice") + " start in '" + text + "'", where,
                slices_text(time));
  }
  const std::string nearest =
      time.size() == 0 ? ""
                       : "the nearest is " + time.label(nearest_slice(time, span.start)) + "; ";
  throw Error(ErrorCode::kNotFound, "no slice holds '" + text + "'", where,
              nearest + slices_text(time));
}

}  // namespace cube
