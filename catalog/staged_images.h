// StagedImages: images of a catalog to be, in a file without a name, until all are known.
//
// Images come as documents have them, a catalog has them by time and name. Only the times, and
// where in the file an image stands, are held: 24 bytes an image. The file lies beside the catalog,
// and is gone with its process, however that ends.
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/grid.h"
#include "engine/packing.h"
#include "engine/time_axis.h"

namespace cube {

struct StagedImage {
  struct Source {
    std::size_t band = 0;
    int raster_band = 1;
    Packing packing = {};
    std::string_view descriptor;
  };
  std::uint32_t id = 0;  // of its name
  Instant datetime;
  std::string_view crs;
  std::vector<Box> footprint;
  std::vector<Source> sources;
};

class StagedImages {
 public:
  // Beside `path`; errors name `catalog`. Throws Error(kUnwritable), as all here.
  StagedImages(const std::string& path, std::string catalog);
  ~StagedImages();
  StagedImages(const StagedImages&) = delete;
  StagedImages& operator=(const StagedImages&) = delete;

  void add(const StagedImage& image);

  // By time, then name, which `name_of` gives of an id; texts are good during the call.
  using NameOf = std::function<std::string_view(std::uint32_t)>;
  void for_each(const NameOf& name_of, const std::function<void(const StagedImage&)>& use);

 private:
  struct Key {
    Instant datetime;
    std::int64_t at;  // in the file
    std::uint32_t id;
    std::uint32_t bytes;
  };

  void flush();
  const char* bytes_of(const Key& key);
  void read(const Key& key, StagedImage& image);

  std::string catalog_;
  int handle_ = -1;
  std::deque<Key> keys_;  // grows without being copied
  std::vector<std::string> crs_;
  std::map<std::string, std::uint32_t, std::less<>> crs_index_;
  std::string buffer_;          // of what is written next, or was read last
  std::int64_t buffer_at_ = 0;  // in the file
};

}  // namespace cube
