// CheckedOutput: a file that GDAL writes, of which no failed write is overlooked. Some of GDAL's
// drivers (GeoJSON) do not look at what becomes of their writes.
//
// GDAL is given a name in a file system of ours, whose calls end here. Thread rule: one thread at a
// time; several objects at a time.
// Only files of engine/gdal include this.
#pragma once

#include <memory>
#include <string>

namespace cube {

class CheckedOutput {
 public:
  // Makes `path`; `file`: the output, in errors. Throws Error(kUnwritable).
  CheckedOutput(const std::string& path, const std::string& file, const std::string& extension);
  ~CheckedOutput();
  CheckedOutput(const CheckedOutput&) = delete;
  CheckedOutput& operator=(const CheckedOutput&) = delete;

  // What GDAL is to create, once.
  const std::string& name() const { return name_; }

  // Throws Error(kUnwritable) where a write has failed, or closing. Called once GDAL has closed it.
  void finish();

  struct Target;

 private:
  std::string name_;
  std::shared_ptr<Target> target_;
};

}  // namespace cube
