#include "cli/common.h"
#include "cli/save_document.h"

namespace cube {

namespace {

struct SaveArguments {
  GraphArguments graph;
  std::string output;
  bool overwrite = false;
};

}  // namespace

void add_save(CLI::App& app, Program& program) {
  CLI::App* command =
      app.add_subcommand("save", "Write a graph in its canonical form: a saved virtual cube");
  const auto arguments = std::make_shared<SaveArguments>();
  arguments->graph.add_to(*command);
  command->add_option("-o,--output", arguments->output, "File to write; - is standard output")
      ->type_name("FILE")
      ->required();
  command->add_flag("--overwrite", arguments->overwrite, "Replace an existing file");
  command->footer(
      "Parameters are replaced, defaults filled in and paths made relative to the new file.\n"
      "Use it elsewhere as {\"cube_type\": \"saved\", \"file\": FILE}. Saving what was saved gives "
      "the same bytes.\n\n"
      "Example:\n  cube save graph.json -o virtual.json --set year=2022");
  command->callback([arguments, &program] {
    save_document(arguments->graph.load(), arguments->output, arguments->overwrite,
                  arguments->graph.resources(program), program);
  });
}

}  // namespace cube
