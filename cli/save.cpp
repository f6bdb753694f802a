#include <iostream>

#include "cli/common.h"
#include "cli/recorded_run.h"
#include "cli/save_document.h"
#include "engine/error.h"

namespace cube {

namespace {

struct SaveArguments {
  GraphArguments graph;
  std::string output;
  bool overwrite = false;
};

// The graph that an output carries; what it reads may have gone since.
void save_recorded(const RecordedRun& run, const SaveArguments& args, const Program& program) {
  const Document document = run.document.with_parameters(parse_pairs(args.graph.sets, "--set"));
  try {
    check_secrets(run);
    compile(document, program.registry, args.graph.resources(program));
  } catch (const Error& error) {
    std::cerr << "cube: warning: the graph cannot be run as it is: "
              << Error(error.code(), error.message(), error.where()).what() << '\n';
  }
  write_document(document, args.output, args.overwrite, program);
}

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
      "An output gives the graph that made it, also where what it read is gone.\n\n"
      "Examples:\n  cube save graph.json -o virtual.json --set year=2022\n"
      "  cube save ndvi.tif -o graph.json");
  command->callback([arguments, &program] {
    if (const auto recorded = recorded_run(arguments->graph.graph)) {
      return save_recorded(*recorded, *arguments, program);
    }
    save_document(arguments->graph.load(), arguments->output, arguments->overwrite,
                  arguments->graph.resources(program), program);
  });
}

}  // namespace cube
