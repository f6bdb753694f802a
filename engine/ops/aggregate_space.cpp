#include <cmath>

#include "engine/cell_reduction.h"
#include "engine/error.h"
#include "engine/reducer_bands.h"
#include "engine/registry.h"
#include "engine/text.h"

namespace cube {

namespace {

class AggregateSpace final : public Operator {
 public:
  struct Params {
    std::optional<double> dx, dy;
    std::optional<std::int64_t> fact;
    ReducerSpec func;

    void fields(FieldVisitor& v) {
      v.field({.name = "dx",
               .help = "New cell width in units of the CRS; default: dy, for square cells."},
              dx);
      v.field({.name = "dy", .help = "New cell height; default: dx."}, dy);
      v.field({.name = "fact", .help = "Instead: how many columns, and how many rows, make one."},
              fact);
      v.field({.name = "func", .help = kReducerHelp}, func);
    }
  };

  AggregateSpace(const Params& params, std::span<const CubeInfo> in)
      : AggregateSpace(in[0], sizes(params, in[0].grid), Reducer::make(params.func, "/func")) {
    const Sizes given = sizes(params, in[0].grid);
    const char* where_x = params.fact ? "/fact" : params.dx ? "/dx" : "/dy";
    const char* where_y = params.fact ? "/fact" : params.dy ? "/dy" : "/dx";
    if (given.x == 1 && given.y == 1) {
      note(where_x, "the new cells are those of the cube: none are put together");
    }
    const auto note_large = [&](double size, std::int64_t cells, const std::string& what,
                                const char* where) {
      if (size <= static_cast<double>(cells)) return;
      note(where, "a cell of " + number_text(size) + " " + what + " is larger than the cube, of " +
                      std::to_string(cells));
    };
    note_large(given.x, in[0].grid.width, "columns", where_x);
    note_large(given.y, in[0].grid.height, "rows", where_y);
  }

  Request demand(const Request& out, std::size_t) const override { return work_.demand(out); }
  std::unique_ptr<Kernel> kernel() const override { return work_.kernel(); }
  Stage stage() const override { return Stage::kReduce; }
  Cost cost(const Request& request) const override { return work_.cost(request); }
  bool passes_emptiness() const override { return work_.passes_emptiness(); }

 private:
  // New cell sizes in cells of the input.
  struct Sizes {
    double y;
    double x;
  };

  AggregateSpace(const CubeInfo& in, const Sizes& sizes, const Reducer& reducer)
      : AggregateSpace(in, reducer, grown(in.grid.height, sizes.y), grown(in.grid.width, sizes.x)) {
  }

  AggregateSpace(const CubeInfo& in, const Reducer& reducer, const CellWindows& y,
                 const CellWindows& x)
      : AggregateSpace(in, y, x,
                       CellReduction(in, reducer, {0, 1, in.time.size(), in.time.size()}, y, x,
                                     CellReduction::Position::kCell)) {}

  AggregateSpace(const CubeInfo& in, const CellWindows& y, const CellWindows& x, CellReduction work)
      : Operator({coarse(in.grid, y, x), in.time, work.bands()}), work_(std::move(work)) {}

  static Sizes sizes(const Params& params, const Grid& grid) {
    const bool in_units = params.dx || params.dy;
    if (in_units && params.fact) {
      throw Error(ErrorCode::kInvalid, "fact and a cell size are both given", "/fact",
                  "dx and dy, or fact");
    }
    if (params.fact) {
      constexpr std::int64_t kLargest = 1'000'000;  // its square is far from overflow
      if (*params.fact < 1 || *params.fact > kLargest) {
        throw Error(ErrorCode::kInvalid, counted(*params.fact, "cell") + " cannot make one",
                    "/fact", "1 to " + std::to_string(kLargest));
      }
      const auto fact = static_cast<double>(*params.fact);
      return {fact, fact};
    }
    if (!in_units) {
      throw Error(ErrorCode::kInvalid, "the new cell size is not given", "", "dx and dy, or fact");
    }
    const double dx = params.dx ? *params.dx : *params.dy;
    const double dy = params.dy ? *params.dy : *params.dx;
    return {in_cells(dy, grid.dy, params.dy ? "/dy" : "/dx"),
            in_cells(dx, grid.dx, params.dx ? "/dx" : "/dy")};
  }

  static double in_cells(double size, double cell, const char* where) {
    constexpr double kExact = 1e-6;  // of a cell: rounding of decimal cell sizes
    const double ratio = size / cell;
    if (!(ratio >= 1 - kExact) || !std::isfinite(ratio)) {
      throw Error(ErrorCode::kInvalid,
                  "a cell size of " + number_text(size) + " is no coarser than the cube's", where,
                  number_text(cell) + " or more; resample makes finer cells");
    }
    const double whole = std::round(ratio);
    return std::abs(ratio - whole) <= kExact ? whole : ratio;
  }

  // Windows that cover an axis and stick out equally at both ends.
  static CellWindows grown(std::int64_t cells, double size) {
    constexpr double kExact = 1e-6;  // of a new cell
    const auto n = static_cast<double>(cells);
    const double count = std::max(1.0, std::ceil(n / size - kExact));
    const double excess = count * size - n;
    const bool divides = std::abs(excess) <= kExact * size;
    return {divides ? 0 : -excess / 2, size, cells, static_cast<std::int64_t>(count)};
  }

  static Grid coarse(const Grid& in, const CellWindows& y, const CellWindows& x) {
    Grid out = in;
    out.left = in.x_edge(x.begin);
    out.top = in.y_edge(y.begin);
    out.dx = in.dx * x.size;
    out.dy = in.dy * y.size;
    out.width = x.count;
    out.height = y.count;
    return out;
  }

  CellReduction work_;
};

}  // namespace

namespace ops {

OperatorType aggregate_space() {
  return operator_type<AggregateSpace>({
      .id = "aggregate_space",
      .summary = "Aggregate cells to larger ones.",
      .help =
          "The new size need not be a multiple of the cube's: a cell counts for the new cell that "
          "its centre lies in, the right or lower one where it lies on an edge. Where the new size "
          "does not divide the extent, the extent grows equally on both sides; coarsen keeps the "
          "top left corner instead. All bands are reduced and keep their names; missing values are "
          "skipped, of nothing count is 0 and everything else missing. min, max, first, last and "
          "mode keep the band's dtype. which_min and which_max give the number of the cell in the "
          "cube's slice: row * columns + column, from 0 at the top left; the first of equal "
          "extremes counts.",
      .example = R"({"cube_type": "aggregate_space", "dx": 20, "func": "mean",
  "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 1,
    "view": {"space": {"left": 0, "right": 50, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to aggregate."}},
  });
}

}  // namespace ops

}  // namespace cube
