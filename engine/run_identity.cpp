#include "engine/run_identity.h"

#include "engine/text.h"

namespace cube {

namespace {

// A state that is not too long for a message.
std::string shown(const std::string& state) {
  constexpr std::size_t kMost = 200;
  return state.size() <= kMost ? state : state.substr(0, kMost) + "...";
}

}  // namespace

void IdentityCheck::was(const Ingredient& ingredient) {
  before_[ingredient.name].states.insert(ingredient.state);
}

void IdentityCheck::is(const Ingredient& ingredient) {
  const auto found = before_.find(ingredient.name);
  if (found == before_.end()) return note(ingredient.name + " is new");
  found->second.seen = true;
  if (found->second.states.contains(ingredient.state)) return;
  note(ingredient.name + " was " + shown(*found->second.states.begin()) + ", is " +
       shown(ingredient.state));
}

void IdentityCheck::note(std::string text) {
  if (differences_++ == 0) first_ = std::move(text);
}

std::string IdentityCheck::difference() const {
  std::string first = first_;
  std::int64_t more = differences_ - 1;
  for (const auto& [name, before] : before_) {
    if (before.seen) continue;
    ++more;
    if (first.empty()) first = name + " is gone";
  }
  if (first.empty()) return {};
  return more > 0 ? first + " (and " + counted(more, "more difference") + ")" : first;
}

}  // namespace cube
