#include "cli/common.h"

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <new>

#include "api/plan_options.h"
#include "cli/distrust.h"
#include "engine/error.h"
#include "engine/features.h"
#include "engine/file_kind.h"
#include "engine/gdal/output_file.h"
#include "engine/host_limits.h"
#include "engine/text.h"
#include "graphs/document_json.h"

namespace cube {

namespace {

// What does not change while the program runs is read once.
const HostLimits& host() {
  static const HostLimits kLimits = host_limits();
  return kLimits;
}

std::string shape_text(const Grid& grid) {
  return std::to_string(grid.width) + " x " + std::to_string(grid.height);
}

ChunkWish parse_chunk(const std::string& text) {
  if (text == "auto") return FittingChunk{};
  std::array<std::int64_t, 3> sides{};
  const std::vector<std::string> parts = split(text, ',');
  bool good = parts.size() == sides.size();
  for (std::size_t i = 0; good && i < sides.size(); ++i) {
    const auto number = parse_number(parts[i]);
    good = number && *number >= 1 && *number == std::floor(*number) && *number < 1e9;
    if (good) sides[i] = static_cast<std::int64_t>(*number);
  }
  if (!good) {
    throw Error(ErrorCode::kInvalid, "'" + text + "' is no chunk shape", "--chunk",
                "three whole numbers t,y,x such as 1,512,512, or auto");
  }
  return ChunkShape{sides[0], sides[1], sides[2]};
}

std::string describe_grid(const Grid& grid) {
  std::string out = "grid    " + shape_text(grid) +
                    (grid.width * grid.height == 1 ? " cell of " : " cells of ") +
                    number_text(grid.dx) + " x " + number_text(grid.dy) + "\n";
  out += "crs     " + (grid.crs.empty() ? "none" : grid.crs.substr(0, grid.crs.find('\n'))) + "\n";
  out += "extent  left " + number_text(grid.left) + ", right " + number_text(grid.right()) +
         ", bottom " + number_text(grid.bottom()) + ", top " + number_text(grid.top) + "\n";
  return out;
}

std::string describe_features(const FeatureTable& table, std::int64_t rows) {
  const std::string fields = join(table.field_names());
  return "rows    " + counted(rows, "feature") + (fields.empty() ? "" : " with " + fields) + "\n";
}

}  // namespace

CLI::Option* add_operand(CLI::App& command, const std::string& name, std::string& value,
                         const std::string& help) {
  return command.add_option(name, value, help)->type_name("")->required();
}

void GraphArguments::add_to(CLI::App& command) {
  add_operand(command, "GRAPH", graph,
              "Graph document (JSON), or an output, which holds the graph that made it; - is "
              "standard input");
  add_options_to(command);
}

void GraphArguments::add_options_to(CLI::App& command) {
  command.add_option("--set", sets, "Give a parameter of the document a value; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command.add_flag("--allow-exec", allow_exec,
                   "Let the graph run the programs and load the plugins that it names");
}

Resources GraphArguments::resources(const Program& program) const {
  Resources resources = program.resources;
  resources.allow_exec = allow_exec;
  if (allow_exec) allow_code_in_files();
  return resources;
}

Document GraphArguments::load() const { return load(recorded_run(graph)); }

Document GraphArguments::load(const std::optional<RecordedRun>& recorded) const {
  if (recorded) check_secrets(*recorded);
  const Document document = recorded ? recorded->document : Document::load(graph);
  return document.with_parameters(parse_pairs(sets, "--set"));
}

void PlanArguments::add_to(CLI::App& command) {
  command
      .add_option("--threads", threads,
                  "Worker threads, fewer where --memory does not hold as many; 0 = one a core, and "
                  "8 a core (16 to 64) where files are read over the network")
      ->check(CLI::Range(0, 1024).description(""))
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--memory", memory,
                  "Memory the run may use, e.g. 800M or 4G; default: 2G, or three quarters of what "
                  "the container or the machine has, where that is less")
      ->type_name("SIZE");
  command
      .add_option("--chunk", chunk,
                  "Chunk shape of the result in cells, e.g. 1,512,512; auto: whole blocks of the "
                  "files, as cube info recommends")
      ->type_name("T,Y,X");
}

int PlanArguments::least_threads() const { return threads > 0 ? threads : usable_cores(host()); }

std::string PlanArguments::memory_text() const {
  if (!memory.empty()) return memory;
  constexpr std::int64_t kMega = std::int64_t{1} << 20;
  constexpr std::int64_t kUnit = 1024;
  const std::int64_t megabytes = default_memory_bytes(host()) / kMega;
  return megabytes % kUnit == 0 ? std::to_string(megabytes / kUnit) + "G"
                                : std::to_string(megabytes) + "M";
}

