// Parameters from and to JSON: every kind of field, every way to be wrong; schema and help of them.
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "graphs/describe.h"
#include "graphs/document.h"
#include "graphs/json_reader.h"
#include "graphs/json_text.h"
#include "graphs/json_writer.h"
#include "tests/schema_check.h"
#include "tests/support.h"

using namespace cube;
using cube::test::error_of;
using nlohmann::json;

namespace {

struct Inner {
  double x = 1.5;
  void fields(FieldVisitor& v) { v.field({.name = "x", .help = "A number."}, x); }
};

// May be written as a lone text.
struct Short {
  std::string name = "mean";
  std::optional<double> level;
  void fields(FieldVisitor& v) {
    v.field({.name = "name", .help = "A name."}, name);
    v.field({.name = "level", .help = "A level."}, level);
  }
  std::optional<std::string> short_form() const {
    return level ? std::nullopt : std::optional(name);
  }
  void set_short_form(std::string text) {
    if (text == "bad") throw Error(ErrorCode::kInvalid, "it is bad");
    name = std::move(text);
  }
};

// Three numbers, or "auto".
struct Sides {
  std::array<std::int64_t, 3> sides{};
  bool own = false;
  std::array<std::int64_t, 3>& items() { return sides; }
  std::optional<std::string> short_form() const {
    return own ? std::optional<std::string>("auto") : std::nullopt;
  }
  void set_short_form(const std::string&) { own = true; }
};

struct All {
  bool flag = false;
  std::int64_t count = 1;
  double size = std::numeric_limits<double>::quiet_NaN();
  std::string text;
  std::string mode = "near";
  std::optional<double> maybe;
  std::vector<std::string> many;
  std::array<std::int64_t, 3> shape = {1, 2, 3};
  std::vector<std::pair<Short, std::string>> pairs;
  std::map<std::string, std::string> methods;
  Inner inner;
  std::string file;
  std::optional<Sides> sides;

  void fields(FieldVisitor& v) {
    v.field({.name = "flag", .help = "A flag."}, flag);
    v.field({.name = "count", .help = "A count.", .aliases = {"n"}}, count);
    v.field({.name = "size", .help = "A size."}, size);
    v.field({.name = "text", .help = "A text."}, text);
    v.field({.name = "mode", .help = "A mode.", .choices = {"near", "bilinear"}}, mode);
    v.field({.name = "maybe", .help = "Perhaps."}, maybe);
    v.field({.name = "many", .help = "Texts.", .one_or_many = true}, many);
    v.field({.name = "shape", .help = "A shape."}, shape);
    v.field({.name = "pairs", .help = "Pairs."}, pairs);
    v.field({.name = "methods", .help = "Methods.", .choices = {"near", "bilinear"}}, methods);
    v.field({.name = "inner", .help = "A record."}, inner);
    v.field({.name = "file", .help = "A file.", .path = true}, file);
    v.field({.name = "sides", .help = "Sides.", .choices = {"auto"}}, sides);
  }
};

All read(const std::string& text) {
  const json object = json::parse(text);
  All all;
  JsonReader(object, "/data/sub").read(all);
  return all;
}

std::string error_in(const std::string& text) {
  return error_of([&] { read(text); });
}

struct AllHolder final : AnyParams {
  All all;
  void fields(FieldVisitor& v) override { all.fields(v); }
};

OperatorType all_type() {
  OperatorType type;
  type.id = "all";
  type.summary = "Has every kind | of argument.";
  type.aliases = {"every"};
  type.example = R"({"cube_type": "all"})";
  type.inputs = {{.name = "in_cubes", .help = "Cubes.", .many = true}};
  type.params = [] { return std::make_unique<AllHolder>(); };
  return type;
}

}  // namespace

TEST_CASE("every kind of field is read") {
  const All all = read(R"({"$schema": "x", "title": "t", "flag": true, "n": 3.0, "size": 2,
    "text": "abc", "mode": "bilinear", "maybe": 1e-3, "many": "one", "shape": [4, 5, 6],
    "pairs": [["max", "a"], [{"name": "q", "level": 0.5}, "b"]], "methods": {"SCL": "near"},
    "inner": {"x": "inf", "description": "d"}, "file": "../a.db"})");
  CHECK(all.flag);
  CHECK(all.count == 3);
  CHECK(all.size == 2);
  CHECK(all.text == "abc");
  CHECK(all.mode == "bilinear");
  CHECK(all.maybe == 1e-3);
  CHECK(all.many == std::vector<std::string>{"one"});
  CHECK(all.shape == std::array<std::int64_t, 3>{4, 5, 6});
  CHECK(all.pairs.at(0).first.name == "max");
  CHECK(all.pairs.at(1).first.level == 0.5);
  CHECK(all.methods.at("SCL") == "near");
  CHECK(all.inner.x == std::numeric_limits<double>::infinity());
  CHECK(all.file == "/data/a.db");
  CHECK_FALSE(read(R"({"maybe": null})").maybe.has_value());
}

