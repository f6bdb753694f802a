#include "cli/plan_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <string_view>

#include "cli/common.h"
#include "engine/text.h"

namespace cube {

namespace {

using Json = nlohmann::ordered_json;

// Parameters that tell best what a node does, best first.
constexpr std::array kTelling = {"expr",    "pred",     "reducer_bands", "reducers", "reducer",
                                 "command", "method",   "factor",        "file",     "files",
                                 "bands",   "geometry", "datetime",      "t",        "times"};
// And those that say what the shape says, or nothing that is short.
constexpr std::array kSilent = {"view", "band_names", "chunk_size", "dtype", "nodata"};

std::string seconds_text(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f s", seconds);
  return text.data();
}

std::string bytes(std::int64_t count) { return bytes_text(static_cast<double>(count)); }

ChunkShape shape_of(const CubeInfo& info) {
  return {info.time.size(), info.grid.height, info.grid.width};
}

std::string value_text(const Json& value, bool is_path);

// The members that say something: "values 3, 8, 9".
std::string members_text(const Json& record) {
  std::string out;
  for (const auto& [key, value] : record.items()) {
    const bool says = (value.is_array() && !value.empty()) ||
                      (value.is_boolean() && value.get<bool>()) ||
                      (value.is_number() && value.get<double>() != 0);
    if (says) out.append(out.empty() ? "" : ", ").append(key + " " + value_text(value, false));
  }
  return out;
}

std::string value_text(const Json& value, bool is_path) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return is_path ? std::filesystem::path(text).filename().string() : text;
  }
  if (value.is_object()) return members_text(value);
  if (!value.is_array()) return value.dump();
  std::string out;
  for (const Json& item : value) {
    const bool pair =
        item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_string();
    const std::string text =
        pair ? item[0].get<std::string>() + "(" + item[1].get<std::string>() + ")"
             : value_text(item, is_path);
    out.append(out.empty() ? "" : ", ").append(text);
    constexpr std::size_t kEnough = 200;
    if (out.size() > kEnough) break;
  }
  return out;
}

Json shown_arguments(const Graph::Node& node) {
  return Json::parse(without_queries(node.arguments), nullptr, false);
}

// The parameters that matter most.
std::vector<std::string> telling_arguments(const Graph::Node& node) {
  constexpr std::size_t kMost = 3;
  const Json given = shown_arguments(node);
  std::vector<std::string> out;
  if (!given.is_object()) return out;
  const auto add = [&](const std::string& key, const Json& value) {
    const bool is_path = key.starts_with("file") || key == "like";
    const std::string text = value_text(value, is_path);
    if (!text.empty() && out.size() < kMost) out.push_back(key + ": " + text);
  };
  for (const char* key : kTelling) {
    if (given.contains(key)) add(key, given[key]);
  }
  const Json::json_pointer aggregation("/view/aggregation");
  if (given.contains(aggregation) && given[aggregation] != "none") {
    add("aggregation", given[aggregation]);
  }
  for (auto item = given.begin(); item != given.end(); ++item) {
    const auto is_key = [&](const char* other) { return item.key() == other; };
    if (std::any_of(kTelling.begin(), kTelling.end(), is_key)) continue;
    if (std::none_of(kSilent.begin(), kSilent.end(), is_key)) add(item.key(), item.value());
  }
  return out;
}

std::string bands_text(const CubeInfo& info) {
  std::vector<std::string> types;
  std::vector<std::string> names;
  for (const BandInfo& band : info.bands) {
    const std::string type(name(band.dtype));
    if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
    names.push_back(band.name);
  }
  constexpr std::size_t kShort = 18;
  const std::string listed = join(names);
  return (listed.size() <= kShort ? listed : counted(names.size(), "band")) + " " +
         join(types, "/");
}

std::string cube_text(const CubeInfo& info) {
  const std::string shape = info.grid.features ? counted(info.time.size(), "slice") + ", " +
                                                     counted(info.grid.height, "feature")
                                               : shape_text(shape_of(info));
  return shape + ", " + bands_text(info);
}

// The name of a node under "cubes"; "" for an inline node.
std::string name_of(const Graph::Node& node) {
  constexpr std::string_view kCubes = "/cubes/";
  const std::string_view where = node.where;
  if (!where.starts_with(kCubes) || where.find('/', kCubes.size()) != where.npos) return {};
  return std::string(where.substr(kCubes.size()));
}

