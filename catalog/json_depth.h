// How deep JSON is nested, before it is parsed: what walks it must not run out of stack.
// Thread rule: pure functions.
#pragma once

#include <string_view>

namespace cube {

// Whether a text nests more than limits::kNesting objects and lists in each other, JSON or not.
bool is_too_deep(std::string_view text);

// Throws Error(kInvalid) at `where` when it does, or is longer than limits::kDocumentBytes.
void check_depth(std::string_view text, std::string_view where);

}  // namespace cube
