// CommandText: the commands of the program as data, for what is generated from them: the man page
// and what shells complete.
// Thread rule: values.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace cube {

struct OptionText {
  std::vector<std::string> names;  // "-o", "--output"; of an operand "GRAPH"
  std::string value;               // what it takes, "FILE"; "" = nothing, or it is an operand
  std::string help;
  bool many = false;  // may be given several times
  bool required = false;
};

struct CommandText {
  std::string name;  // with those it belongs to: "cube catalog create"
  std::string summary;
  std::vector<OptionText> operands;
  std::vector<OptionText> options;
  std::string more;  // paragraphs below the options, with their line breaks
  std::vector<CommandText> commands;

  // The last word of the name.
  std::string word() const { return name.substr(name.rfind(' ') + 1); }
};

// Reads the definitions of a command and of those below it.
CommandText command_text(const CLI::App& app);

// The command and all below it, in the order of --help.
std::vector<const CommandText*> all_commands(const CommandText& command);

}  // namespace cube
