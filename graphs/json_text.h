// JSON texts: parsing with good errors, and how values and places are named in messages.
// Thread rule: pure functions.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/limits.h"

namespace cube {

// Deeper nesting is an error, so that nothing that walks a document can run out of stack.
inline constexpr int kMaxNesting = limits::kNesting;

// Parses `text`, which errors call `name`. Throws Error(kInvalid): "NAME:LINE:COLUMN: ..." for a
// syntax error, "NAME#/pointer: ..." for a key that stands twice or for too deep nesting, "NAME:
// ..." for a text of more than limits::kDocumentBytes.
nlohmann::json parse_json(std::string_view text, std::string_view name);

// The text of a file; "-" is standard input. No more is read than a document may have, and a byte,
// as some files have no end. Throws Error(kNotFound, kUnreadable).
std::string read_document(const std::string& file);

// What stands there, for messages: `the text "abc"`, `the number 3.5`, `a list of 2`, `an object`.
std::string found(const nlohmann::json& value);

// Whether a key is allowed in any object: $schema, title, description.
bool is_annotation(std::string_view key);

// A file name as it stands in a document, seen from `base`. Absolute names, URLs, GDAL's /vsi
// paths and subdataset names ("NETCDF:...") are left as they are.
std::string resolve_path(const std::string& path, const std::filesystem::path& base);

// The reverse: relative to `folder` where there is such a way, with "/" between names.
std::string relative_path(const std::string& path, const std::filesystem::path& folder);

}  // namespace cube
