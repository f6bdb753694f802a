#include "tests/differential/random_graph.h"

#include <iostream>
#include <map>

#include "engine/error.h"
#include "graphs/json_reader.h"
#include "tests/differential/arguments.h"

namespace cube::fuzz {

namespace {

constexpr int kMostOperators = 6;
constexpr int kTries = 8;                    // sets of arguments for one operator
constexpr std::int64_t kMostCells = 80'000;  // bands counted

// How often a type is drawn; 2 unless said here. Programs take long to start.
int weight(const std::string& id) {
  static const std::map<std::string, int> kWeights = {{"image_collection", 12},
                                                      {"raster", 3},
                                                      {"saved", 0},
                                                      {"empty", 0},
                                                      {"dummy", 1},
                                                      {"stream", 0},
                                                      {"apply_time", 0},
                                                      {"stream_apply_pixel", 0},
                                                      {"stream_apply_time", 0},
                                                      {"stream_reduce_space", 0},
                                                      {"stream_reduce_time", 0},
                                                      {"plugin", 1},
                                                      {"resample", 3},
                                                      {"reduce_time", 3},
                                                      {"apply_pixel", 3},
                                                      {"window_space", 3},
                                                      {"mask", 3},
                                                      {"merge", 3},
                                                      {"crop", 3},
                                                      {"slice_time", 1},
                                                      {"slice_space", 1},
                                                      {"inline", 0}};
  const auto found = kWeights.find(id);
  return found == kWeights.end() ? 2 : found->second;
}

std::string first_step(const std::string& where) {
  if (!where.starts_with("/")) return {};
  return where.substr(1, where.find('/', 1) - 1);
}

bool of_the_user(const Error& error) {
  return error.code() == ErrorCode::kInvalid || error.code() == ErrorCode::kNotFound ||
         error.code() == ErrorCode::kUnreadable;
}

}  // namespace

GraphMaker::GraphMaker(const Archive& archive, const Registry& registry, Dice& dice, Tries& tries)
    : archive_(archive), registry_(registry), dice_(dice), tries_(tries) {}

std::optional<Json> GraphMaker::make() {
  std::optional<Made> made = source();
  if (!made) return std::nullopt;
  const int operators = static_cast<int>(dice_.number(1, kMostOperators));
  made = grown(*made, operators);
  return made->node;
}

std::optional<Made> GraphMaker::source() {
  for (int i = 0; i < kTries; ++i) {
    if (auto made = applied(random_type(true), {})) return made;
  }
  return std::nullopt;
}

std::optional<Made> GraphMaker::grown(const Made& from, int operators) {
  Made made = from;
  for (int i = 0; i < operators; ++i) {
    // Little can follow a table.
    if (made.info.grid.features && dice_.chance(0.6)) break;
    if (auto more = applied(random_type(false), made)) made = std::move(*more);
  }
  return made;
}

const OperatorType& GraphMaker::random_type(bool source) {
  std::vector<const OperatorType*> types;
  for (const OperatorType& type : registry_.types()) {
    if (type.inputs.empty() != source) continue;
    if (type.id == "image_collection" && !archive_.has_catalog()) continue;
    for (int i = 0; i < weight(type.id); ++i) types.push_back(&type);
  }
  return *dice_.one_of(types);
}

Made GraphMaker::sibling(const Made& of, bool same_bands) {
  static const std::vector<std::string> kSameBands = {"filter_pixel", "fill_time",  "crop",
                                                      "select_time",  "shift_time", "filter_geom"};
  static const std::vector<std::string> kKind = {
      "apply_pixel", "filter_pixel", "fill_time",    "window_space", "window_time",
      "crop",        "select_time",  "rename_bands", "shift_time",   "filter_geom"};
  if (depth_ > 1 || dice_.chance(0.15)) return of;
  ++depth_;
  const OperatorType* type = registry_.find(dice_.one_of(same_bands ? kSameBands : kKind));
  std::optional<Made> made = type ? applied(*type, of) : std::nullopt;
  --depth_;
  return made ? *made : of;
}

std::vector<Made> GraphMaker::inputs_of(const OperatorType& type, const Made& first) {
  std::vector<Made> inputs;
  for (const InputKey& key : type.inputs) {
    if (key.or_file) continue;
    const std::size_t count = key.many ? dice_.index(2) + 2 : 1;
    for (std::size_t i = 0; i < count; ++i) {
      inputs.push_back(inputs.empty() ? first : sibling(first, type.id == "merge"));
    }
  }
  if (inputs.size() > 1 && dice_.chance(0.3)) std::swap(inputs[0], inputs[1]);
  return inputs;
}

std::optional<Made> GraphMaker::applied(const OperatorType& type, const Made& first) {
  const std::vector<Made> inputs = inputs_of(type, first);
  std::vector<CubeInfo> infos;
  for (const Made& input : inputs) infos.push_back(input.info);
  const Arguments maker(type, infos, archive_, dice_);
  Json arguments = maker.drawn();
  for (int i = 0; i < kTries; ++i) {
    std::string at;
    if (auto made = tried(type, arguments, inputs, at)) return made;
    const std::string name = first_step(at);
    if (name.empty() || !maker.redraw(arguments, name)) arguments = maker.drawn();
  }
  ++tries_.given_up;
  return std::nullopt;
}

std::optional<Made> GraphMaker::tried(const OperatorType& type, const Json& arguments,
                                      const std::vector<Made>& inputs, std::string& rejected_at) {
  ++tries_.drawn;
  last_ = node_of(type, arguments, inputs);
  if (tries_.aloud) std::cout << last_.dump() << std::endl;
  std::vector<CubeInfo> infos;
  for (const Made& input : inputs) infos.push_back(input.info);
  try {
    const auto params = type.params();
    JsonReader(arguments, archive_.folder()).read(*params);
    const auto op = type.make(*params, infos, archive_.resources());
    const CubeInfo& info = op->info();
    const auto bands = static_cast<std::int64_t>(info.bands.size());
    if (info.extent().cells() * bands <= kMostCells) return Made{last_, info};
  } catch (const Error& error) {
    if (!of_the_user(error)) throw;
    rejected_at = error.where();
    ++tries_.reasons[type.id + "/" + first_step(error.where())];
  }
  ++tries_.rejected;
  return std::nullopt;
}

Json GraphMaker::node_of(const OperatorType& type, const Json& arguments,
                         const std::vector<Made>& inputs) const {
  Json node = arguments;
  node["cube_type"] = type.id;
  std::size_t next = 0;
  for (const InputKey& key : type.inputs) {
    if (key.or_file) continue;
    if (!key.many) {
      node[key.name] = inputs.at(next++).node;
      continue;
    }
    for (; next < inputs.size(); ++next) node[key.name].push_back(inputs[next].node);
  }
  return node;
}

}  // namespace cube::fuzz
