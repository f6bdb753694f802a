// InputSummary: the inputs of a run and the state they were in, in little room: the record that an
// output carries of them, by which a run that repeats it tells what has changed since.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/run_identity.h"

namespace cube {

class InputSummary {
 public:
  // Names are taken relative to `folder`, so that inputs may move with what they belong to.
  explicit InputSummary(std::filesystem::path folder);

  void take(const Ingredient& ingredient);

  // {"count", "digest" of all, "newest": the latest change of a file, "states": {NAME: STATE}};
  // without "states" where they are more than 16 kB.
  nlohmann::ordered_json json() const;

 private:
  std::filesystem::path folder_;
  std::int64_t count_ = 0;
  std::uint64_t digest_ = 0;  // whatever the order
  std::string newest_;
  std::map<std::string, std::string> states_;
  std::size_t bytes_ = 0;  // of the states, those that were too many too
};

// What has changed since `before` (json() of a run) in inputs that now lie about `folder`: "a.tif
// was 1234 bytes of ..., is 1235 bytes of ... (and 2 more differences)"; "" = nothing.
std::string changed_inputs(const nlohmann::json& before, const RunIdentity& now,
                           const std::filesystem::path& folder);

}  // namespace cube
