// cube hist: what values the bands of a graph, raster, netCDF file or Zarr group hold.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "api/plan_options.h"
#include "cli/progress.h"
#include "cli/run_graph.h"
#include "cli/run_report.h"
#include "cli/stop_signals.h"
#include "engine/cell_statistics.h"
#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/gdal/output_file.h"
#include "engine/gdal/raster_info.h"
#include "engine/remote_names.h"
#include "engine/run.h"
#include "engine/stop_asked.h"
#include "engine/svg_chart.h"
#include "engine/text.h"

namespace cube {

namespace {

using Json = nlohmann::ordered_json;

struct HistArguments {
  GraphArguments graph;
  PlanArguments plan;
  std::vector<std::string> bands;
  std::vector<double> percentiles = {1, 5, 25, 50, 75, 95, 99};
  int bins = 20;
  bool unpack = false;
  bool json = false;
  std::string svg;
  bool overwrite = false;
  bool quiet = false;
};

bool is_graph(const std::string& file) {
  const FileKind kind = file == "-" ? FileKind::kGraph : kind_of_file(file);
  return kind == FileKind::kGraph || kind == FileKind::kOtherJson;
}

// The cube of a file that is no graph; paths are relative to the working directory.
Document document_of(const HistArguments& args) {
  const std::string& file = args.graph.graph;
  if (is_graph(file)) return args.graph.load();
  const FileKind kind = kind_of_file(file);
  if (kind == FileKind::kCatalog) {
    throw Error(ErrorCode::kInvalid, "a catalog has no cells before there is a view", file,
                "a graph that begins with an image_collection of it");
  }
  Json node = {{"cube_type", "raster"}, {"file", file}, {"unpack", args.unpack}};
  if (kind == FileKind::kNetcdf || kind == FileKind::kZarr) {
    node = {{"cube_type", kind == FileKind::kZarr ? "zarr" : "ncdf"},
            {"file", file},
            {"auto_unpack", args.unpack}};
  }
  return Document::parse(node.dump(), std::filesystem::current_path()).with_parameters({});
}

// The document's cube, or some of its bands.
Graph graph_of(const HistArguments& args, const Program& program) {
  const Resources resources = args.graph.resources(program);
  const Document document = document_of(args);
  Graph graph = compile(document, program.registry, resources);
  if (args.bands.empty()) return graph;
  const std::string canonical =
      canonical_text(document, program.registry, std::filesystem::current_path());
  for (const std::string& band : args.bands) graph.info().band(band, "--bands");
  Json wanted = Json::parse(canonical);
  Json& result = wanted.contains("cube_type") ? wanted : wanted["result"];
  const Json in_cube = result;
  result = {{"cube_type", "select_bands"}, {"bands", args.bands}, {"in_cube", in_cube}};
  return compile(Document::parse(wanted.dump(), std::filesystem::current_path()), program.registry,
                 resources);
}

// Errors about a file have no place in a document that the user does not see.
Graph compiled(const HistArguments& args, const Program& program) {
  try {
    return graph_of(args, program);
  } catch (const Error& error) {
    if (is_graph(args.graph.graph) || !error.where().starts_with("/file")) throw;
    throw Error(error.code(), error.message(), {}, error.hint());
  }
}

void check(const HistArguments& args) {
  for (const double percent : args.percentiles) {
    if (percent >= 0 && percent <= 100) continue;
    throw Error(ErrorCode::kInvalid, "'" + number_text(percent) + "' is no percentile",
                "--percentiles", "numbers from 0 to 100 such as 2,50,98");
  }
  constexpr std::size_t kMostPercentiles = 50;
  if (args.percentiles.size() > kMostPercentiles) {
    throw Error(ErrorCode::kInvalid, "there are " + std::to_string(args.percentiles.size()),
                "--percentiles", "at most " + std::to_string(kMostPercentiles));
  }
  if (!args.svg.empty() && !args.overwrite && std::filesystem::exists(args.svg)) {
    throw Error(ErrorCode::kUnwritable, "exists already", args.svg, "--overwrite replaces it");
  }
}

// A number that may be missing: JSON has no NaN.
Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json json_of(const BandInfo& band, const BandStatistics& of, const HistArguments& args) {
  Json percentiles = Json::object();
  for (std::size_t i = 0; i < args.percentiles.size(); ++i) {
    percentiles[number_text(args.percentiles[i])] = json_number(of.percentiles[i]);
  }
  Json out = {{"name", band.name}, {"dtype", std::string(name(band.dtype))}};
  if (!band.unit.empty()) out["unit"] = band.unit;
  out.update({{"count", of.count},
              {"missing", of.missing},
              {"infinite", of.infinite},
              {"min", json_number(of.min)},
              {"max", json_number(of.max)},
              {"mean", json_number(of.mean)},
              {"sd", json_number(of.sd)},
              {"percentiles", percentiles},
              {"histogram", {{"edges", of.edges}, {"counts", of.counts}}}});
  return out;
}

// Six digits, which is what people read.
std::string short_text(double value) { return number_text(value, 6); }

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

void print_bars(std::ostream& out, const BandStatistics& of) {
  constexpr double kBar = 50;  // letters of the longest
  std::size_t width = 0;
  std::int64_t most = 1;
  for (const double edge : of.edges) width = std::max(width, short_text(edge).size());
  for (const std::int64_t count : of.counts) most = std::max(most, count);
  const std::size_t digits = std::to_string(most).size();
  for (std::size_t i = 0; i < of.counts.size(); ++i) {
    const double share = static_cast<double>(of.counts[i]) / static_cast<double>(most);
    auto letters = static_cast<std::size_t>(std::lround(kBar * share));
    if (of.counts[i] > 0) letters = std::max<std::size_t>(letters, 1);
    const std::string bar(letters, '#');
    out << "  " << padded(short_text(of.edges[i]), width) << " to "
        << padded(short_text(of.edges[i + 1]), width) << "  "
        << padded(std::to_string(of.counts[i]), digits) << (bar.empty() ? "" : " ") << bar << '\n';
  }
}

void print_band(std::ostream& out, const BandInfo& band, const BandStatistics& of,
                const HistArguments& args) {
  out << band.name << "  " << name(band.dtype) << (band.unit.empty() ? "" : ", ") << band.unit
      << '\n';
  out << "  " << counted(of.count, "value") << ", " << of.missing << " missing";
  if (of.infinite > 0) out << ", " << of.infinite << " infinite";
  out << '\n';
  if (of.count == 0) return;
  out << "  min " << short_text(of.min) << ", mean " << short_text(of.mean);
  if (of.count > 1) out << ", sd " << short_text(of.sd);
  out << ", max " << short_text(of.max) << '\n';
  std::vector<std::string> percentiles;
  for (std::size_t i = 0; i < args.percentiles.size(); ++i) {
    percentiles.push_back("p" + number_text(args.percentiles[i]) + " " +
                          short_text(of.percentiles[i]));
  }
  if (!percentiles.empty()) out << "  " << join(percentiles) << '\n';
  print_bars(out, of);
}

void write_svg(const HistArguments& args, const CubeInfo& info,
               const std::vector<BandStatistics>& found) {
  std::vector<BarPanel> panels;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const BandInfo& band = info.bands[i];
    panels.push_back({band.name + (band.unit.empty() ? "" : " [" + band.unit + "]") + ", cells",
                      found[i].edges, found[i].counts});
  }
  TemporaryName file(args.svg, false);
  write_file(file.path(), draw_bars(panels, {}), args.svg);
  file.keep(args.overwrite);
}

// Runs the graph as often as the statistics want; the report of the last time.
Report count_cells(const Plan& plan, CellStatistics& statistics,
                   const std::vector<std::unique_ptr<Sink>>& sinks, const Resources& resources,
                   const HistArguments& args, const StopSignals& signals) {
  RunOptions options{.threads = plan.threads()};
  options.cancelled = [&] { return signals.pending() != 0; };
  while (true) {
    ProgressBar bar(parse_progress_mode(args.quiet ? "none" : "auto"), "counting", "chunks");
    options.progress = [&](const Progress& progress) {
      bar.update(progress.chunks_done, progress.chunks);
    };
    Report report = run(plan, resources, sinks, {}, options);
    if (report.cancelled || !report.failures.empty() || !statistics.wants_again()) return report;
  }
}

int tell_stopped(const StopSignals& signals) {
  std::cerr << "cube: error: " << stopped_text(signals.pending(), "") << '\n';
  return kStopped + signals.pending();
}

int show_watched(const HistArguments& args, const Program& program, StopSignals& signals) {
  const Resources resources = args.graph.resources(program);
  Graph graph = compiled(args, program);
  if (graph.reads_remote()) signals.close_connections();
  CellStatistics statistics(graph.info(), args.percentiles, args.bins);
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(statistics.sink());
  const PlanOptions options = with_sinks(args.plan.options(graph), sinks);
  const Plan plan(std::move(graph), options);
  keep_blocks(plan, *program.blocks);
  const Report report = count_cells(plan, statistics, sinks, resources, args, signals);
  print_report(report, Detail::kErrors);
  if (report.cancelled) return tell_stopped(signals);
  if (!report.failures.empty()) return kSomeFailed;
  const std::vector<BandStatistics> found = statistics.result();
  const CubeInfo& info = plan.info();
  if (!args.svg.empty()) write_svg(args, info, found);
  Json bands = Json::array();
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (args.json) {
      bands.push_back(json_of(info.bands[i], found[i], args));
    } else {
      if (i > 0) std::cout << '\n';
      print_band(std::cout, info.bands[i], found[i], args);
    }
  }
  if (args.json) std::cout << Json{{"bands", bands}}.dump(2) << '\n';
  return report.ok() ? kDone : kSomeFailed;
}

