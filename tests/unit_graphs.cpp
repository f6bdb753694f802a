// Graph documents: reading, references, parameters, saved cubes, and every error message.
#include <nlohmann/json.hpp>

#include "graphs/document_json.h"
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

std::string text_error(const std::string& text) {
  return error_of([&] { compiled(text); });
}

std::string error_in(const nlohmann::json& document) { return text_error(document.dump()); }

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
        "/bands/1: there is no band 'z' (one of a, b)");
}

TEST_CASE("syntax errors carry line and column") {
  CHECK(text_error("{\"a\": 1,\n  \"b\" 2}")
            .starts_with("graph:2:7: syntax error while parsing object separator - unexpected "
                         "number literal"));
  CHECK(text_error("{\"a\": 1").starts_with("graph:1:8: syntax error"));
  CHECK(text_error("").starts_with("graph:1:1: syntax error while parsing value"));
  CHECK(text_error("{\"a\": 1e999}").find("number overflow") != std::string::npos);
}

TEST_CASE("a key that stands twice is an error, not the last one") {
  CHECK(text_error(R"({"in_cube": [{"a": 1, "a": 2}]})") ==
        "graph#/in_cube/0: the key \"a\" stands twice in one object (leave one of them out)");
}

TEST_CASE("nesting is read up to a thousand levels and rejected beyond") {
  const auto lists = [](int depth) {
    const auto n = static_cast<std::size_t>(depth);
    return std::string(n, '[') + std::string(n, ']');
  };
  CHECK_NOTHROW(Document::parse(lists(1000), "/data"));
  CHECK(text_error(lists(1001)) == "graph: the document is nested more than 1000 deep");
  CHECK(text_error(lists(1000000)) == "graph: the document is nested more than 1000 deep");
  nlohmann::json nested = two_bands();
  for (int i = 0; i < 998; ++i) nested = select({"a"}, std::move(nested));
  CHECK(compiled(nested).nodes.size() == 999);
  const auto named = [](int i) { return std::string("c").append(std::to_string(i)); };
  nlohmann::json cubes = {{"c0", two_bands()}};
  for (int i = 1; i < 2000; ++i) {
    cubes[named(i)] = select({"a"}, named(i - 1));
  }
  CHECK(error_in({{"cubes", cubes}, {"result", "c1999"}}) ==
        "/cubes/c999: the cubes are nested more than 1000 deep");
}

TEST_CASE("files that cannot be read") {
  const cube::test::TempDir dir;
  const auto load = [&](const std::string& name) {
    return error_of([&] { Document::load(name); });
  };
  CHECK(load("/no/such.json") == "/no/such.json: there is no such file");
  CHECK(load(dir.path().string()) ==
        dir.path().string() +
            ": is no graph (it is a folder: cube_type simple_cube reads the rasters in it "
            "as \"" +
            dir.path().string() + "/*.tif\", 'cube catalog create' makes a catalog of them)");
  cube::test::write_text(dir.file("bad.json"), "{\n  oops");
  CHECK(load(dir.file("bad.json")).starts_with(dir.file("bad.json") + ":2:3: syntax error"));
}

TEST_CASE("what is no document says so") {
  CHECK(text_error("[1]") ==
        "expected an object, found a list of 1 (a cube node has a \"cube_type\")");
  CHECK(text_error("{}") ==
        "the document has neither \"cube_type\" nor \"result\" (a cube node has a \"cube_type\"; "
        "in a document of named cubes \"result\" names or holds the one to compute)");
  CHECK(error_in({{"resutl", two_bands()}}) ==
        "/resutl: a document has no 'resutl' (did you mean 'result'?)");
  CHECK(error_in({{"version", 2}, {"result", two_bands()}}) ==
        "/version: expected version 1, found the number 2");
  CHECK(error_in({{"cubes", 1}, {"result", two_bands()}}) ==
        "/cubes: expected an object of names and cubes, found the number 1");
  CHECK(error_in({{"parameters", {1}}, {"result", two_bands()}}) ==
        "/parameters: expected an object of names and values, found a list of 1");
}

TEST_CASE("cubes that are none") {
  CHECK(
      error_in(select("a", 5)) ==
      "/in_cube: expected a cube, found the number 5 (an object with a \"cube_type\", or the name "
      "of one under \"cubes\")");
  CHECK(error_in(select("a", {{"type", "dummy"}})) ==
        "/in_cube: a cube needs a \"cube_type\" (cube ops lists them)");
  CHECK(error_in(select("a", {{"cube_type", 1}})) ==
        "/in_cube/cube_type: expected a text, found the number 1");
  CHECK(error_in({{"cube_type", "select_band"}}) ==
        "/cube_type: there is no cube_type 'select_band' (did you mean 'select_bands'?)");
  CHECK(error_in({{"cube_type", "select_bands"}, {"bands", "a"}}) ==
        "select_bands: the input 'in_cube' is missing (The cube to take bands from.)");
}

