#include "cli/completion.h"

#include <algorithm>

#include "engine/text.h"

namespace cube {

namespace {

// The first clause of a help text.
std::string brief(const std::string& help) {
  return help.substr(0, std::min(help.find("; "), help.find(". ")));
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// As one word of bash and zsh.
std::string in_quotes(const std::string& text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

std::vector<std::string> words_of(const std::vector<CommandText>& commands) {
  std::vector<std::string> out;
  for (const CommandText& command : commands) out.push_back(command.word());
  return out;
}

std::vector<std::string> names_of(const std::vector<OptionText>& options) {
  std::vector<std::string> out;
  for (const OptionText& option : options) {
    out.insert(out.end(), option.names.begin(), option.names.end());
  }
  return out;
}

// '"cube run"|"cube calc"', the commands below the program.
std::string patterns(const CommandText& program) {
  std::vector<std::string> names;
  for (const CommandText* command : all_commands(program)) {
    if (command != &program) names.push_back("\"" + command->name + "\"");
  }
  return join(names, "|");
}

std::vector<std::string> operand_words(const CommandText& command, const KnownValues& values) {
  if (!command.commands.empty()) return words_of(command.commands);
  return command.operands.empty() ? std::vector<std::string>()
                                  : values(command, command.operands.front());
}

// A pattern of `case` for each option that takes a value: the words that may follow, or files.
std::string bash_values(const CommandText& command, const KnownValues& values) {
  std::string out;
  for (const OptionText& option : command.options) {
    if (option.value.empty()) continue;
    std::vector<std::string> before;
    for (const std::string& name : option.names)
      before.push_back("\"" + command.name + " " + name + "\"");
    const std::string known = join(values(command, option), " ");
    out += "    " + join(before, "|") + ") " +
           (known.empty() ? "return"
                          : "COMPREPLY=($(compgen -W \"" + known + "\" -- \"$cur\")); return") +
           " ;;\n";
  }
  return out;
}

// As a text in brackets of _arguments.
std::string zsh_text(std::string text) {
  for (const char* special : {"\\", "[", "]", ":"})
    text = replaced(text, special, std::string("\\") + special);
  return text;
}

std::string zsh_action(const CommandText& command, const OptionText& option,
                       const KnownValues& values) {
  const std::string known = join(values(command, option), " ");
  return known.empty() ? "_files" : "(" + known + ")";
}

std::string zsh_function(const CommandText& command) {
  return "_" + replaced(command.name, " ", "_");
}

std::string zsh_arguments(const CommandText& command, const KnownValues& values) {
  std::string out = "  _arguments -s";
  for (const OptionText& option : command.options) {
    for (const std::string& name : option.names) {
      std::string spec = (option.many ? "*" : "") + name + "[" + zsh_text(brief(option.help)) + "]";
      if (!option.value.empty()) {
        spec += ":" + zsh_text(option.value) + ":" + zsh_action(command, option, values);
      }
      out += " \\\n    " + in_quotes(spec);
    }
  }
  for (std::size_t i = 0; i < command.operands.size(); ++i) {
    const OptionText& operand = command.operands[i];
    const std::string place = operand.many ? "*" : std::to_string(i + 1);
    out += " \\\n    " + in_quotes(place + ":" + zsh_text(operand.names.front()) + ":" +
                                   zsh_action(command, operand, values));
  }
  return out + "\n";
}

// Of a command with commands: names them, or leaves the rest of the line to one of them.
std::string zsh_dispatch(const CommandText& command) {
  std::string out = "  if (( CURRENT == 2 )); then\n    local -a commands=(\n";
  for (const CommandText& each : command.commands) {
    out += "      " + in_quotes(each.word() + ":" + brief(each.summary)) + "\n";
  }
  out += "    )\n    _describe command commands\n    return\n  fi\n";
  out += "  shift words\n  (( CURRENT-- ))\n  case $words[1] in\n";
  for (const CommandText& each : command.commands) {
    out += "    " + each.word() + ") " + zsh_function(each) + " ;;\n";
  }
  return out + "  esac\n";
}

// As a text in quotes of fish.
std::string fish_text(const std::string& text) {
  return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_option(const CommandText& command, const OptionText& option,
                        const KnownValues& values) {
  std::string out = "complete -c cube -n " + fish_text("__cube_is " + command.name);
  for (const std::string& name : option.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.value.empty()) {
    const std::string known = join(values(command, option), " ");
    out += known.empty() ? " -r -F" : " -x -a " + fish_text(known);
  }
  return out + " -d " + fish_text(brief(option.help)) + "\n";
}

std::string fish_command(const CommandText& command, const KnownValues& values) {
  const std::string here = "complete -c cube -n " + fish_text("__cube_is " + command.name);
  std::string out;
  for (const CommandText& each : command.commands) {
    out += here + " -f -a " + each.word() + " -d " + fish_text(brief(each.summary)) + "\n";
  }
  for (const OptionText& option : command.options) out += fish_option(command, option, values);
  if (command.commands.empty() && !command.operands.empty()) {
    const std::string known = join(operand_words(command, values), " ");
    if (!known.empty()) out += here + " -f -a " + fish_text(known) + "\n";
  }
  return out;
}

}  // namespace

std::string bash_completion(const CommandText& program, const KnownValues& values) {
  std::string out =
      "# Completion of cube for bash: source <(cube completion bash)\n"
      "_cube() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=cube word\n"
      "  if [ \"$cur\" = = ]; then cur=\n"
      "  elif [ \"$prev\" = = ] && [ \"$COMP_CWORD\" -gt 2 ]; then "
      "prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$command $word\" in\n"
      "      " +
      patterns(program) +
      ") command=\"$command $word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$command $prev\" in\n";
  for (const CommandText* command : all_commands(program)) out += bash_values(*command, values);
  out += "  esac\n  local options= operands=\n  case $command in\n";
  for (const CommandText* command : all_commands(program)) {
    out += "    \"" + command->name +
           "\") options=" + in_quotes(join(names_of(command->options), " ")) +
           " operands=" + in_quotes(join(operand_words(*command, values), " ")) + " ;;\n";
  }
  out +=
      "  esac\n"
      "  case $cur in\n"
      "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")) ;;\n"
      "    *) COMPREPLY=($(compgen -W \"$operands\" -- \"$cur\")) ;;\n"
      "  esac\n"
      "}\n"
      "complete -o bashdefault -o default -F _cube cube\n";
  return out;
}

std::string zsh_completion(const CommandText& program, const KnownValues& values) {
  std::string out = "#compdef cube\n# Completion of cube for zsh: source <(cube completion zsh)\n";
  for (const CommandText* command : all_commands(program)) {
    out += zsh_function(*command) + "() {\n";
    out += command->commands.empty() ? zsh_arguments(*command, values) : zsh_dispatch(*command);
    out += "}\n";
  }
  // As a file of its own the shell calls it by this name; read by `source` it declares itself.
  return out + "if [ \"$funcstack[1]\" = _cube ]; then _cube \"$@\"; else compdef _cube cube; fi\n";
}

std::string fish_completion(const CommandText& program, const KnownValues& values) {
  std::string names;
  for (const CommandText* command : all_commands(program)) names += " " + fish_text(command->name);
  std::string out =
      "# Completion of cube for fish: cube completion fish | source\n"
      "function __cube_is --description 'Whether the line is about this command'\n"
      "  set -l command cube\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    contains -- \"$command $word\"" +
      names +
      "; and set command \"$command $word\"\n"
      "  end\n"
      "  test \"$command\" = \"$argv\"\n"
      "end\n";
  for (const CommandText* command : all_commands(program)) out += fish_command(*command, values);
  return out;
}

}  // namespace cube
