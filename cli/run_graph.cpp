#include "cli/run_graph.h"

#include <gdal.h>

#include <algorithm>
#include <iostream>
#include <numeric>
#include <thread>

#include "cli/plan_picture.h"
#include "cli/progress.h"
#include "cli/run_report.h"
#include "cli/stop_signals.h"
#include "engine/block_reads.h"
#include "engine/error.h"
#include "engine/gdal/raster_info.h"
#include "engine/run.h"
#include "engine/text.h"

namespace cube {

namespace {

// Outputs of the command line, else those of the document.
std::vector<OutputSpec> wanted_outputs(const RunArguments& args, const Document& document,
                                       const std::string& name) {
  std::vector<OutputSpec> outputs =
      args.files.empty() ? document.outputs() : std::vector<OutputSpec>();
  for (const std::string& file : args.files) {
    outputs.push_back({.file = file, .format = args.format, .options = {}});
  }
  if (outputs.empty()) {
    throw Error(ErrorCode::kInvalid, "nothing says where the result goes", name,
                "give -o FILE, or \"outputs\" in the document");
  }
  for (OutputSpec& output : outputs) {
    for (const auto& [key, value] : parse_pairs(args.options, "--co")) output.options[key] = value;
    if (args.overwrite) output.overwrite = true;
    if (args.append) output.append = true;
  }
  return outputs;
}

Provenance provenance_of(const Graph& graph, std::string canonical) {
  Provenance out{.graph = std::move(canonical), .sources = {}};
  for (const Graph::Node& node : graph.nodes) {
    for (std::string& source : node.op->source_names()) out.sources.push_back(std::move(source));
  }
  return out;
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

}  // namespace

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

void RunArguments::add_to(CLI::App& command) {
  command
      .add_option("-o,--output", files,
                  "Output file; {t} and {band} in its name make one file a slice or band. "
                  "May be given several times")
      ->type_name("FILE")
      ->allow_extra_args(false);
  std::string formats;
  for (const auto& [id, help] : output_formats()) formats += (formats.empty() ? "" : ", ") + id;
  command.add_option("--format", format, "Format of -o: " + formats + "; default by name")
      ->type_name("NAME");
  command.add_option("--co", options, "Creation option of the outputs; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  plan.add_to(command);
  command.add_flag("--keep-going", keep_going,
                   "Go on after a failed chunk; its cells are missing and the exit status is 1");
  command.add_flag("--overwrite", overwrite, "Replace existing outputs");
  command.add_flag("--append", append,
                   "Put the slices behind those of a Zarr, which is made where there is none");
  command.add_option("--progress", progress, "auto (a bar on a terminal), json or none")
      ->check(CLI::IsMember({"auto", "json", "none"}).description(""))
      ->type_name("MODE")
      ->capture_default_str();
  command
      .add_option("--stats", stats,
                  "Write where the time went as JSON, see README; - is standard output")
      ->type_name("FILE");
  command
      .add_option("--stats-svg", stats_svg,
                  "Draw the graph with the time that went to each node; - is standard output")
      ->type_name("FILE");
  command.add_flag("-q,--quiet", quiet, "Print nothing but errors");
  command.add_flag("-v,--verbose", verbose, "Print where the time went, by node");
}

int run_document(const Document& document, const std::string& name, const RunArguments& args,
                 const Resources& resources, const Program& program) {
  const std::jthread drivers(register_gdal);  // 2 ms, which compiling does not need
  const StopSignals signals;
  const std::vector<OutputSpec> outputs = wanted_outputs(args, document, name);
  Graph graph = compile(document, program.registry, resources);
  std::vector<std::unique_ptr<Sink>> sinks;
  for (const OutputSpec& output : outputs) sinks.push_back(make_sink(output, graph.info()));
  const Provenance provenance =
      provenance_of(graph, canonical_text(document, program.registry, document.base()));
  const Plan plan(std::move(graph), with_sinks(args.plan.options(), sinks));
  if (!args.quiet) print_notes(plan.graph(), document);
  if (plan.threads() < plan.options().threads && !args.quiet) {
    std::cerr << "cube: note: " << plan.threads() << " of "
              << counted(plan.options().threads, "thread") << ", to keep within --memory "
              << args.plan.memory << '\n';
  }
  if (plan.chunk_reduced() && !args.quiet) {
    const ChunkShape& shape = plan.chunk_shape();
    std::cerr << "cube: note: chunks are cut to " << shape.t << "," << shape.y << "," << shape.x
              << " to keep within --memory " << args.plan.memory << '\n';
  }
  if (const auto note = args.quiet ? std::nullopt : block_reads_note(plan)) print_note(*note);
  keep_blocks(plan, *program.blocks);
  const Report report = run_plan(plan, args, resources, sinks, provenance, signals);
  if (!args.stats.empty()) write_stats(args.stats, report);
  if (!args.stats_svg.empty()) {
    const Picture picture = run_picture(plan.graph(), report, title_of(document, name));
    write_text(args.stats_svg, to_svg(picture), "the picture");
  }
  print_report(report, args.quiet     ? Detail::kErrors
                       : args.verbose ? Detail::kNodes
                                      : Detail::kFiles);
  if (report.cancelled) {
    std::cerr << "cube: error: stopped by " << signal_name(signals.pending())
              << "; no output was made\n";
    return kStopped + signals.pending();
  }
  return report.ok() ? kDone : kSomeFailed;
}

}  // namespace cube
