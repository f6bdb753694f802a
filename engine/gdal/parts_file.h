// PartsFile: what the parts of an output have in common, written down in its work folder by the
// first of them.
//
// The file appears as a whole, once; of several parts that come at the same time one has made it.
// Thread rule: pure functions of the file system.
#pragma once

#include <optional>
#include <string>

#include "engine/parts.h"
#include "engine/run_identity.h"

namespace cube {

class PartsFile {
 public:
  // The file of a work folder; nullopt where there is none. Throws Error(kUnreadable) for one that
  // is damaged; `output` names it in errors.
  static std::optional<PartsFile> read(const std::string& folder, const std::string& output);

  // Writes it unless it is there, into a folder that is emptied for it: what an earlier run of
  // something else has left there is not to be taken for a part's. Throws Error(kUnwritable) where
  // others are at work in the folder, or a run that can be gone on with has left it.
  static void make(const std::string& folder, const std::string& output, const PartsPlan& plan,
                   const RunIdentity& identity);

  const PartsPlan& plan() const { return plan_; }
  // A text that is another one for other parts.
  const std::string& token() const { return token_; }
  // How the run that made it differs; "" = not at all.
  std::string difference(const RunIdentity& identity) const;

 private:
  PartsPlan plan_;
  IdentityCheck identity_;
  std::string token_;
};

// Where a part keeps what is its own in the work folder.
std::string part_folder(const std::string& folder, std::int64_t part);

// Throws Error(kUnwritable) where parts of the output have got somewhere, saying how far.
void check_no_parts(const std::string& folder, const std::string& output);

}  // namespace cube
