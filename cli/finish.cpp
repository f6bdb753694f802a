// cube finish: makes an output of the parts that runs with --part have left.
#include <iostream>

#include "api/identity.h"
#include "api/provenance.h"
#include "cli/common.h"
#include "cli/run_report.h"
#include "engine/error.h"
#include "engine/parts.h"
#include "engine/run.h"
#include "engine/stopwatch.h"
#include "graphs/document_json.h"

namespace cube {

namespace {

struct FinishArguments {
  std::vector<std::string> files;
  GraphArguments graph;  // where the one that the parts carry cannot be used
  std::string report;
  bool vrt = false;
  bool overwrite = false;
  bool quiet = false;
};

// One output whose parts are looked at.
struct Output {
  Document document;
  std::string canonical;
  Graph graph;
  std::unique_ptr<FinishedParts> parts;
};

// The graph as the parts were given it.
Document document_of(const PartsPlan& parts, const std::string& file, const FinishArguments& args) {
  if (!args.graph.graph.empty()) return args.graph.load();
  Document document = Document::parse(parts.graph, parts.folder, file);
  const std::string place = place_of_secret(json_of(document));
  if (place.empty()) return document;
  throw Error(ErrorCode::kInvalid,
              "the URL has lost what stood at \"...\" (a signature, key or password), which parts "
              "do not keep",
              file + "#" + place, "--graph GRAPH gives the graph once more");
}

Output output_of(const std::string& file, const FinishArguments& args, const Program& program) {
  std::string name = file;
  while (name.size() > 1 && name.back() == '/') name.pop_back();  // "out.zarr/"
  std::optional<PartsPlan> parts = parts_of(name);
  if (!parts) {
    throw Error(ErrorCode::kNotFound, "there are no parts of it", file,
                "cube run GRAPH -o " + file + " --part 0/8 makes the first of 8");
  }
  const Document document = document_of(*parts, name, args);
  Graph graph = compile(document, program.registry, args.graph.resources(program));
  std::string canonical = graph_without_secrets(document, program.registry);
  parts->output.file = name;  // the folder may be seen from elsewhere
  parts->output.overwrite = args.overwrite;
  auto finished = make_finished_parts(*parts, graph.info());
  if (args.vrt) finished->set_mosaic();
  finished->claim(identity_of(document, canonical, graph));
  return {document, std::move(canonical), std::move(graph), std::move(finished)};
}

// What has become of the parts of all outputs; a chunk that failed has failed for all of them.
Report report_of(const std::vector<Output>& outputs) {
  Report report;
  for (const Output& output : outputs) {
    report.chunks = report.chunks_done = output.parts->chunks();
    report.skipped = output.parts->skipped();
    report.failures = output.parts->failed();
  }
  report.chunks_done -= static_cast<std::int64_t>(report.failures.size());
  return report;
}

void check_one_run(const std::vector<std::string>& files, const std::vector<Output>& outputs) {
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    if (outputs[i].canonical == outputs[0].canonical) continue;
    throw Error(ErrorCode::kInvalid,
                files[0] + " and " + files[i] + " are results of different graphs", "--report",
                "a report tells of one: finish them one by one");
  }
}

int finish(const FinishArguments& args, const Program& program, RunReport& told) {
  const Stopwatch start;
  std::vector<Output> outputs;
  outputs.reserve(args.files.size());  // graphs are referred to
  for (const std::string& file : args.files) outputs.push_back(output_of(file, args, program));
  if (told.wanted()) check_one_run(args.files, outputs);
  Report report = report_of(outputs);
  try {
    for (const Output& output : outputs) {
      const RunIdentity inputs = inputs_of(output.document, output.canonical, output.graph);
      const Provenance provenance =
          provenance_of(output.document, output.canonical, output.graph, inputs);
      if (told.wanted()) told.about(versions_json(), provenance.sources, output.graph.info().time);
      output.parts->complete(provenance);
    }
    for (const Output& output : outputs) {
      for (std::string& file : output.parts->finish()) report.outputs.push_back(std::move(file));
    }
  } catch (const Error& error) {
    std::cerr << "cube: error: " << error.what() << "\ncube: the parts are kept\n";
    told.end(kSomeFailed, error.what());
    return kSomeFailed;
  }
  report.seconds = start.seconds();
  told.ran(report, network_use());
  print_report(report, args.quiet ? Detail::kErrors : Detail::kFiles);
  const int status = report.ok() ? kDone : kSomeFailed;
  told.end(status, "");
  return status;
}

}  // namespace

void add_finish(CLI::App& app, Program& program) {
  auto args = std::make_shared<FinishArguments>();
  CLI::App* command =
      app.add_subcommand("finish", "Make an output of the parts that 'cube run --part' has made");
  command->add_option("OUTPUT", args->files, "The outputs, as they were given to -o")
      ->required()
      ->type_name("");
  command->add_flag("--vrt", args->vrt,
                    "Of a GeoTIFF or COG OUT.tif make OUT.vrt over a file of each part, in "
                    "OUT.parts, instead of one file");
  command
      ->add_option("--graph", args->graph.graph,
                   "The graph once more, where it has URLs with signatures or passwords")
      ->type_name("FILE");
  args->graph.add_options_to(*command);
  command->add_flag("--overwrite", args->overwrite, "Replace existing outputs");
  command
      ->add_option("--report", args->report,
                   "Write what became of all parts as JSON, as 'cube run' does")
      ->type_name("FILE");
  command->add_flag("-q,--quiet", args->quiet, "Print nothing but errors");
  command->footer(
      "The output is that of one run without parts. Nothing is computed: cells are moved as they\n"
      "are stored (the overviews of a COG are made now). Where chunks are missing, the parts that\n"
      "have to be run are named, and nothing is changed.\n\n"
      "Exit status: 0 done; 1 some chunk or image failed in some part, or the output cannot be\n"
      "written; 2 chunks are missing, parts are at work or something has changed since.\n\n"
      "Examples:\n"
      "  for i in 0 1 2 3; do cube run g.json -o out.zarr --part $i/4 & done; wait\n"
      "  cube finish out.zarr");
  command->callback([args, &program] {
    RunReport told(args->report);
    try {
      program.status = finish(*args, program, told);
    } catch (const Error& error) {
      told.end(kRejected, error.what());
      throw;
    }
  });
}

}  // namespace cube
