#include <iostream>

#include "cli/commands.h"
#include "graphs/document.h"

namespace cube {

void add_schema(CLI::App& app, Program& program) {
  CLI::App* command = app.add_subcommand("schema", "Print the JSON Schema of graph documents");
  command->footer(
      "An editor that is given the schema completes and checks graphs while you write them:\n"
      "  cube schema > cube.schema.json\n"
      "and put \"$schema\": \"cube.schema.json\" first in the graph.");
  command->callback([&program] { std::cout << schema_text(program.registry); });
}

}  // namespace cube
