// StencilCache: stencils of images that lie alike, so that the bands of an image and the images of
// one tile are placed once.
// Thread rule: one a thread.
#pragma once

#include <string>

#include "engine/gdal/recently_used.h"
#include "engine/gdal/stencil.h"

namespace cube {

class StencilCache {
 public:
  // What a stencil depends on.
  struct Key {
    std::string map;  // GeoMap::key()
    ImageSize size;
    Resampling method = Resampling::kNearest;
    Range rows, columns;  // of the view

    bool operator==(const Key&) const = default;
  };

  // Keeps up to `limit` bytes, or one stencil.
  explicit StencilCache(std::size_t limit) : stencils_(limit, kMostEntries) {}

  // Null when it is not there, or when the map has no key. Valid until the next put().
  const Stencil* find(const Key& key);
  const Stencil& put(const Key& key, Stencil&& stencil);

 private:
  static constexpr std::size_t kMostEntries = 64;  // they are looked through one by one

  RecentlyUsed<Key, Stencil> stencils_;
};

}  // namespace cube
