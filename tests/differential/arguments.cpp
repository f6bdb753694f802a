#include "tests/differential/arguments.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/formula_functions.h"
#include "engine/reducers.h"
#include "engine/text.h"

namespace cube::fuzz {

namespace {

using Kind = TypeDoc::Kind;
using Texts = std::vector<std::string>;

bool is_one_of(const std::string& name, const Texts& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const Json* member(const Json* object, const std::string& name) {
  if (!object || !object->is_object()) return nullptr;
  const auto found = object->find(name);
  return found == object->end() ? nullptr : &*found;
}

// How many arguments a function takes, 3 where it takes any number.
std::size_t arity(const formula::Function& function) {
  return std::min<std::size_t>(function.scalar.index(), 2) + 1;
}

// What only changes which code runs, or takes a promise of the user (halo); and one that an example
// cannot tell.
bool is_left_alone(const FieldDoc& field) {
  static const Texts kNames = {"halo", "layer",           "directory", "function",
                               "tile", "datetime_format", "mask_band"};
  return !field.required && is_one_of(field.name, kNames);
}

std::string point(double x, double y) { return number_text(x) + " " + number_text(y); }

}  // namespace

Arguments::Arguments(const OperatorType& type, std::span<const CubeInfo> inputs,
                     const Archive& archive, Dice& dice)
    : type_(type),
      fields_(describe(type)),
      example_(Json::parse(type.example)),
      inputs_(inputs),
      archive_(archive),
      dice_(dice) {}

Json Arguments::drawn() const {
  Json out = Json::object();
  const double how_many = dice_.one_of(std::vector<double>{0, 0.1, 0.2, 0.35});
  const bool like_example = dice_.chance(0.4);
  for (const FieldDoc& field : fields_) {
    const Json* example = member(&example_, field.name);
    if (is_left_alone(field)) continue;
    const bool wanted = field.required || (like_example && example) || dice_.chance(how_many);
    if (!wanted) continue;
    out[field.name] = value({field, example, field.name}, field.type);
  }
  return out;
}

bool Arguments::redraw(Json& arguments, const std::string& name) const {
  for (const FieldDoc& field : fields_) {
    if (field.name != name) continue;
    const bool given = arguments.contains(name);
    if (given && !field.required && dice_.chance(0.6)) {
      arguments.erase(name);
    } else {
      arguments[name] = value({field, member(&example_, name), name}, field.type);
    }
    return true;
  }
  return false;
}

Json Arguments::value(const Place& place, const TypeDoc& type) const {
  if (place.name == "view") return view();
  if (place.name == "kernel" && type.kind == Kind::kList) return kernel();
  if (type.or_text && dice_.chance(0.7)) return text(place);
  switch (type.kind) {
    case Kind::kBool:
      return dice_.chance(0.5);
    case Kind::kInteger:
      return whole_number(place);
    case Kind::kNumber:
      return number(place);
    case Kind::kText:
      return text(place);
    case Kind::kNumberOrText:
      return dice_.chance(0.5) ? text(place) : whole_number(place);
    case Kind::kFree:
      return free_value();
    case Kind::kList:
    case Kind::kTuple:
      return list(place, type);
    case Kind::kMap:
      return map(place, type);
    case Kind::kRecord:
      break;
  }
  if (is_one_of(place.name, {"func", "reducers"})) return reducer_spec();
  return record(type, place.example);
}

Json Arguments::record(const TypeDoc& type, const Json* example) const {
  Json out = Json::object();
  for (const FieldDoc& field : type.fields) {
    const Json* there = member(example, field.name);
    // A mask needs to know of which band.
    const bool needed = field.required || (!example && field.name == "band");
    if (is_left_alone(field)) continue;
    if (!needed && !dice_.chance(there ? 0.8 : 0.3)) continue;
    out[field.name] = value({field, there, field.name}, field.type);
  }
  return out;
}

Json Arguments::list(const Place& place, const TypeDoc& type) const {
  const bool tuple = type.kind == Kind::kTuple;
  // What a program is run with cannot be made up.
  if (place.name == "command" || place.name == "cmd") {
    return place.example ? *place.example : Json(Texts{"cat"});
  }
  if (place.name == "warp_args") {
    return Texts{"-ovr", dice_.one_of(Texts{"AUTO", "AUTO-1", "NONE", "0", "1"})};
  }
  if (type_.id == "simple_cube" && place.name == "files") return dice_.one_of(archive_.stacks());
  Json out = Json::array();
  const std::size_t size = tuple ? type.items.size() : dice_.index(3) + 1;
  for (std::size_t i = 0; i < size; ++i) {
    const TypeDoc& item = type.items.at(tuple ? i : 0);
    const Json* example = nullptr;
    if (place.example && place.example->is_array() && i < place.example->size()) {
      example = &(*place.example)[i];
    }
    // Pairs [reducer, band].
    const std::string name = place.name != "reducer_bands" || item.kind == Kind::kTuple ? place.name
                             : i == 0                                                   ? "func"
                                                                                        : "band";
    out.push_back(value({place.field, example, name}, item));
  }
  if (place.field.one_or_many && !tuple && out.size() == 1 && dice_.chance(0.5)) return out[0];
  return out;
}

Json Arguments::map(const Place& place, const TypeDoc& type) const {
  Json out = Json::object();
  const std::size_t size = dice_.index(2) + 1;
  for (std::size_t i = 0; i < size; ++i) {
    const std::string key = place.name == "resampling" && i == 0 ? "*" : band();
    const std::string name = place.name == "band_names" ? "names" : place.name;
    out[key] = value({place.field, nullptr, name}, type.items.at(0));
  }
  return out;
}

Json Arguments::text(const Place& place) const {
  if (!place.field.choices.empty()) return dice_.one_of(place.field.choices);
  if (place.field.path) return file(place.name);
  const Json known = known_text(place.name);
  if (!known.is_null()) return known;
  if (place.example && place.example->is_string() && dice_.chance(0.7)) return *place.example;
  switch (dice_.index(5)) {  // nothing is known of it: anything that some text of a graph is
    case 0:
      return band();
    case 1:
      return formula(1);
    case 2:
      return reducer();
    case 3:
      return period();
    default:
      return time();
  }
}

Json Arguments::known_text(const std::string& name) const {
  const bool source = type_.inputs.empty();
  if (is_one_of(name, {"expr", "predicate", "by"}) && type_.id != "shift_time") {
    // Not too often something that hides all or is always missing.
    if (name == "expr" || dice_.chance(0.4)) return formula(2);
    return band() + dice_.one_of(Texts{" > ", " < ", " != "}) +
           number_text(dice_.one_of(std::vector<double>{0, 0.2, 2, 50, 70}));
  }
  if (is_one_of(name, {"func", "reducer", "reducers"})) return reducer();
  if (is_one_of(name, {"mask_band", "band"})) return source ? stored_band() : band();
  if (name == "bands") return type_.id == "select_bands" ? band() : new_name();
  if (is_one_of(name, {"names", "band_names", "time_band", "prefixes", "series"})) {
    return new_name();
  }
  if (is_one_of(name, {"t0", "t1", "t", "times", "datetime"})) return time();
  if (name == "dt") return period();
  if (name == "by") return dice_.chance(0.3) ? "-" + period() : period();
  if (is_one_of(name, {"method", "resampling"})) return method();
  if (name == "dtype")
    return std::string(dice_.one_of(Texts(dtype_names().begin(), dtype_names().end())));
  if (name == "wkt") return zone();
  if (name == "fields") return dice_.one_of(Texts{"id", "name", "seen"});
  if (name == "time_column") return "seen";
  if (name == "datetime_pattern") return "_([0-9]{8})_";
  if (is_one_of(name, {"srs"})) {
    return dice_.one_of(archive_.document().at("srs").get<Texts>());
  }
  return nullptr;
}

Json Arguments::file(const std::string& name) const {
  if (type_.id == "image_collection") return "images.db";
  if (type_.id == "ncdf" || type_.id == "zarr") {
    const Texts& files = archive_.arrays(type_.id == "zarr" ? "zarr" : "nc");
    return files.empty() ? "none" : dice_.one_of(files);
  }
  if (!type_.inputs.empty() && name == "file" && !is_one_of(type_.id, {"plugin", "apply_time"})) {
    return dice_.one_of(archive_.layers());
  }
  const Json* example = member(&example_, name);
  if (example && example->is_string() && !type_.inputs.empty()) return *example;
  return dice_.one_of(archive_.rasters());
}

Json Arguments::whole_number(const Place& place) const {
  const CubeInfo* in = inputs_.empty() ? nullptr : &inputs_[0];
  const auto index = [&](std::int64_t size) {
    return dice_.number(0, std::max<std::int64_t>(0, size - 1));
  };
  const std::string& name = place.name;
  if (in && name.starts_with("ix")) return index(in->grid.width);
  if (in && name.starts_with("iy")) return index(in->grid.height);
  if (in && name.starts_with("it")) return index(in->time.size());
  if (in && name == "t") return index(in->time.size());
  if (name == "chunk_size") return dice_.number(1, 16);
  if (is_one_of(name, {"nbands", "nt", "band"})) return dice_.number(1, 2);
  if (name == "timeout") return 100;
  if (is_one_of(name, {"window", "kernel_size"}) || name.starts_with("win_size")) {
    return dice_.one_of(std::vector<int>{0, 1, 1, 2, 3, 3, 5});
  }
  if (place.example && place.example->is_number() && dice_.chance(0.4)) return *place.example;
  return dice_.one_of(std::vector<int>{0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 2, 1, 2, -1});
}

Json Arguments::number(const Place& place) const {
  const CubeInfo* in = inputs_.empty() ? nullptr : &inputs_[0];
  const std::string& name = place.name;
  if (is_one_of(name, {"left", "right", "x"})) return coordinate(true);
  if (is_one_of(name, {"top", "bottom", "y"})) return coordinate(false);
  if (in && is_one_of(name, {"dx", "dy"})) {
    return in->grid.dx * dice_.one_of(std::vector<double>{1, 1.5, 2, 2.3, 3, 0.7});
  }
  if (name == "sigma") return dice_.real(0.3, 4);
  if (name == "quantile") return dice_.one_of(std::vector<double>{0, 0.1, 0.5, 0.37, 1});
  if (place.example && place.example->is_number() && dice_.chance(0.3)) return *place.example;
  return dice_.one_of(std::vector<double>{0, 1, 0.5, 2, -1, 1.5, 10, 3, 200});
}

Json Arguments::free_value() const {
  if (dice_.chance(0.5)) return dice_.number(0, 3);
  return dice_.chance(0.5) ? Json(true) : Json("text");
}

Json Arguments::view() const {
  static const Texts kSteps = {"P1M", "P1M", "P16D", "P10D", "P1W", "P5D", "P3M", "P1Y"};
  Json view = {{"space", space_view()}};
  const bool space_only = [&] {
    for (const FieldDoc& field : fields_) {
      if (field.name != "view") continue;
      return std::none_of(field.type.fields.begin(), field.type.fields.end(),
                          [](const FieldDoc& part) { return part.name == "time"; });
    }
    return false;
  }();
  if (space_only) return view;
  view["time"] = {{"t0", dice_.one_of(Texts{"2020-01", "2020-01-05", "2020-02", "2020-01-31"})},
                  {"t1", dice_.one_of(Texts{"2020-03", "2020-02-20", "2020-04-30"})},
                  {"dt", dice_.one_of(kSteps)}};
  if (type_.id != "image_collection") return view;
  static const Texts kAggregations = {"none", "first",  "last",         "min",         "max",
                                      "mean", "median", "count_images", "count_values"};
  view["aggregation"] = dice_.one_of(kAggregations);
  view["resampling"] = method();
  if (dice_.chance(0.2)) view["resampling"] = {{"*", method()}, {"q", "near"}};
  return view;
}

// Near the middle of the archive, or of the input, of any cells; or the cells of one of its files.
Json Arguments::space_view() const {
  const Json& archive = archive_.document();
  const std::size_t system = dice_.index(archive.at("srs").size());
  const double unit = archive.at("unit").at(system);
  const double reach = unit * dice_.one_of(std::vector<double>{40, 120, 250, 400});
  const double x = archive.at("x").at(system).get<double>() + reach * dice_.real(-0.5, 0.5);
  const double y = archive.at("y").at(system).get<double>() + reach * dice_.real(-0.5, 0.5);
  const double low = y - reach * dice_.real(0.3, 1);
  Json space = {{"left", x - reach},
                {"right", x + reach},
                {"top", y + reach},
                {"bottom", low},
                {"srs", archive.at("srs").at(system)}};
  if (dice_.chance(0.35)) {  // cells of the files, so that they can be pasted
    const double cell = dice_.one_of(std::vector<double>{5, 10, 10, 20, 30}) * unit;
    for (const char* edge : {"left", "right", "top", "bottom"}) {
      space[edge] = std::round(space[edge].get<double>() / cell) * cell;
    }
    space["dx"] = cell;
    if (dice_.chance(0.3)) space["snap"] = true;
    return space;
  }
  // Mostly small; sometimes what is cut into strips and pieces.
  static const std::vector<std::array<std::int64_t, 4>> kSides = {
      {1, 45, 1, 45},   {1, 45, 1, 45},   {1, 45, 1, 45},    {1, 45, 1, 45},    {1, 45, 1, 45},
      {33, 90, 33, 90}, {33, 90, 33, 90}, {3, 20, 130, 220}, {1, 4, 520, 1100}, {130, 2100, 1, 4}};
  const auto sides = dice_.one_of(kSides);
  space["nx"] = dice_.number(sides[0], sides[1]);
  space["ny"] = dice_.number(sides[2], sides[3]);
  return space;
}

Json Arguments::kernel() const {
  const std::size_t rows = type_.id == "window_time" ? dice_.index(4) + 1 : dice_.index(3) * 2 + 1;
  const std::size_t columns = type_.id == "window_time" ? 1 : dice_.index(3) * 2 + 1;
  Json out = Json::array();
  for (std::size_t y = 0; y < rows; ++y) {
    Json row = Json::array();
    for (std::size_t x = 0; x < columns; ++x) row.push_back(dice_.real(-1, 2));
    out.push_back(type_.id == "window_time" ? row[0] : row);
  }
  return out;
}

std::string Arguments::band() const {
  if (inputs_.empty()) return stored_band();
  const std::vector<BandInfo>& bands = inputs_[0].bands;
  return bands.empty() ? "none" : bands[dice_.index(bands.size())].name;
}

std::string Arguments::stored_band() const {
  if (dice_.chance(0.4)) return "q";
  const Json& bands = archive_.document().at("bands");
  return bands.at(dice_.index(bands.size())).at("name");
}

std::string Arguments::new_name() const { return "n" + std::to_string(dice_.number(0, 999)); }

std::string Arguments::reducer() const {
  const auto names = reducer_names();
  return dice_.chance(0.15) ? "p" + std::to_string(dice_.number(0, 100))
                            : names[dice_.index(names.size())];
}

Json Arguments::reducer_spec() const {
  if (dice_.chance(0.4)) return {{"quantile", dice_.real(0, 1)}};
  return {{"name", dice_.one_of(Texts{"which_min", "which_max"})}, {"index", dice_.chance(0.7)}};
}

std::string Arguments::operand() const {
  if (dice_.chance(0.7)) return band();
  if (dice_.chance(0.4)) {
    const auto variables = formula::variables();
    return std::string(variables[dice_.index(variables.size())].name);
  }
  return number_text(dice_.one_of(std::vector<double>{0, 1, 2, 0.5, 100, 1e6, 3}));
}

std::string Arguments::formula(int depth) const {
  if (depth == 0) return operand();
  const auto part = [&] { return formula(dice_.chance(0.5) ? depth - 1 : 0); };
  if (dice_.chance(0.6)) {
    const std::string sign = dice_.one_of(
        Texts{"+", "-", "*", "/", "<", ">", "<=", "==", "!=", "&&", "||", "^", "+", "-"});
    return "(" + part() + " " + sign + " " + part() + ")";
  }
  if (dice_.chance(0.2))
    return "(" + part() + " > " + part() + " ? " + part() + " : " + part() + ")";
  const auto functions = formula::functions();
  const formula::Function& function = functions[dice_.index(functions.size())];
  std::string text = std::string(function.name) + "(";
  for (std::size_t i = 0; i < arity(function); ++i) text += (i ? ", " : "") + part();
  return text + ")";
}

std::string Arguments::method() const {
  static const Texts kMethods = {"near",    "near",    "bilinear", "cubic", "cubicspline",
                                 "lanczos", "average", "rms",      "sum",   "mode",
                                 "min",     "max",     "med",      "q1",    "q3"};
  return dice_.one_of(kMethods);
}

std::string Arguments::period() const {
  return dice_.one_of(Texts{"P1M", "P1D", "P16D", "P10D", "P1W", "P3M", "P1Y", "P2M", "PT12H"});
}

std::string Arguments::time() const {
  if (!inputs_.empty() && inputs_[0].time.size() > 0 && dice_.chance(0.8)) {
    const TimeAxis& axis = inputs_[0].time;
    const std::int64_t slice =
        static_cast<std::int64_t>(dice_.index(static_cast<std::size_t>(axis.size())));
    return dice_.chance(0.5) ? axis.label(slice) : to_text(axis.start(slice));
  }
  return dice_.one_of(Texts{"2020-01", "2020-02", "2020-01-15", "2020-03-01", "2020"});
}

double Arguments::coordinate(bool along_x) const {
  if (inputs_.empty()) return archive_.document().at(along_x ? "x" : "y").at(0);
  const Grid& grid = inputs_[0].grid;
  return along_x ? grid.x_edge(fraction() * static_cast<double>(grid.width))
                 : grid.y_edge(fraction() * static_cast<double>(grid.height));
}

// Of one corner at least three, or points.
std::string Arguments::zone() const {
  const bool points = type_.id == "extract";
  std::string text;
  std::string first;
  const std::int64_t corners = dice_.number(3, 5);
  for (std::int64_t i = 0; i < corners; ++i) {
    const std::string corner = point(coordinate(true), coordinate(false));
    if (i == 0) first = corner;
    text += (i ? ", " : "") + corner;
  }
  return points ? "MULTIPOINT (" + text + ")" : "POLYGON ((" + text + ", " + first + "))";
}

}  // namespace cube::fuzz
