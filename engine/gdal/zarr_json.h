// The JSON files of Zarr, through GDAL's virtual file systems.
// Thread rule: pure functions of the file system.
#pragma once

#include <cpl_json.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gdal/cf.h"
#include "engine/gdal/chunk_codec.h"

namespace cube {

using Json = CPLJSONObject;

bool file_exists(const std::string& path);

// nullopt when there is no such file; throw Error(kUnreadable) when it cannot be read.
std::optional<Bytes> read_whole_file(const std::string& path);
std::optional<Json> read_json(const std::string& path);  // an object

// A member, whatever characters are in its name; invalid when there is none.
Json json_member(const Json& object, std::string_view name);

// A text as JSON in ASCII, as zarr-python wants it. `text` is UTF-8.
std::string json_text(std::string_view text);

// The same of a whole document: what is not ASCII in its texts is escaped.
std::string ascii_json(std::string_view document);

// Numbers, truth values, "NaN", "Infinity" and "-Infinity".
std::optional<double> json_number(const Json& value);

std::vector<std::int64_t> json_integers(const Json& value);  // empty when it is no list

// The members that are numbers, lists of numbers and texts; of GDAL's _CRS the WKT.
CfAttributes json_attributes(const Json& object);

}  // namespace cube
