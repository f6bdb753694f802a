#include "engine/cell_weights.h"

#include <algorithm>
#include <cmath>

namespace cube {

namespace {

// Fractions nearer to 0 or 1 than this are rounding errors of the sums.
constexpr double kRounding = 1e-10;

// An edge and a row that it passes through.
struct Passage {
  std::int64_t row;
  std::size_t edge;
  auto operator<=>(const Passage&) const = default;
};

struct Edge {
  Vertex from;
  Vertex to;
};

// Twice the area of a ring: above 0 where the shell's left side runs down the rows.
double twice_area(const Ring& ring) {
  double sum = 0;
  for (std::size_t i = 1; i + 1 < ring.size(); ++i) {
    sum += (ring[i].x - ring[0].x) * (ring[i + 1].y - ring[0].y) -
           (ring[i + 1].x - ring[0].x) * (ring[i].y - ring[0].y);
  }
  return -sum;
}

// One row of cells: what edges change from each cell to the next.
class Accumulator {
 public:
  explicit Accumulator(const Range& columns)
      : first_(static_cast<double>(columns.begin)),
        size_(static_cast<double>(columns.size())),
        changes_(static_cast<std::size_t>(columns.size()) + 1) {}

  void clear() { std::fill(changes_.begin(), changes_.end(), 0.0); }

  // A piece of an edge within the row. `from` and `to`: columns; `height`: rows it passes through,
  // with the sign of its direction.
  void add(double from, double to, double height) {
    if (height == 0) return;
    double a = from - first_;
    double b = to - first_;
    if (a > b) std::swap(a, b);
    if (a >= size_) return;
    const double slope = b > a ? height / (b - a) : 0;
    if (b <= 0) {
      changes_[0] += height;
      return;
    }
    if (a < 0) {  // the part left of the first cell is left of all cells
      changes_[0] += -a * slope;
      height += a * slope;
      a = 0;
    }
    if (b <= std::floor(a) + 1) {
      add_within(a, b, height);
      return;
    }
    while (a < b && a < size_) {
      const double next = std::min(b, std::floor(a) + 1);
      add_within(a, next, (next - a) * slope);
      a = next;
    }
  }

  // Calls run(begin, end, fraction) for cells of the same fraction above 0, from left to right.
  template <class F>
  void for_runs(double sign, F&& run) const {
    double sum = 0;
    std::int64_t begin = 0;
    double current = 0;
    const auto cells = static_cast<std::int64_t>(changes_.size()) - 1;
    for (std::int64_t i = 0; i < cells; ++i) {
      sum += changes_[static_cast<std::size_t>(i)];
      const double fraction = rounded(sign * sum);
      if (fraction == current) continue;
      if (current > 0) run(begin, i, current);
      begin = i;
      current = fraction;
    }
    if (current > 0) run(begin, cells, current);
  }

 private:
  // A piece within one cell.
  void add_within(double a, double b, double height) {
    const double cell = std::min(std::floor(a), size_ - 1);
    const double right = (a + b) / 2 - cell;  // of the cell, what is left of the piece
    const auto i = static_cast<std::size_t>(cell);
    changes_[i] += height * (1 - right);
    changes_[i + 1] += height * right;
  }

  static double rounded(double fraction) {
    if (fraction < kRounding) return 0;
    return fraction > 1 - kRounding ? 1 : fraction;
  }

  double first_;
  double size_;
  std::vector<double> changes_;
};

std::vector<Edge> edges_of(const Shape& shape) {
  std::vector<Edge> edges;
  for (const Ring& ring : shape.rings) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      edges.push_back({ring[i], ring[i + 1 < ring.size() ? i + 1 : 0]});
    }
  }
  return edges;
}

