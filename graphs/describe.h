// describe: the fields of parameters as data, for the schema and the help.
// Thread rule: pure functions and values.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/registry.h"

namespace cube {

struct FieldDoc;

struct TypeDoc {
  enum class Kind {
    kBool,
    kInteger,
    kNumber,
    kText,
    kNumberOrText,
    kFree,
    kList,
    kTuple,
    kMap,
    kRecord
  };
  Kind kind = Kind::kText;
  std::vector<TypeDoc> items;    // of a list and a map the one type, of a tuple one each
  std::vector<FieldDoc> fields;  // of a record
  bool or_text = false;          // may also be written as a lone text
};

struct FieldDoc {
  std::string name;
  std::string help;
  bool required = false;
  std::vector<std::string> choices;
  std::vector<std::string> aliases;
  bool one_or_many = false;
  bool path = false;
  std::optional<nlohmann::ordered_json> preset;  // the default; none = absent unless given
  TypeDoc type;
};

std::vector<FieldDoc> describe(const OperatorType& type);

// True of a list that can also be one of the field's choices: its type says so already.
bool is_list_or_choice(const FieldDoc& field);

// "number", "list of text", "text or object", ...
std::string type_text(const FieldDoc& field);

}  // namespace cube
