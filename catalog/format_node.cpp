#include "catalog/format_node.h"

#include "catalog/json_depth.h"

namespace cube {

namespace {

using nlohmann::json;

std::string line_and_column(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(text.size(), byte > 0 ? byte - 1 : 0));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start = before.rfind('\n');
  const std::size_t column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

nlohmann::json parse_format(std::string_view text, std::string_view name) {
  check_depth(text, name);
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    std::string reason = error.what();
    const std::size_t colon = reason.find(": ");
    if (colon != std::string::npos) reason = reason.substr(colon + 2);
    throw Error(ErrorCode::kInvalid,
                "is not JSON: " + line_and_column(text, error.byte) + ": " + reason,
                std::string(name));
  } catch (const json::exception& error) {  // a number like 1e999
    throw Error(ErrorCode::kInvalid, std::string("is not JSON: ") + error.what(),
                std::string(name));
  }
}

}  // namespace cube
