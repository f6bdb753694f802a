// Where a graph written by gdalcubes means something else here.
//
// What gdalcubes does, from its sources: formulas as in gdalcubes_formulas.h; reducers of sums and
// products over time and space begin with 0 and 1 (those of aggregate_time and aggregate_space do
// not); which_min and which_max give a date as a number; over windows in space, mean and sum take
// in missing values, while kernels leave them out; the linear filling of time goes on beyond the
// first and last value.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/text.h"
#include "graphs/document_json.h"
#include "graphs/gdalcubes_formulas.h"

namespace cube {

namespace {

using nlohmann::json;

using Keys = std::set<std::string, std::less<>>;

// The cubes that gdalcubes knows, with the keys it writes and reads.
const std::map<std::string, Keys, std::less<>>& known_cubes() {
  static const std::map<std::string, Keys, std::less<>> kKnown = {
      {"image_collection",
       {"file", "view", "chunk_size", "mask", "mask_band", "strict", "warp_args"}},
      {"dummy", {"view", "fill", "nbands", "chunk_size"}},
      {"empty", {"view", "nbands", "chunk_size"}},
      {"simple_cube",
       {"files", "datetime", "bands", "band_names", "dx", "dy", "chunk_size", "strict"}},
      {"ncdf", {"file", "chunk_size", "band_selection", "auto_unpack"}},
      {"select_bands", {"bands"}},
      {"rename_bands", {"band_names"}},
      {"select_time", {"t"}},
      {"crop", {"ix_min", "ix_max", "iy_min", "iy_max", "it_min", "it_max"}},
      {"slice_time", {"t"}},
      {"slice_space", {"ix", "iy"}},
      {"filter_geom", {"wkt", "srs"}},
      {"filter_pixel", {"predicate"}},
      {"filter_predicate", {"predicate"}},
      {"join_bands", {"prefixes", "A", "B", "prefix_A", "prefix_B"}},
      {"apply_pixel", {"expr", "band_names", "keep_bands"}},
      {"reduce", {"reducer", "nthreads"}},
      {"reduce_time", {"reducer_bands", "names"}},
      {"reduce_space", {"reducer_bands", "names"}},
      {"aggregate_time", {"dt", "fact", "func"}},
      {"aggregate_space", {"dx", "dy", "fact", "func"}},
      {"window_time", {"win_size_l", "win_size_r", "reducer_bands", "kernel"}},
      {"window_space",
       {"kernel", "reducer_bands", "win_size_y", "win_size_x", "pad_str", "pad_fill",
        "keep_bands"}},
      {"fill_time", {"method"}},
      {"extract", {"ogr_dataset", "time_column", "ogr_layer"}},
      {"stream", {"command", "file_streaming"}},
      {"stream_apply_pixel_cube", {"cmd", "nbands", "names", "keep_bands"}},
      {"stream_apply_time_cube", {"cmd", "nbands", "names", "keep_bands"}},
      {"stream_reduce_time", {"cmd", "nbands", "names"}},
      {"stream_reduce_space", {"cmd", "nbands", "names"}}};
  return kKnown;
}

// Calls f(input, pointer) for the nodes that a node stands on.
template <class F>
void for_inputs(const json& node, const std::string& pointer, F&& f) {
  for (const std::string key : {"in_cube", "A", "B"}) {  // the last two: older join_bands
    if (node.contains(key)) f(node.at(key), pointer + pointer_step(key));
  }
  if (!node.contains("in_cubes") || !node.at("in_cubes").is_array()) return;
  for (std::size_t i = 0; i < node.at("in_cubes").size(); ++i) {
    f(node.at("in_cubes")[i], pointer + "/in_cubes" + pointer_step(i));
  }
}

// Whether gdalcubes could read the node: nothing but its own cubes and keys, and chunk sizes at the
// sources, which it always writes and mostly needs.
bool is_of_gdalcubes(const json& node) {
  if (!node.is_object() || !node.contains("cube_type") || !node.at("cube_type").is_string()) {
    return false;
  }
  const auto known = known_cubes().find(node.at("cube_type").get_ref<const std::string&>());
  if (known == known_cubes().end()) return false;
  for (const auto& [key, unused] : node.items()) {
    if (key != "cube_type" && key != "in_cube" && key != "in_cubes" &&
        !known->second.contains(key)) {
      return false;
    }
  }
  if (known->second.contains("chunk_size")) {
    if (!node.contains("chunk_size") || !node.at("chunk_size").is_array()) return false;
  }
  bool all = true;
  for_inputs(node, "",
             [&](const json& input, const std::string&) { all = all && is_of_gdalcubes(input); });
  return all;
}

class Notes {
 public:
  std::vector<Note> run(const json& top) {
    visit(top, "");
    return std::move(notes_);
  }

