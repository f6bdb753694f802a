// Shorthand: a command that makes a graph of its arguments and runs it, such as `cube calc`. What
// it makes can be saved, to learn from and to go on with.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/run_graph.h"

namespace cube {

struct Shorthand {
  // Which argument of the command a place in the graph was made of: {"/in_cube/files", "FILE"}.
  using Places = std::vector<std::pair<std::string, std::string>>;

  std::string name;  // of the command: "cube calc"
  RunArguments run;
  std::string save;  // file for the graph; "" = not wanted

  void add_to(CLI::App& command);

  // Saves the graph where that is asked for, and runs it into the outputs, if any; gives the exit
  // status. Paths in `node` are relative to the working directory. Errors name the argument
  // instead of the place in the graph.
  int finish(const nlohmann::json& node, const Places& places, const Program& program) const;
};

// Ends the declaration of a command that is only this: options that all of them have, --unpack
// among them, and a footer. `Arguments` has `shorthand` and `unpack`, of which graph_of() makes the
// node.
template <class Arguments>
void complete(CLI::App& command, const std::shared_ptr<Arguments>& args,
              nlohmann::json (*graph_of)(const Arguments&), const Shorthand::Places& places,
              const std::string& footer, Program& program) {
  command.add_flag("--unpack", args->unpack, "Apply the scale and offset that files state");
  args->shorthand.add_to(command);
  command.footer(footer);
  command.callback([args, graph_of, &places, &program] {
    program.status = args->shorthand.finish(graph_of(*args), places, program);
  });
}

}  // namespace cube
