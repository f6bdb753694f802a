// Draft: a catalog that is being made, beside its final name.
#pragma once

#include <filesystem>

#include "engine/error.h"

namespace cube {

// A name beside the final one, so that renaming cannot fail for lack of space; removed again
// unless it has been renamed.
class Draft {
 public:
  explicit Draft(const std::filesystem::path& target);
  ~Draft();
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // Runs `work`, whose errors name the target instead of the draft.
  template <class Work>
  auto make(const Work& work) const {
    try {
      return work();
    } catch (const Error& error) {
      if (error.where() != path_.string()) throw;
      throw Error(error.code(), error.message(), target_.string(), error.hint());
    }
  }

  // Gives it its name. Throws Error(kUnwritable).
  void publish() const;

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
};

// Throws Error(kUnwritable) where a catalog cannot be made.
void check_target(const std::filesystem::path& catalog, bool overwrite);

}  // namespace cube
