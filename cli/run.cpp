// cube run: computes a graph and writes its result.
#include "cli/run_graph.h"
#include "cli/run_report.h"
#include "engine/error.h"

namespace cube {

namespace {

int run_graph(const GraphArguments& graph, RunArguments args, const Program& program) {
  std::optional<Document> document;
  try {
    args.again = recorded_run(graph.graph);
    document = graph.load(args.again);
  } catch (const Error& error) {
    RunReport(args.report).end(kRejected, error.what());
    throw;
  }
  return run_document(*document, graph.graph, args, graph.resources(program), program);
}

}  // namespace

void add_run(CLI::App& app, Program& program) {
  auto graph = std::make_shared<GraphArguments>();
  auto args = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run", "Compute a graph and write its result");
  graph->add_to(*command);
  args->add_to(*command);
  command->footer(
      "GRAPH may be an output (GeoTIFF, netCDF, Zarr, GeoPackage, GeoJSON): the run that made it\n"
      "is repeated, into the same file (--overwrite) or -o, in the same format with the same\n"
      "creation options unless others are given. Relative paths of the graph start from the "
      "folder\n"
      "that it lay in, as seen from the output, else from that folder by its full name.\n\n"
      "Exit status: 0 done; 1 some chunk or image failed; 2 rejected before any work;\n"
      "128 + signal when stopped, with no output (130 by Ctrl-C, 143 by kill).\n\n"
      "Examples:\n"
      "  cube run ndvi.json -o ndvi.tif -o ndvi.png --threads 4\n"
      "  cube run monthly.json -o 'ndvi_{t}.tif' --format COG --co COMPRESS=ZSTD\n"
      "  cube run graph.json --set year=2022 -o ndvi.nc --overwrite --report run.json\n"
      "  cube run ndvi.tif -o again.tif");
  command->callback(
      [graph, args, &program] { program.status = run_graph(*graph, *args, program); });
}

}  // namespace cube