Json bands_json(const CubeInfo& info) {
  Json out = Json::array();
  for (const BandInfo& band : info.bands) {
    Json one = {{"name", band.name}, {"dtype", name(band.dtype)}};
    if (band.nodata) one["nodata"] = number_text(*band.nodata);
    out.push_back(std::move(one));
  }
  return out;
}

Json shape_json(const ChunkShape& shape) { return {shape.t, shape.y, shape.x}; }

Json node_json(const PlanView& view, std::size_t i) {
  const Graph::Node& node = view.plan.graph().nodes[i];
  const NodeFacts& facts = view.facts[i];
  Json out = {{"cube_type", node.type},
              {"where", node.where},
              {"inputs", node.inputs},
              {"kind", name(facts.kind)},
              {"arguments", shown_arguments(node)},
              {"shape", shape_json(shape_of(node.op->info()))},
              {"bands", bands_json(node.op->info())},
              {"requests", facts.requests},
              {"request_shape", shape_json(facts.request)},
              {"cells", facts.cells},
              {"peak_bytes", facts.peak_bytes},
              {"images", facts.images},
              {"files", facts.files},
              {"read_bytes", facts.read_bytes}};
  for (const Reading& reading : view.readings[i]) {
    out["readings"].push_back({{"band", node.op->info().bands[reading.band].name},
                               {"how", reading.how},
                               {"files", reading.files}});
  }
  for (const BlockReads& reads : view.blocks) {
    if (reads.node != i) continue;
    out["block_shape"] = shape_json(reads.blocks.shape);
    out["block_decodes"] = reads.times();
  }
  return out;
}

std::string cost_text(const NodeFacts& facts) {
  if (facts.files == 0 && facts.images == 0) {
    return amount_text(facts.cells) + " cells, " + bytes(facts.peak_bytes) + " a worker";
  }
  return counted(facts.images, "image") + ", " + counted(facts.files, "file") + ", reads " +
         bytes(facts.read_bytes);
}

Picture::Box box_of(const PlanView& view, std::size_t i) {
  const Graph::Node& node = view.plan.graph().nodes[i];
  const NodeFacts& facts = view.facts[i];
  Picture::Box box;
  box.title = node.type;
  box.name = name_of(node);
  box.kind = name(facts.kind);
  box.lines = telling_arguments(node);
  box.lines.push_back(cube_text(node.op->info()));
  if (facts.requests == 0) {
    box.lines.emplace_back("nothing is asked of it");
  } else {
    box.lines.push_back(counted(facts.requests, "request") + " of " + shape_text(facts.request));
    box.lines.push_back(cost_text(facts));
    constexpr std::size_t kMostWays = 3;
    auto ways = readings_lines(view.readings[i], node.op->info().band_names());
    if (ways.size() > kMostWays) ways.resize(kMostWays);
    box.lines.insert(box.lines.end(), ways.begin(), ways.end());
  }
  constexpr std::size_t kMostTip = 400;
  box.tips = {node.where.empty() ? "the document" : node.where,
              shortened(without_queries(node.arguments), kMostTip)};
  const auto how = readings_lines(view.readings[i], node.op->info().band_names());
  if (!how.empty()) box.tips.push_back(shortened(join(how, "; "), kMostTip));
  for (const Note& note : view.notes) {
    if (node_at(view.plan.graph(), note.where) == i) box.notes.push_back(note.text);
  }
  box.inputs = node.inputs;
  return box;
}

// Stages by their seconds, the longest first: "decode 1.24 s, warp 0.31 s".
std::string stages_text(const Stages& stages, std::size_t most) {
  std::vector<std::size_t> order(kStageNames.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return stages.seconds[a] > stages.seconds[b];
  });
  std::string out;
  for (const std::size_t i : order) {
    if (stages.seconds[i] < 0.005 || most-- == 0) break;
    out.append(out.empty() ? "" : ", ").append(kStageNames[i]);
    out.append(" ").append(seconds_text(stages.seconds[i]));
  }
  return out;
}

