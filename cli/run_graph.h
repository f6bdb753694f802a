// Running a graph from the command line, whichever subcommand made it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/common.h"
#include "cli/recorded_run.h"
#include "engine/sink.h"

namespace cube {

// Where the result goes, how much of the machine the run may use, and what it tells meanwhile.
struct RunArguments {
  PlanArguments plan;
  std::vector<std::string> files;    // -o
  std::string format;                // of `files`; "" = by name
  std::vector<std::string> options;  // --co, "NAME=VALUE"
  std::string progress = "auto";
  std::string report;
  std::string stats;
  std::string stats_svg;
  bool keep_going = false;
  bool overwrite = false;
  bool append = false;
  bool resume = false;
  std::string part;  // "2/8", "env"; "" = all
  bool quiet = false;
  bool verbose = false;
  std::optional<RecordedRun> again = {};  // the run that is repeated

  void add_to(CLI::App& command);
};

// Divides what the plan has for kept blocks of files between GDAL and our readers.
void keep_blocks(const Plan& plan, BlockCache& blocks);

// Runs a document into the outputs of the command line, else its own, and prints the report; gives
// the exit status. `name` is the document's in errors. Throws Error for what is wrong before.
int run_document(const Document& document, const std::string& name, const RunArguments& args,
                 const Resources& resources, const Program& program);

}  // namespace cube
