// cube run: computes a graph and writes its result.
#include "cli/run_graph.h"

namespace cube {

void add_run(CLI::App& app, Program& program) {
  auto graph = std::make_shared<GraphArguments>();
  auto args = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run", "Compute a graph and write its result");
  graph->add_to(*command);
  args->add_to(*command);
  command->footer(
      "Exit status: 0 done; 1 some chunk or image failed; 2 rejected before any work;\n"
      "128 + signal when stopped, with no output (130 by Ctrl-C, 143 by kill).\n\n"
      "Examples:\n"
      "  cube run ndvi.json -o ndvi.tif -o ndvi.png --threads 4\n"
      "  cube run monthly.json -o 'ndvi_{t}.tif' --format COG --co COMPRESS=ZSTD\n"
      "  cube run graph.json --set year=2022 -o ndvi.nc --overwrite");
  command->callback([graph, args, &program] {
    program.status =
        run_document(graph->load(), graph->graph, *args, graph->resources(program), program);
  });
}

}  // namespace cube
