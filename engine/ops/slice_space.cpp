#include <cmath>

#include "engine/error.h"
#include "engine/longitudes.h"
#include "engine/registry.h"
#include "engine/text.h"
#include "engine/translation.h"

namespace cube {

namespace {

class SliceSpace final : public Operator {
 public:
  struct Params {
    std::optional<std::int64_t> ix, iy;
    std::optional<double> x, y;

    void fields(FieldVisitor& v) {
      v.field({.name = "ix", .help = "Column, from 0."}, ix);
      v.field({.name = "iy", .help = "Row, from 0 at the top."}, iy);
      v.field({.name = "x", .help = "Or the cell that holds a point: x in units of the CRS."}, x);
      v.field({.name = "y", .help = "And y."}, y);
    }
  };

  SliceSpace(const Params& params, std::span<const CubeInfo> in)
      : SliceSpace(in[0], cell_of(params, in[0].grid)) {}

  Request demand(const Request& out, std::size_t) const override { return cells_.source(out); }

  std::unique_ptr<Kernel> kernel() const override { return cells_.kernel(); }

 private:
  struct Cell {
    std::int64_t row, column;
  };

  SliceSpace(const CubeInfo& in, const Cell& cell)
      : Operator({in.grid.window({cell.row, cell.row + 1}, {cell.column, cell.column + 1}), in.time,
                  in.bands}),
        cells_(in, info().bands, {0, cell.row, cell.column}) {}

  static Cell cell_of(const Params& params, const Grid& grid) {
    check_pairs(params);
    if (params.ix) {
      return {checked("iy", "row", *params.iy, grid.height),
              checked("ix", "column", *params.ix, grid.width)};
    }
    return {holding("y", *params.y, grid.row(*params.y), grid.height, grid.bottom(), grid.top),
            holding("x", *params.x, turned_column(grid.column(*params.x), grid), grid.width,
                    grid.left, grid.right())};
  }

  static void check_pairs(const Params& params) {
    const bool indices = params.ix || params.iy;
    const bool point = params.x || params.y;
    if (indices && point) {
      throw Error(ErrorCode::kInvalid, "indices and a point cannot both be given",
                  params.x ? "/x" : "/y", "ix and iy, or x and y");
    }
    if (!indices && !point) {
      throw Error(ErrorCode::kInvalid, "which cell is not given", "", "ix and iy, or x and y");
    }
    const auto pair = [](bool first, bool second, const char* one, const char* other) {
      if (first == second) return;
      throw Error(ErrorCode::kInvalid,
                  std::string("'") + (first ? one : other) + "' is given without '" +
                      (first ? other : one) + "'",
                  std::string("/") + (first ? one : other));
    };
    pair(params.ix.has_value(), params.iy.has_value(), "ix", "iy");
    pair(params.x.has_value(), params.y.has_value(), "x", "y");
  }

  static std::int64_t checked(const char* key, const char* cell, std::int64_t index,
                              std::int64_t size) {
    if (index >= 0 && index < size) return index;
    throw Error(ErrorCode::kInvalid, none_of(std::to_string(index), size, cell),
                std::string("/") + key, range_text(0, size - 1));
  }

  // The cell that holds a coordinate; the far edge of the cube belongs to its last cell.
  static std::int64_t holding(const char* key, double at, double index, std::int64_t size,
                              double low, double high) {
    if (index >= 0 && index <= static_cast<double>(size)) {
      return std::min(static_cast<std::int64_t>(std::floor(index)), size - 1);
    }
    throw Error(ErrorCode::kInvalid, number_text(at) + " lies outside of the cube",
                std::string("/") + key, number_text(low) + " to " + number_text(high));
  }

  Translation cells_;
};

}  // namespace

namespace ops {

OperatorType slice_space() {
  return operator_type<SliceSpace>({
      .id = "slice_space",
      .summary = "The series of one cell.",
      .help =
          "The result has one cell and all slices; bands keep their types. A point on a border "
          "belongs to the cell right of and below it, one on the far edges of the cube to its last "
          "cells; one outside is an error. Only what lies under the cell is read. In a cube in "
          "degrees x may be any longitude of "
          "the place: 350 is found in columns from -180 to 180, -10 in those from 0 to 360.",
      .example = R"({"cube_type": "slice_space", "x": 25, "y": 15,
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to take the cell of."}},
  });
}

}  // namespace ops

}  // namespace cube
