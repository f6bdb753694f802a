// LocalCopy: a file that only GDAL's virtual file systems reach (in an archive, compressed, on a
// server), as one on this machine's disk for libraries that know nothing of those.
// Thread rule: one a thread.
#pragma once

#include <cstdint>
#include <string>

namespace cube {

class LocalCopy {
 public:
  // Copies the file to the folder of temporary files (TMPDIR, else /tmp), a piece at a time;
  // `called` is its name in errors. Throws Error(kNotFound) when there is none, Error(kUnreadable)
  // when it cannot be read, and Error(kUnwritable) when it does not fit.
  LocalCopy(const std::string& file, const std::string& called);

  // Takes its name away: who has it open goes on reading, and nothing is left after them, however
  // the program ends. It gets its name when all of it is copied, so that being killed before leaves
  // nothing either (on file systems that have files without names, as those of Linux do).
  ~LocalCopy();
  LocalCopy(const LocalCopy&) = delete;
  LocalCopy& operator=(const LocalCopy&) = delete;

  const std::string& path() const { return path_; }

  // "is read from a copy of 1.2 GB in /tmp".
  std::string note() const;

 private:
  void copy(const std::string& file, const std::string& called, int descriptor);
  void give_name(int descriptor, const std::string& called);

  std::string path_;
  std::int64_t bytes_ = 0;
};

}  // namespace cube