Picture::Box timed_box(const Graph& graph, const Report& report, std::size_t i) {
  const Graph::Node& node = graph.nodes[i];
  const Report::NodeTime& time = report.nodes[i];
  const double all = report.stages.sum();
  Picture::Box box;
  box.title = node.type;
  box.name = name_of(node);
  box.kind = name(kind_of(graph, i));
  box.lines = telling_arguments(node);
  box.lines.push_back(cube_text(node.op->info()));
  box.lines.push_back(counted(time.requests, "request") + ", " + amount_text(time.cells) +
                      " cells");
  box.share = all > 0 ? time.seconds / all : 0;
  const std::string percent = std::to_string(static_cast<int>(std::lround(*box.share * 100)));
  box.lines.push_back(seconds_text(time.seconds) + ", " + percent + " % of the time");
  const std::string stages = stages_text(time.stages, 3);
  if (!stages.empty()) box.lines.push_back(stages);
  box.tips = {node.where.empty() ? "the document" : node.where,
              stages_text(time.stages, kStageNames.size())};
  box.inputs = node.inputs;
  return box;
}

}  // namespace

Picture run_picture(const Graph& graph, const Report& report, const std::string& title) {
  Picture out;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    out.boxes.push_back(timed_box(graph, report, i));
  }
  out.result = graph.result;
  Stages around = report.stages;
  for (const Report::NodeTime& node : report.nodes) {
    for (std::size_t i = 0; i < around.seconds.size(); ++i) {
      around.seconds[i] -= node.stages.seconds[i];
    }
  }
  out.caption = {title,
                 seconds_text(report.seconds) + " on " + counted(report.threads, "thread") + ", " +
                     counted(report.chunks, "chunk") + "; times of nodes are of all threads",
                 "besides the nodes: " + stages_text(around, kStageNames.size())};
  return out;
}

std::string shape_text(const ChunkShape& shape) {
  return std::to_string(shape.t) + " x " + std::to_string(shape.y) + " x " +
         std::to_string(shape.x);
}

std::string amount_text(std::int64_t count) {
  constexpr std::array kUnits = {" k", " M", " G", " T"};
  if (count < 1000) return std::to_string(count);
  auto value = static_cast<double>(count);
  std::size_t unit = 0;
  for (value /= 1000; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 99.95 ? "%.1f" : "%.0f", value);
  return std::string(text.data()) + kUnits[unit];
}

Json plan_json(const PlanView& view) {
  const Plan::Estimate& estimate = view.estimate;
  Json nodes = Json::array();
  for (std::size_t i = 0; i < view.facts.size(); ++i) nodes.push_back(node_json(view, i));
  return {{"chunk_shape", shape_json(view.plan.chunk_shape())},
          {"chunks", estimate.chunks},
          {"empty_chunks", estimate.empty_chunks},
          {"images", estimate.images},
          {"files", estimate.files},
          {"read_bytes", estimate.read_bytes},
          {"result_bytes", estimate.result_bytes},
          {"peak_bytes", estimate.peak_bytes},
          {"threads", view.plan.threads()},
          {"memory_bytes", view.plan.options().memory_bytes},
          {"result", view.plan.graph().result},
          {"nodes", std::move(nodes)},
          {"notes", notes_json(view.notes)}};
}

Picture plan_picture(const PlanView& view) {
  const Plan::Estimate& estimate = view.estimate;
  Picture out;
  for (std::size_t i = 0; i < view.facts.size(); ++i) out.boxes.push_back(box_of(view, i));
  out.result = view.plan.graph().result;
  const std::string empty = estimate.empty_chunks > 0
                                ? ", " + std::to_string(estimate.empty_chunks) + " of them empty"
                                : "";
  const std::string reads = counted(estimate.images, "image") + ", " +
                            counted(estimate.files, "file") + ", " + bytes(estimate.read_bytes) +
                            " to read";
  out.caption = {view.title,
                 counted(estimate.chunks, "chunk") + " of " + shape_text(view.plan.chunk_shape()) +
                     empty + (estimate.files > 0 ? "; " + reads : ""),
                 "result " + bytes(estimate.result_bytes) + "; memory at most " +
                     bytes(estimate.peak_bytes) + " of " + bytes(view.plan.options().memory_bytes) +
                     " on " + counted(view.plan.threads(), "thread")};
  return out;
}

}  // namespace cube
