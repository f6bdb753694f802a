// Random graphs over an archive: a source and up to six operators on it, some of them with several
// inputs, each with random arguments.
// Thread rule: one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/cube_info.h"
#include "engine/registry.h"
#include "tests/differential/archive.h"

namespace cube::fuzz {

// A node and what its cube is.
struct Made {
  Json node;
  CubeInfo info;
};

// How many nodes were tried, and what became of them.
struct Tries {
  std::int64_t drawn = 0;                       // sets of arguments
  std::int64_t rejected = 0;                    // of those, by errors of the user's kind
  std::int64_t given_up = 0;                    // operators that took none of several sets
  std::map<std::string, std::int64_t> reasons;  // of rejections, by type and argument
  bool aloud = false;                           // each is printed before it is tried, for crashes
};

class GraphMaker {
 public:
  // REQUIRES: they outlive it.
  GraphMaker(const Archive& archive, const Registry& registry, Dice& dice, Tries& tries);

  // A document; nullopt when not even a source came to be.
  std::optional<Json> make();

  // What was tried last, for exceptions that are not the user's.
  const Json& last() const { return last_; }

 private:
  std::optional<Made> source();
  std::optional<Made> grown(const Made& from, int operators);
  // The operator on cubes of which `first` is one.
  std::optional<Made> applied(const OperatorType& type, const Made& first);
  std::vector<Made> inputs_of(const OperatorType& type, const Made& first);
  // A cube that goes well with another: the same, or what an operator makes of it.
  Made sibling(const Made& of, bool same_bands);
  const OperatorType& random_type(bool source);
  std::optional<Made> tried(const OperatorType& type, const Json& arguments,
                            const std::vector<Made>& inputs, std::string& rejected_at);
  Json node_of(const OperatorType& type, const Json& arguments,
               const std::vector<Made>& inputs) const;

  const Archive& archive_;
  const Registry& registry_;
  Dice& dice_;
  Tries& tries_;
  Json last_;
  int depth_ = 0;  // of siblings in siblings
};

}  // namespace cube::fuzz
