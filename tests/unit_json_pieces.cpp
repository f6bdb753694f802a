// JSON that is cut into pieces: with any size of buffer what json::parse() sees in the whole.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "catalog/json_pieces.h"

using namespace cube;
using json = nlohmann::json;

namespace {

struct Cut {
  std::vector<json> elements;
  std::vector<json> values;
  std::vector<std::int64_t> lines;
  std::vector<bool> followed;
  std::vector<std::string> broken;
};

Cut cut(const std::string& text, std::size_t buffer) {
  std::istringstream in(text);
  JsonPieces pieces(in, buffer);
  JsonPieces::Piece piece;
  Cut out;
  while (pieces.next(piece)) {
    if (!json::accept(piece.text)) {
      out.broken.push_back(piece.text);
      continue;
    }
    (piece.element ? out.elements : out.values).push_back(json::parse(piece.text));
    if (piece.element) continue;
    out.lines.push_back(piece.line);
    out.followed.push_back(piece.followed);
  }
  return out;
}

}  // namespace

TEST_CASE("features and elements come one by one, then the rest") {
  const json odd = {{"a", {1, "}]{[\"\\", {{"b", nullptr}}}}, {"features", {{{"not", "these"}}}}};
  const json elements = {odd, {{"type", "Feature"}, {"x\\\"", "\xc3\xa9"}}, json::object()};
  const json collection = {{"before", {{"features", json::array({odd})}}},
                           {"features", elements},
                           {"links", json::array({{{"rel", "next"}}, 3.5e-3, "]"})}};
  json rest = collection;
  rest["features"] = {0, 0, 0};
  for (std::size_t buffer = 1; buffer < 40; ++buffer) {
    for (const int indent : {-1, 0, 2}) {
      CAPTURE(buffer);
      Cut found = cut(collection.dump(indent) + "\n", buffer);
      CHECK(json(found.elements) == elements);
      CHECK(found.values == std::vector{rest});
      CHECK((found.lines == std::vector<std::int64_t>{1} && !found.followed[0]));
      found = cut("\xef\xbb\xbf\n " + elements.dump(indent), buffer);
      CHECK(json(found.elements) == elements);
      CHECK(found.values == std::vector{json{0, 0, 0}});
      CHECK(found.lines == std::vector<std::int64_t>{2});
    }
  }
}

TEST_CASE("values may follow one another") {
  const json a = {{"id", "a"}};
  const std::string text = a.dump() + "\n\n" + a.dump(2) + "\r\n" + json{a, a}.dump() + "[]\n7\n";
  for (std::size_t buffer = 1; buffer < 20; ++buffer) {
    const Cut found = cut(text, buffer);
    CHECK(found.values == std::vector{a, a, json{0, 0}, json::array(), json(7)});
    CHECK(found.lines == std::vector<std::int64_t>{1, 3, 6, 6, 7});
    CHECK(found.followed == std::vector{true, true, true, true, false});
    CHECK(found.elements == std::vector{a, a});
  }
}

TEST_CASE("what is no JSON comes as text that does not parse") {
  for (std::size_t buffer = 1; buffer < 20; ++buffer) {
    CHECK(cut("", buffer).values.empty());
    CHECK(cut(" \n", buffer).broken.empty());
    for (const std::string text :
         {"hello", "{", "{\"features\": [{\"a\": 1},", "{\"features\": [{\"a\": 1} {\"a\": 2}]}",
          "[{\"a\": 1}}", "[1 2]", "{\"features\": [{\"a\": \"}]}", "{\"a\" 1}"}) {
      CAPTURE(text);
      CHECK(cut(text, buffer).broken.size() == 1);
    }
    const Cut wrong = cut("{\"features\": [{\"a\": ]}, {\"b\": 2}]}", buffer);
    CHECK((!wrong.broken.empty() && wrong.broken[0] == "{\"a\": ]"));
    const Cut element = cut("{\"features\": [{\"a\": x}, {\"b\": 2}]}", buffer);
    CHECK(element.broken == std::vector<std::string>{"{\"a\": x}"});
    CHECK(element.elements == std::vector<json>{{{"b", 2}}});
    CHECK(element.values.size() == 1);
  }
}
