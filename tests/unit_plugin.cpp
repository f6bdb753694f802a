// Plugins: the C interface from describe to destroy, and every way in which a library can be wrong.
#include <nlohmann/json.hpp>

#include "engine/run.h"
#include "graphs/document.h"
#include "tests/cells.h"
#include "tests/inline_cube.h"
#include "tests/support.h"

using namespace cube;
using cube::test::computed;
using cube::test::difference;
using cube::test::error_of;
using nlohmann::json;

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Resources allowed() {
  Resources resources;
  resources.allow_exec = true;
  return resources;
}

json input(const std::string& cells) {
  return cube::test::inline_node(json::parse(R"({"bands": {"a": {"cells": )" + cells + "}}}"));
}

json node(const std::string& library, const std::string& function,
          const json& more = json::object()) {
  json out = {{"cube_type", "plugin"},
              {"file", library},
              {"function", function},
              {"in_cube", input("[[[1, null], [null, 4]], [[5, 6], [null, 8]]]")}};
  out.update(more);
  return out;
}

json bad(const std::string& function, json more = json::object()) {
  return node("bad_plugin.so", function, std::move(more));
}

Graph compiled(const json& document, const Resources& resources = allowed()) {
  return compile(Document::parse(document.dump(), CUBE_PLUGINS), cube::test::test_operators(),
                 resources);
}

std::string error_in(const json& document) {
  return error_of([&] { compiled(document); });
}

}  // namespace

TEST_CASE("the example: the range of a square, missing cells and edges, for any chunks") {
  json document = node("local_range.so", "cube_plugin_v1", {{"arguments", {{"radius", 1}}}});
  document["in_cube"] = input("[[[1, 2, 4, 8], [null, null, 5, 9], [null, null, null, 3]]]");
  const Graph graph = compiled(document);
  CHECK(graph.info().bands[0].name == "a_range");
  CHECK(graph.info().bands[0].dtype == DType::kFloat32);
  const auto whole = computed(graph, allowed(), {1, 3, 4});
  const std::vector<std::vector<double>> expected = {{1, 4, 7, 5, 1, 4, 7, 6, kNone, 0, 6, 6}};
  CHECK(difference(whole, expected) == "");
  for (const ChunkShape& shape : cube::test::chunk_shapes(graph.info())) {
    CHECK(difference(whole, computed(graph, allowed(), shape)) == "");
  }
  CHECK(difference(whole, cube::test::computed_by_run(graph, allowed(), 4)) == "");
}

TEST_CASE("a graph gives the bands other names and types, and more halo does no harm") {
  json document =
      node("local_range.so", "cube_plugin_v1",
           {{"bands", {"r"}}, {"dtype", "int16"}, {"nodata", -1}, {"halo", {{"x", 5}, {"y", 5}}}});
  document["in_cube"] = input("[[[1, 2], [4, 8]]]");
  const Graph graph = compiled(document);
  CHECK(graph.info().bands[0].name == "r");
  CHECK(graph.info().bands[0].dtype == DType::kInt16);
  CHECK(graph.info().bands[0].nodata == -1);
  CHECK(computed(graph, allowed(), {1, 1, 1})[0] == std::vector<double>{7, 7, 7, 7});
}

TEST_CASE("whole series, arguments of every kind, missing cells of an integer band") {
  const Graph graph = compiled(bad(
      "plugin_counts", {{"arguments", {{"a", 1}, {"b", true}, {"c", "xyz"}, {"d", {10, 20}}}}}));
  CHECK(graph.info().bands[0].nodata == 255);
  // 1 + 1 + 3 + 30 and the count of values: 2 in the first cell, 1, none, 2.
  const std::vector<std::vector<double>> expected = {{37, 36, kNone, 37, 37, 36, kNone, 37}};
  for (const ChunkShape& shape : cube::test::chunk_shapes(graph.info())) {
    CHECK(difference(computed(graph, allowed(), shape), expected) == "");
  }
}

TEST_CASE("arguments of every kind are written as they were read") {
  const json arguments = {{"a", 1.5}, {"b", true}, {"c", "xyz"}, {"d", {10, 20.25, "nan"}}};
  const json document = bad("plugin_counts", {{"arguments", arguments}});
  const std::string text = canonical_text(Document::parse(document.dump(), CUBE_PLUGINS),
                                          cube::test::test_operators(), CUBE_PLUGINS);
  CHECK(json::parse(text).at("arguments") == arguments);
}

TEST_CASE("a plugin over series, of which it makes one slice") {
  json document = bad("plugin_counts", {{"times", {"2020"}}, {"bands", {"n"}}});
  document["cube_type"] = "apply_time";
  const Graph graph = compiled(document);
  CHECK(graph.info().time.size() == 1);
  CHECK(graph.info().bands[0].name == "n");
  const std::vector<std::vector<double>> expected = {{2, 1, kNone, 2}};
  for (const ChunkShape& shape : cube::test::chunk_shapes(graph.info())) {
    CHECK(difference(computed(graph, allowed(), shape), expected) == "");
  }
}

TEST_CASE("bands that only the graph declares") {
  CHECK(error_in(bad("plugin_none")) ==
        "/bands: neither the plugin nor the graph says which bands it makes (a list of names)");
  const Graph graph = compiled(bad("plugin_none", {{"bands", {"n"}}, {"dtype", "uint8"}}));
  CHECK(graph.info().bands[0].name == "n");
  CHECK(graph.info().bands[0].dtype == DType::kInt16);  // room for missing cells
}