TEST_CASE("a list that can be one of some texts") {
  CHECK(read(R"({"sides": [4, 5, 6]})").sides->sides == std::array<std::int64_t, 3>{4, 5, 6});
  CHECK_FALSE(read(R"({"sides": [4, 5, 6]})").sides->own);
  CHECK(read(R"({"sides": "auto"})").sides->own);
  CHECK_FALSE(read("{}").sides.has_value());
  CHECK_FALSE(read(R"({"sides": null})").sides.has_value());
  CHECK(error_in(R"({"sides": "Auto"})") ==
        "/sides: expected a list of 3 or \"auto\", found the text \"Auto\" (did you mean 'auto'?)");
  CHECK(error_in(R"({"sides": "best"})") ==
        "/sides: expected a list of 3 or \"auto\", found the text \"best\"");
  CHECK(error_in(R"({"sides": [1, 2]})") ==
        "/sides: expected a list of 3 or \"auto\", found a list of 2");
  CHECK(error_in(R"({"sides": 5})") ==
        "/sides: expected a list of 3 or \"auto\", found the number 5");
  CHECK(error_in(R"({"sides": [1, 2, "x"]})") ==
        "/sides/2: expected a whole number, found the text \"x\"");
  for (const char* text : {R"({"sides": "auto"})", R"({"sides": [4, 5, 6]})"}) {
    All all = read(text);
    const nlohmann::ordered_json written = JsonWriter().write(all);
    CHECK(written["sides"].dump() == json::parse(text)["sides"].dump());
  }
}

TEST_CASE("wrong values say what was found, what is accepted and where") {
  CHECK(error_in("[]") == "expected an object, found a list of 0");
  CHECK(error_in(R"({"flag": 1})") == "/flag: expected true or false, found the number 1");
  CHECK(error_in(R"({"count": 2.5})") == "/count: expected a whole number, found the number 2.5");
  CHECK(error_in(R"({"count": 18446744073709551615})") ==
        "/count: expected a whole number from -9007199254740992 to 9007199254740992, found the "
        "number 18446744073709551615");
  CHECK(error_in(R"({"count": 1e300})") ==
        "/count: expected a whole number from -9007199254740992 to 9007199254740992, found the "
        "number 1e+300");
  CHECK(error_in(R"({"size": "abc"})") == "/size: expected a number, found the text \"abc\"");
  CHECK(error_in(R"({"size": true})") == "/size: expected a number, found true");
  CHECK(error_in(R"({"text": {}})") == "/text: expected a text, found an object");
  CHECK(error_in(R"({"mode": "bilinaer"})") ==
        "/mode: 'bilinaer' is none of near, bilinear (did you mean 'bilinear'?)");
  CHECK(error_in(R"({"mode": "x"})") == "/mode: 'x' is none of near, bilinear");
  CHECK(error_in(R"({"mode": 1})") == "/mode: expected one of near, bilinear, found the number 1");
  CHECK(error_in(R"({"many": ["a", 1]})") == "/many/1: expected a text, found the number 1");
  CHECK(error_in(R"({"shape": [1, 2]})") == "/shape: expected a list of 3, found a list of 2");
  CHECK(error_in(R"({"shape": [1, 2, "x"]})") ==
        "/shape/2: expected a whole number, found the text \"x\"");
  CHECK(error_in(R"({"pairs": "a"})") == "/pairs: expected a list, found the text \"a\"");
  CHECK(error_in(R"({"pairs": [[1, "a"]]})") ==
        "/pairs/0/0: expected a text or an object, found the number 1");
  CHECK(error_in(R"({"pairs": [["bad", "a"]]})") == "/pairs/0/0: it is bad");
  CHECK(error_in(R"({"pairs": [[{"nam": "q"}, "a"]]})") ==
        "/pairs/0/0/nam: there is no argument 'nam' (did you mean 'name'?)");
  CHECK(error_in(R"({"methods": []})") == "/methods: expected an object, found a list of 0");
  CHECK(error_in(R"({"methods": {"a/b": "x"}})") == "/methods/a~1b: 'x' is none of near, bilinear");
  CHECK(error_in(R"({"inner": {"y": 1}})") == "/inner/y: there is no argument 'y' (one of x)");
  CHECK(error_in(R"({"count": 1, "n": 2})") ==
        "'count' and 'n' are the same argument (leave one of them away)");
  CHECK(error_in(R"({"flag": null})") == "/flag: expected true or false, found null");
}

TEST_CASE("what is written reads back the same, in the order of declaration") {
  All all;
  all.size = 0.1;
  all.count = -5;
  all.pairs = {{Short{"max", {}}, "a"}, {Short{"q", 0.5}, "b"}};
  all.methods = {{"b", "near"}, {"a", "bilinear"}};
  all.file = "/data/x/y.db";
  all.inner.x = -0.0;
  const auto written = JsonWriter("/data/sub").write(all);
  CHECK(written.dump() ==
        R"({"flag":false,"count":-5,"size":0.1,"text":"","mode":"near","many":[],"shape":[1,2,3],)"
        R"("pairs":[["max","a"],[{"name":"q","level":0.5},"b"]],)"
        R"("methods":{"a":"bilinear","b":"near"},"inner":{"x":-0.0},"file":"../x/y.db"})");
  All again = read(written.dump());
  CHECK(JsonWriter("/data/sub").write(again) == written);
}

