#include "engine/row_spans.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cube {

namespace {

// A row and a number or run that belongs to it; sorted by row, then from left to right.
struct Crossing {
  std::int64_t row;
  double x;
  auto operator<=>(const Crossing&) const = default;
};
struct Run {
  std::int64_t row;
  Range columns;
  auto operator<=>(const Run&) const = default;
};

template <class F>
void for_edges(const Shape& shape, F&& f) {
  for (const Ring& ring : shape.rings) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      f(ring[i], ring[i + 1 < ring.size() ? i + 1 : 0]);
    }
  }
}

std::int64_t floored(double value, const Range& within) {
  return static_cast<std::int64_t>(std::floor(
      std::clamp(value, static_cast<double>(within.begin), static_cast<double>(within.end))));
}

// Where an edge, given from its upper end, is at height y. Computed the same way for either
// direction of the edge.
double x_at(const Vertex& upper, const Vertex& lower, double y) {
  return upper.x + (y - upper.y) * (lower.x - upper.x) / (lower.y - upper.y);
}

// Runs of cells whose centre lies between an odd and the next even crossing of the row's middle.
std::vector<Run> center_runs(const Shape& shape, const Range& rows, const Range& columns) {
  std::vector<Crossing> crossings;
  for_edges(shape, [&](const Vertex& a, const Vertex& b) {
    const Vertex& upper = a.y <= b.y ? a : b;
    const Vertex& lower = a.y <= b.y ? b : a;
    // Rows whose middle lies in [upper.y, lower.y).
    const Range spanned{floored(std::ceil(upper.y - 0.5), rows),
                        floored(std::ceil(lower.y - 0.5), rows)};
    for (std::int64_t row = spanned.begin; row < spanned.end; ++row) {
      crossings.push_back({row, x_at(upper, lower, static_cast<double>(row) + 0.5)});
    }
  });
  std::sort(crossings.begin(), crossings.end());
  std::vector<Run> runs;
  for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
    const Range run{floored(crossings[i].x + 0.5, columns),
                    floored(crossings[i + 1].x + 0.5, columns)};
    if (!run.empty()) runs.push_back({crossings[i].row, run});
  }
  return runs;
}

// Adds the cells whose inner part an edge passes through.
void add_edge_runs(const Shape& shape, const Range& rows, const Range& columns,
                   std::vector<Run>& runs) {
  for_edges(shape, [&](const Vertex& a, const Vertex& b) {
    const Vertex& upper = a.y <= b.y ? a : b;
    const Vertex& lower = a.y <= b.y ? b : a;
    const Range spanned{floored(upper.y, rows), floored(std::ceil(lower.y), rows)};
    for (std::int64_t row = spanned.begin; row < spanned.end; ++row) {
      const auto top = static_cast<double>(row);
      const double in = upper.y < top ? x_at(upper, lower, top) : upper.x;
      const double out = lower.y > top + 1 ? x_at(upper, lower, top + 1) : lower.x;
      const Range run{floored(std::min(in, out), columns),
                      floored(std::ceil(std::max(in, out)), columns)};
      if (!run.empty()) runs.push_back({row, run});
    }
  });
}

}  // namespace

RowSpans::RowSpans(const Shape& shape, const Range& rows, const Range& columns, CellRule rule)
    : first_row_(rows.begin), offsets_(static_cast<std::size_t>(rows.size()) + 1) {
  std::vector<Run> runs = center_runs(shape, rows, columns);
  if (rule == CellRule::kTouched) add_edge_runs(shape, rows, columns, runs);
  std::sort(runs.begin(), runs.end());
  std::int64_t last_row = rows.begin - 1;
  for (const Run& run : runs) {
    if (run.row == last_row && run.columns.begin <= spans_.back().end) {
      spans_.back().end = std::max(spans_.back().end, run.columns.end);
      continue;
    }
    last_row = run.row;
    spans_.push_back(run.columns);
    ++offsets_[static_cast<std::size_t>(run.row - rows.begin) + 1];
  }
  spans_.shrink_to_fit();
  for (std::size_t i = 1; i < offsets_.size(); ++i) offsets_[i] += offsets_[i - 1];
}

std::span<const Range> RowSpans::row(std::int64_t y) const {
  const auto i = static_cast<std::size_t>(y - first_row_);
  return std::span(spans_).subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
}

RowSpans::Window RowSpans::inside(const Range& rows, const Range& columns) const {
  Window out;
  for (std::int64_t y = rows.begin; y < rows.end; ++y) {
    const auto spans = row(y);
    // The first run that reaches into the columns and the last one that begins in them.
    const auto first = std::partition_point(
        spans.begin(), spans.end(), [&](const Range& span) { return span.end <= columns.begin; });
    const auto end = std::partition_point(
        first, spans.end(), [&](const Range& span) { return span.begin < columns.end; });
    if (first == end) continue;
    const Range part = intersect({first->begin, (end - 1)->end}, columns);
    out.columns = out.rows.empty() ? part
                                   : Range{std::min(out.columns.begin, part.begin),
                                           std::max(out.columns.end, part.end)};
    out.rows = {out.rows.empty() ? y : out.rows.begin, y + 1};
  }
  return out;
}

std::int64_t RowSpans::cells() const {
  std::int64_t sum = 0;
  for (const Range& span : spans_) sum += span.size();
  return sum;
}

std::int64_t RowSpans::bytes() const {
  return static_cast<std::int64_t>(spans_.size() * sizeof(Range) +
                                   offsets_.size() * sizeof(std::size_t));
}

}  // namespace cube
