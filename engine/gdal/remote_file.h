// RemoteFile: a file on a server, of which a read gives all bytes there are, or fails.
//
// GDAL's own file systems (/vsicurl/, /vsis3/, ...) do the requests, persist() sees to those that
// fail, and ranges that lie near each other are one request.
//
// Thread rule: one thread at a time.
// Only files of engine/gdal include this.
#pragma once

#include <cpl_vsi.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/gdal/cloud_settings.h"
#include "engine/gdal/server_answers.h"

namespace cube {

struct FileClose {
  void operator()(VSILFILE* file) const { VSIFCloseL(file); }
};

class RemoteFile {
 public:
  // `path`: such as "/vsicurl/https://h/a.tif". Null where it cannot be opened, which an error of
  // GDAL tells, or, where there is no such file, VSIGetLastErrorMsg().
  static std::unique_ptr<RemoteFile> open(const std::string& path);

  std::uint64_t size() const { return size_; }
  std::uint64_t tell() const { return at_; }
  bool at_end() const { return ended_; }

  // As fseek.
  void seek(std::uint64_t offset, int whence);

  // Reads on; the number of bytes: fewer than `bytes` at the end of the file, 0 when they cannot be
  // had, which an error of GDAL tells.
  std::size_t read(std::byte* out, std::size_t bytes);

  // Reads each range into its `data`; false as above.
  bool read_ranges(std::span<void*> data, std::span<const vsi_l_offset> offsets,
                   std::span<const std::size_t> sizes);

 private:
  using Clock = std::chrono::steady_clock;

  // What was asked for again and again.
  struct Failed {
    std::uint64_t begin, end;
    Refusal refusal;
    Clock::time_point at;
  };

  explicit RemoteFile(std::string path) : path_(std::move(path)) {}

  std::optional<Refusal> open_at_first(const Patience& patience);
  bool reopen(std::string& reason);
  std::optional<Refusal> just_failed();
  bool read_piece(std::uint64_t offset, void* out, std::size_t bytes, std::string& reason);
  bool read_plainly(std::uint64_t offset, void* out, std::size_t bytes, std::string& reason);
  bool read_apart(std::span<void*> data, std::span<const vsi_l_offset> offsets,
                  std::span<const std::size_t> sizes);
  bool read_batch(std::span<void*> data, std::span<const vsi_l_offset> offsets,
                  std::span<const std::size_t> sizes);

  std::string path_;
  std::unique_ptr<VSILFILE, FileClose> inner_;  // null after a failure
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;
  bool ended_ = false;
  bool with_headers_alone_ = true;  // can be asked for
  std::optional<Failed> failed_;
};

// While it lives, a file that this thread could not open is not asked for again: GDAL tries each of
// its ways to open a name, one after the other.
class Opening {
 public:
  Opening() : outer_(innermost_) { innermost_ = this; }
  ~Opening() { innermost_ = outer_; }
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  // Why the first file that could not be opened could not; nullopt = all could.
  const std::optional<Refusal>& refusal() const { return first_; }

 private:
  friend class RemoteFile;

  static inline thread_local Opening* innermost_ = nullptr;
  Opening* outer_;
  std::optional<Refusal> first_;
  std::map<std::string, Refusal> failed_;  // by path
};

// Requests that GDAL's statistics leave out: ranges besides the first of a read.
std::int64_t uncounted_requests();

}  // namespace cube