TEST_CASE("numbers are written in the shortest form that reads back") {
  for (const double value :
       {0.1, 1.0 / 3, 1e22, 1e-7, 5e-324, 123456789.125, 30.0, 1e300, 9007199254740993.0, -0.0}) {
    Inner inner{value};
    Inner again;
    const json text = json::parse(JsonWriter().write(inner).dump());
    JsonReader(text, "").read(again);
    CHECK(std::signbit(again.x) == std::signbit(value));
    CHECK(again.x == value);
  }
  Inner inner{30};
  CHECK(JsonWriter().write(inner).dump() == R"({"x":30})");
  inner.x = std::numeric_limits<double>::quiet_NaN();
  CHECK(JsonWriter().write(inner).dump() == R"({"x":"nan"})");
}

TEST_CASE("paths that are not relative stay as they are") {
  for (const char* path : {"/abs/a.tif", "/vsicurl/https://x/a.tif", "https://x/a.tif", "s3://b/a",
                           "NETCDF:\"a.nc\":v", ""}) {
    CHECK(resolve_path(path, "/data") == path);
  }
  CHECK(resolve_path("a/../b.tif", "/data") == "/data/b.tif");
  CHECK(relative_path("/vsizip/a.zip/b", "/data") == "/vsizip/a.zip/b");
  CHECK(relative_path("/data/b.tif", "/data") == "b.tif");
}

TEST_CASE("the schema accepts what the reader accepts and rejects what it rejects") {
  Registry registry;
  registry.add(all_type());
  const json schema = json::parse(schema_text(registry));
  const auto valid = [&](const std::string& argument) {
    const json document = json::parse(R"({"cube_type": "every", "in_cubes": ["a"])" +
                                      (argument.empty() ? "" : ", " + argument) + "}");
    return cube::test::schema_error(document, schema, schema).empty();
  };
  for (const char* argument :
       {"", R"("n": 3)", R"("flag": "${f}")", R"("size": "nan")", R"("many": "a")",
        R"("many": ["a", "b"])", R"("shape": [1, 2, 3])", R"("mode": "near")",
        R"("pairs": [["a", "b"], [{"level": 2}, "b"]])", R"("methods": {"x": "near"})",
        R"("inner": {"x": 1, "title": "t"})", R"("title": "t")"}) {
    CAPTURE(argument);
    CHECK(valid(argument));
  }
  for (const char* argument :
       {R"("flag": 1)", R"("size": "x")", R"("count": 1.5)", R"("many": [1])", R"("shape": [1, 2])",
        R"("shape": [1, 2, 3, 4])", R"("mode": "x")", R"("pairs": ["a"])",
        R"("methods": {"x": "y"})", R"("inner": {"y": 1})", R"("other": 1)"}) {
    CAPTURE(argument);
    CHECK_FALSE(valid(argument));
  }
  CHECK_FALSE(cube::test::schema_error(json{{"cube_type", "all"}}, schema, schema).empty());
  CHECK(cube::test::schema_error(json{{"version", 1}, {"result", "x"}}, schema, schema) == "");
}

TEST_CASE("help shows every parameter with type, default, choices and aliases") {
  const std::string text = operator_text(all_type());
  for (const char* line :
       {"all: Has every kind | of argument.\nAlso written every.\n",
        "  flag: true or false, default false\n      A flag.\n",
        "  count: whole number, default 1\n      A count.\n      Also n.\n",
        "  mode: text, default \"near\"\n      A mode.\n      One of near, bilinear.\n",
        "  many: text or list of text\n", "  shape: [whole number, whole number, whole number], ",
        "  pairs: list of [text or object, text]\n      Pairs.\n      name: text\n",
        "  inner: object\n      A record.\n      x: number, default 1.5\n          A number.\n",
        "  file: file name\n",
        "  sides: [whole number, whole number, whole number] or \"auto\"\n      Sides.\n\nInputs",
        "  in_cubes: list of cubes, required\n      Cubes.\n",
        "Example\n  {\"cube_type\": \"all\"}\n"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
  Registry registry;
  registry.add(all_type());
  CHECK(operators_text(registry) == "all  Has every kind | of argument. Also every.\n");
  CHECK(operators_markdown(registry).find("| `all` | `flag`, `count`,") != std::string::npos);
  CHECK(operators_markdown(registry).find("every kind \\| of") != std::string::npos);
  const json list = json::parse(operators_json(registry));
  CHECK(list[0]["parameters"][4]["choices"] == json::array({"near", "bilinear"}));
  CHECK(list[0]["parameters"][10]["fields"][0]["name"] == "x");
}
