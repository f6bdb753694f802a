#include "cli/recorded_run.h"

#include <algorithm>
#include <filesystem>

#include "api/input_summary.h"
#include "api/provenance.h"
#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/gdal/run_record.h"
#include "engine/text.h"
#include "graphs/document_json.h"
#include "graphs/json_text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

using json = nlohmann::json;

Error damaged(const std::string& file, const std::string& what, const std::string& why) {
  return Error(ErrorCode::kInvalid, what + " in it is damaged: " + why, file,
               "an output of the same run may hold it whole");
}

json graph_of(const std::string& file, const std::string& text) {
  json graph;
  try {
    graph = parse_json(text, "graph");
  } catch (const Error& error) {
    throw damaged(file, "the graph", error.where() + ": " + error.message());
  }
  if (graph.is_object() && (graph.contains("cube_type") || graph.contains("result"))) return graph;
  throw damaged(file, "the graph", "found " + found(graph) + " that is no graph");
}

// Members that are there have the types that are asked for below.
bool is_record(const json& record) {
  const auto texts = [](const json& place, std::initializer_list<const char*> names) {
    return std::ranges::all_of(
        names, [&](const char* name) { return !place.contains(name) || place[name].is_string(); });
  };
  const auto all_texts = [](const json& place, const char* name) {
    if (!place.contains(name)) return true;
    return place[name].is_object() &&
           std::ranges::all_of(place[name], [](const json& value) { return value.is_string(); });
  };
  if (!record.is_object() || !record.value("version", json()).is_number_integer()) return false;
  const json output = record.value("output", json::object());
  const json inputs = record.value("inputs", json::object());
  return output.is_object() && inputs.is_object() && texts(record, {"cube", "folder"}) &&
         texts(output, {"file", "format", "folder"}) && texts(inputs, {"digest", "newest"}) &&
         (!inputs.contains("count") || inputs["count"].is_number_integer()) &&
         all_texts(record, "libraries") && all_texts(output, "options") &&
         all_texts(inputs, "states");
}

json record_of(const std::string& file, const std::string& text) {
  if (text.empty()) return json::object();
  json record = json::parse(text, nullptr, false);
  if (record.is_discarded()) throw damaged(file, "the record of the run", "it is no JSON");
  if (!is_record(record)) {
    throw damaged(file, "the record of the run", "it has not the members that cube writes");
  }
  if (record["version"].get<std::int64_t>() > kRecordVersion) {
    throw Error(ErrorCode::kInvalid,
                "a newer version of cube made it, whose record (version " +
                    record["version"].dump() + ") is not known here",
                file);
  }
  if (record.contains("appended")) throw several_runs(file);
  return record;
}

// How many texts of a graph name something that is there; of a pattern counts the folder before it.
std::int64_t named_there(const json& graph, const fs::path& folder) {
  std::int64_t count = 0;
  const json values = graph.flatten();
  for (const auto& [pointer, value] : values.items()) {
    if (!value.is_string()) continue;
    fs::path name = value.get<std::string>();
    if (name.empty() || name.is_absolute()) continue;
    while (name.string().find_first_of("*?[") != std::string::npos) name = name.parent_path();
    std::error_code ignored;
    count += !name.empty() && fs::exists(folder / name, ignored) ? 1 : 0;
  }
  return count;
}

fs::path folder_of(const std::string& file, const json& graph, const json& record) {
  const fs::path beside = fs::absolute(file).lexically_normal().parent_path();
  const json output = record.value("output", json::object());
  fs::path seen = (beside / output.value("folder", "")).lexically_normal();
  if (!seen.has_filename()) seen = seen.parent_path();  // "/data/"
  const fs::path named = record.value("folder", "");
  if (named.empty() || named == seen) return seen;
  return named_there(graph, named) > named_there(graph, seen) ? named : seen;
}

