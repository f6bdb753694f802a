#include "engine/gdal/record_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "engine/gdal/output_file.h"
#include "engine/hash.h"

namespace cube {

namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kSumBytes = 4;
constexpr std::uint32_t kMostPayload = std::uint32_t{1} << 30;

// FNV-1a, folded to 32 bits.
std::uint32_t checksum(char kind, std::string_view payload) {
  const std::uint64_t sum = fnv1a(payload, fnv1a({&kind, 1}));
  return static_cast<std::uint32_t>(sum ^ sum >> 32);
}

template <class T>
void put_bytes(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// True when all bytes went out; else errno says why.
bool write_all(int descriptor, std::string_view bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done == 0) errno = ENOSPC;
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
    at += static_cast<std::uint64_t>(done);
  }
  return true;
}

}  // namespace

RecordFile::RecordFile(const std::string& path, std::string file)
    : file_(std::move(file)),
      descriptor_(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw unwritable(file_, std::strerror(errno));
}

RecordFile::~RecordFile() { ::close(descriptor_); }

// False where the file ends before; what cannot be read is no end.
bool RecordFile::read_all(std::span<char> bytes, std::uint64_t at) const {
  while (!bytes.empty()) {
    const ssize_t done = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) {
      throw Error(
          ErrorCode::kUnreadable,
          std::string("what an earlier run has left of it cannot be read: ") + std::strerror(errno),
          file_);
    }
    if (done == 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    at += static_cast<std::uint64_t>(done);
  }
  return true;
}

void RecordFile::read(const Take& take) {
  const off_t size = ::lseek(descriptor_, 0, SEEK_END);
  std::array<char, kLengthBytes> head{};
  std::string record;
  while (read_all(head, end_)) {
    std::uint32_t length = 0;
    std::memcpy(&length, head.data(), kLengthBytes);
    // Nothing is made for a record that is not all there.
    const std::uint64_t end = end_ + kLengthBytes + 1 + length + kSumBytes;
    if (length > kMostPayload || (size >= 0 && end > static_cast<std::uint64_t>(size))) return;
    record.resize(1 + length + kSumBytes);
    if (!read_all(record, end_ + kLengthBytes)) return;
    const std::string_view payload(record.data() + 1, length);
    std::uint32_t sum = 0;
    std::memcpy(&sum, record.data() + 1 + length, kSumBytes);
    if (sum != checksum(record[0], payload)) return;
    end_ += kLengthBytes + record.size();
    take(record[0], payload, end_);
  }
}

void RecordFile::cut(std::uint64_t end) {
  const std::lock_guard lock(mutex_);
  if (::ftruncate(descriptor_, static_cast<off_t>(end)) != 0) {
    throw unwritable(file_, std::strerror(errno));
  }
  end_ = end;
}

std::uint64_t RecordFile::append(char kind, std::string_view payload) {
  std::string record;
  record.reserve(kLengthBytes + 1 + payload.size() + kSumBytes);
  put_bytes(record, static_cast<std::uint32_t>(payload.size()));
  record += kind;
  record += payload;
  put_bytes(record, checksum(kind, payload));
  const std::lock_guard lock(mutex_);
  if (!write_all(descriptor_, record, end_)) {
    const int reason = errno;
    // What was written of it is not whole, and the next record is put over it.
    throw unwritable(file_, std::strerror(reason));
  }
  end_ += record.size();
  return end_;
}

std::uint64_t RecordFile::end() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

bool RecordFile::sync_all() const { return ::syncfs(descriptor_) == 0; }

PayloadWriter& PayloadWriter::put(std::uint64_t number) {
  put_bytes(bytes_, number);
  return *this;
}

PayloadWriter& PayloadWriter::put(std::string_view text) {
  put(std::uint64_t{text.size()});
  bytes_ += text;
  return *this;
}

std::uint64_t PayloadReader::number() {
  std::uint64_t out = 0;
  if (left_.size() < sizeof out) {
    good_ = false;
    return 0;
  }
  std::memcpy(&out, left_.data(), sizeof out);
  left_.remove_prefix(sizeof out);
  return out;
}

std::string PayloadReader::text() {
  const std::uint64_t size = number();
  if (size > left_.size()) {
    good_ = false;
    return {};
  }
  std::string out(left_.substr(0, size));
  left_.remove_prefix(size);
  return out;
}

}  // namespace cube
