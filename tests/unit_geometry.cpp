// Shapes on grids: runs of cells against a point-in-polygon test, covered fractions against GEOS'
// intersections, transformed edges, and reducers with weights.
#include <ogr_api.h>
#include <ogr_geometry.h>

#include <cmath>
#include <numbers>
#include <random>

#include "engine/cell_weights.h"
#include "engine/feature_chunks.h"
#include "engine/features.h"
#include "engine/gdal/crs.h"
#include "engine/row_spans.h"
#include "engine/weighted_reducers.h"
#include "tests/support.h"

using namespace cube;
using cube::test::error_of;

namespace {

constexpr Range kRows{0, 14};
constexpr Range kColumns{0, 17};

using Random = std::mt19937;

// A ring around a point that does not cross itself.
Ring star(Random& random, double x, double y, double least, double most, int corners) {
  std::uniform_real_distribution<double> radius(least, most);
  Ring ring;
  for (int i = 0; i < corners; ++i) {
    const double angle = 2 * std::numbers::pi * i / corners;
    const double r = radius(random);
    ring.push_back({x + r * std::cos(angle), y + r * std::sin(angle)});
  }
  return ring;
}

// With a hole in it; shells and holes run in opposite directions. Partly outside of the grid.
Shape random_shape(Random& random) {
  std::uniform_real_distribution<double> place(-2, 18);
  std::uniform_int_distribution<int> corners(3, 40);
  const double x = place(random);
  const double y = place(random);
  Shape shape{{star(random, x, y, 3.2, 9, std::max(8, corners(random)))}};
  Ring hole = star(random, x, y, 0.4, 2, corners(random));
  std::reverse(hole.begin(), hole.end());
  shape.rings.push_back(std::move(hole));
  return shape;
}

OGRPolygon polygon(const Shape& shape) {
  OGRPolygon out;
  for (const Ring& ring : shape.rings) {
    OGRLinearRing line;
    for (const Vertex& v : ring) line.addPoint(v.x, v.y);
    line.closeRings();
    out.addRing(&line);
  }
  return out;
}

OGRPolygon square(std::int64_t y, std::int64_t x) {
  const auto left = static_cast<double>(x);
  const auto top = static_cast<double>(y);
  return polygon({{{{left, top}, {left + 1, top}, {left + 1, top + 1}, {left, top + 1}}}});
}

// The same by the definition: an odd number of edges to the left of a point.
bool inside(const Shape& shape, double x, double y) {
  bool in = false;
  for (const Ring& ring : shape.rings) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const Vertex& a = ring[i];
      const Vertex& b = ring[(i + 1) % ring.size()];
      if ((a.y <= y) == (b.y <= y)) continue;
      if (a.x + (y - a.y) * (b.x - a.x) / (b.y - a.y) < x) in = !in;
    }
  }
  return in;
}

double weight_at(const CellWeights& weights, std::int64_t y, std::int64_t x) {
  for (const WeightRun& run : weights.row(y)) {
    if (run.columns.contains(x)) return run.weight;
  }
  return 0;
}

bool covers(const RowSpans& spans, std::int64_t y, std::int64_t x) {
  for (const Range& span : spans.row(y)) {
    if (span.contains(x)) return true;
  }
  return false;
}

double of_held_cells(const WeightedReducer& reducer, const std::vector<double>& values,
                     const std::vector<double>& weights) {
  WeightedCells cells({DType::kFloat64, std::nan("")});
  const auto n = static_cast<std::int64_t>(values.size());
  cells.begin(n, n);
  const std::size_t half = values.size() / 3;
  cells.add(std::span(values).first(half), std::span(weights).first(half));
  cells.add(std::span(values).subspan(half), std::span(weights).subspan(half));
  return reducer.of(cells);
}

double reduced(const std::string& name, const std::vector<double>& values,
               const std::vector<double>& weights) {
  ReducerSpec spec;
  spec.set_short_form(name);
  const WeightedReducer reducer = WeightedReducer::make(spec, "/r");
  if (reducer.of_cells()) return of_held_cells(reducer, values, weights);
  const auto state = reducer.state();
  state->begin();
  // In two pieces, which must make no difference.
  const std::size_t half = values.size() / 3;
  state->add(std::span(values).first(half), std::span(weights).first(half));
  state->add(std::span(values).subspan(half), std::span(weights).subspan(half));
  return state->finish();
}

