#include "cli/man_page.h"

#include "engine/text.h"

namespace cube {

namespace {

// Text as it stands: no line begins a request, dashes can be copied.
std::string escaped(const std::string& text) {
  std::string out;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    begins = c == '\n';
  }
  return out;
}

std::string bold(const std::string& text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + escaped(text) + "\\fR"; }

void add_entries(const std::vector<OptionText>& entries, bool operands, std::string& out) {
  for (const OptionText& entry : entries) {
    std::string names;
    for (const std::string& name : entry.names) {
      names += (names.empty() ? "" : ", ") + (operands ? italic(name) : bold(name));
    }
    if (!entry.value.empty()) names += " " + italic(entry.value);
    if (entry.many) names += " ...";
    out += ".TP\n" + names + "\n" + escaped(entry.help) + "\n";
  }
}

std::string synopsis(const CommandText& command) {
  std::string out = ".B " + escaped(command.name) + "\n";
  if (!command.commands.empty()) return out + ".I COMMAND\n[\\fIOPTIONS\\fR]\n";
  if (!command.options.empty()) out += "[\\fIOPTIONS\\fR]\n";
  for (const OptionText& operand : command.operands) {
    const std::string name = italic(operand.names.front()) + (operand.many ? " ..." : "");
    out += (operand.required ? name : "[" + name + "]") + "\n";
  }
  return out;
}

// Line breaks and columns stay.
void add_lines(const std::string& text, std::string& out) {
  if (!text.empty()) out += ".PP\n.nf\n" + escaped(text) + "\n.fi\n";
}

void add_command(const CommandText& command, std::string& out) {
  out += ".SS " + escaped(command.name) + "\n" + escaped(command.summary) + "\n.PP\n";
  out += synopsis(command);
  add_entries(command.operands, true, out);
  add_entries(command.options, false, out);
  add_lines(command.more, out);
}

}  // namespace

std::string man_page(const CommandText& program, const std::string& version) {
  std::string out = ".TH CUBE 1 \"\" \"cube " + version + "\" \"User Commands\"\n";
  out += ".SH NAME\ncube \\- " + escaped(lower(program.summary.substr(0, 1)));
  out += escaped(program.summary.substr(1, program.summary.size() - 2)) + "\n";  // no full stop
  out += ".SH SYNOPSIS\n" + synopsis(program);
  out += ".SH OPTIONS\n";
  add_entries(program.options, false, out);
  add_lines(program.more, out);
  out += ".SH COMMANDS\n";
  for (const CommandText* command : all_commands(program)) {
    if (command != &program) add_command(*command, out);
  }
  return out;
}

}  // namespace cube