PlanOptions PlanArguments::options(const Graph& graph) const {
  Settings settings{.threads = threads};
  const std::string budget = memory_text();
  const auto bytes = parse_bytes(budget);
  if (!bytes) {
    throw Error(ErrorCode::kInvalid, "'" + budget + "' is no amount of memory", "--memory",
                "a number with K, M, G or T, such as 800M or 4G");
  }
  settings.memory_bytes = static_cast<std::int64_t>(*bytes);
  if (!chunk.empty()) settings.chunk = parse_chunk(chunk);
  return plan_options(graph, settings, host());
}

std::map<std::string, std::string> parse_pairs(const std::vector<std::string>& pairs,
                                               const std::string& option) {
  std::map<std::string, std::string> out;
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorCode::kInvalid, "'" + pair + "' has no NAME= before its value", option,
                  "NAME=VALUE");
    }
    out[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return out;
}

std::string describe(const CubeInfo& info) {
  const Grid& grid = info.grid;
  std::string out = "bands   ";
  for (std::size_t i = 0; i < info.bands.size(); ++i) {
    const BandInfo& band = info.bands[i];
    if (i > 0) out += "        ";
    out += band.name + "  " + std::string(name(band.dtype));
    if (band.nodata) out += ", missing = " + number_text(*band.nodata);
    if (band.scale != 1 || band.offset != 0) {
      out += ", scale " + number_text(band.scale) + ", offset " + number_text(band.offset);
    }
    if (!band.unit.empty()) out += ", " + band.unit;
    if (!band.note.empty()) out += " (" + band.note + ")";
    out += '\n';
  }
  out += grid.features ? describe_features(*grid.features, grid.height) : describe_grid(grid);
  out += "time    " + counted(info.time.size(), "slice");
  if (info.time.step()) out += " of " + info.time.step()->text();
  if (info.time.size() > 0) {
    out += ", " + info.time.label(0);
    if (info.time.size() > 1) out += " .. " + info.time.label(info.time.size() - 1);
  }
  return out + "\n";
}

void print_notes(const Graph& graph, const Document& document) {
  for (const Note& note : gdalcubes_notes(document)) {
    std::cerr << "cube: warning: " << note.where << ": " << without_queries(note.text) << '\n';
  }
  for (const Note& note : graph.notes) print_note(note);
}

void print_note(const Note& note) {
  std::cerr << "cube: note: " << (note.where.empty() ? "" : note.where + ": ")
            << without_queries(note.text) << '\n';
}

std::vector<Note> all_notes(const Graph& graph, const Document& document) {
  std::vector<Note> notes = gdalcubes_notes(document);
  notes.insert(notes.end(), graph.notes.begin(), graph.notes.end());
  for (Note& note : notes) note.text = without_queries(note.text);
  return notes;
}

nlohmann::ordered_json notes_json(const std::vector<Note>& notes) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Note& note : notes) out.push_back({{"where", note.where}, {"text", note.text}});
  return out;
}

std::string title_of(const Document& document, const std::string& file) {
  const nlohmann::json& json = json_of(document);
  if (json.is_object() && json.contains("title") && json["title"].is_string()) {
    return json["title"].get<std::string>();
  }
  return file == "-" ? "graph" : std::filesystem::path(file).filename().string();
}

void write_text(const std::string& file, const std::string& text, const std::string& what) {
  if (file == "-") {
    std::cout << text;
    return;
  }
  try {
    if (is_stream(file)) return write_file(file, text, file);
    write_whole(file, text);
  } catch (const Error& error) {
    throw Error(error.code(), what + " " + error.message(), error.where());
  }
}

void check_text_place(const std::string& file, const std::string& what) {
  if (file.empty() || file == "-" || is_stream(file)) return;
  try {
    const TemporaryName test(file, false);
  } catch (const Error& error) {
    throw Error(error.code(), what + " " + error.message(), error.where());
  }
}

std::string failure_text(const std::exception& error) {
  if (dynamic_cast<const Error*>(&error)) return error.what();
  if (dynamic_cast<const std::bad_alloc*>(&error)) {
    return "out of memory (a lower --memory, fewer --threads or smaller chunks take less)";
  }
  return std::string("unexpected: ") + error.what();
}

std::string duration_text(double seconds) {
  std::array<char, 48> text{};
  if (seconds < 9.95) {
    std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  } else if (seconds < 120) {
    std::snprintf(text.data(), text.size(), "%.0f s", seconds);
  } else if (seconds < 7200) {
    std::snprintf(text.data(), text.size(), "%d min %02d s", static_cast<int>(seconds / 60),
                  static_cast<int>(std::fmod(seconds, 60)));
  } else {
    std::snprintf(text.data(), text.size(), "%d h %02d min", static_cast<int>(seconds / 3600),
                  static_cast<int>(std::fmod(seconds, 3600) / 60));
  }
  return text.data();
}

}  // namespace cube
