#include "cli/save_document.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "cli/common.h"
#include "engine/error.h"
#include "engine/gdal/output_file.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

// What is saved is handed on. Signatures and passwords are not, and without them it would not work.
std::string text_without_secrets(const Document& document, const Program& program,
                                 const fs::path& folder) {
  std::string text = canonical_text(document, program.registry, folder);
  const std::string shown = without_queries(text);
  if (shown == text) return text;
  const auto at = std::ranges::mismatch(text, shown).in1 - text.begin();
  const std::string before = text.substr(0, static_cast<std::size_t>(at));
  const std::size_t begin = before.rfind('"') + 1;
  const std::size_t end = std::min(text.find('"', begin), text.size());
  throw Error(
      ErrorCode::kInvalid,
      "the name '" + text.substr(begin, end - begin) + "' holds what may be a secret", "",
      "credentials may come from the environment, which README tells of at \"Cloud reads\"; "
      "or keep the document, with \"${name}\" in its place and --set");
}

}  // namespace

void save_document(const Document& document, const std::string& output, bool overwrite,
                   const Resources& resources, const Program& program) {
  compile(document, program.registry, resources);
  write_document(document, output, overwrite, program);
}

void write_document(const Document& document, const std::string& output, bool overwrite,
                    const Program& program) {
  if (output == "-") {
    std::cout << text_without_secrets(document, program, fs::current_path());
    return;
  }
  const fs::path file = fs::absolute(output).lexically_normal();
  if (!overwrite && fs::exists(file)) {
    throw Error(ErrorCode::kUnwritable, "the file exists", output, "--overwrite replaces it");
  }
  const std::string text = text_without_secrets(document, program, file.parent_path());
  write_whole(file.string(), text);
}

}  // namespace cube
