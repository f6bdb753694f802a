// Graph documents: reading, references, parameters, saved cubes, and every error message.
#include <nlohmann/json.hpp>

#include "graphs/document.h"
#include "tests/inline_cube.h"
#include "tests/support.h"

using namespace cube;
using cube::test::error_of;

namespace {

// A cube of two bands, 1 x 1 x 2 cells.
nlohmann::json two_bands() {
  return cube::test::inline_node(nlohmann::ordered_json::parse(
      R"({"bands": {"a": {"dtype": "uint8", "cells": [[[1, 2]]]}, "b": {"cells": [[[3, null]]]}}})"));
}

Graph compiled(const std::string& text, const std::filesystem::path& base = "/data") {
  return compile(Document::parse(text, base), cube::test::test_operators(), {});
}

Graph compiled(const nlohmann::json& document) { return compiled(document.dump()); }

std::string error_in(const std::string& text) {
  return error_of([&] { compiled(text); });
}

std::string error_in(const nlohmann::json& document) { return error_in(document.dump()); }

nlohmann::json select(const nlohmann::json& bands, const nlohmann::json& in) {
  return {{"cube_type", "select_bands"}, {"bands", bands}, {"in_cube", in}};
}

}  // namespace

TEST_CASE("a nested node becomes a graph with inputs first") {
  const Graph graph = compiled(select({"b", "a"}, two_bands()));
  REQUIRE(graph.nodes.size() == 2);
  CHECK(graph.nodes[0].where == "/in_cube");
  CHECK(graph.nodes[1].where == "");
  CHECK(graph.nodes[graph.result].inputs == std::vector<std::size_t>{0});
  CHECK(graph.info().band_names() == std::vector<std::string>{"b", "a"});
}

TEST_CASE("named cubes and equal nodes are built once") {
  const nlohmann::json document = {{"version", 1},
                                   {"cubes", {{"s", two_bands()}, {"x", select("a", "s")}}},
                                   {"result", select("a", select("a", "x"))}};
  const Graph graph = compiled(document);
  CHECK(graph.nodes.size() == 4);
  CHECK(graph.nodes[0].where == "/cubes/s");
  CHECK(graph.nodes[1].where == "/cubes/x");
}

TEST_CASE("errors of operators carry the pointer of the place") {
  CHECK(error_in(select({"a", "z"}, two_bands())) ==
        "/bands/1: there is no band 'z' (did you mean 'a'?)");
}
