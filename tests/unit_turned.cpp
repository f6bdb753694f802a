// Operators on cubes of the same world that count longitudes from -180 and from 0 on: the same
// places give the same values, however the places are stated.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/demand.h"
#include "engine/evaluator.h"
#include "engine/features.h"
#include "graphs/document.h"
#include "tests/cells.h"
#include "tests/inline_cube.h"
#include "tests/support.h"

using namespace cube;
using nlohmann::json;

namespace {

constexpr int kColumns = 36;
constexpr int kRows = 18;

// Its cell values name the place: 100 * row + the column from -180 on. Begins at column `first`.
json world(int first, int columns = kColumns) {
  nlohmann::ordered_json rows = json::array();
  for (int row = 0; row < kRows; ++row) {
    auto& cells = rows.emplace_back(json::array());
    for (int i = 0; i < columns; ++i) {
      cells.push_back(100 * row + (first + i) % kColumns);
    }
  }
  nlohmann::ordered_json input;
  input["bands"]["a"]["dtype"] = "float64";
  input["bands"]["a"]["cells"] = nlohmann::ordered_json::array();
  input["bands"]["a"]["cells"].push_back(rows);
  input["grid"] = {
      {"left", -180 + 10 * first}, {"top", 90}, {"dx", 10}, {"dy", 10}, {"srs", "EPSG:4326"}};
  input["time"] = {{"labels", {"2020-01-01"}}};
  return test::inline_node(input);
}

json atlantic() { return world(0); }
json pacific() { return world(18); }

Graph compiled(json node, const json& in) {
  node["in_cube"] = in;
  return compile(Document::parse(node.dump(), "."), test::test_operators(), {});
}

// All cells of the first band, in chunks of several shapes.
std::vector<double> cells(const json& node, const json& in) {
  const Graph graph = compiled(node, in);
  const auto shapes = test::chunk_shapes(graph.info());
  const auto whole = test::computed(graph, {}, shapes[0]);
  for (const ChunkShape& shape : shapes) {
    CHECK(test::difference(whole, test::computed(graph, {}, shape)) == "");
  }
  return whole[0];
}

// Those that are not missing, in order.
std::vector<double> values(const json& node, const json& in) {
  std::vector<double> out = cells(node, in);
  std::erase_if(out, [](double v) { return std::isnan(v); });
  std::sort(out.begin(), out.end());
  return out;
}

std::string rectangle(double left, double right, double bottom, double top) {
  const auto text = [](double v) { return std::to_string(v); };
  const auto corner = [&](double x, double y) { return text(x) + " " + text(y); };
  return "POLYGON ((" + corner(left, bottom) + "," + corner(right, bottom) + "," +
         corner(right, top) + "," + corner(left, top) + "," + corner(left, bottom) + "))";
}

json zonal(const std::string& wkt, const char* weights = "coverage") {
  return {{"cube_type", "zonal"}, {"wkt", wkt}, {"weights", weights}, {"reducers", "mean"}};
}

std::string error_of(const json& node, const json& in) {
  return test::error_of([&] { compiled(node, in); });
}

}  // namespace

TEST_CASE("zonal: areas in any count of longitudes, across either seam") {
  for (const json& in : {atlantic(), pacific(), world(5)}) {
    // Rows 7 to 10; columns 16 and 20 by half, 17 to 19 whole: 850 + 18.
    for (const double turn : {-360.0, 0.0, 360.0}) {
      const auto wkt = rectangle(turn - 15, turn + 25, -20, 20);
      CHECK(cells(zonal(wkt), in).at(0) == doctest::Approx(868));
      // Centres of columns 16 (at -15, on the outline, of the area on its right) to 19.
      CHECK(cells(zonal(wkt, "touched"), in).at(0) == doctest::Approx(868));
      json count = zonal(wkt);
      count["reducers"] = "count";
      CHECK(cells(count, in).at(0) == doctest::Approx(16));
      // Columns 34 to 36, which is 0, and 1: a quarter of 4 each, but for the numbers' jump.
      const auto pacific_area = rectangle(turn + 160, turn + 200, 70, 80);
      CHECK(cells(zonal(pacific_area), in).at(0) == doctest::Approx(100 + (34 + 35 + 0 + 1) / 4.0));
    }
    // All round, which is no more than once round.
    for (const double left : {-180.0, 0.0, -50.0}) {
      json count = zonal(rectangle(left, left + 360, 0, 10));
      count["reducers"] = {"count", "mean"};
      const auto got = test::computed(compiled(count, in), {}, {1, 1, 1});
      CHECK(got[0].at(0) == doctest::Approx(36));
      CHECK(got[1].at(0) == doctest::Approx(800 + 17.5));
    }
  }
}