TEST_CASE("names that lead nowhere or in a circle") {
  CHECK(error_in(select("a", "s2")) ==
        "/in_cube: there is no cube named 's2' (named cubes stand under \"cubes\")");
  CHECK(error_in({{"cubes", {{"landsat", two_bands()}}}, {"result", "landsatt"}}) ==
        "/result: there is no cube named 'landsatt' (did you mean 'landsat'?)");
  CHECK(
      error_in({{"cubes", {{"x", select("a", "y")}, {"y", select("a", "x")}}}, {"result", "x"}}) ==
      "/cubes/y/in_cube: the cubes refer to each other in a circle: x -> y -> x");
}

TEST_CASE("cubes that the result does not need are checked, but are no part of the graph") {
  const auto beside = [](const nlohmann::json& unused) {
    return nlohmann::json{{"cubes", {{"s", two_bands()}, {"spare", unused}}},
                          {"result", select("a", "s")}};
  };
  CHECK(compiled(beside(select("b", "s"))).nodes.size() == 2);
  // What only operators know is not looked at: they are not built.
  CHECK_NOTHROW(compiled(beside(select("no such band", "s"))));
  CHECK(error_in(beside({{"cube_type", "select_band"}})) ==
        "/cubes/spare/cube_type: there is no cube_type 'select_band' (did you mean "
        "'select_bands'?)");
  nlohmann::json extra = select("a", "s");
  extra["bnads"] = 1;
  CHECK(error_in(beside(extra)) ==
        "/cubes/spare/bnads: there is no argument 'bnads' (did you mean 'bands'?)");
  CHECK(error_in(beside(select(3, "s"))) ==
        "/cubes/spare/bands: expected a text or a list, found the number 3");
  CHECK(error_in(beside(select("a", "z"))) ==
        "/cubes/spare/in_cube: there is no cube named 'z' (one of s, spare)");
  CHECK(error_in(beside(select("a", "spare"))) ==
        "/cubes/spare/in_cube: the cubes refer to each other in a circle: spare -> spare");
  CHECK(error_in(beside(7)).starts_with("/cubes/spare: expected a cube, found the number 7"));
}

TEST_CASE("places below names with / and ~ are escaped") {
  const nlohmann::json document = {{"cubes", {{"a/b~c", select("z", two_bands())}}},
                                   {"result", "a/b~c"}};
  CHECK(error_in(document).starts_with("/cubes/a~1b~0c/bands: there is no band 'z'"));
}

TEST_CASE("arguments that are wrong") {
  CHECK(error_in({{"cube_type", "select_bands"}, {"in_cube", two_bands()}}) ==
        "select_bands: the argument 'bands' is missing (Bands to keep, in output order.)");
  CHECK(error_in({{"cube_type", "select_bands"}, {"which", "a"}, {"in_cube", two_bands()}}) ==
        "select_bands: the argument 'bands' is missing (Bands to keep, in output order.)");
  CHECK(error_in({{"cube_type", "select_bands"}, {"band", "a"}, {"in_cube", two_bands()}}) ==
        "/band: there is no argument 'band' (did you mean 'bands'?)");
  nlohmann::json extra = select("a", two_bands());
  extra["bnds"] = 1;
  CHECK(error_in(extra) == "/bnds: there is no argument 'bnds' (did you mean 'bands'?)");
  CHECK(error_in(select(3, two_bands())) ==
        "/bands: expected a text or a list, found the number 3");
  CHECK(error_in(select({"a", nullptr}, two_bands())) == "/bands/1: expected a text, found null");
  CHECK(error_in(select({{"a", 1}}, two_bands())) ==
        "/bands: expected a text or a list, found an object");
}

TEST_CASE("parameters are replaced, and keep their type where they are all of a text") {
  const nlohmann::json document = {{"parameters", {{"name", "a"}, {"all", {"b", "a"}}}},
                                   {"cubes", {{"s", two_bands()}}},
                                   {"result", select({"${name}"}, "s")}};
  CHECK(compiled(document).info().band_names() == std::vector<std::string>{"a"});
  const Document read = Document::parse(document.dump(), "/data");
  CHECK(json_of(read.with_parameters({{"name", "b"}}))["result"]["bands"][0] == "b");
  nlohmann::json typed = document;
  typed["result"]["bands"] = "${all}";
  CHECK(compiled(typed).info().band_names() == std::vector<std::string>{"b", "a"});
  const auto text = [](const std::string& value, const std::map<std::string, std::string>& given) {
    const nlohmann::json json = {{"parameters", {{"n", 3}, {"t", "x"}}}, {"result", value}};
    return json_of(Document::parse(json.dump(), "/data").with_parameters(given))["result"];
  };
  CHECK(text("${n}", {}) == 3);
  CHECK(text("${n}", {{"n", "2.5"}}) == 2.5);
  CHECK(text("a${n}b${t}", {}) == "a3bx");
  CHECK(text("${t}", {{"t", "${n}"}}) == "${n}");  // values are not looked into
}

