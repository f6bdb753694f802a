// Nodes as older versions of gdalcubes wrote them, in today's form.
//
//   join_bands   before 0.2: the cubes "A" and "B" with "prefix_A" and "prefix_B", or without these
//                keys the prefixes A and B
//   stream       before 0.3: "file_streaming", false for commands that read standard input and
//   write
//                standard output
//   reduce       the first version: "nthreads", which says nothing about the result
//   view         "tile": {"x", "y", "z"} in place of "space"
//
// What else they wrote is read as it is: "reduce" is another name of reduce_time,
// "filter_predicate" of filter_pixel, "proj" of srs. (From the sources of gdalcubes' cube_factory
// and view.)
//
// Thread rule: pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "graphs/json_reader.h"

namespace cube {

// A node in today's form, and where its parts stand in the node it was made from.
struct CurrentForm {
  nlohmann::json node;
  MovedPlaces moved;
};

// nullopt where nothing of it is in an older form. REQUIRES: `node` is an object.
std::optional<CurrentForm> current_form(const nlohmann::json& node);

// Lets the JSON Schema of an operator's nodes take these forms too.
void add_older_forms(const std::string& id, nlohmann::ordered_json& schema);

}  // namespace cube