// In order of rows, then of edges.
std::vector<Passage> passages_of(std::span<const Edge> edges, const Range& rows) {
  std::vector<Passage> out;
  const auto top = static_cast<double>(rows.begin);
  const auto bottom = static_cast<double>(rows.end);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const auto [upper, lower] = std::minmax(std::clamp(edges[i].from.y, top, bottom),
                                            std::clamp(edges[i].to.y, top, bottom));
    const auto end = static_cast<std::int64_t>(std::ceil(lower));
    for (auto row = static_cast<std::int64_t>(std::floor(upper)); row < end; ++row) {
      out.push_back({row, i});
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

// The part of an edge that lies in a row.
void add_part(const Edge& edge, std::int64_t row, Accumulator& line) {
  const Vertex& p = edge.from;
  const Vertex& q = edge.to;
  const auto top = static_cast<double>(row);
  const double y0 = std::clamp(p.y, top, top + 1);
  const double y1 = std::clamp(q.y, top, top + 1);
  const auto x_at = [&](double y) {
    if (y == p.y) return p.x;
    return y == q.y ? q.x : p.x + (y - p.y) * (q.x - p.x) / (q.y - p.y);
  };
  line.add(x_at(y0), x_at(y1), y1 - y0);
}

}  // namespace

CellWeights CellWeights::coverage(const Shape& shape, const Range& rows, const Range& columns) {
  CellWeights out;
  out.rows_ = rows;
  const std::vector<Edge> edges = edges_of(shape);
  const std::vector<Passage> passages = passages_of(edges, rows);
  double area = 0;
  for (const Ring& ring : shape.rings) area += twice_area(ring);
  Accumulator line(columns);
  auto next = passages.begin();
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    line.clear();
    for (; next != passages.end() && next->row == row; ++next)
      add_part(edges[next->edge], row, line);
    line.for_runs(area < 0 ? -1 : 1, [&](std::int64_t begin, std::int64_t end, double weight) {
      out.runs_.push_back({Range{begin, end}.shifted(columns.begin), weight});
    });
    out.offsets_.push_back(out.runs_.size());
  }
  return out;
}

CellWeights CellWeights::whole(const Shape& shape, const Range& rows, const Range& columns,
                               CellRule rule) {
  CellWeights out;
  out.rows_ = rows;
  const RowSpans spans(shape, rows, columns, rule);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    for (const Range& span : spans.row(row)) out.runs_.push_back({span, 1});
    out.offsets_.push_back(out.runs_.size());
  }
  return out;
}

std::span<const WeightRun> CellWeights::row(std::int64_t y) const {
  const auto i = static_cast<std::size_t>(y - rows_.begin);
  return std::span(runs_).subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
}

std::int64_t CellWeights::most_bytes(const Shape& shape, const Range& rows, const Range& columns) {
  constexpr double kGrowth = 2;  // of vectors
  double vertices = 0;
  double down = 0;
  double across = 0;
  for (const Edge& edge : edges_of(shape)) {
    vertices += 1;
    down += 2 + std::min(std::abs(edge.from.y - edge.to.y), static_cast<double>(rows.size()));
    across += 2 + std::min(std::abs(edge.from.x - edge.to.x), static_cast<double>(columns.size()));
  }
  // A run ends in a cell that an edge passes through or in the one after it.
  const double bytes = vertices * sizeof(Edge) + down * sizeof(Passage) +
                       2 * (down + across) * sizeof(WeightRun) +
                       static_cast<double>(rows.size()) * sizeof(std::size_t) +
                       static_cast<double>(columns.size() + 1) * sizeof(double);
  return static_cast<std::int64_t>(kGrowth * bytes);
}

CellWeights::Counts CellWeights::counts() const {
  Counts out;
  for (const WeightRun& run : runs_) (run.weight < 1 ? out.parts : out.whole) += run.columns.size();
  return out;
}

// An area has as many whole cells as its size says, and besides them those that its outline passes
// through.
CellWeights::Counts CellWeights::most_counts(const Shape& shape, const Range& rows,
                                             const Range& columns) {
  double area = 0;
  for (const Ring& ring : shape.rings) area += twice_area(ring) / 2;
  double outline = 0;
  for (const Edge& edge : edges_of(shape)) {
    outline += 3 + std::min(std::abs(edge.from.y - edge.to.y), static_cast<double>(rows.size())) +
               std::min(std::abs(edge.from.x - edge.to.x), static_cast<double>(columns.size()));
  }
  const auto all = static_cast<double>(rows.size()) * static_cast<double>(columns.size());
  return {static_cast<std::int64_t>(std::min(all, std::abs(area) + outline + 1)),
          static_cast<std::int64_t>(std::min(all, outline))};
}

}  // namespace cube
