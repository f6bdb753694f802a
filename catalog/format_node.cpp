#include "catalog/format_node.h"

namespace cube {

namespace {

using nlohmann::json;

bool is_literal(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '/';
}

std::string line_and_column(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(text.size(), byte > 0 ? byte - 1 : 0));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start = before.rfind('\n');
  const std::size_t column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

std::string literal_suffix(const std::string& pattern) {
  if (pattern.find('|') != std::string::npos) return {};
  std::string reversed;
  for (std::size_t i = pattern.size(); i-- > 0;) {
    const char c = pattern[i];
    const bool escaped = i > 0 && pattern[i - 1] == '\\';
    if (escaped && (c != '.' || (i > 1 && pattern[i - 2] == '\\'))) return {};
    if (escaped) {
      --i;
    } else if (!is_literal(c)) {
      break;
    }
    reversed += c;
  }
  return {reversed.rbegin(), reversed.rend()};
}

nlohmann::json parse_format(std::string_view text, std::string_view name) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    std::string reason = error.what();
    const std::size_t colon = reason.find(": ");
    if (colon != std::string::npos) reason = reason.substr(colon + 2);
    throw Error(ErrorCode::kInvalid,
                "is not JSON: " + line_and_column(text, error.byte) + ": " + reason,
                std::string(name));
  }
}

}  // namespace cube