TEST_CASE("parameters that are wrong") {
  const auto error = [](const std::string& text, const std::map<std::string, std::string>& given) {
    const nlohmann::json json = {{"parameters", {{"year", 3}, {"none", nullptr}}},
                                 {"result", text}};
    return error_of([&] { Document::parse(json.dump(), "/data").with_parameters(given); });
  };
  CHECK(error("x", {{"yeer", "1"}}) ==
        "/parameters: there is no parameter 'yeer' (did you mean 'year'?)");
  CHECK(error("x", {{"year", "abc"}}) ==
        "/parameters/year: expected a value like 3, found the text \"abc\"");
  CHECK(error("${yer}", {}) == "/result: there is no parameter 'yer' (did you mean 'year'?)");
  CHECK(error("${none}", {}) ==
        "/result: the parameter 'none' has no value (--set none=VALUE gives it one; of a "
        "saved cube, \"arguments\" beside its file)");
  CHECK(error("a ${year", {}) == "/result: \"${\" without \"}\"");
  CHECK(error_in(select("${x}", two_bands())) ==
        "/bands: there is no parameter 'x' (declare it under \"parameters\")");
  CHECK(error_of([] {
          Document::parse("{}", "/data").with_parameters({{"a", "b"}});
        }) == "/parameters: there is no parameter 'a' (the document has none)");
}

TEST_CASE("outputs are read with their paths") {
  const auto document = Document::parse(R"({"result": "x", "outputs": [
    {"file": "out/a.tif", "format": "COG", "options": {"LEVEL": 9, "TILED": true}},
    {"file": "/tmp/b.nc", "overwrite": true}]})",
                                        "/data");
  const std::vector<OutputSpec> outputs = document.outputs();
  REQUIRE(outputs.size() == 2);
  CHECK(outputs[0].file == "/data/out/a.tif");
  CHECK(outputs[0].options.at("LEVEL") == "9");
  CHECK(outputs[0].options.at("TILED") == "YES");
  CHECK(outputs[1].overwrite);
  const auto error = [](const std::string& outputs_text) {
    const std::string text = R"({"result": "x", "outputs": )" + outputs_text + "}";
    return error_of([&] { static_cast<void>(Document::parse(text, "/data").outputs()); });
  };
  CHECK(error("3") == "/outputs: expected a list of outputs, found the number 3");
  CHECK(error("[3]") == "/outputs/0: expected an object, found the number 3");
  CHECK(error("[{\"file\": \"a\", \"fromat\": \"COG\"}]") ==
        "/outputs/0/fromat: there is no argument 'fromat' (did you mean 'format'?)");
}

TEST_CASE("saved cubes are read from their files, relative to each") {
  const cube::test::TempDir dir;
  std::filesystem::create_directory(dir.path() / "sub");
  cube::test::write_text(dir.file("sub/inner.json"), two_bands().dump());
  cube::test::write_text(dir.file("sub/outer.json"),
                         select("b", {{"cube_type", "saved"}, {"file", "inner.json"}}).dump());
  const Graph graph = compiled(R"({"cube_type": "saved", "file": "sub/outer.json"})", dir.path());
  REQUIRE(graph.nodes.size() == 2);
  CHECK(graph.nodes[0].where == dir.file("sub/inner.json") + "#");
  CHECK(graph.nodes[1].where == dir.file("sub/outer.json") + "#");
}

TEST_CASE("saved cubes are given arguments") {
  const cube::test::TempDir dir;
  nlohmann::json inner = nlohmann::json::parse(R"({
    "parameters": {"band": "a", "fill": 3, "keep": false, "size": [1, 2, 3]},
    "result": {"cube_type": "apply_pixel", "expr": "${band} + ${fill}",
               "band_names": "sum_${fill}", "keep_bands": "${keep}"}})");
  inner["result"]["in_cube"] = two_bands();
  cube::test::write_text(dir.file("inner.json"), inner.dump());
  const auto names = [&](const std::string& given) {
    const std::string saved = R"({"cube_type": "saved", "file": "inner.json", "arguments": )";
    return compiled(R"({"parameters": {"n": 7, "fill": 99}, "result": )" + saved + given + "}}",
                    dir.path())
        .info()
        .band_names();
  };
  using Names = std::vector<std::string>;
  CHECK(names("{}") == Names{"sum_3"});  // not the 99 of the document that names it
  CHECK(names(R"({"fill": 2020})") == Names{"sum_2020"});
  CHECK(names(R"({"fill": "${n}"})") == Names{"sum_7"});
  CHECK(names(R"({"keep": true, "band": "b"})") == Names{"a", "b", "sum_3"});
  CHECK(names(R"({"size": [4, 5, 6]})") == Names{"sum_3"});
  const auto error = [&](const std::string& given) { return error_of([&] { names(given); }); };
  const std::string at = dir.file("inner.json") + "#";
  CHECK(error(R"({"fil": 1})") ==
        at + "/parameters: there is no parameter 'fil' (did you mean 'fill'?)");
  CHECK(error(R"({"fill": "much"})") ==
        at + "/parameters/fill: expected a value like 3, found the text \"much\"");
  CHECK(error(R"({"band": "c"})").starts_with(at + "/result/expr: unknown name"));
}

