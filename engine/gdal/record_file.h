// RecordFile: records that are only ever put behind each other, each of which can be told to be
// whole, so that a file whose writer was killed at any moment, or whose machine lost its power, is
// good up to its last whole record.
//
// A record is a length (of the payload, 32 bits), a kind, the payload and 32 bits of FNV-1a over
// kind and payload. Each is one write().
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

namespace cube {

class RecordFile {
 public:
  // Opens the file, which is made where it is not there; errors name `file`. Throws
  // Error(kUnwritable).
  RecordFile(const std::string& path, std::string file);
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  // Calls take(kind, payload, where the record ends) for the records up to the first that is not
  // whole, behind which the next will be put. REQUIRES: nothing was appended. Throws
  // Error(kUnreadable).
  using Take = std::function<void(char kind, std::string_view payload, std::uint64_t end)>;
  void read(const Take& take);

  // Drops what lies behind `end`, the end of a record.
  void cut(std::uint64_t end);

  // Gives the record's end. Throws Error(kUnwritable); the record then is none.
  // Thread rule: any thread.
  std::uint64_t append(char kind, std::string_view payload);

  std::uint64_t end() const;

  // Has everything written back that this process wrote to the file system which holds the file;
  // false where that failed. Thread rule: any thread.
  bool sync_all() const;

 private:
  bool read_all(std::span<char> bytes, std::uint64_t at) const;

  std::string file_;  // in errors
  int descriptor_ = -1;
  mutable std::mutex mutex_;
  std::uint64_t end_ = 0;
};

// Whole numbers and texts one after the other, for payloads.
class PayloadWriter {
 public:
  PayloadWriter& put(std::uint64_t number);
  PayloadWriter& put(std::string_view text);  // after its length
  const std::string& payload() const { return bytes_; }

 private:
  std::string bytes_;
};

// The reverse; behind the end there are zeros and empty texts, and good() is false.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view payload) : left_(payload) {}
  std::uint64_t number();
  std::string text();
  bool more() const { return good_ && !left_.empty(); }
  bool good() const { return good_; }

 private:
  std::string_view left_;
  bool good_ = true;
};

}  // namespace cube
