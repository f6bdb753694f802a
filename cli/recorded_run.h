// Runs that outputs carry a record of: repeating the run that made a file.
// Thread rule: pure functions of the file system.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "engine/run_identity.h"
#include "engine/sink.h"
#include "graphs/document.h"

namespace cube {

struct RecordedRun {
  std::string file;  // that holds the record
  Document document;
  OutputSpec output;      // the one that made the file, beside it
  std::string made_by;    // "cube 0.1.0 with GDAL 3.6.2"; "" = not known
  nlohmann::json inputs;  // as InputSummary::json(); null = not known
};

// The run that made a file; nullopt for what is no output that could hold a record, such as a
// graph. Relative names of the graph start from the folder that it lay in, as seen from the file,
// so that all may move together; where less of what they name is there than in that folder by its
// full name, from that one.
// Throws Error where a file holds no record (of ours), one that is damaged, or one of several runs.
std::optional<RecordedRun> recorded_run(const std::string& file);

// Throws Error(kInvalid) where a URL in the graph has lost its query or password.
void check_secrets(const RecordedRun& run);

// The outputs of a run that repeats it: `asked` of the command line, none = the one that made the
// file. Format and creation options are those of the record where they are not asked for anew and
// `asked` is of the same format.
std::vector<OutputSpec> outputs_again(const RecordedRun& run, std::vector<OutputSpec> asked,
                                      const std::string& format);

// What is not as it was: another version of the program, and inputs that have changed since;
// sentences, "" = nothing.
std::string other_version(const RecordedRun& run);
std::string changed_since(const RecordedRun& run, const RunIdentity& inputs);

}  // namespace cube
