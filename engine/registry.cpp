#include "engine/registry.h"

#include <algorithm>
#include <cassert>

namespace cube {

void Registry::add(OperatorType type) {
  assert(!find(type.id));
  const auto place =
      std::find_if(types_.begin(), types_.end(), [&](const auto& t) { return t.id > type.id; });
  types_.insert(place, std::move(type));
}

const OperatorType* Registry::find(std::string_view id) const {
  for (const OperatorType& type : types_) {
    if (type.id == id) return &type;
    if (std::find(type.aliases.begin(), type.aliases.end(), id) != type.aliases.end()) return &type;
  }
  return nullptr;
}

}  // namespace cube
