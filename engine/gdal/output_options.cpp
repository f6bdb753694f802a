// Creation options against the lists that GDAL's drivers publish.
#include <cpl_minixml.h>

#include <memory>
#include <optional>

#include "engine/gdal/output_file.h"
#include "engine/text.h"

namespace cube {

namespace {

struct DestroyXml {
  void operator()(CPLXMLNode* node) const { CPLDestroyXMLNode(node); }
};

struct OptionRule {
  std::string type;
  std::vector<std::string> values;  // for "string-select"; may be empty
  std::optional<double> min;
  std::optional<double> max;
};

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

OptionRule read_rule(const CPLXMLNode* node) {
  OptionRule rule;
  rule.type = CPLGetXMLValue(node, "type", "string");
  rule.min = parse_number(CPLGetXMLValue(node, "min", ""));
  rule.max = parse_number(CPLGetXMLValue(node, "max", ""));
  for (const CPLXMLNode* child = node->psChild; child; child = child->psNext) {
    if (child->eType != CXT_Element || std::string(child->pszValue) != "Value") continue;
    // Aliases stand before the text, as attributes.
    const std::string alias = CPLGetXMLValue(child, "alias", "");
    rule.values.emplace_back(CPLGetXMLValue(child, "", ""));
    if (!alias.empty()) rule.values.push_back(alias);
  }
  return rule;
}

std::map<std::string, OptionRule> read_rules(const std::string& list) {
  std::map<std::string, OptionRule> rules;
  const std::unique_ptr<CPLXMLNode, DestroyXml> root(CPLParseXMLString(list.c_str()));
  for (const CPLXMLNode* group = root.get(); group; group = group->psNext) {
    for (const CPLXMLNode* node = group->psChild; node; node = node->psNext) {
      if (node->eType != CXT_Element || std::string(node->pszValue) != "Option") continue;
      rules.try_emplace(upper(CPLGetXMLValue(node, "name", "")), read_rule(node));
    }
  }
  return rules;
}

// What would be accepted, when `value` is not.
std::optional<std::string> objection(const OptionRule& rule, const std::string& value) {
  static const std::vector<std::string> kTruth = {"YES", "NO", "TRUE", "FALSE", "ON", "OFF"};
  if (rule.type == "boolean") {
    return find_name(kTruth, value) ? std::nullopt : std::optional<std::string>("YES or NO");
  }
  if (rule.type == "string-select" && !rule.values.empty()) {
    if (find_name(rule.values, value)) return std::nullopt;
    return suggest(rule.values, value);
  }
  const bool whole = rule.type == "int";
  if (!whole && rule.type != "float") return std::nullopt;
  const auto number = parse_number(value);
  std::string wanted = whole ? "a whole number" : "a number";
  if (rule.min) wanted += " from " + number_text(*rule.min);
  if (rule.max) wanted += " to " + number_text(*rule.max);
  const bool good =
      number && (!whole || *number == static_cast<double>(static_cast<std::int64_t>(*number))) &&
      (!rule.min || *number >= *rule.min) && (!rule.max || *number <= *rule.max);
  return good ? std::nullopt : std::optional(wanted);
}

}  // namespace

OutputOptions check_options(const std::map<std::string, std::string>& options,
                            const std::string& list, const std::string& where) {
  const std::map<std::string, OptionRule> rules = read_rules(list);
  std::vector<std::string> known;
  for (const auto& [name, rule] : rules) known.push_back(name);
  OutputOptions checked;
  for (const auto& [name, value] : options) {
    const auto rule = rules.find(upper(name));
    if (rule == rules.end()) {
      throw Error(ErrorCode::kInvalid, "there is no option '" + name + "' for this format", where,
                  suggest(known, name));
    }
    if (const auto hint = objection(rule->second, value)) {
      throw Error(ErrorCode::kInvalid, "option " + rule->first + " cannot be '" + value + "'",
                  where, *hint);
    }
    checked[rule->first] = value;
  }
  return checked;
}

std::string option(const OutputOptions& options, const std::string& name,
                   const std::string& otherwise) {
  const auto found = options.find(name);
  return found == options.end() ? otherwise : found->second;
}

}  // namespace cube
