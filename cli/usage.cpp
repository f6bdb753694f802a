#include "cli/usage.h"

#include <sstream>
#include <vector>

#include "engine/text.h"

namespace cube {

namespace {

// The subcommand that the command line was about, the program itself when there is none.
const CLI::App& innermost(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

std::vector<std::string> subcommands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands({})) names.push_back(each->get_name());
  return names;
}

std::vector<std::string> options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string message_and_hint(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> commands = subcommands(app);
  const std::vector<std::string> left = app.remaining();
  const std::string extra = left.empty() ? "" : left.front();
  if (extra.starts_with("-") && extra.size() > 1) {
    const std::string name = extra.substr(0, extra.find('='));
    const auto near = nearest_name(options(app), name);
    return "there is no option '" + name + "' (" + (near ? "did you mean '" + *near + "'?; " : "");
  }
  if (!commands.empty()) {
    if (extra.empty()) return "a command is missing (one of " + join(commands) + "; ";
    return "there is no command '" + extra + "' (" + suggest(commands, extra) + "; ";
  }
  if (!extra.empty()) return "'" + extra + "' is one argument too many (";
  return std::string(error.what()) + " (";
}

}  // namespace

std::string full_name(const CLI::App& app) {
  return (app.get_parent() ? full_name(*app.get_parent()) + " " : "") + app.get_name();
}

std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = innermost(app);
  const std::string name = full_name(command);
  return name + ": " + message_and_hint(command, error) + "see " + name + " --help)";
}

std::string requested_text(const CLI::App& app, const CLI::Success& success) {
  std::ostringstream text;
  app.exit(success, text, text);
  std::string out = text.str();
  out.erase(out.find_last_not_of('\n') + 1);
  return out + '\n';
}

}  // namespace cube