TEST_CASE("zonal: areas of other CRSs across either seam, with a hole there") {
  // 10 degrees of Mercator on both sides of Greenwich; metres of UTM across the antimeridian.
  const double metre = 20037508.342789244 / 180;
  json mercator = zonal(rectangle(-10 * metre, 10 * metre, -1.118889974857959e6, 0));
  mercator["srs"] = "EPSG:3857";
  json utm = zonal(rectangle(500000, 1200000, 1000000, 3000000));  // 177 E to about 176 W
  utm["srs"] = "EPSG:32660";
  json nad = zonal(rectangle(-15, 25, -20, 20));
  nad["srs"] = "EPSG:4269";
  json hole = zonal(
      "POLYGON ((165 -20, 195 -20, 195 20, 165 20, 165 -20), (175 -10, 185 -10, 185 10, 175 10, "
      "175 "
      "-10))");
  CHECK(cells(mercator, atlantic()).at(0) == doctest::Approx(900 + 17.5));
  CHECK(cells(nad, pacific()).at(0) == doctest::Approx(868));
  // Whole columns 35 and 0 and halves of 34 and 1, less half of the middle two in rows 8 and 9.
  const double upper = (0.5 * 34 + 35 + 0 + 0.5 * 1) / 3;
  const double middle = (0.5 * 34 + 0.5 * 35 + 0 + 0.5 * 1) / 2;
  CHECK(cells(hole, atlantic()).at(0) == doctest::Approx((6 * upper + 4 * middle) / 10 + 850));
  for (const json& node : {mercator, utm, nad, hole}) {
    CAPTURE(node.dump());
    const double here = cells(node, atlantic()).at(0);
    CHECK_FALSE(std::isnan(here));
    CHECK(cells(node, pacific()).at(0) == doctest::Approx(here).epsilon(1e-9));
    CHECK(cells(node, world(7)).at(0) == doctest::Approx(here).epsilon(1e-9));
  }
  // Between 177 E and 176 W only columns 35 and 0 lie.
  json least = utm;
  least["reducers"] = "count";
  least["weights"] = "touched";
  CHECK(cells(least, atlantic()).at(0) == 2 * 3);  // rows 6 to 8
}

TEST_CASE("filter_geom: the same cells are kept") {
  for (const double turn : {-360.0, 0.0, 360.0}) {
    for (const auto& [left, right] : {std::pair{-15.0, 25.0}, {160.0, 200.0}, {-170.0, -120.0}}) {
      const json node = {{"cube_type", "filter_geom"},
                         {"wkt", rectangle(turn + left, turn + right, -20, 20)}};
      const auto kept = values(node, atlantic());
      CHECK(kept.size() == 4 * static_cast<std::size_t>((right - left) / 10));
      CHECK(kept == values(node, pacific()));
      CHECK(kept == values(node, world(9)));
    }
  }
  // Of a cube that holds some places twice, both columns are kept where the area lies in it.
  const json twice = {{"cube_type", "filter_geom"}, {"wkt", rectangle(-170, -160, 0, 10)}};
  CHECK(values(twice, world(0, 40)) == std::vector<double>{801});
}

TEST_CASE("extract: points in any count") {
  const json node = {
      {"cube_type", "extract"},
      {"wkt", "MULTIPOINT (-15 5, 345 5, 175 -5, -185 -5, 359.5 85, -0.5 85, 725 5)"}};
  const std::vector<double> expected = {816, 816, 935, 935, 17, 17, 818};
  for (const json& in : {atlantic(), pacific(), world(20)}) CHECK(cells(node, in) == expected);
  // Between centres, on both sides of either seam and not: 10 degrees are a cell.
  json bilinear = {{"cube_type", "extract"},
                   {"method", "bilinear"},
                   {"wkt", "MULTIPOINT (-2 5, 2 5, 358 5, 0 10, 178 5, 182 5, 40 5, -92 85)"}};
  const std::vector<double> between = {817.3,          817.7,          817.3, 767.5,
                                       800 + 35 * 0.7, 800 + 35 * 0.3, 821.5, 8.3};
  for (const json& in : {atlantic(), pacific(), world(20)}) {
    const auto got = cells(bilinear, in);
    REQUIRE(got.size() == between.size());
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(between[i]));
  }
  CHECK(cells(bilinear, world(18, 18)).at(1) == doctest::Approx(818));  // has edges
  // Cells of an area: one point each, in the longitudes of the area.
  const json area = {{"cube_type", "extract"}, {"wkt", rectangle(-20, 20, 0, 10)}};
  for (const json& in : {atlantic(), pacific()}) {
    CHECK(values(area, in) == std::vector<double>{816, 817, 818, 819});
    const auto table = compiled(area, in).info().grid.features;
    for (const Feature& feature : table->features) {
      CHECK(std::abs(points_of(feature).at(0).x) < 20);
    }
  }
}

