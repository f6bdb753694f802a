#include "cli/shorthand.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/save_document.h"
#include "engine/error.h"

namespace cube {

void Shorthand::add_to(CLI::App& command) {
  name = "cube " + command.get_name();
  run.add_to(command);
  command
      .add_option("--save", save,
                  "Write the graph that this command stands for; - is standard output. Without -o "
                  "nothing is run")
      ->type_name("FILE");
}

int Shorthand::finish(const nlohmann::json& node, const Places& places,
                      const Program& program) const {
  if (run.files.empty() && save.empty()) {
    throw Error(ErrorCode::kInvalid, "nothing says where the result goes", name,
                "give -o FILE, or --save FILE for the graph");
  }
  try {
    const Document document =
        Document::parse(node.dump(), std::filesystem::current_path()).with_parameters({});
    if (!save.empty()) {
      save_document(document, save, run.overwrite, program.resources, program);
      if (run.files.empty()) return kDone;
    }
    return run_document(document, name, run, program.resources, program);
  } catch (const Error& error) {
    for (const auto& [place, argument] : places) {
      if (!error.where().starts_with(place)) continue;
      throw Error(error.code(), error.message(), argument, error.hint());
    }
    throw;
  }
}

}  // namespace cube
