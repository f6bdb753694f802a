// cube run: computes a graph and writes its result.
#include "engine/run.h"

#include <gdal.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "cli/common.h"
#include "cli/progress.h"
#include "cli/stop_signals.h"
#include "engine/error.h"
#include "engine/gdal/raster_info.h"
#include "engine/text.h"

namespace cube {

namespace {

struct RunArguments {
  GraphArguments graph;
  PlanArguments plan;
  std::vector<std::string> files;
  std::string format;
  std::vector<std::string> options;
  std::string progress = "auto";
  std::string stats;
  bool keep_going = false;
  bool overwrite = false;
  bool quiet = false;
  bool verbose = false;
};

// Outputs of the command line, else those of the document.
std::vector<OutputSpec> wanted_outputs(const RunArguments& args, const Document& document) {
  std::vector<OutputSpec> outputs =
      args.files.empty() ? document.outputs() : std::vector<OutputSpec>();
  for (const std::string& file : args.files) {
    outputs.push_back({.file = file, .format = args.format, .options = {}});
  }
  if (outputs.empty()) {
    throw Error(ErrorCode::kInvalid, "nothing says where the result goes", args.graph.graph,
                "give -o FILE, or \"outputs\" in the document");
  }
  for (OutputSpec& output : outputs) {
    for (const auto& [key, value] : parse_pairs(args.options, "--co")) output.options[key] = value;
    if (args.overwrite) output.overwrite = true;
  }
  return outputs;
}

// Divides what the plan has for kept blocks between GDAL and our readers.
void keep_blocks(const Plan& plan, BlockCache& blocks) {
  // A run that makes few cells, as the series of a pixel, hardly comes back to a block.
  constexpr std::int64_t kFewCells = std::int64_t{1} << 16;
  constexpr std::int64_t kForFewCells = std::int64_t{16} << 20;
  std::int64_t bytes = plan.cache_bytes();
  if (plan.info().extent().cells() <= kFewCells) bytes = std::min(bytes, kForFewCells);
  GDALSetCacheMax64(bytes / 2);
  blocks.resize(bytes / 2);
}

PlanOptions with_sinks(PlanOptions options, const std::vector<std::unique_ptr<Sink>>& sinks) {
  for (const auto& sink : sinks) {
    const ChunkShape tile = sink->tile();
    ChunkShape& all = options.sink_tile;
    all = {1, std::lcm(all.y, tile.y), std::lcm(all.x, tile.x)};
    options.sink_resident_bytes += sink->resident_bytes();
  }
  options.sink_bytes_per_write = [&sinks](const ChunkShape& shape) {
    std::int64_t sum = 0;
    for (const auto& sink : sinks) sum += sink->bytes_per_write(shape);
    return sum;
  };
  return options;
}

Provenance provenance_of(const Graph& graph, std::string canonical) {
  Provenance out{.graph = std::move(canonical), .sources = {}};
  for (const Graph::Node& node : graph.nodes) {
    for (std::string& source : node.op->source_names()) out.sources.push_back(std::move(source));
  }
  return out;
}

nlohmann::ordered_json stats_json(const Report& report) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const Report::NodeTime& node : report.nodes) {
    nodes.push_back({{"cube_type", node.type},
                     {"where", node.where},
                     {"seconds", node.seconds},
                     {"requests", node.requests},
                     {"cells", node.cells}});
  }
  nlohmann::ordered_json failures = nlohmann::ordered_json::array();
  for (const Report::Failure& failure : report.failures) {
    failures.push_back({{"chunk", failure.chunk},
                        {"region", to_text(failure.region)},
                        {"reason", failure.reason}});
  }
  nlohmann::ordered_json skipped = nlohmann::ordered_json::array();
  for (const SkippedImage& image : report.skipped) {
    skipped.push_back({{"image", image.image}, {"reason", image.reason}});
  }
  const ImageReader::Stats& reading = report.reading;
  return {{"seconds", report.seconds},
          {"chunks", report.chunks},
          {"empty_chunks", report.empty_chunks},
          {"seconds_write", report.seconds_write},
          {"reading",
           {{"opened", reading.opened},
            {"pasted", reading.pasted},
            {"warped", reading.warped},
            {"cells_decoded", reading.cells_decoded},
            {"seconds_open", reading.seconds_open},
            {"seconds_read", reading.seconds_read},
            {"seconds_warp", reading.seconds_warp}}},
          {"nodes", nodes},
          {"failures", failures},
          {"skipped", skipped},
          {"outputs", report.outputs}};
}