TEST_CASE("crop: an extent in any count, but not across the seam") {
  const auto crop = [](double left, double right) {
    return json{{"cube_type", "crop"},
                {"extent", {{"left", left}, {"right", right}, {"top", 10}, {"bottom", 0}}}};
  };
  const json west = crop(-40, -10);
  CHECK(cells(west, atlantic()) == std::vector<double>{814, 815, 816});
  CHECK(cells(west, pacific()) == std::vector<double>{814, 815, 816});
  CHECK(compiled(west, pacific()).info().grid.left == doctest::Approx(320));
  CHECK(compiled(west, pacific()).notes.at(0).text ==
        "these longitudes are 320 to 350 in the cube, and in the result");
  CHECK(compiled(west, atlantic()).notes.empty());
  CHECK(cells(crop(320, 350), atlantic()) == std::vector<double>{814, 815, 816});
  CHECK(cells(crop(-0.3 - 40, -0.3), pacific()).size() == 4);  // snapped to 320 to 360
  const json left = {{"cube_type", "crop"},
                     {"extent", {{"left", -20}, {"top", 10}, {"bottom", 0}}}};
  CHECK(cells(left, pacific()) == std::vector<double>{816, 817});
  CHECK(
      error_of(crop(-20, 20), pacific()) ==
      "/extent/left: longitudes -20 to 20 are no one box of the cube, whose columns run from 0 to "
      "360 (resample with a view of these longitudes goes across the seam)");
  CHECK(error_of(crop(0, 360), atlantic()).starts_with("/extent/left: longitudes 0 to 360 are"));
  CHECK(
      error_of(crop(170, 190), atlantic()).starts_with("/extent/left: longitudes 170 to 190 are"));
  // A cube of a part of the world may be exceeded.
  const json part = {
      {"cube_type", "crop"}, {"in_cube", pacific()}, {"ix_min", 18}, {"ix_max", 19}};  // 180 to 200
  const auto beyond = cells(crop(-180, -150), part);
  CHECK(beyond[0] == 800);
  CHECK(beyond[1] == 801);
  CHECK(std::isnan(beyond[2]));
}

TEST_CASE("slice_space: a point in any count") {
  for (const double x : {-15.0, 345.0}) {
    const json node = {{"cube_type", "slice_space"}, {"x", x}, {"y", 5}};
    for (const json& in : {atlantic(), pacific()}) CHECK(cells(node, in).at(0) == 816);
  }
  const json far = {{"cube_type", "slice_space"}, {"x", 40}, {"y", 5}};
  CHECK(error_of(far, world(0, 3)) == "/x: 40 lies outside of the cube (-180 to -150)");
}

TEST_CASE("merge: not of cubes that would hold the same place twice") {
  const auto merged = [](const json& a, const json& b) {
    return json{{"cube_type", "merge"}, {"in_cubes", {a, b}}};
  };
  const auto error = [](const json& node) {
    return test::error_of(
        [&] { compile(Document::parse(node.dump(), "."), test::test_operators(), {}); });
  };
  CHECK(error(merged(atlantic(), pacific())) ==
        "/in_cubes/1: the cubes go more than once round the earth, so that the same place would "
        "have two columns: longitudes -180 to 180 and 0 to 360 (resample with 'like' brings one "
        "onto the longitudes of the other)");
  CHECK(error(merged(world(0, 18), world(18, 18))) == "");
  CHECK(error(merged(atlantic(), atlantic())) == "");
}

TEST_CASE(
    "resample: of a cube that goes round, two parts are read across the seam, not whole rows") {
  const json node = {{"cube_type", "resample"},
                     {"method", "bilinear"},
                     {"view",
                      {{"space",
                        {{"left", -20},
                         {"right", 20},
                         {"bottom", -10},
                         {"top", 10},
                         {"dx", 5},
                         {"srs", "EPSG:4326"}}}}}};
  const auto made = [&](const json& in) {
    const Graph graph = compiled(node, in);
    const Resources resources;
    Evaluator evaluator(graph, resources);
    evaluator.evaluate(graph.result, all_bands(graph.info(), graph.info().extent()));
    return evaluator.node_stats().front().cells;
  };
  CHECK(cells(node, pacific()) == cells(node, world(9)));
  // 2 x 4 cells and 3 more on each side; whole rows are 8 x 36.
  CHECK(made(world(9)) == 8 * 10);
  CHECK(made(pacific()) == 8 * 10);
  // Nothing is there on one side of the seam.
  const auto half = [](const json& in) {
    return json{{"cube_type", "filter_geom"}, {"wkt", rectangle(0, 60, -90, 90)}, {"in_cube", in}};
  };
  const Graph graph = compiled(node, half(pacific()));
  const auto east = test::computed(graph, {}, {1, 4, 8})[0];
  const auto same = test::computed(compiled(node, half(world(9))), {}, {1, 4, 8})[0];
  CHECK(std::isnan(east[3]));
  CHECK(east[4] == doctest::Approx(775 + 18));  // at 7.5 N; column 17 is missing
  CHECK(std::ranges::equal(
      east, same, [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }));
}
