#include "cli/save_document.h"

#include <filesystem>
#include <iostream>

#include "cli/common.h"
#include "engine/error.h"

namespace cube {

namespace fs = std::filesystem;

void save_document(const Document& document, const std::string& output, bool overwrite,
                   const Resources& resources, const Program& program) {
  compile(document, program.registry, resources);
  write_document(document, output, overwrite, program);
}

void write_document(const Document& document, const std::string& output, bool overwrite,
                    const Program& program) {
  if (output == "-") {
    std::cout << canonical_text(document, program.registry, fs::current_path());
    return;
  }
  const fs::path file = fs::absolute(output).lexically_normal();
  if (!overwrite && fs::exists(file)) {
    throw Error(ErrorCode::kUnwritable, "the file exists", output, "--overwrite replaces it");
  }
  const std::string text = canonical_text(document, program.registry, file.parent_path());
  write_whole(file.string(), text);
}

}  // namespace cube