double plainly_reduced(const std::string& name, const std::vector<double>& values) {
  ReducerSpec spec;
  spec.set_short_form(name);
  const auto state = Reducer::make(spec, "/r").state();
  state->begin(1);
  for (const double value : values) state->add(std::span(&value, 1), 0);
  double out = 0;
  state->finish(std::span(&out, 1));
  return out;
}

}  // namespace

TEST_CASE("covered fractions are the areas of intersections") {
  Random random(1);
  for (int n = 0; n < 60; ++n) {
    CAPTURE(n);
    const Shape shape = random_shape(random);
    const CellWeights weights = CellWeights::coverage(shape, kRows, kColumns);
    const OGRPolygon area = polygon(shape);
    for (auto y = kRows.begin; y < kRows.end; ++y) {
      for (auto x = kColumns.begin; x < kColumns.end; ++x) {
        CAPTURE(y);
        CAPTURE(x);
        const OGRPolygon cell = square(y, x);
        const OGRGeometryUniquePtr both(area.Intersection(&cell));
        const double expected = both ? OGR_G_Area(OGRGeometry::ToHandle(both.get())) : 0;
        REQUIRE(std::abs(weight_at(weights, y, x) - expected) < 1e-9);
      }
    }
  }
}

TEST_CASE("areas with a common border share out the cells between them") {
  Random random(2);
  for (int n = 0; n < 100; ++n) {
    const Ring ring = star(random, 8, 7, 3, 6, 12);
    // From two corners of the ring the rest of a box around everything.
    const Shape inner{{ring}};
    Shape outer{{{{-1, -1}, {20, -1}, {20, 20}, {-1, 20}}, ring}};
    std::reverse(outer.rings[1].begin(), outer.rings[1].end());
    const RowSpans a(inner, kRows, kColumns, CellRule::kCenter);
    const RowSpans b(outer, kRows, kColumns, CellRule::kCenter);
    const CellWeights p = CellWeights::coverage(inner, kRows, kColumns);
    const CellWeights q = CellWeights::coverage(outer, kRows, kColumns);
    for (auto y = kRows.begin; y < kRows.end; ++y) {
      for (auto x = kColumns.begin; x < kColumns.end; ++x) {
        REQUIRE(covers(a, y, x) != covers(b, y, x));
        REQUIRE(weight_at(p, y, x) + weight_at(q, y, x) == doctest::Approx(1).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("a centre on the common border of two areas belongs to one") {
  const Shape left{{{{0, 0}, {2.5, 0}, {2.5, 4}, {0, 4}}}};
  const Shape right{{{{2.5, 0}, {5, 0}, {5, 4}, {2.5, 4}}}};
  const Shape upper{{{{0, 0}, {5, 0}, {5, 1.5}, {0, 1.5}}}};
  const Shape lower{{{{0, 1.5}, {5, 1.5}, {5, 4}, {0, 4}}}};
  const auto spans = [](const Shape& shape) {
    return RowSpans(shape, {0, 4}, {0, 5}, CellRule::kCenter);
  };
  CHECK(covers(spans(left), 1, 2));
  CHECK(!covers(spans(right), 1, 2));
  CHECK(!covers(spans(upper), 1, 2));
  CHECK(covers(spans(lower), 1, 2));
}

TEST_CASE("runs of cells are those of a point-in-polygon test") {
  Random random(3);
  for (int n = 0; n < 300; ++n) {
    CAPTURE(n);
    const Shape shape = random_shape(random);
    const RowSpans center(shape, kRows, kColumns, CellRule::kCenter);
    const RowSpans touched(shape, kRows, kColumns, CellRule::kTouched);
    const CellWeights weights = CellWeights::coverage(shape, kRows, kColumns);
    std::int64_t cells = 0;
    for (auto y = kRows.begin; y < kRows.end; ++y) {
      for (auto x = kColumns.begin; x < kColumns.end; ++x) {
        const bool in = inside(shape, static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5);
        REQUIRE(covers(center, y, x) == in);
        const double weight = weight_at(weights, y, x);
        if (weight > 0 || in) REQUIRE(covers(touched, y, x));
        // A cell that an edge passes through has a part inside, but for slivers.
        if (covers(touched, y, x) && weight == 0) CHECK(!in);
        cells += in;
      }
    }
    CHECK(center.cells() == cells);
  }
}

TEST_CASE("the window around the cells that are kept") {
  const Shape shape{{{{3, 2}, {6, 2}, {6, 5}, {3, 5}}, {{10, 8}, {12, 8}, {12, 9}, {10, 9}}}};
  const RowSpans spans(shape, kRows, kColumns, CellRule::kCenter);
  const auto same = [](const RowSpans::Window& window, const Range& rows, const Range& columns) {
    return window.rows == rows && window.columns == columns;
  };
  CHECK(same(spans.inside(kRows, kColumns), {2, 9}, {3, 12}));
  CHECK(same(spans.inside({4, 9}, {5, 11}), {4, 9}, {5, 11}));
  CHECK(same(spans.inside({4, 9}, {5, 9}), {4, 5}, {5, 6}));
  CHECK(spans.inside({5, 8}, kColumns).rows.empty());
  CHECK(spans.inside(kRows, {13, 17}).rows.empty());
}

TEST_CASE("edges are divided until they are straight in the other CRS") {
  const Grid grid{"EPSG:32632", 200000, 5600000, 100, 100, 4000, 3000};
  const Vertex a{6, 48};
  const Vertex b{11, 50};
  const Shape shape{{{a, b, {8, 50.2}}}};
  const Shape cells = in_cells(shape, "EPSG:4326", grid, "/wkt");
  REQUIRE(cells.rings.size() == 1);
  const Ring& ring = cells.rings[0];
  CHECK(ring.size() > 20);
  CHECK(ring.size() < 500);
  // Points along the first edge lie on the outline.
  double worst = 0;
  int looked_at = 0;
  for (int i = 1; i < 1000; ++i) {
    const double f = i / 1000.0;
    std::vector<Vertex> on =
        points_in_cells({{a.x + f * (b.x - a.x), a.y + f * (b.y - a.y)}}, "EPSG:4326", grid, "");
    // What lies beyond the grid may be cut off.
    if (on[0].x < 0 || on[0].x > 4000 || on[0].y < 0 || on[0].y > 3000) continue;
    ++looked_at;
    double nearest = 1e9;
    for (std::size_t k = 0; k < ring.size(); ++k) {
      const Vertex& p = ring[k];
      const Vertex& q = ring[(k + 1) % ring.size()];
      const double length = std::hypot(q.x - p.x, q.y - p.y);
      const double along = std::clamp(
          ((on[0].x - p.x) * (q.x - p.x) + (on[0].y - p.y) * (q.y - p.y)) / (length * length), 0.0,
          1.0);
      nearest = std::min(nearest, std::hypot(on[0].x - p.x - along * (q.x - p.x),
                                             on[0].y - p.y - along * (q.y - p.y)));
    }
    worst = std::max(worst, nearest);
  }
  CHECK(looked_at > 700);
  CHECK(worst < 0.015);  // a hundredth both across and down
}

TEST_CASE("weights of 1 give what the plain reducers give") {
  Random random(4);
  std::uniform_int_distribution<int> number(-50, 50);
  for (const std::size_t n : {0U, 1U, 2U, 7U, 40U, 701U}) {
    std::vector<double> values(n);
    for (double& value : values) value = number(random) % 9 == 0 ? NAN : number(random) / 4.0;
    const std::vector<double> ones(n, 1.0);
    for (const char* name : {"min", "max",   "mean", "median", "sum",   "prod", "count", "var",
                             "sd",  "first", "last", "mode",   "range", "q1",   "q3",    "p90",
                             "p0",  "p100",  "any",  "all",    "rms",   "mad"}) {
      CAPTURE(name);
      CAPTURE(n);
      const double ours = reduced(name, values, ones);
      const double plain = plainly_reduced(name, values);
      if (std::isnan(plain)) {
        CHECK(std::isnan(ours));
      } else {
        CHECK(ours == doctest::Approx(plain).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("reducers with weights") {
  const std::vector<double> values = {4, NAN, 1, 2, 2};
  const std::vector<double> weights = {0.5, 1, 1, 0.25, 0.25};
  CHECK(reduced("count", values, weights) == 2);
  CHECK(reduced("sum", values, weights) == 4);
  CHECK(reduced("mean", values, weights) == 2);
  CHECK(reduced("rms", values, weights) == doctest::Approx(std::sqrt((8 + 1 + 2) / 2.0)));
  // 0.5 * 4 + 1 * 1 + 0 over 2 - (0.25 + 1 + 0.125) / 2.
  CHECK(reduced("var", values, weights) == doctest::Approx(3 / (2 - 1.375 / 2)));
  CHECK(reduced("mode", values, weights) == 1);
  CHECK(reduced("min", values, weights) == 1);
  CHECK(reduced("max", values, weights) == 4);
  CHECK(reduced("prod", values, weights) == 16);
  // Cells 1, 2, 2, 4 stand at 0, 0.25 + 3, 0.5 + 3.75, 1.5 + 4.5; the middle is at 3.
  CHECK(reduced("median", values, weights) == doctest::Approx(1 + 3 / 3.25));
  CHECK(reduced("p100", values, weights) == 4);
  CHECK(reduced("p0", values, weights) == 1);
  CHECK(error_of([] { reduced("which_max", {1}, {1}); }) ==
        "/r: reducer 'which_max' says when, not where (min or max gives the extreme itself)");
}

TEST_CASE("variance does not cancel digits") {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(1e9 + i % 2);
  CHECK(reduced("var", values, std::vector<double>(1000, 0.5)) ==
        doctest::Approx(0.25 / (1 - 1.0 / 1000)).epsilon(1e-9));
}

TEST_CASE("small differences of large numbers, as those of the differences alone") {
  std::vector<double> values;
  std::vector<double> weights;
  std::vector<double> differences;
  for (int i = 0; i < 1000; ++i) {
    // What is left of a millionth beside 1e9.
    values.push_back(1e9 + i * 7919 % 1000 * 1e-6);
    differences.push_back(values.back() - 1e9);
    weights.push_back(0.1 + 0.9 * (i % 10) / 10);
  }
  for (const char* name : {"var", "sd"}) {
    CHECK(reduced(name, values, weights) ==
          doctest::Approx(reduced(name, differences, weights)).epsilon(1e-12));
  }
}

TEST_CASE("features that lie near each other share a chunk") {
  std::vector<Region> near;
  std::vector<Region> far;
  for (std::int64_t i = 0; i < 4096; ++i) {
    near.push_back({{0, 1}, {i % 64, i % 64 + 1}, {i / 64, i / 64 + 1}});
    far.push_back({{0, 1},
                   {i * 1000 % 77777, i * 1000 % 77777 + 1},
                   {i * 7919 % 99991, i * 7919 % 99991 + 1}});
  }
  // Slices are parted first; chunks of features that lie in one block would all read it.
  CHECK(feature_chunk(near, 12) == ChunkShape{1, 1024, 1});
  CHECK(feature_chunk(far, 12) == ChunkShape{1, 1024, 1});
  CHECK(feature_chunk(far, 1) == ChunkShape{1, 128, 1});
  CHECK(feature_chunk(std::span(near).first(2), 64) == ChunkShape{2, 2, 1});
  CHECK(feature_chunk(std::span(near).first(2), 1) == ChunkShape{1, 2, 1});
}

TEST_CASE("features are taken block by block, to and fro") {
  const auto at = [](std::int64_t y, std::int64_t x) {
    return Region{{0, 1}, {y, y + 1}, {x, x + 1}};
  };
  const std::vector<Region> needs = {at(600, 10), at(5, 700), at(600, 900), at(9, 3), at(1, 701)};
  CHECK(order_of_place(needs) == std::vector<std::size_t>{3, 1, 4, 2, 0});
}

TEST_CASE("counted cells give what held ones give") {
  std::mt19937 random(7);
  std::vector<double> values;
  std::vector<double> weights;
  for (int i = 0; i < 5000; ++i) {
    values.push_back(static_cast<double>(random() % 300));
    weights.push_back(random() % 4 == 0 ? 0.25 : 1);
    if (random() % 10 == 0) values.back() = std::nan("");
  }
  for (const bool parts : {false, true}) {
    if (!parts) std::fill(weights.begin(), weights.end(), 1.0);
    for (const char* name : {"median", "p90", "q1", "p0", "p100", "mode", "mad"}) {
      ReducerSpec spec;
      spec.set_short_form(name);
      const WeightedReducer reducer = WeightedReducer::make(spec, "/r");
      WeightedCells counted({DType::kInt16, -32768});
      for (int again = 0; again < 2; ++again) {  // nothing is left of the first
        counted.begin(1 << 20, 5000);
        counted.add(values, weights);
      }
      CAPTURE(name);
      CHECK(reducer.of(counted) == doctest::Approx(reduced(name, values, weights)).epsilon(1e-14));
    }
  }
}
