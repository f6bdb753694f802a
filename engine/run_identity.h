// RunIdentity: what the cells of a run depend on, as texts, so that a run goes on only with what an
// earlier run of the same has left, and what has changed can be named.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

namespace cube {

// A thing that cells depend on and the state it is in: {"the graph at /in_cube/expr/0", "\"b1\""},
// {"/data/B04.tif", "1234 bytes of 2023-05-01T10:20:30.5"}.
struct Ingredient {
  std::string name;
  std::string state;
};

// Calls its argument for all ingredients, in any order: there may be too many to hold.
using RunIdentity = std::function<void(const std::function<void(const Ingredient&)>&)>;

// Compares the ingredients of two runs. Thread rule: one thread.
class IdentityCheck {
 public:
  void was(const Ingredient& ingredient);
  // REQUIRES: after all was().
  void is(const Ingredient& ingredient);

  // "/data/B04.tif was 1 byte of ..., is 2 bytes of ... (and 3 more differences)"; "" = none.
  // REQUIRES: after all is().
  std::string difference() const;

 private:
  struct Before {
    std::set<std::string> states;
    bool seen = false;
  };
  void note(std::string text);

  std::map<std::string, Before> before_;
  std::string first_;
  std::int64_t differences_ = 0;
};

}  // namespace cube