 private:
  using FormulaNotes = std::vector<std::string> (*)(std::string_view);

  void visit(const json& node, const std::string& pointer) {
    const auto& type = node.at("cube_type").get_ref<const std::string&>();
    visit_formulas(node, "expr", pointer, gdalcubes_formula_notes);
    visit_formulas(node, "predicate", pointer, gdalcubes_predicate_notes);
    if (node.contains("reducer_bands")) visit_reducers(type, node.at("reducer_bands"), pointer);
    if (type == "window_space" && node.contains("kernel")) {
      notes_.push_back({pointer + "/kernel",
                        "a cell is missing here where a value of its window is, while gdalcubes "
                        "leaves such values out"});
    }
    if (type == "fill_time" && node.contains("method") && node.at("method") == "linear") {
      notes_.push_back(
          {pointer + "/method",
           "cells before the first and after the last value stay missing here, and get "
           "that value in gdalcubes"});
    }
    for_inputs(node, pointer,
               [&](const json& input, const std::string& place) { visit(input, place); });
  }

  void visit_formulas(const json& node, const std::string& key, const std::string& pointer,
                      FormulaNotes notes_of) {
    const auto given = node.find(key);
    if (given == node.end()) return;
    const std::string place = pointer + pointer_step(std::string_view(key));
    const auto add = [&](const json& formula, const std::string& where) {
      if (!formula.is_string()) return;
      for (std::string& note : notes_of(formula.get_ref<const std::string&>())) {
        notes_.push_back({where, std::move(note)});
      }
    };
    add(*given, place);
    if (!given->is_array()) return;
    for (std::size_t i = 0; i < given->size(); ++i) add((*given)[i], place + pointer_step(i));
  }

  void visit_reducers(const std::string& type, const json& pairs, const std::string& pointer) {
    if (!pairs.is_array()) return;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const json& pair = pairs[i];
      if (!pair.is_array() || pair.empty() || !pair[0].is_string()) continue;
      const std::string place = pointer + "/reducer_bands" + pointer_step(i) + "/0";
      const auto& name = pair[0].get_ref<const std::string&>();
      type == "window_space" ? visit_window_reducer(name, place) : visit_reducer(name, place);
    }
  }

  void visit_reducer(const std::string& name, const std::string& place) {
    if (name == "sum" || name == "prod") {
      notes_.push_back({place, "a " + std::string(name == "sum" ? "sum" : "product") +
                                   " of nothing but missing values is missing here, and " +
                                   (name == "sum" ? "0" : "1") + " in gdalcubes"});
    } else if (name == "which_min" || name == "which_max") {
      notes_.push_back({place, name + " gives seconds since 1970 here, and a date as a number, "
                                      "20200131, in gdalcubes"});
    }
  }

  void visit_window_reducer(const std::string& name, const std::string& place) {
    if (name == "mean" || name == "sum") {
      notes_.push_back({place,
                        "missing values, and those beyond the edges, are left out here; in "
                        "gdalcubes they make the " +
                            name + " missing"});
    } else if (name == "prod") {
      notes_.push_back({place, "the product of a window is 0 in gdalcubes, whatever the values"});
    }
  }

  std::vector<Note> notes_;
};

}  // namespace

std::vector<Note> gdalcubes_notes(const Document& document) {
  if (!is_of_gdalcubes(json_of(document))) return {};
  return Notes().run(json_of(document));
}

}  // namespace cube