TEST_CASE("nothing is loaded without consent") {
  const std::string error =
      error_of([] { compiled(node("local_range.so", "cube_plugin_v1"), {}); });
  CHECK(error.starts_with("/file: the graph would load the plugin '"));
  CHECK(error.ends_with(
      "local_range.so' (--allow-exec, or allow_exec in Python and C++, lets it, if you trust it)"));
  const Graph graph = compiled(node("local_range.so", "cube_plugin_v1"));
  CHECK(error_of([&] {
          compute(graph, {}, {graph.info().extent(), {0}});
        }).starts_with("the graph would run the plugin '"));
}

TEST_CASE("source code in place of a library, whether or not it may be run") {
  cube::test::TempDir dir;
  const auto said = [&](const std::string& name) {
    const std::string file = dir.file(name);
    cube::test::write_text(file, "int x;");
    const std::string found = error_of([&] { compiled(node(file, "f"), {}); });
    CHECK(error_in(node(file, "f")) == found);
    return found;
  };
  const std::string stem = dir.file("mine");
  const auto compile = [&](const std::string& compiler, const std::string& end) {
    return "/file: '" + stem + end + "' is source code that has to be compiled first (" + compiler +
           " -shared -fPIC -O2 -I FOLDER_OF_CUBE_PLUGIN_H '" + stem + end + "' -o '" + stem +
           ".so', then \"file\": \"" + stem + ".so\")";
  };
  CHECK(said("mine.c") == compile("cc", ".c"));
  CHECK(said("mine.cpp") == compile("c++", ".cpp"));
  CHECK(said("mine.cc") == compile("c++", ".cc"));
  CHECK(said("mine.py") == "/file: '" + stem +
                               ".py' is a program, not a shared library (the cube_type stream "
                               "runs it: \"command\": [\"python3\", \"" +
                               stem + ".py\"])");
  CHECK(said("mine.R") == "/file: '" + stem +
                              ".R' is a program, not a shared library (the cube_type stream runs "
                              "it: \"command\": [\"Rscript\", \"" +
                              stem + ".R\"])");
}

TEST_CASE("libraries that are none") {
  cube::test::TempDir dir;
  CHECK(error_in(node(dir.file("no.so"), "f")) ==
        "/file: there is no file '" + dir.file("no.so") + "'");
  cube::test::write_text(dir.file("text.so"), "hello");
  CHECK(error_in(node(dir.file("text.so"), "f")) ==
        "/file: '" + dir.file("text.so") + "' is no shared library of this system");
  // An ELF file of which there is no more than the first bytes.
  cube::test::write_text(dir.file("cut.so"),
                         "\x7f"
                         "ELF\x02\x01\x01");
  CHECK(error_in(node(dir.file("cut.so"), "f"))
            .starts_with("/file: the library cannot be loaded: " + dir.file("cut.so") + ": "));
  CHECK(error_in(node("local_range.so", "f")) ==
        "/function: the library exports no function 'f' (see cube_plugin.h)");
}

TEST_CASE("plugins that are wrong") {
  CHECK(error_in(bad("plugin_null")) ==
        "/function: 'plugin_null' gives no complete description of a plugin (see cube_plugin.h)");
  CHECK(error_in(bad("plugin_cannot_run")) ==
        "/function: 'plugin_cannot_run' gives no complete description of a plugin (see "
        "cube_plugin.h)");
  CHECK(
      error_in(bad("plugin_of_tomorrow")) ==
      "/file: the plugin was made for version 2 of the plugin interface (this program has version "
      "1)");
  CHECK(error_in(bad("plugin_refuses")) ==
        "plugin: the plugin plugin_refuses: a red band is needed");
  CHECK(error_in(bad("plugin_refuses_silently")) ==
        "plugin: the plugin plugin_refuses_silently: failed without a reason");
  CHECK(error_in(bad("plugin_no_name")) == "plugin: the plugin makes a band without a name");
  CHECK(error_in(bad("plugin_no_type")) ==
        "plugin: the plugin makes a band 'a' of a type that there is not");
  CHECK(error_in(bad("plugin_bad_nodata")) ==
        "plugin: the plugin makes a band 'a' whose type, uint8, has no value 300");
  CHECK(error_in(bad("plugin_same_name")).starts_with("/bands: "));
  CHECK(error_in(bad("plugin_bad_halo")) ==
        "plugin: the plugin asks for a halo of less than 0 cells");
  CHECK(error_in(bad("plugin_counts", {{"halo", {{"x", -1}}}})) ==
        "/halo/x: a halo of -1 cells cannot be (0 to 2147483647)");
  CHECK(error_in(bad("plugin_counts", {{"bands", {"a", "b"}}})) ==
        "/bands: 2 names for the 1 band that the plugin makes");
  CHECK(error_in(node("local_range.so", "cube_plugin_v1", {{"arguments", {{"radios", 1}}}})) ==
        "plugin: the plugin local_range: its only argument is 'radius', a number from 0");
}

TEST_CASE("a call that fails says why") {
  const Graph graph = compiled(bad("plugin_fails"));
  CHECK(error_of([&] {
          compute(graph, allowed(), {{{0, 1}, {1, 2}, {0, 1}}, {0}});
        }) == "the plugin plugin_fails: row 1 is odd");
}
