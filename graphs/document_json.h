// What a Document holds, as JSON: apart from document.h, so that who uses documents needs no JSON
// library.
#pragma once

#include <nlohmann/json.hpp>

#include "graphs/document.h"

namespace cube {

struct Document::Content {
  nlohmann::json json;
};

inline const nlohmann::json& json_of(const Document& document) { return document.content().json; }

}  // namespace cube
