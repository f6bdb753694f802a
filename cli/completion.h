// Scripts by which shells complete the command line, made from the definitions of the commands.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command_text.h"

namespace cube {

// What may follow `option` (a long name), or stand for the operand of that name; {} = the names of
// files, or what nobody knows.
using KnownValues =
    std::function<std::vector<std::string>(const CommandText& command, const OptionText& option)>;

// One function a shell. Each gives a whole script, for the shell to read as it stands.
std::string bash_completion(const CommandText& program, const KnownValues& values);
std::string zsh_completion(const CommandText& program, const KnownValues& values);
std::string fish_completion(const CommandText& program, const KnownValues& values);

}  // namespace cube
