// ImageDigests: what a catalog says of each image in 64 bits, to tell which images of a document
// are other than the catalog's without holding either.
//
// A digest is the sum of hashes of single facts, so that they may come in any order. Two images of
// one name that differ have the same with a chance of 2^-64.
// Memory: 32 bytes an image.
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/sqlite.h"
#include "engine/cube_info.h"
#include "engine/grid.h"
#include "engine/packing.h"
#include "engine/time_axis.h"

namespace cube {

// The facts of one image, as they stand in the catalog.
class ImageDigest {
 public:
  void add_time(Instant datetime);
  void add_place(std::string_view crs, const Box& row);
  void add_reference(std::string_view band, std::string_view descriptor, int raster_band);
  // Of an image whose band has another scale or offset than the catalog says of the band.
  void add_packing(std::string_view band, const Packing& packing);
  void add_metadata(std::string_view key, std::string_view value);

  std::uint64_t value() const { return sum_; }

 private:
  void add(std::string_view fact);

  std::uint64_t sum_ = 0;
  std::string fact_;
};

// Which facts count. Of images whose files are opened the documents do not say the rest.
enum class DigestOf : std::uint8_t { kAll, kFiles };  // kFiles: time, files and their bands

class ImageDigests {
 public:
  // Reads the images of a catalog of ours whose bands these are. Throws Error(kUnreadable).
  ImageDigests(Database& database, const std::vector<BandInfo>& bands);

  // Whether the catalog has an image of this name with this digest. Notes that the document of this
  // number (from 1) has it.
  bool same(std::string_view name, std::uint64_t digest, DigestOf what, std::uint32_t document);
  // As if no document had it.
  void forget(std::string_view name);
  // The first document that has it; 0 = none, or the catalog does not have it.
  std::uint32_t document_of(std::string_view name);

 private:
  struct Entry {
    std::uint64_t name;
    std::uint64_t all;
    std::uint64_t files;
    std::uint32_t document;
  };
  std::span<Entry> of_name(std::string_view name);
  void read(Database& database, const std::vector<BandInfo>& bands);

  std::vector<Entry> entries_;  // by hash of the name
};

// The images of a document that a catalog has not, or has otherwise, or of which a file has
// changed since.
class WantedImages {
 public:
  // What the catalog knows of files: those that have changed and those that are gone since it was
  // made, as it names them.
  struct Files {
    std::set<std::string, std::less<>> changed;
    std::set<std::string, std::less<>> gone;
    std::set<std::string, std::less<>> removed = {};  // images that stay away
  };

  // `folder`, `bands`: of the catalog. REQUIRES: all but the folder outlive it.
  WantedImages(ImageDigests& digests, const Files& files, const std::vector<BandInfo>& bands,
               std::filesystem::path folder, std::uint32_t document)
      : digests_(digests),
        files_(files),
        bands_(bands),
        folder_(std::move(folder)),
        document_(document) {}

  const std::filesystem::path& folder() const { return folder_; }
  const std::vector<BandInfo>& bands() const { return bands_; }

  // Adds the scale and offset of a band to an image's facts, where the catalog says others of it.
  void add_packing(ImageDigest& digest, const std::string& band, const Packing& packing) const;
  bool has_changed(std::string_view file) const { return files_.changed.contains(file); }
  bool is_gone(std::string_view file) const { return files_.gone.contains(file); }

  // Whether the image is wanted. `changed`: some file of it has. To be asked of every image of the
  // document, once.
  bool wants(std::string_view name, std::uint64_t digest, DigestOf what, bool changed);

  // From now on all are.
  void want_all() { all_ = true; }
  bool wants_all() const { return all_; }

  // Those that are only wanted as files have changed.
  const std::set<std::string>& touched() const { return touched_; }

 private:
  ImageDigests& digests_;
  const Files& files_;
  const std::vector<BandInfo>& bands_;
  std::filesystem::path folder_;
  std::uint32_t document_;
  bool all_ = false;
  std::set<std::string> touched_;
};

}  // namespace cube