TEST_CASE("saved cubes that are wrong") {
  const cube::test::TempDir dir;
  const auto error = [&](const std::string& text) {
    return error_of([&] { compiled(text, dir.path()); });
  };
  const auto saved = [](const std::string& file) {
    return nlohmann::json{{"cube_type", "saved"}, {"file", file}};
  };
  CHECK(error(select("a", saved("no.json")).dump()) ==
        "/in_cube/file: " + dir.file("no.json") + ": there is no such file");
  cube::test::write_text(dir.file("me.json"), select("a", saved("me.json")).dump());
  CHECK(error(saved("me.json").dump()) ==
        dir.file("me.json") + "#/in_cube/file: the saved cubes refer to each other in a circle: " +
            dir.file("me.json") + " -> " + dir.file("me.json"));
  cube::test::write_text(dir.file("bad.json"), select({"a", "z"}, two_bands()).dump());
  CHECK(error(saved("bad.json").dump()) ==
        dir.file("bad.json") + "#/bands/1: there is no band 'z' (one of a, b)");
  cube::test::write_text(dir.file("broken.json"), "{");
  CHECK(error(saved("broken.json").dump()).starts_with(dir.file("broken.json") + ":1:2: syntax"));
}

TEST_CASE("what operators note stands where their arguments stand in the document") {
  const auto notes = [](const nlohmann::json& document) {
    std::vector<std::string> out;
    for (const Note& note : compiled(document).notes) out.push_back(note.where + ": " + note.text);
    return out;
  };
  const nlohmann::json same = {
      {"cube_type", "rename_bands"}, {"band_names", {{"a", "a"}}}, {"in_cube", two_bands()}};
  CHECK(notes(two_bands()).empty());
  CHECK(notes(select("a", same)) ==
        std::vector<std::string>{"/in_cube/band_names: no band gets another name"});
  CHECK(notes({{"cubes", {{"s", same}, {"unused", select("a", same)}}}, {"result", "s"}}) ==
        std::vector<std::string>{"/cubes/s/band_names: no band gets another name"});
  // Under the key that was used.
  const nlohmann::json window = {{"cube_type", "window_time"},
                                 {"win_size_r", 3},
                                 {"reducer_bands", nlohmann::json::parse(R"([["max", "a"]])")},
                                 {"in_cube", two_bands()}};
  CHECK(notes(window) == std::vector<std::string>{
                             "/win_size_r: windows of 4 slices are longer than the cube, of 1"});
}

TEST_CASE("errors in older forms are told where they stand there") {
  const auto joined = [](const nlohmann::json& a, const nlohmann::json& b,
                         const nlohmann::json& prefix) {
    return nlohmann::json{
        {"cube_type", "join_bands"}, {"A", a}, {"B", b}, {"prefix_A", prefix}, {"prefix_B", ""}};
  };
  CHECK(error_in(joined(two_bands(), {{"cube_type", "dumy"}}, "")) ==
        "/B/cube_type: there is no cube_type 'dumy' (did you mean 'dummy'?)");
  CHECK(error_in(joined(two_bands(), two_bands(), ""))
            .starts_with("/B: two cubes have a band named 'a'"));
  CHECK(error_in(joined(two_bands(), two_bands(), 5)) ==
        "/prefix_A: expected a text, found the number 5");
  CHECK(compiled(joined(two_bands(), select("a", two_bands()), "x")).info().band_names() ==
        std::vector<std::string>{"x.a", "x.b", "a"});
  const nlohmann::json tile = {{"cube_type", "dummy"},
                               {"view",
                                {{"tile", {{"x", 9}, {"y", 0}, {"z", 1}}},
                                 {"time", {{"t0", "2020"}, {"t1", "2020"}, {"dt", "P1Y"}}}}}};
  CHECK(error_in(tile) == "/view/tile: there is no tile 9,0,1 (x and y are below 2 at zoom 1)");
  CHECK(error_in({{"cube_type", "join_bands"}, {"A", two_bands()}})
            .starts_with("/A: there is no argument 'A'"));
}
