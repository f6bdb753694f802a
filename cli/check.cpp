#include <iostream>

#include "cli/common.h"
#include "engine/error.h"
#include "engine/sink.h"
#include "engine/text.h"

namespace cube {

namespace {

void check_outputs(const std::vector<OutputSpec>& outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    try {
      check_format(outputs[i]);
    } catch (const Error& error) {
      throw error.within("/outputs" + pointer_step(i) + ": ");
    }
  }
}

void check_graph(const GraphArguments& arguments, const Program& program) {
  const Document document = arguments.load();
  const Graph graph = compile(document, program.registry, arguments.resources(program));
  check_outputs(document.outputs());
  std::cout << describe(graph.info()) << "ok\n";
  print_notes(graph, document);
}

}  // namespace

void add_check(CLI::App& app, Program& program) {
  CLI::App* command = app.add_subcommand(
      "check", "Check everything about a graph that can be checked without reading pixels");
  const auto arguments = std::make_shared<GraphArguments>();
  arguments->add_to(*command);
  command->footer(
      "Prints what the result would be: its bands, grid and time axis, and \"ok\".\n"
      "Otherwise the exit status is 2 and the message names the place in the document.\n\n"
      "Example:\n  cube check ndvi.json --set year=2022");
  command->callback([arguments, &program] { check_graph(*arguments, program); });
}

}  // namespace cube
