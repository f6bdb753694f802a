#include "cli/run_graph.h"

#include <gdal.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <thread>

#include "api/identity.h"
#include "api/plan_options.h"
#include "api/provenance.h"
#include "cli/part_run.h"
#include "cli/plan_picture.h"
#include "cli/progress.h"
#include "cli/run_report.h"
#include "cli/stop_signals.h"
#include "engine/block_reads.h"
#include "engine/error.h"
#include "engine/gdal/network.h"
#include "engine/gdal/raster_info.h"
#include "engine/host_limits.h"
#include "engine/parts.h"
#include "engine/remote_names.h"
#include "engine/run.h"
#include "engine/stop_asked.h"
#include "engine/text.h"
#include "graphs/document_json.h"

namespace cube {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kStatistics = "the statistics";
constexpr const char* kPicture = "the picture";

// Outputs of the command line, else those of the document.
std::vector<OutputSpec> wanted_outputs(const RunArguments& args, const Document& document,
                                       const std::string& name, const std::optional<Part>& part) {
  std::vector<OutputSpec> outputs =
      args.files.empty() ? document.outputs() : std::vector<OutputSpec>();
  for (const std::string& file : args.files) {
    outputs.push_back({.file = file, .format = args.format, .options = {}});
  }
  if (args.again) outputs = outputs_again(*args.again, std::move(outputs), args.format);
  if (outputs.empty()) {
    throw Error(ErrorCode::kInvalid, "nothing says where the result goes", name,
                "give -o FILE, or \"outputs\" in the document");
  }
  for (OutputSpec& output : outputs) {
    for (const auto& given : parse_pairs(args.options, "--co")) {
      const std::string key = lower(given.first);
      std::erase_if(output.options, [&](const auto& one) { return lower(one.first) == key; });
      output.options[given.first] = given.second;
    }
    if (args.overwrite) output.overwrite = true;
    if (args.append) output.append = true;
    if (args.resume) output.resume = true;
    output.part = part;
  }
  return outputs;
}

// How far the run has come, for when it is stopped.
struct ChunkCount {
  std::atomic<std::int64_t> done = 0;
  std::atomic<std::int64_t> all = 0;
  std::atomic<bool> kept = false;  // for --resume to go on with
  bool begun = false;              // nothing is refused any more
  const char* again = "--resume";  // what goes on
};

std::string done_text(std::int64_t done, const ChunkCount& count) {
  return std::to_string(done) + " of " + counted(count.all, "chunk") +
         (count.all == 1 ? " is" : " are") + " done, and " + count.again + " goes on from there";
}

// "3 of 8 chunks are done, and --resume goes on from there (1.2 MB in .a.tif.part)"; "" where an
// output keeps nothing.
std::string kept_text(const std::vector<std::unique_ptr<Sink>>& sinks, const ChunkCount& count) {
  std::vector<std::string> folders;
  std::int64_t bytes = 0;
  std::int64_t done = count.all;
  for (const auto& sink : sinks) {
    const auto kept = sink->kept();
    if (!kept) return {};
    folders.push_back(kept->folder);
    bytes += kept->bytes;
    done = std::min(done, kept->chunks);
  }
  return done_text(done, count) + " (" + bytes_text(static_cast<double>(bytes)) + " in " +
         join(folders) + ")";
}

constexpr const char* kNothingMade = "no output was made";

bool keeps_chunks(const std::vector<std::unique_ptr<Sink>>& sinks) {
  return std::ranges::all_of(sinks, [](const auto& sink) { return sink->keeps(); });
}

[[noreturn]] void leave_at_once(int signal, const ChunkCount& count, RunReport& told) {
  const std::string meaning = count.kept ? done_text(count.done, count) : kNothingMade;
  try {
    told.end(kStopped + signal, stopped_text(signal, meaning));
  } catch (const std::exception&) {
    // Nobody is left to be told.
  }
  leave_stopped(signal, meaning);
}

Report run_plan(const Plan& plan, const RunArguments& args, const Resources& resources,
                const std::vector<std::unique_ptr<Sink>>& sinks, const Provenance& provenance,
                const RunIdentity& identity, const std::optional<Range>& chunks,
                const StopSignals& signals, ChunkCount& count, RunReport& told) {
  ProgressBar bar(parse_progress_mode(args.quiet ? "none" : args.progress), "running", "chunks");
  RunOptions options{.threads = plan.threads(), .keep_going = args.keep_going};
  options.progress = [&](const Progress& progress) {
    count.done = progress.chunks_done;
    told.progress(progress.chunks_done, progress.chunks);
    if (!count.kept) count.kept = keeps_chunks(sinks);
    bar.update(progress.chunks_done, progress.chunks, progress.chunks_resumed);
  };
  options.failed = [&](std::int64_t chunk, const Region& region, const std::string& reason) {
    told.failed({chunk, region, reason});
  };
  options.skipped = [&](const SkippedImage& image) { told.skipped(image); };
  options.cancelled = [&] { return signals.pending() != 0; };
  options.identity = identity;
  options.chunks = chunks;
  options.begun = [&] { count.begun = true; };
  count.all = chunks ? chunks->size() : plan.chunks();
  if (chunks) count.again = "the same command";
  return run(plan, resources, sinks, provenance, options);
}

// What the plan had to leave out, to keep within the budget.
void print_notes(const Plan& plan, const RunArguments& args) {
  const auto budget = parse_bytes(args.plan.memory);
  const auto there = budget ? host_limits().memory_bytes : std::nullopt;
  if (there && *budget > static_cast<double>(*there)) {
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

// Members of the report that are known before the first chunk.
nlohmann::ordered_json about_run(const Plan& plan, const std::string& name,
                                 const RunArguments& args, const std::vector<OutputSpec>& outputs,
                                 const Provenance& provenance) {
  Json asked = Json::array();
  for (const OutputSpec& output : outputs) {
    asked.push_back(
        {{"file", output.file}, {"format", output.format}, {"options", output.options}});
  }
  const ChunkShape& shape = plan.chunk_shape();
  Json out = versions_json();
  out.update(Json{{"document", without_secrets(name)},
                  {"folder", provenance.folder},
                  {"graph", Json::parse(provenance.graph)},
                  {"options",
                   {{"threads", plan.threads()},
                    {"memory_bytes", plan.options().memory_bytes},
                    {"chunk", {shape.t, shape.y, shape.x}},
                    {"keep_going", args.keep_going},
                    {"overwrite", args.overwrite},
                    {"append", args.append},
                    {"resume", args.resume},
                    {"outputs", asked}}}});
  if (outputs[0].part) out["options"]["part"] = to_text(*outputs[0].part);
  for (const auto& [key, value] : provenance.about) {
    if (key == "inputs") out[key] = Json::parse(value);
  }
  return out;
}

// Says what is left of a run that made no output; gives the exit status and what was told.
int ending(const Report& report, const std::string& kept, const StopSignals& signals,
           std::string& error) {
  if (report.cancelled) {
    error = stopped_text(signals.pending(), kept.empty() ? kNothingMade : kept);
    std::cerr << "cube: error: " << error << '\n';
    return kStopped + signals.pending();
  }
  if (!kept.empty()) std::cerr << "cube: " << kept << '\n';
  return report.ok() ? kDone : kSomeFailed;
}

// --stats and --stats-svg; false where they cannot be written, which is told.
bool write_statistics(const RunArguments& args, const Plan& plan, const Report& report,
                      const std::string& title) {
  try {
    if (!args.stats.empty()) write_stats(args.stats, report, plan.info().time, network_use());
    if (!args.stats_svg.empty()) {
      const Picture picture = run_picture(plan.graph(), report, title);
      write_text(args.stats_svg, to_svg(picture), kPicture);
    }
  } catch (const std::exception& error) {
    std::cerr << "cube: error: " << failure_text(error) << '\n';
    return false;
  }
  return true;
}

}  // namespace

void keep_blocks(const Plan& plan, BlockCache& blocks) {
  const std::int64_t bytes = kept_block_bytes(plan);
  GDALSetCacheMax64(bytes / 2);
  blocks.resize(bytes / 2);
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
  command
      .add_option("--part", part,
                  "Compute a part of the chunks only: 0/8 to 7/8, or env for what the launcher of "
                  "the process says (of Slurm, MPI, Kubernetes, AWS Batch; env/8 where it does not "
                  "say of how many). A part that was killed goes on when it is run again; 'cube "
                  "finish' makes the output when all are done")
      ->type_name("I/N");
  command.add_flag(
      "--keep-going", keep_going,
      "Go on after a chunk that cannot be computed; its cells are missing and the exit "
      "status is 1. An output that cannot be written ends the run all the same");
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
      .add_option("--report", report,
                  "Write what the run was made from, what became of it and where the time went as "
                  "JSON, see README; also when it fails or is stopped; - is standard output")
      ->type_name("FILE");
  command
      .add_option("--stats", stats,
                  "Write of this what was measured and what went wrong; - is standard output")
      ->type_name("FILE");
  command
      .add_option("--stats-svg", stats_svg,
                  "Draw the graph with the time that went to each node; - is standard output")
      ->type_name("FILE");
  command.add_flag("-q,--quiet", quiet, "Print nothing but errors");
  command.add_flag("-v,--verbose", verbose, "Print where the time went, by node");
}

namespace {

// What differs from the run that is repeated, if it is one.
void print_differences(const RunArguments& args, const RunIdentity& inputs) {
  if (!args.again || args.quiet) return;
  const std::string version = other_version(*args.again);
  if (!version.empty()) std::cerr << "cube: note: " << version << '\n';
  const std::string change = changed_since(*args.again, inputs);
  if (!change.empty()) std::cerr << "cube: warning: " << change << '\n';
}

int run_watched(const Document& document, const std::string& name, const RunArguments& args,
                const Resources& resources, const Program& program, StopSignals& signals,
                RunReport& told) {
  ChunkCount count;
  const StopDeadline deadline(signals, [&](int signal) { leave_at_once(signal, count, told); });
  const std::optional<Part> part = wanted_part(args.part, args.quiet);
  const std::vector<OutputSpec> outputs = wanted_outputs(args, document, name, part);
  check_text_place(args.stats, kStatistics);
  check_text_place(args.stats_svg, kPicture);
  Graph graph = compile(document, program.registry, resources);
  if (graph.reads_remote()) signals.close_connections();
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.reserve(outputs.size());
  for (const OutputSpec& output : outputs) sinks.push_back(make_sink(output, graph.info()));
  const std::string canonical = graph_without_secrets(document, program.registry);
  PlanOptions options = with_sinks(args.plan.options(graph), sinks);
  const auto begun = part ? parts_of(outputs[0].file) : std::nullopt;
  if (begun) {
    check_chunk_asked_for(args.plan.chunk, options, *begun);
    options.fixed_chunk = begun->tiling;
  }
  Plan plan(std::move(graph), options);
  if (!args.quiet) {
    print_notes(plan.graph(), document);
    print_notes(plan, args);
  }
  if (const auto note = args.quiet ? std::nullopt : block_reads_note(plan)) print_note(*note);
  keep_blocks(plan, *program.blocks);
  const RunIdentity inputs = inputs_of(document, canonical, plan.graph());
  print_differences(args, inputs);
  const Provenance provenance = provenance_of(document, canonical, plan.graph(), inputs);
  if (told.wanted()) {
    told.about(about_run(plan, name, args, outputs, provenance), provenance.sources,
               plan.info().time);
  }
  const RunIdentity identity = identity_of(document, canonical, plan.graph());
  const std::optional<Range> chunks =
      agreed_chunks(sinks, outputs, document, canonical, identity, plan);
  Report report;
  try {
    report =
        run_plan(plan, args, resources, sinks, provenance, identity, chunks, signals, count, told);
  } catch (const std::exception& error) {
    if (!count.begun) throw;  // an output was refused
    // One could not be finished.
    const std::string kept = kept_text(sinks, count);
    std::cerr << "cube: error: " << failure_text(error) << '\n';
    if (!kept.empty()) std::cerr << "cube: " << kept << '\n';
    told.end(kSomeFailed, failure_text(error));
    return kSomeFailed;
  }
  told.ran(report, network_use());
  const bool measured = write_statistics(args, plan, report, title_of(document, name));
  print_report(report, args.quiet     ? Detail::kErrors
                       : args.verbose ? Detail::kNodes
                                      : Detail::kFiles);
  std::string error;
  int status = ending(report, kept_text(sinks, count), signals, error);
  if (status == kDone && !measured) status = kSomeFailed;
  if (part && !report.cancelled && !args.quiet) print_part_done(outputs, report);
  told.end(status, error);
  return status;
}

}  // namespace

int run_document(const Document& document, const std::string& name, const RunArguments& args,
                 const Resources& resources, const Program& program) {
  StopSignals signals;  // before any thread, which would be ended by them
  RunReport told(args.report);
  const std::jthread drivers(register_gdal);  // 2 ms, which compiling does not need
  const std::function<bool()> asked = [&] { return signals.pending() != 0; };
  const StopAsked stop(asked);
  if (is_remote(json_of(document).dump())) signals.close_connections();
  try {
    return run_watched(document, name, args, resources, program, signals, told);
  } catch (const Error& error) {
    if (!asked()) {
      told.end(kRejected, error.what());
      throw;
    }
    // What was waited for was given up.
    const std::string text = stopped_text(signals.pending(), kNothingMade);
    std::cerr << "cube: error: " << text << '\n';
    told.end(kStopped + signals.pending(), text);
    return kStopped + signals.pending();
  } catch (const std::exception& error) {
    told.end(kRejected, error.what());
    throw;
  }
}

}  // namespace cube
