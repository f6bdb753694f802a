// Where a graph written by gdalcubes means something else here.
//
// What gdalcubes does, from its sources: formulas are tinyexpr's, compiled with log = log10, and
// its own functions of time give struct tm's fields, so that months and days of the year count from
// 0; reducers of sums and products begin with 0 and 1; which_min and which_max give a date as a
// number.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "engine/text.h"
#include "graphs/document.h"

namespace cube {

namespace {

using nlohmann::json;

using Keys = std::set<std::string, std::less<>>;

// The cubes that gdalcubes knows, with the keys it writes and reads.
const std::map<std::string, Keys, std::less<>>& known_cubes() {
  static const std::map<std::string, Keys, std::less<>> kKnown = {
      {"image_collection", {"file", "view", "chunk_size", "mask", "mask_band"}},
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
      {"join_bands", {"prefixes"}},
      {"apply_pixel", {"expr", "band_names", "keep_bands"}},
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
      {"stream", {"command"}}};
  return kKnown;
}

// Calls f(input, pointer) for the nodes that a node stands on.
template <class F>
void for_inputs(const json& node, const std::string& pointer, F&& f) {
  if (node.contains("in_cube")) f(node.at("in_cube"), pointer + "/in_cube");
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
  if (known->second.contains("chunk_size") && !node.contains("chunk_size")) return false;
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
  void visit(const json& node, const std::string& pointer) {
    for (const char* key : {"expr", "predicate"}) visit_formulas(node, key, pointer);
    if (node.contains("reducer_bands")) visit_reducers(node.at("reducer_bands"), pointer);
    for_inputs(node, pointer,
               [&](const json& input, const std::string& place) { visit(input, place); });
  }

  void visit_formulas(const json& node, const std::string& key, const std::string& pointer) {
    const auto given = node.find(key);
    if (given == node.end()) return;
    const std::string place = pointer + pointer_step(std::string_view(key));
    if (given->is_string()) visit_formula(given->get<std::string>(), place);
    if (!given->is_array()) return;
    for (std::size_t i = 0; i < given->size(); ++i) {
      if ((*given)[i].is_string()) {
        visit_formula((*given)[i].get<std::string>(), place + pointer_step(i));
      }
    }
  }

  void visit_formula(const std::string& formula, const std::string& place) {
    static const std::map<std::string, std::string> kChanged = {
        {"log", "log is the natural logarithm here, and to base 10 in gdalcubes (that is log10)"},
        {"month", "month counts from 1 here, and from 0 in gdalcubes"},
        {"dayofyear", "dayofyear counts from 1 here, and from 0 in gdalcubes"}};
    static const std::regex kCall(R"(([a-z0-9_.]+)\s*\()", std::regex::icase);
    std::set<std::string> called;
    for (std::sregex_iterator call(formula.begin(), formula.end(), kCall), end; call != end;
         ++call) {
      called.insert(lower((*call)[1].str()));
    }
    for (const auto& [name, text] : kChanged) {
      if (called.contains(name)) notes_.push_back({place, text});
    }
  }

  void visit_reducers(const json& pairs, const std::string& pointer) {
    if (!pairs.is_array()) return;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const json& pair = pairs[i];
      if (!pair.is_array() || pair.empty() || !pair[0].is_string()) continue;
      visit_reducer(pair[0].get<std::string>(),
                    pointer + "/reducer_bands" + pointer_step(i) + "/0");
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

  std::vector<Note> notes_;
};

}  // namespace

std::vector<Note> gdalcubes_notes(const Document& document) {
  if (!is_of_gdalcubes(document.json())) return {};
  return Notes().run(document.json());
}

}  // namespace cube
