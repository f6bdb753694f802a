#include "cli/run_graph.h"

#include <gdal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <numeric>
#include <thread>

#include "cli/identity.h"
#include "cli/plan_picture.h"
#include "cli/progress.h"
#include "cli/run_report.h"
#include "cli/stop_signals.h"
#include "engine/block_reads.h"
#include "engine/error.h"
#include "engine/gdal/network.h"
#include "engine/gdal/raster_info.h"
#include "engine/host_limits.h"
#include "engine/remote_names.h"
#include "engine/run.h"
#include "engine/stop_asked.h"
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
    if (args.resume) output.resume = true;
  }
  return outputs;
}

Provenance provenance_of(const Graph& graph, const std::string& canonical) {
  // Signatures in URLs are secrets.
  Provenance out{.graph = without_queries(canonical), .sources = {}};
  for (const Graph::Node& node : graph.nodes) {
    for (const std::string& source : node.op->source_names()) {
      out.sources.push_back(without_queries(source));
    }
  }
  return out;
}

// How far the run has come, for when it is stopped.
struct ChunkCount {
  std::atomic<std::int64_t> done = 0;
  std::atomic<std::int64_t> all = 0;
};

std::string done_text(std::int64_t done, std::int64_t all) {
  return std::to_string(done) + " of " + counted(all, "chunk") + (all == 1 ? " is" : " are") +
         " done, and --resume goes on from there";
}

// "3 of 8 chunks are done, and --resume goes on from there (1.2 MB in .a.tif.part)"; "" where an
// output keeps nothing.
std::string kept_text(const std::vector<std::unique_ptr<Sink>>& sinks, std::int64_t all) {
  std::vector<std::string> folders;
  std::int64_t bytes = 0;
  std::int64_t done = all;
  for (const auto& sink : sinks) {
    const auto kept = sink->kept();
    if (!kept) return {};
    folders.push_back(kept->folder);
    bytes += kept->bytes;
    done = std::min(done, kept->chunks);
  }
  return done_text(done, all) + " (" + bytes_text(static_cast<double>(bytes)) + " in " +
         join(folders) + ")";
}

[[noreturn]] void leave_at_once(int signal, const ChunkCount& count) {
  // The bar's thread may be anywhere: the line is left clean without it.
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const std::string text =
      std::string(terminal ? "\r\033[K" : "") + "cube: error: stopped by " + signal_name(signal) +
      "; " + (count.done > 0 ? done_text(count.done, count.all) : "no output was made") + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
  std::_Exit(kStopped + signal);
}

Report run_plan(const Plan& plan, const RunArguments& args, const Resources& resources,
                const std::vector<std::unique_ptr<Sink>>& sinks, const Provenance& provenance,
                const RunIdentity& identity, const StopSignals& signals, ChunkCount& count) {
  ProgressBar bar(parse_progress_mode(args.quiet ? "none" : args.progress), "running", "chunks");
  RunOptions options{.threads = plan.threads(), .keep_going = args.keep_going};
  options.progress = [&](const Progress& progress) {
    count.done = progress.chunks_done;
    bar.update(progress.chunks_done, progress.chunks, progress.chunks_resumed);
  };
  options.cancelled = [&] { return signals.pending() != 0; };
  options.identity = identity;
  count.all = plan.chunks();
  return run(plan, resources, sinks, provenance, options);
}

// What the plan had to leave out, to keep within the budget.
void print_notes(const Plan& plan, const RunArguments& args) {
  const auto budget = parse_bytes(args.plan.memory);
  const auto there = host_limits().memory_bytes;
  if (budget && there && *budget > static_cast<double>(*there)) {
    std::cerr << "cube: note: --memory " << args.plan.memory << " is more than the "
              << bytes_text(static_cast<double>(*there))
              << " that the container or the machine has\n";
  }
  if (plan.threads() < args.plan.least_threads()) {
    std::cerr << "cube: note: " << plan.threads() << " of "
              << counted(args.plan.least_threads(), "thread") << ", to keep within --memory "
              << args.plan.memory_text() << '\n';
  }
  if (plan.chunk_reduced()) {
    const ChunkShape& shape = plan.chunk_shape();
    std::cerr << "cube: note: chunks are cut to " << shape.t << "," << shape.y << "," << shape.x
              << " to keep within --memory " << args.plan.memory_text() << '\n';
  }
}

