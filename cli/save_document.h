// Writing a document in its canonical form.
#pragma once

#include <string>

#include "cli/commands.h"
#include "graphs/document.h"

namespace cube {

// Writes `file`, whole or not at all, with paths relative to it; "-" is standard output. A saved
// cube is usable as it stands, so the document is compiled first. Throws Error.
void save_document(const Document& document, const std::string& file, bool overwrite,
                   const Resources& resources, const Program& program);

// The same of a document that may not be usable here.
void write_document(const Document& document, const std::string& file, bool overwrite,
                    const Program& program);

}  // namespace cube
