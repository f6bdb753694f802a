// The canonical form: stable bytes, defaults filled in, shared cubes named, paths relative.
#include <nlohmann/json.hpp>

#include "graphs/document.h"
#include "tests/inline_cube.h"
#include "tests/support.h"

using namespace cube;
using nlohmann::json;

namespace {

constexpr const char* kView =
    R"({"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
        "srs": "EPSG:3857"}, "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}})";

json dummy() { return {{"cube_type", "dummy"}, {"nbands", 2}, {"view", json::parse(kView)}}; }

json select(const json& bands, const json& in) {
  return {{"cube_type", "select_bands"}, {"bands", bands}, {"in_cube", in}};
}

std::string canonical(const std::string& text, const std::filesystem::path& folder = "/data") {
  return canonical_text(Document::parse(text, "/data"), cube::test::test_operators(), folder);
}

}  // namespace

TEST_CASE("canonical text of canonical text is the same text, for every example") {
  const Registry registry = cube::test::test_operators();
  for (const OperatorType& type : registry.types()) {
    CAPTURE(type.id);
    const std::string once = canonical(type.example);
    CHECK(canonical(once) == once);
    CHECK(once.ends_with("}\n"));
  }
}

TEST_CASE("keys stand in order of declaration with defaults, optionals stay absent") {
  const std::string text = canonical(select("band1", dummy()).dump());
  CHECK(text.starts_with(
      "{\n  \"cube_type\": \"select_bands\",\n  \"bands\": [\n    \"band1\"\n  ],\n"
      "  \"in_cube\": {\n    \"cube_type\": \"dummy\",\n    \"view\": {\n"
      "      \"space\": {\n        \"left\": 0,\n        \"right\": 40,\n"));
  CHECK(text.find("\"aggregation\": \"none\"") != std::string::npos);
  CHECK(text.find("\"nx\"") == std::string::npos);
}

TEST_CASE("equal nodes and named cubes become shared cubes") {
  const json named = {
      {"cubes", {{"s", dummy()}}},
      {"result", {{"cube_type", "select_bands"}, {"bands", {"band1"}}, {"in_cube", "s"}}}};
  const json inlined = json::parse(canonical(named.dump()));
  CHECK(inlined["in_cube"]["cube_type"] == "dummy");  // read once: stands inline
}

TEST_CASE("a cube that is read twice is named in the canonical form") {
  const json document = {{"cubes", {{"twice", dummy()}, {"spare", select("band2", "twice")}}},
                         {"result",
                          {{"cube_type", "join_bands"},
                           {"prefixes", {"l", "r"}},
                           {"in_cubes", {select("band1", "twice"), select("band2", "twice")}}}}};
  const std::string text = canonical(document.dump());
  CHECK(text == R"({
  "version": 1,
  "cubes": {
    "twice": {
      "cube_type": "dummy",
      "view": {
        "space": {
          "left": 0,
          "right": 40,
          "top": 30,
          "bottom": 0,
          "dx": 10,
          "dy": 10,
          "srs": "EPSG:3857",
          "snap": false
        },
        "time": {
          "t0": "2020-01",
          "t1": "2020-03",
          "dt": "P1M"
        },
        "aggregation": "none",
        "resampling": "near"
      },
      "nbands": 2,
      "fill": 1
    }
  },
  "result": {
    "cube_type": "join_bands",
    "prefixes": [
      "l",
      "r"
    ],
    "in_cubes": [
      {
        "cube_type": "select_bands",
        "bands": [
          "band1"
        ],
        "in_cube": "twice"
      },
      {
        "cube_type": "select_bands",
        "bands": [
          "band2"
        ],
        "in_cube": "twice"
      }
    ]
  }
}
)");
  CHECK(canonical(text) == text);
  // Written out twice, the cube gets a name that is free.
  json inlined = document["result"];
  for (json& cube : inlined["in_cubes"]) cube["in_cube"] = dummy();
  const json named = json::parse(canonical(inlined.dump()));
  CHECK(named["cubes"].contains("cube1"));
  CHECK(named["result"]["in_cubes"][0]["in_cube"] == "cube1");
  CHECK(canonical(named.dump()) == canonical(inlined.dump()));
}

TEST_CASE("parameters are replaced and keys that say nothing new do not matter") {
  const json document = {{"parameters", {{"n", 2}}},
                         {"title", "t"},
                         {"cubes", {{"s", dummy()}}},
                         {"result", select("band1", "s")}};
  json with_parameter = document;
  with_parameter["cubes"]["s"]["nbands"] = "${n}";
  CHECK(canonical(with_parameter.dump()) == canonical(document.dump()));
  CHECK(canonical(select({"band1"}, dummy()).dump()) == canonical(document.dump()));
}

TEST_CASE("saved cubes stay references, relative to the new file") {
  const std::string text = R"({"cube_type": "saved", "file": "sub/a.json"})";
  CHECK(json::parse(canonical(text, "/data"))["file"] == "sub/a.json");
  CHECK(json::parse(canonical(text, "/data/other"))["file"] == "../sub/a.json");
}
