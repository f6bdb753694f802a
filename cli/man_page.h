// The man page cube(1), made from the definitions of the commands.
#pragma once

#include <string>

#include "cli/command_text.h"

namespace cube {

// In roff with the man macros. `version`: "0.1.0".
std::string man_page(const CommandText& program, const std::string& version);

}  // namespace cube
