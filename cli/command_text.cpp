#include "cli/command_text.h"

#include "cli/usage.h"

namespace cube {

namespace {

OptionText option_text(const CLI::Option& option) {
  OptionText out;
  out.help = option.get_description();
  out.required = option.get_required();
  const bool takes = option.get_items_expected_max() > 0;
  out.many = takes && option.get_items_expected_max() > 1;
  if (option.get_positional()) {
    out.names.push_back(option.get_name(true));
    return out;
  }
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  if (takes) out.value = option.get_type_name();
  return out;
}

void add_commands(const CommandText& command, std::vector<const CommandText*>& out) {
  out.push_back(&command);
  for (const CommandText& each : command.commands) add_commands(each, out);
}

}  // namespace

CommandText command_text(const CLI::App& app) {
  CommandText out;
  out.name = full_name(app);
  out.summary = app.get_description();
  out.more = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    (option->get_positional() ? out.operands : out.options).push_back(option_text(*option));
  }
  for (const CLI::App* each : app.get_subcommands({})) out.commands.push_back(command_text(*each));
  return out;
}

std::vector<const CommandText*> all_commands(const CommandText& command) {
  std::vector<const CommandText*> out;
  add_commands(command, out);
  return out;
}

}  // namespace cube
