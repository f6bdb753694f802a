// Hdf5Reader: the chunks of an HDF5 file, past libhdf5.
//
// libhdf5 says where a chunk lies, under the lock that it shares with libnetcdf; its bytes are read
// and its filters undone in the caller's thread, with none. libhdf5 itself does both under the
// lock, and unpacks deflate in about twice the time.
// Thread rule: read() from any thread; NetcdfLock held in all others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/gdal/chunk_codec.h"

namespace cube {

class Hdf5Reader {
 public:
  // Null for a file that is left to libnetcdf: of another format, or with a block before it.
  // `file`: its name in errors.
  static std::unique_ptr<const Hdf5Reader> open(const std::string& path, const std::string& file);
  ~Hdf5Reader();
  Hdf5Reader(const Hdf5Reader&) = delete;
  Hdf5Reader& operator=(const Hdf5Reader&) = delete;

  // A dataset in chunks of numbers in this machine's byte order, whose filters can be undone here.
  struct Dataset {
    std::int64_t id = -1;
    std::size_t chunk_bytes = 0;
    ChunkCodec codec;
    std::vector<std::byte> fill =
        {};  // a cell that was never written; empty where that is undefined
  };
  std::optional<Dataset> dataset(const std::string& name, std::size_t cell) const;
  void close(const Dataset& dataset) const;

  // Reads the chunk that begins at `start`. kLeft, with `cells` undefined: libnetcdf may tell what
  // is wrong with it. REQUIRES: `cells` has the size of a chunk. Throws Error(kUnreadable) where
  // the system cannot read the file, or it has become shorter.
  enum class Found : std::uint8_t { kRead, kNeverWritten, kLeft };
  Found read(const Dataset& dataset, std::span<const std::int64_t> start,
             std::span<std::byte> cells) const;

 private:
  Hdf5Reader(std::int64_t file, int descriptor, std::string name)
      : file_(file), descriptor_(descriptor), name_(std::move(name)) {}
  void read_at(std::uint64_t place, std::span<std::byte> out) const;

  std::int64_t file_;
  int descriptor_;
  std::string name_;
};

}  // namespace cube
