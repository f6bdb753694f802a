// Members of STAC's JSON as they are found in practice: missing, null or of another type.
// Thread rule: pure functions.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace cube {

const nlohmann::ordered_json& null_json();

// The member, or null.
const nlohmann::ordered_json& member(const nlohmann::ordered_json& object, const char* key);

// A text; "" of anything else.
std::string text_of(const nlohmann::ordered_json& value);

// The first of the places that has the member, or null.
const nlohmann::ordered_json& first_of(std::initializer_list<const nlohmann::ordered_json*> places,
                                       const char* key);

// A number, also "nan", "inf" and "-inf", as the raster extension writes them.
std::optional<double> number_of(const nlohmann::ordered_json& value);

// A list of finite numbers.
std::optional<std::vector<double>> numbers_of(const nlohmann::ordered_json& value);

}  // namespace cube