void write_stats(const std::string& file, const Report& report) {
  // Reasons may hold what other programs wrote, in any encoding.
  const std::string text =
      stats_json(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (file == "-") {
    std::cout << text;
    return;
  }
  std::ofstream out(file);
  out << text;
  if (!out.flush()) throw Error(ErrorCode::kUnwritable, "cannot write the statistics", file);
}

void print_report(const Report& report, const RunArguments& args) {
  static constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < std::min(kShown, report.failures.size()); ++i) {
    const Report::Failure& failure = report.failures[i];
    std::cerr << "cube: error: chunk " << failure.chunk << " (" << to_text(failure.region)
              << "): " << failure.reason << '\n';
  }
  for (std::size_t i = 0; i < std::min(kShown, report.skipped.size()); ++i) {
    std::cerr << "cube: warning: skipped " << report.skipped[i].image << ": "
              << report.skipped[i].reason << '\n';
  }
  if (std::max(report.failures.size(), report.skipped.size()) > kShown) {
    std::cerr << "cube: note: " << report.failures.size() << " chunks failed and "
              << report.skipped.size() << " images were skipped in all; --stats names each\n";
  }
  if (report.outputs.empty() && !report.failures.empty() && !report.cancelled) {
    std::cerr << "cube: no output was made (--keep-going writes the chunks that worked)\n";
  }
  if (args.quiet) return;
  for (const std::string& file : report.outputs) std::cout << file << '\n';
  if (!args.verbose) return;
  std::cerr << "chunks " << report.chunks << ", empty " << report.empty_chunks << ", "
            << duration_text(report.seconds) << ", writing " << duration_text(report.seconds_write)
            << '\n';
  for (const Report::NodeTime& node : report.nodes) {
    std::cerr << "  " << node.type << ' ' << node.where << ": " << duration_text(node.seconds)
              << " in " << node.requests << " requests\n";
  }
}

Report run_plan(const Plan& plan, const RunArguments& args, const Resources& resources,
                const std::vector<std::unique_ptr<Sink>>& sinks, const Provenance& provenance,
                const StopSignals& signals) {
  ProgressBar bar(parse_progress_mode(args.quiet ? "none" : args.progress), "running", "chunks");
  RunOptions options{.threads = plan.threads(), .keep_going = args.keep_going};
  options.progress = [&](const Progress& progress) {
    bar.update(progress.chunks_done, progress.chunks);
  };
  options.cancelled = [&] { return signals.pending() != 0; };
  return run(plan, resources, sinks, provenance, options);
}

int run_graph(const RunArguments& args, const Program& program) {
  const std::jthread drivers(register_gdal);  // 2 ms, which compiling does not need
  const StopSignals signals;
  const Document document = args.graph.load();
  const std::vector<OutputSpec> outputs = wanted_outputs(args, document);
  const Resources resources = args.graph.resources(program);
  Graph graph = compile(document, program.registry, resources);
  std::vector<std::unique_ptr<Sink>> sinks;
  for (const OutputSpec& output : outputs) sinks.push_back(make_sink(output, graph.info()));
  const Provenance provenance =
      provenance_of(graph, canonical_text(document, program.registry, document.base()));
  const Plan plan(std::move(graph), with_sinks(args.plan.options(), sinks));
  if (!args.quiet) print_notes(plan.graph(), document);
  if (plan.threads() < plan.options().threads && !args.quiet) {
    std::cerr << "cube: note: " << plan.threads() << " of " << plan.options().threads
              << " threads, to keep within --memory " << args.plan.memory << '\n';
  }
  if (plan.chunk_reduced() && !args.quiet) {
    const ChunkShape& shape = plan.chunk_shape();
    std::cerr << "cube: note: chunks are cut to " << shape.t << "," << shape.y << "," << shape.x
              << " to keep within --memory " << args.plan.memory << '\n';
  }
  keep_blocks(plan, *program.blocks);
  const Report report = run_plan(plan, args, resources, sinks, provenance, signals);
  if (!args.stats.empty()) write_stats(args.stats, report);
  print_report(report, args);
  if (report.cancelled) {
    std::cerr << "cube: error: stopped by " << signal_name(signals.pending())
              << "; no output was made\n";
    return kStopped + signals.pending();
  }
  return report.ok() ? kDone : kSomeFailed;
}

}  // namespace

void add_run(CLI::App& app, Program& program) {
  auto args = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run", "Compute a graph and write its result");
  args->graph.add_to(*command);
  command
      ->add_option("-o,--output", args->files,
                   "Output file; {t} and {band} in its name make one file a slice or band. "
                   "May be given several times")
      ->type_name("FILE")
      ->allow_extra_args(false);
  std::string formats;
  for (const auto& [id, help] : output_formats()) formats += (formats.empty() ? "" : ", ") + id;
  command->add_option("--format", args->format, "Format of -o: " + formats + "; default by name")
      ->type_name("NAME");
  command->add_option("--co", args->options, "Creation option of the outputs; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  args->plan.add_to(*command);
  command->add_flag("--keep-going", args->keep_going,
                    "Go on after a failed chunk; its cells are missing and the exit status is 1");
  command->add_flag("--overwrite", args->overwrite, "Replace existing outputs");
  command->add_option("--progress", args->progress, "auto (a bar on a terminal), json or none")
      ->check(CLI::IsMember({"auto", "json", "none"}).description(""))
      ->type_name("MODE")
      ->capture_default_str();
  command
      ->add_option("--stats", args->stats,
                   "Write where the time went as JSON; - is standard output")
      ->type_name("FILE");
  command->add_flag("-q,--quiet", args->quiet, "Print nothing but errors");
  command->add_flag("-v,--verbose", args->verbose, "Print times by node");
  command->footer(
      "Exit status: 0 done; 1 some chunk or image failed; 2 rejected before any work;\n"
      "128 + signal when stopped, with no output (130 by Ctrl-C, 143 by kill).\n\n"
      "Examples:\n"
      "  cube run ndvi.json -o ndvi.tif -o ndvi.png --threads 4\n"
      "  cube run monthly.json -o 'ndvi_{t}.tif' --format COG --co COMPRESS=ZSTD\n"
      "  cube run graph.json --set year=2022 -o ndvi.nc --overwrite");
  command->callback([args, &program] { program.status = run_graph(*args, program); });
}

}  // namespace cube
