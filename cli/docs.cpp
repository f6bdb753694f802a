// cube man, cube completion: what is made from the definitions of the commands.
#include <algorithm>
#include <array>
#include <iostream>

#include "catalog/formats.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/completion.h"
#include "cli/man_page.h"
#include "cube/version.h"
#include "engine/dtype.h"
#include "engine/image_reader.h"
#include "engine/registry.h"
#include "engine/sink.h"

namespace cube {

namespace {

using Names = std::vector<std::string>;

struct Shell {
  const char* name;
  std::string (*script)(const CommandText& program, const KnownValues& values);
};
constexpr std::array kShells = {Shell{"bash", bash_completion}, Shell{"fish", fish_completion},
                                Shell{"zsh", zsh_completion}};

Names shell_names() {
  Names out;
  for (const Shell& shell : kShells) out.emplace_back(shell.name);
  return out;
}

Names output_format_names() {
  Names out;
  for (const auto& [name, help] : output_formats()) out.push_back(name);
  return out;
}

Names collection_format_names() {
  Names out;
  for (const PresetFormat& format : preset_formats()) out.push_back(format.id);
  return out;
}

Names operator_names(const Registry& registry) {
  Names out;
  for (const OperatorType& type : registry.types()) out.push_back(type.id);
  return out;
}

// By what the option takes, as --help names it.
Names known_values(const CommandText& command, const OptionText& option, const Registry& registry) {
  const bool catalog = command.name.starts_with("cube catalog");
  const std::string& name = option.names.back();
  if (option.value == "MODE") return {"auto", "json", "none"};
  if (option.value == "METHOD") return resampling_names();
  if (option.value == "TYPE") return {dtype_names().begin(), dtype_names().end()};
  if (name == "--format" || command.name == "cube catalog formats") {
    return catalog ? collection_format_names() : output_format_names();
  }
  if (name == "SHELL") return shell_names();
  if (command.name == "cube ops") return operator_names(registry);
  return {};
}

}  // namespace

void add_docs(CLI::App& app, Program& program) {
  CLI::App* man = app.add_subcommand("man", "Print the man page, in roff");
  man->footer("Examples:\n  cube man | man -l -\n  cube man > ~/.local/share/man/man1/cube.1");
  man->callback([&app] { std::cout << man_page(command_text(app), CUBE_VERSION); });

  CLI::App* command = app.add_subcommand(
      "completion", "Print a script by which a shell completes the command line");
  const auto shell = std::make_shared<std::string>();
  add_operand(*command, "SHELL", *shell, "bash, zsh or fish")
      ->check(CLI::IsMember(shell_names()).description(""));
  command->footer(
      "Examples:\n"
      "  source <(cube completion bash)             # in ~/.bashrc; the same for zsh\n"
      "  cube completion fish | source              # in ~/.config/fish/config.fish");
  command->callback([shell, &app, &program] {
    const CommandText text = command_text(app);
    const KnownValues values = [&](const CommandText& of, const OptionText& option) {
      return known_values(of, option, program.registry);
    };
    const auto* chosen = std::ranges::find(kShells, *shell, &Shell::name);
    std::cout << chosen->script(text, values);  // one of them, as was checked
  });
}

}  // namespace cube
