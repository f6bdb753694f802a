#include <unistd.h>

#include <fstream>
#include <iostream>

#include "cli/common.h"
#include "engine/error.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

struct SaveArguments {
  GraphArguments graph;
  std::string output;
  bool overwrite = false;
};

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

void save_graph(const SaveArguments& arguments, const Program& program) {
  const Document document = arguments.graph.load();
  // A saved cube is usable as it stands, so it is compiled first.
  compile(document, program.registry, arguments.graph.resources(program));
  if (arguments.output == "-") {
    std::cout << canonical_text(document, program.registry, fs::current_path());
    return;
  }
  const fs::path file = fs::absolute(arguments.output).lexically_normal();
  if (!arguments.overwrite && fs::exists(file)) {
    throw Error(ErrorCode::kUnwritable, "the file exists", arguments.output,
                "--overwrite replaces it");
  }
  const std::string text = canonical_text(document, program.registry, file.parent_path());
  const TemporaryFile temporary(file);
  temporary.write(text);
  temporary.rename();
}

}  // namespace

void add_save(CLI::App& app, Program& program) {
  CLI::App* command =
      app.add_subcommand("save", "Write a graph in its canonical form: a saved virtual cube");
  const auto arguments = std::make_shared<SaveArguments>();
  arguments->graph.add_to(*command);
  command->add_option("-o,--output", arguments->output, "File to write; - is standard output")
      ->type_name("FILE")
      ->required();
  command->add_flag("--overwrite", arguments->overwrite, "Replace an existing file");
  command->footer(
      "Parameters are replaced, defaults filled in and paths made relative to the new file.\n"
      "Use it elsewhere as {\"cube_type\": \"saved\", \"file\": FILE}. Saving what was saved gives "
      "the same bytes.\n\n"
      "Example:\n  cube save graph.json -o virtual.json --set year=2022");
  command->callback([arguments, &program] { save_graph(*arguments, program); });
}

}  // namespace cube
