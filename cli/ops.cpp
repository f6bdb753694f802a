#include <iostream>

#include "cli/commands.h"
#include "cli/common.h"
#include "engine/error.h"
#include "engine/text.h"
#include "graphs/document.h"

namespace cube {

namespace {

struct OpsArguments {
  std::string name;
  bool json = false;
  bool markdown = false;
};

// The registry, or only the operator that is asked for.
Registry chosen(const Registry& registry, const std::string& name) {
  if (name.empty()) return registry;
  Registry one;
  const OperatorType* type = registry.find(name);
  if (!type) {
    std::vector<std::string> known;
    for (const OperatorType& each : registry.types()) known.push_back(each.id);
    throw Error(ErrorCode::kNotFound, "there is no operator '" + name + "'", "cube ops",
                suggest(known, name));
  }
  one.add(*type);
  return one;
}

void print_operators(const OpsArguments& arguments, const Registry& all) {
  const Registry registry = chosen(all, arguments.name);
  if (arguments.json) {
    std::cout << operators_json(registry);
  } else if (arguments.markdown) {
    std::cout << operators_markdown(registry);
  } else if (arguments.name.empty()) {
    std::cout << operators_text(registry);
  } else {
    std::cout << operator_text(registry.types().front());
  }
}

}  // namespace

void add_ops(CLI::App& app, Program& program) {
  CLI::App* command = app.add_subcommand("ops", "List operators, or explain one");
  const auto arguments = std::make_shared<OpsArguments>();
  add_operand(*command, "NAME", arguments->name,
              "Operator to explain: its parameters, inputs and an example")
      ->required(false);
  CLI::Option* json = command->add_flag("--json", arguments->json, "As JSON, for programs");
  command->add_flag("--markdown", arguments->markdown, "As a Markdown table")->excludes(json);
  command->footer("Examples:\n  cube ops\n  cube ops reduce_time");
  command->callback([arguments, &program] { print_operators(*arguments, program.registry); });
}

}  // namespace cube