// Says what is left of a run that made no output; gives the exit status.
int ending(const Report& report, const std::string& kept, const StopSignals& signals) {
  if (report.cancelled) {
    std::cerr << "cube: error: stopped by " << signal_name(signals.pending()) << "; "
              << (kept.empty() ? "no output was made" : kept) << '\n';
    return kStopped + signals.pending();
  }
  if (!kept.empty()) std::cerr << "cube: " << kept << '\n';
  return report.ok() ? kDone : kSomeFailed;
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
  command.add_flag("--resume", resume,
                   "Go on from where an earlier run of the same was stopped, killed or failed; "
                   "without such a run, begin");
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

namespace {

int tell_stopped(const StopSignals& signals) {
  std::cerr << "cube: error: stopped by " << signal_name(signals.pending())
            << "; no output was made\n";
  return kStopped + signals.pending();
}

int run_watched(const Document& document, const std::string& name, const RunArguments& args,
                const Resources& resources, const Program& program, StopSignals& signals) {
  ChunkCount count;
  const StopDeadline deadline(signals, [&](int signal) { leave_at_once(signal, count); });
  const std::vector<OutputSpec> outputs = wanted_outputs(args, document, name);
  Graph graph = compile(document, program.registry, resources);
  if (graph.reads_remote()) signals.close_connections();
  std::vector<std::unique_ptr<Sink>> sinks;
  for (const OutputSpec& output : outputs) sinks.push_back(make_sink(output, graph.info()));
  const Provenance provenance =
      provenance_of(graph, canonical_text(document, program.registry, document.base()));
  const PlanOptions options = with_sinks(args.plan.options(graph), sinks);
  const Plan plan(std::move(graph), options);
  if (!args.quiet) {
    print_notes(plan.graph(), document);
    print_notes(plan, args);
  }
  if (const auto note = args.quiet ? std::nullopt : block_reads_note(plan)) print_note(*note);
  keep_blocks(plan, *program.blocks);
  const RunIdentity identity = identity_of(document, provenance.graph, plan.graph());
  Report report;
  try {
    report = run_plan(plan, args, resources, sinks, provenance, identity, signals, count);
  } catch (const Error& error) {
    // An output that could not be finished, or was refused before.
    const std::string kept = kept_text(sinks, plan.chunks());
    if (kept.empty()) throw;
    std::cerr << "cube: error: " << error.what() << "\ncube: " << kept << '\n';
    return kSomeFailed;
  }
  if (!args.stats.empty()) write_stats(args.stats, report, network_use());
  if (!args.stats_svg.empty()) {
    const Picture picture = run_picture(plan.graph(), report, title_of(document, name));
    write_text(args.stats_svg, to_svg(picture), "the picture");
  }
  print_report(report, args.quiet     ? Detail::kErrors
                       : args.verbose ? Detail::kNodes
                                      : Detail::kFiles);
  return ending(report, kept_text(sinks, plan.chunks()), signals);
}

}  // namespace

int run_document(const Document& document, const std::string& name, const RunArguments& args,
                 const Resources& resources, const Program& program) {
  const std::jthread drivers(register_gdal);  // 2 ms, which compiling does not need
  StopSignals signals;
  const std::function<bool()> asked = [&] { return signals.pending() != 0; };
  const StopAsked stop(asked);
  if (is_remote(document.json().dump())) signals.close_connections();
  try {
    return run_watched(document, name, args, resources, program, signals);
  } catch (const Error&) {
    if (!asked()) throw;
    return tell_stopped(signals);  // what was waited for was given up
  }
}

}  // namespace cube