int show_histogram(const HistArguments& args, const Program& program) {
  check(args);
  register_gdal();
  StopSignals signals;
  const StopDeadline deadline(signals, [](int signal) { leave_stopped(signal, ""); });
  const std::function<bool()> asked = [&] { return signals.pending() != 0; };
  const StopAsked stop(asked);
  if (is_remote(args.graph.graph)) signals.close_connections();
  try {
    return show_watched(args, program, signals);
  } catch (const Error&) {
    if (!asked()) throw;
    return tell_stopped(signals);
  }
}

}  // namespace

void add_hist(CLI::App& app, Program& program) {
  const auto args = std::make_shared<HistArguments>();
  CLI::App* command = app.add_subcommand(
      "hist", "Say what values the bands of a graph or file hold: range, percentiles, histogram");
  add_operand(*command, "FILE", args->graph.graph, "Graph (JSON), raster, netCDF or Zarr");
  args->graph.add_options_to(*command);
  command->add_option("--bands", args->bands, "Bands to look at, else all")
      ->type_name("NAME[,NAME]...")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--bins", args->bins, "Bins of the histogram, from minimum to maximum")
      ->check(CLI::Range(1, 100000).description(""))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--percentiles", args->percentiles, "From 0 to 100")
      ->type_name("P[,P]...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_flag("--unpack", args->unpack, "Apply the scale and offset that a file states");
  command->add_flag("--json", args->json, "Print JSON, with all digits");
  command->add_option("--svg", args->svg, "Draw the histograms into this file")->type_name("FILE");
  command->add_flag("--overwrite", args->overwrite, "Replace an existing file");
  args->plan.add_to(*command);
  command->add_flag("-q,--quiet", args->quiet, "Show no progress");
  command->footer(
      "Counts and percentiles are exact, whatever the size: the cells are computed once for bands "
      "of\n"
      "8 and 16 bits, twice for 32, four times for float64. Percentiles are numpy's \"linear\", "
      "bins\n"
      "those of numpy.histogram; infinite values are counted and left out of the rest.\n\n"
      "Examples:\n  cube hist ndvi.tif\n  cube hist ndvi.json --bins 50 --svg ndvi.svg\n"
      "  cube hist s2.tif --bands B04,B08 --percentiles 2,98 --json");
  command->callback([args, &program] { program.status = show_histogram(*args, program); });
}

}  // namespace cube
