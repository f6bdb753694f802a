// A small validator of JSON Schema, as much of it as our schema uses.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace cube::test {

// "" when `value` is valid against `schema`, else the pointer of the first offence and the keyword
// that it offends. References are resolved in `root`. An unknown keyword is an offence too.
std::string schema_error(const nlohmann::json& value, const nlohmann::json& schema,
                         const nlohmann::json& root, const std::string& pointer = "");

}  // namespace cube::test
