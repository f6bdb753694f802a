#include "catalog/json_depth.h"

#include <string>

#include "engine/error.h"
#include "engine/limits.h"

namespace cube {

bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '{' || c == '[') {
      if (++depth > limits::kNesting) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    } else {
      in_string = c == '"';
    }
  }
  return false;
}

void check_depth(std::string_view text, std::string_view where) {
  if (text.size() > limits::kDocumentBytes) {
    throw Error(ErrorCode::kInvalid, "the document is too long", std::string(where),
                "at most " + std::to_string(limits::kDocumentBytes >> 20) + " MiB");
  }
  if (!is_too_deep(text)) return;
  throw Error(ErrorCode::kInvalid,
              "the document is nested more than " + std::to_string(limits::kNesting) + " deep",
              std::string(where));
}

}  // namespace cube
