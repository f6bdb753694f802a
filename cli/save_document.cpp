#include "cli/save_document.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "engine/error.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

Error unwritable(const fs::path& file, const std::string& why) {
  return Error(ErrorCode::kUnwritable, "the file cannot be written: " + why, file.string());
}

// A file beside the final one; removed unless it is renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& final_name)
      : final_name_(final_name), name_(final_name.string() + ".tmp" + std::to_string(getpid())) {}
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(name_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(const std::string& text) const {
    std::ofstream out(name_, std::ios::binary);
    if (!out) throw unwritable(final_name_, "its folder is missing or read-only");
    out << text;
    out.close();
    if (!out) throw unwritable(final_name_, "the disk may be full");
  }

  void rename() const {
    std::error_code error;
    fs::rename(name_, final_name_, error);
    if (error) throw unwritable(final_name_, error.message());
  }

 private:
  fs::path final_name_;
  fs::path name_;
};

}  // namespace

void save_document(const Document& document, const std::string& output, bool overwrite,
                   const Resources& resources, const Program& program) {
  compile(document, program.registry, resources);
  if (output == "-") {
    std::cout << canonical_text(document, program.registry, fs::current_path());
    return;
  }
  const fs::path file = fs::absolute(output).lexically_normal();
  if (!overwrite && fs::exists(file)) {
    throw Error(ErrorCode::kUnwritable, "the file exists", output, "--overwrite replaces it");
  }
  const std::string text = canonical_text(document, program.registry, file.parent_path());
  const TemporaryFile temporary(file);
  temporary.write(text);
  temporary.rename();
}

}  // namespace cube