// The output that made the file, by the name the file has now unless it was one of several.
OutputSpec output_of(const std::string& file, const json& record) {
  const json output = record.value("output", json::object());
  OutputSpec spec;
  const std::string name = output.value("file", "");
  fs::path path(file);
  if (!path.has_filename()) path = path.parent_path();  // "out.zarr/"
  if (!name.empty()) path.replace_filename(name);
  spec.file = path.string();
  spec.format = output.value("format", "");
  const json options = output.value("options", json::object());
  for (const auto& [option, value] : options.items()) {
    spec.options[option] = value.get<std::string>();
  }
  return spec;
}

std::string made_by(const std::string& cube, const json& libraries) {
  return "cube " + cube + " with GDAL " + libraries.value("GDAL", "");
}

bool could_hold_record(FileKind kind) {
  return kind == FileKind::kTiff || kind == FileKind::kNetcdf || kind == FileKind::kZarr ||
         kind == FileKind::kFeatures;
}

// Outputs that hold the graph as a description for people, or not at all.
void check_no_picture(const std::string& file) {
  static const std::vector<std::string> kNames = {"PNG", "GIF", "WebP", "SVG", "CSV"};
  const std::string format = format_of_name(file).value_or("");
  std::error_code ignored;
  if (std::ranges::find(kNames, format) == kNames.end() || !fs::exists(file, ignored)) return;
  throw Error(ErrorCode::kUnreadable,
              "is no graph, and the run that made a " + format + " cannot be repeated from it",
              file, "it can from a GeoTIFF, netCDF, Zarr, GeoPackage or GeoJSON");
}

// Whether the format and options of the record fit an output.
bool is_same_format(const OutputSpec& recorded, const OutputSpec& asked) {
  if (!asked.format.empty()) return lower(asked.format) == lower(recorded.format);
  const auto named = format_of_name(asked.file);
  return !named || named == format_of_name(recorded.file);
}

}  // namespace

std::optional<RecordedRun> recorded_run(const std::string& file) {
  if (file == "-") return std::nullopt;
  const FileKind kind = kind_of_file(file);
  if (kind == FileKind::kUnknown) check_no_picture(file);
  if (!could_hold_record(kind)) return std::nullopt;
  const auto texts = read_record(file);
  if (!texts) {
    throw Error(ErrorCode::kUnreadable,
                "is no graph, and holds no record of a run of cube's that could be repeated", file,
                what_reads(file, "saved"));
  }
  const json graph = graph_of(file, texts->graph);
  const json record = record_of(file, texts->record);
  RecordedRun run{.file = file,
                  .document = Document::parse(texts->graph, folder_of(file, graph, record)),
                  .output = output_of(file, record),
                  .made_by = "",
                  .inputs = record.value("inputs", json())};
  if (record.contains("cube")) {
    run.made_by =
        made_by(record["cube"].get<std::string>(), record.value("libraries", json::object()));
  }
  return run;
}

void check_secrets(const RecordedRun& run) {
  const std::string place = place_of_secret(json_of(run.document));
  if (place.empty()) return;
  throw Error(
      ErrorCode::kInvalid,
      "the URL has lost what stood at \"...\" (a signature, key or password), which outputs "
      "do not keep",
      run.file + "#" + place,
      "'cube save " + run.file + " -o graph.json' writes the graph, to put it in again");
}

std::vector<OutputSpec> outputs_again(const RecordedRun& run, std::vector<OutputSpec> asked,
                                      const std::string& format) {
  if (asked.empty()) {
    asked.push_back({.file = run.output.file, .format = format, .options = {}});
  }
  for (OutputSpec& output : asked) {
    if (!is_same_format(run.output, output)) continue;
    if (output.format.empty()) output.format = run.output.format;
    output.options = run.output.options;
  }
  return asked;
}

std::string other_version(const RecordedRun& run) {
  const json versions = versions_json();
  const std::string now = made_by(versions["cube"].get<std::string>(), versions["libraries"]);
  if (run.made_by.empty() || run.made_by == now) return {};
  return run.file + " was made by " + run.made_by + ", this is " + now;
}

std::string changed_since(const RecordedRun& run, const RunIdentity& inputs) {
  if (!run.inputs.is_object()) return {};
  const std::string change = changed_inputs(run.inputs, inputs, run.document.base());
  return change.empty() ? change : "not as when " + run.file + " was made: " + change;
}

}  // namespace cube
