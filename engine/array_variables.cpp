#include "engine/array_variables.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/gdal/cf_axes.h"
#include "engine/glob.h"
#include "engine/text.h"

namespace cube {

namespace {

// The arrays that stand in an attribute of any array: bounds, coordinates, ...
std::set<std::size_t> named_by(const ArrayStore& store, std::initializer_list<const char*> keys) {
  std::set<std::size_t> out;
  const auto add = [&](const CfAttributes& attributes, const char* key, const ArrayInfo& from) {
    for (std::string& name : split(text_attribute(attributes, key), ' ')) {
      if (name.ends_with(':')) name.pop_back();  // "crs: x y"
      if (const auto found = find_array(store, name, from)) out.insert(*found);
    }
  };
  add(store.attributes(), "coordinates", {});  // xarray's, of those that no variable lies on
  for (const ArrayInfo& array : store.arrays()) {
    for (const char* key : keys) add(array.attributes, key, array);
  }
  return out;
}

std::optional<Variable> as_variable(const ArrayStore& store, std::size_t index) {
  const ArrayInfo& array = store.arrays()[index];
  if (array.type == ArrayType::kOther || array.dimensions.size() < 2) return std::nullopt;
  std::optional<std::size_t> t;
  std::optional<std::size_t> y;
  std::optional<std::size_t> x;
  for (std::size_t d = 0; d < array.dimensions.size(); ++d) {
    const AxisRole role = role_of(store, array.dimensions[d]);
    auto& place = role == AxisRole::kTime ? t : role == AxisRole::kY ? y : x;
    if (role != AxisRole::kNone && !place) place = d;
  }
  if (!y || !x) return std::nullopt;
  return Variable{index, t, *y, *x};
}

[[noreturn]] void throw_no_variable(const ArrayStore& store) {
  const std::string message = "no variable lies on rows and columns";
  std::vector<std::string> names;
  for (const ArrayInfo& array : store.arrays()) {
    if (array.dimensions.size() < 2 || array.type == ArrayType::kOther) continue;
    const std::string places = curved_places(store, array);
    if (!places.empty()) throw on_curved_grid(places);
    if (base_name(array.dimensions.back()).starts_with("phony_dim")) {
      throw invalid(message + ": dimensions have no names, as in HDF5 that is not netCDF", "/file",
                    "gdal_translate -a_srs CRS -a_ullr LEFT TOP RIGHT BOTTOM HDF5:\"FILE\"://" +
                        array.name + " OUT.tif gives it a place");
    }
    names.push_back(array.name + "(" + join(array.dimensions) + ")");
  }
  if (names.empty()) throw invalid(message, "/file", "it has no variable of two dimensions");
  throw invalid(message, "/file",
                "it has " + join(names) +
                    "; they are told by axis, standard_name or units of their "
                    "coordinates, or by names such as y and x");
}

std::vector<Variable> variables_of(const ArrayStore& store) {
  const std::set<std::size_t> auxiliary =
      named_by(store, {"bounds", "climatology", "coordinates", "grid_mapping", "ancillary_bounds"});
  std::vector<Variable> out;
  for (std::size_t i = 0; i < store.arrays().size(); ++i) {
    if (auxiliary.contains(i)) continue;
    if (const auto variable = as_variable(store, i)) out.push_back(*variable);
  }
  if (out.empty()) throw_no_variable(store);
  return out;
}

const std::string& name_of(const ArrayStore& store, const Variable& variable) {
  return store.arrays()[variable.array].name;
}

}  // namespace

std::vector<Variable> selected_variables(const std::vector<std::string>& selection,
                                         const ArrayStore& store) {
  std::vector<Variable> all = variables_of(store);
  const auto in_group = [&](const Variable& variable) {
    return name_of(store, variable).find('/') != std::string::npos;
  };
  if (selection.empty()) {
    // Those of groups only where there are no others.
    if (!std::ranges::all_of(all, in_group)) std::erase_if(all, in_group);
    return all;
  }
  std::vector<std::string> names;
  for (const Variable& variable : all) names.push_back(name_of(store, variable));
  std::vector<Variable> out;
  for (std::size_t i = 0; i < selection.size(); ++i) {
    const std::string& wanted = selection[i];
    const std::size_t before = out.size();
    for (std::size_t v = 0; v < all.size(); ++v) {
      const bool match = names[v] == wanted ||
                         (is_glob(wanted) && fnmatch(wanted.c_str(), names[v].c_str(), 0) == 0);
      if (match) out.push_back(all[v]);
    }
    if (out.size() == before) {
      throw Error(ErrorCode::kNotFound, "there is no variable '" + wanted + "'",
                  "/band_selection" + pointer_step(i), suggest(names, wanted));
    }
  }
  return out;
}

void check_dimensions(const ArrayStore& store, const std::vector<Variable>& variables) {
  const Variable* timed = nullptr;
  for (const Variable& variable : variables) {
    const ArrayInfo& array = store.arrays()[variable.array];
    const ArrayInfo& first = store.arrays()[variables.front().array];
    const auto differ = [&](const ArrayInfo& other) {
      return invalid("'" + other.name + "' and '" + array.name + "' lie on different dimensions: " +
                         join(other.dimensions) + " and " + join(array.dimensions),
                     "/file", "band_selection takes those of one grid");
    };
    if (!same_axis(store, array.dimensions[variable.y], first.dimensions[variables.front().y]) ||
        !same_axis(store, array.dimensions[variable.x], first.dimensions[variables.front().x])) {
      throw differ(first);
    }
    if (!variable.t) continue;
    if (!timed) timed = &variable;
    const ArrayInfo& other = store.arrays()[timed->array];
    if (!same_axis(store, array.dimensions[*variable.t], other.dimensions[*timed->t])) {
      throw differ(other);
    }
  }
}

}  // namespace cube
