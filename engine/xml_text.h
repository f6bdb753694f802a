// Text for XML.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace cube {

// The text as content or attribute; control characters, which XML does not have,
// become spaces.
std::string xml_text(std::string_view text);

}  // namespace cube
