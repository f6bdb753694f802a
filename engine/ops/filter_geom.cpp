#include <algorithm>

#include "engine/beside.h"
#include "engine/error.h"
#include "engine/features.h"
#include "engine/registry.h"
#include "engine/row_spans.h"

namespace cube {

namespace {

class FilterGeom final : public Operator {
 public:
  struct Params {
    GeometryParams geometry;
    bool all_touched = false;
    bool crop = false;

    void fields(FieldVisitor& v) {
      geometry.fields(v);
      v.field({.name = "all_touched",
               .help = "Keep every cell that the area covers a part of, not only those whose "
                       "centre it covers."},
              all_touched);
      v.field({.name = "crop",
               .help = "Cut the cube down to the smallest box around the cells that are kept."},
              crop);
    }
  };

  FilterGeom(const Params& params, std::span<const CubeInfo> in)
      : FilterGeom(params, in[0], area_of(params, in[0].grid)) {}

  Request demand(const Request& out, std::size_t) const override {
    const Region in = out.region.shifted(0, origin_.rows.begin, origin_.columns.begin);
    const RowSpans::Window window = spans_.inside(in.y, in.x);
    return {{in.t, window.rows, window.columns}, out.bands};
  }

  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Cut>(*this); }

  std::int64_t resident_bytes() const override { return spans_.bytes(); }

 private:
  // Only the box around the cells that are kept is pulled, and of it the runs are copied.
  class Cut final : public Kernel {
   public:
    explicit Cut(const FilterGeom& op) : op_(op) {}

    Chunk run(const Request& request, Inputs& inputs) override {
      Chunk out{request.region, std::vector<BlockPtr>(request.bands.size())};
      const Request wanted = op_.demand(request, 0);
      if (wanted.region.empty()) return out;
      const Chunk in = inputs.pull(0, wanted);
      for (std::size_t i = 0; i < out.bands.size(); ++i) {
        if (!in.bands[i]) continue;
        Block block(request.region, op_.info().bands[request.bands[i]].storage());
        copy_runs(*in.bands[i], block);
        out.bands[i] = share(std::move(block));
      }
      return out;
    }

   private:
    void copy_runs(const Block& in, Block& out) {
      const Region& region = in.region();
      const RowSpans::Window& origin = op_.origin_;
      for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
        for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
          for (const Range& span : op_.spans_.row(y)) {
            const Range columns = intersect(span, region.x);
            if (columns.empty()) continue;
            const auto cells = in.row(t, y, columns, scratch_);
            out.set_row(t, y - origin.rows.begin, columns.begin - origin.columns.begin, cells);
          }
        }
      }
    }

    const FilterGeom& op_;
    std::vector<double> scratch_;
  };

  struct Area {
    RowSpans spans;
    Box box;          // in its CRS
    std::string crs;  // "" = the cube's
    bool beside;      // the cube
    std::string where;
  };

  // By reference, so that the spans are whole when they are looked at.
  FilterGeom(const Params& params, const CubeInfo& in, Area&& area)
      : FilterGeom(in, origin_of(params, in.grid, area.spans), std::move(area.spans)) {
    if (spans_.cells() > 0) return;
    if (!(area.box.left <= area.box.right)) {
      note(area.where, "the geometry is empty, so all cells are missing");
    } else if (area.beside) {
      note(area.where, "the geometry lies outside of the cube, so all cells are missing: " +
                           places_text("it", area.box, area.crs, in.grid) +
                           (area.crs.empty() ? kNoCrs : ""));
    } else {
      note(area.where, params.all_touched
                           ? "the geometry has no width, so all cells are missing"
                           : "the geometry covers the centre of no cell, so all cells are missing "
                             "(\"all_touched\": true keeps those it covers a part of)");
    }
  }

  FilterGeom(const CubeInfo& in, const RowSpans::Window& origin, RowSpans&& spans)
      : Operator(filtered(in, origin)), spans_(std::move(spans)), origin_(origin) {}

  static Area area_of(const Params& params, const Grid& grid) {
    check_has_places(grid, "/in_cube");
    const FeatureTable table = read_features(params.geometry);
    const char* where = params.geometry.file ? "/file" : "/wkt";
    const Shape area = united_area(table, where);
    const Shape shape = in_cells(area, table.crs, grid, where);
    return {RowSpans(shape, {0, grid.height}, {0, grid.width},
                     params.all_touched ? CellRule::kTouched : CellRule::kCenter),
            bounds(area), table.crs, shape.empty() || lies_beside(bounds(shape), grid), where};
  }

  // The cells of the input that the result begins and ends with.
  static RowSpans::Window origin_of(const Params& params, const Grid& grid, const RowSpans& spans) {
    const RowSpans::Window all{{0, grid.height}, {0, grid.width}};
    if (!params.crop) return all;
    const RowSpans::Window box = spans.inside(all.rows, all.columns);
    if (!box.rows.empty()) return box;
    throw Error(ErrorCode::kInvalid, "no cell of the cube is inside the geometry", "/crop",
                "without crop the cells of such a cube are all missing");
  }

  static CubeInfo filtered(const CubeInfo& in, const RowSpans::Window& origin) {
    CubeInfo out{in.grid.window(origin.rows, origin.columns), in.time, {}};
    for (const BandInfo& band : in.bands) {
      out.bands.push_back(with_gaps(band, "cells outside of the geometry are missing"));
    }
    return out;
  }

  RowSpans spans_;           // in cells of the input
  RowSpans::Window origin_;  // the result's cells, in cells of the input
};

}  // namespace

namespace ops {

OperatorType filter_geom() {
  return operator_type<FilterGeom>({
      .id = "filter_geom",
      .summary = "Make cells outside of an area missing.",
      .help =
          "Takes any polygon or multipolygon, with holes, partly or wholly outside of the cube; "
          "the "
          "features of a file are united. Of another CRS, it is transformed, with edges divided so "
          "that they stay right to a hundredth of a cell. Of a geometry that keeps no cell at all, "
          "a "
          "note says where it lies and where the cube. A cell whose centre lies exactly on the "
          "outline belongs to the area on its left or below it. What lies outside is not read. In "
          "a "
          "cube in degrees, areas may count longitudes from -180 or from 0 on, and reach across "
          "the "
          "cube's edges where that goes round the earth.",
      .example =
          R"json({"cube_type": "filter_geom", "wkt": "POLYGON ((5 5, 35 5, 35 25, 5 5))",
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})json",
      .inputs = {{.name = "in_cube", .help = "The cube to filter."}},
  });
}

}  // namespace ops

}  // namespace cube
