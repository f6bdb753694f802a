// Help on operators: tables and pages, made from their fields.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/text.h"
#include "graphs/describe.h"
#include "graphs/document.h"

namespace cube {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLineWidth = 90;

// `text` in lines of kLineWidth, each after `indent` blanks; its own line breaks stay.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out;
  for (const std::string& paragraph : split(text, '\n')) {
    std::string line;
    for (const std::string& word : split(paragraph, ' ')) {
      if (!line.empty() && indent + line.size() + 1 + word.size() > kLineWidth) {
        out += std::string(indent, ' ') + line + "\n";
        line.clear();
      }
      line += (line.empty() ? "" : " ") + word;
    }
    out += (line.empty() ? "" : std::string(indent, ' ') + line) + "\n";
  }
  return out;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

// Records in a field, however deep in lists: those have fields of their own to show.
const TypeDoc* record_in(const TypeDoc& type) {
  if (type.kind == TypeDoc::Kind::kRecord) return &type;
  for (const TypeDoc& item : type.items) {
    if (const TypeDoc* record = record_in(item)) return record;
  }
  return nullptr;
}

std::string field_text(const FieldDoc& field, std::size_t indent) {
  std::string line = std::string(indent, ' ') + field.name + ": " + type_text(field);
  if (field.required) line += ", required";
  const bool empty = field.preset && (field.preset->empty() || *field.preset == "");
  if (field.preset && !empty) line += ", default " + field.preset->dump();
  std::string out = line + "\n" + wrapped(field.help, indent + 4);
  if (!field.choices.empty() && !is_list_or_choice(field))
    out += wrapped("One of " + join(field.choices) + ".", indent + 4);
  if (!field.aliases.empty()) out += wrapped("Also " + join(field.aliases) + ".", indent + 4);
  if (const TypeDoc* record = record_in(field.type)) {
    for (const FieldDoc& inner : record->fields) out += field_text(inner, indent + 4);
  }
  return out;
}

Json fields_json(const std::vector<FieldDoc>& fields) {
  Json list = Json::array();
  for (const FieldDoc& field : fields) {
    Json out = {{"name", field.name},
                {"type", type_text(field)},
                {"help", field.help},
                {"required", field.required}};
    if (field.preset) out["default"] = *field.preset;
    if (!field.choices.empty()) out["choices"] = field.choices;
    if (!field.aliases.empty()) out["aliases"] = field.aliases;
    if (const TypeDoc* record = record_in(field.type)) out["fields"] = fields_json(record->fields);
    list.push_back(std::move(out));
  }
  return list;
}

Json operator_json(const OperatorType& type) {
  Json inputs = Json::array();
  for (const InputKey& input : type.inputs) {
    inputs.push_back({{"name", input.name},
                      {"help", input.help},
                      {"many", input.many},
                      {"required", !input.or_file}});
  }
  return {{"id", type.id},
          {"summary", type.summary},
          {"help", type.help},
          {"aliases", type.aliases},
          {"parameters", fields_json(describe(type))},
          {"inputs", inputs},
          {"example", Json::parse(type.example, nullptr, false)}};
}

std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

}  // namespace

std::string operators_text(const Registry& registry) {
  std::size_t width = 0;
  for (const OperatorType& type : registry.types()) width = std::max(width, type.id.size());
  std::string out;
  for (const OperatorType& type : registry.types()) {
    out += padded(type.id, width + 2) + type.summary;
    if (!type.aliases.empty()) out += " Also " + join(type.aliases) + ".";
    out += "\n";
  }
  return out;
}

std::string operators_json(const Registry& registry) {
  Json list = Json::array();
  for (const OperatorType& type : registry.types()) list.push_back(operator_json(type));
  return list.dump(2) + "\n";
}

std::string operators_markdown(const Registry& registry) {
  std::string out = "| cube_type | keys | does |\n|---|---|---|\n";
  for (const OperatorType& type : registry.types()) {
    std::vector<std::string> keys;
    for (const FieldDoc& field : describe(type)) keys.push_back("`" + field.name + "`");
    for (const InputKey& input : type.inputs) {
      if (!input.or_file) keys.push_back("`" + input.name + "`");  // else among the parameters
    }
    out += "| `" + type.id + "` | " + markdown_cell(join(keys)) + " | " +
           markdown_cell(type.summary) + " |\n";
  }
  return out;
}

std::string operator_text(const OperatorType& type) {
  std::string out = type.id + ": " + type.summary + "\n";
  if (!type.aliases.empty()) out += "Also written " + join(type.aliases) + ".\n";
  if (!type.help.empty()) out += "\n" + wrapped(type.help, 0);
  const std::vector<FieldDoc> fields = describe(type);
  if (!fields.empty()) out += "\nParameters\n";
  for (const FieldDoc& field : fields) out += field_text(field, 2);
  if (!type.inputs.empty()) out += "\nInputs\n";
  for (const InputKey& input : type.inputs) {
    out += "  " + input.name + ": " + (input.many ? "list of cubes" : "cube") +
           (input.or_file ? "\n" : ", required\n") + wrapped(input.help, 6);
  }
  out += "\nExample\n";
  for (const std::string& line : split(type.example, '\n')) out += "  " + line + "\n";
  return out;
}

}  // namespace cube
