#include <iostream>

#include "cli/common.h"

namespace cube {

namespace {

void check_graph(const GraphArguments& arguments, const Program& program) {
  const Document document = arguments.load();
  const Graph graph = compile(document, program.registry, arguments.resources(program));
  static_cast<void>(document.outputs());  // throws when they are wrong
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
