// Bands whose storage a user declares by lists: `dtype`, `nodata`, `scale`, ...
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cube_info.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

// Element `i` of a list that is empty, has one element for all bands, or one for each of `count`.
// Throws Error(kInvalid) at "/KEY"; `each` is what the bands come from, "formula".
template <class T>
std::optional<T> choice(std::string_view key, const std::vector<T>& list, std::size_t i,
                        std::size_t count, const std::string& each) {
  if (list.empty()) return std::nullopt;
  if (list.size() == 1) return list[0];
  if (list.size() == count) return list[i];
  throw Error(ErrorCode::kInvalid, counted(list.size(), "value") + " for " + counted(count, each),
              pointer_step(key), "one for all or one a " + each);
}

// Types and nodata values of new bands, as documents give them.
struct DeclaredStorage {
  std::vector<std::string> dtype;
  std::vector<double> nodata;

  // Gives band `i` of `count` its storage, which can hold missing cells: `preset` where no type is
  // declared. `reason` says why cells can be missing. Throws Error(kInvalid) at "/dtype..." or
  // "/nodata...".
  BandInfo apply(BandInfo band, std::size_t i, std::size_t count, DType preset,
                 const std::string& each, std::string_view reason) const;
};

}  // namespace cube
