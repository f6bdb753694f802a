// source_bands(): which bands of an input some bands of the result come from.
// Thread rule: a pure function.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace cube {

// source(band) of each band, ascending and each once.
template <class Source>
std::vector<std::size_t> source_bands(const std::vector<std::size_t>& bands, Source&& source) {
  std::vector<std::size_t> out;
  for (const std::size_t band : bands) out.push_back(source(band));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace cube
