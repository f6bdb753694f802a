// WorkFolder: the folder beside an output, ".NAME.part", in which the output is made, and which one
// process at a time may have.
//
// What lies in it when a process is killed stays there: an interrupted run's unfinished files and
// its journal. Who gets the folder next may go on with that or empty it. Parts of an output share
// its folder, in which each has one of its own (see parts.h).
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "engine/error.h"

namespace cube {

class WorkFolder {
 public:
  // The work folder of an output `name` in `folder` ("" = the working directory).
  static std::string path_of(const std::string& folder, const std::string& name);

  // One process has it, or several that share it.
  enum class Hold { kAlone, kShared };

  // Thrown where another process has it.
  class Held : public Error {
   public:
    using Error::Error;
  };

  // Makes the folder, or takes over the one that is there. Throws Error(kUnwritable) with `where` =
  // `file`, the output, when another process (which is named) or object has it.
  WorkFolder(std::string path, std::string file, Hold hold = Hold::kAlone);
  // Removes it with all that is in it, unless it is to be kept or is shared.
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

  // Who has the folder `path` alone: "process 17 on node4"; "" = nobody.
  static std::string holder(const std::string& path);

  // Removes all that is in it, but holds it. What cannot be removed stays.
  void empty();

  void keep(bool kept) { kept_ = kept; }

  // Of all files in it, as they lie on the disk.
  std::int64_t bytes() const;

 private:
  bool take();  // false: who had it has just removed it
  [[noreturn]] void refuse() const;

  std::string path_;
  std::string file_;
  Hold hold_;
  int descriptor_ = -1;  // of the lock
  bool kept_ = false;
};

}  // namespace cube
