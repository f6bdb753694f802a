#include "engine/gdal/tile_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/gdal/output_file.h"

namespace cube {

void TileIndex::take_over(const std::vector<WrittenPiece>& pieces) {
  for (const WrittenPiece& piece : pieces) {
    for (const StoredTile& tile : piece.tiles) set(tile.index, tile.offset, tile.bytes);
  }
}

std::uint64_t end_of(const std::vector<WrittenPiece>& pieces, std::uint64_t store,
                     std::uint64_t least) {
  for (const WrittenPiece& piece : pieces) {
    for (const StoredTile& tile : piece.tiles) {
      if (tile.store == store) least = std::max(least, tile.offset + tile.bytes);
    }
  }
  return least;
}

PlacedFile::PlacedFile(const std::string& path, const std::string& file, Mode mode)
    : file_(file),
      descriptor_(::open(path.c_str(),
                         O_RDWR | O_CLOEXEC | (mode == Mode::kNew ? O_CREAT | O_TRUNC : 0), 0666)) {
  if (descriptor_ < 0) throw unwritable(file_, std::strerror(errno));
}

PlacedFile::~PlacedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void PlacedFile::write(std::span<const std::byte> bytes, std::uint64_t at) const {
  // In aligned pieces, for which the system finds pages at hand. For megabytes at a time it looks
  // for as large ones, which are cold: 0.5 s instead of 0.25 s for 0.5 GB on Linux 6.18.
  constexpr std::uint64_t kPiece = 65536;
  while (!bytes.empty()) {
    const std::size_t piece = std::min<std::size_t>(bytes.size(), kPiece - at % kPiece);
    const ssize_t done = ::pwrite(descriptor_, bytes.data(), piece, static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) throw unwritable(file_, std::strerror(done < 0 ? errno : ENOSPC));
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    at += static_cast<std::uint64_t>(done);
  }
}

void PlacedFile::write_back(std::uint64_t at, std::uint64_t bytes) const {
  constexpr std::uint64_t kWindow = std::uint64_t{8} << 20;
  const std::uint64_t window = at / kWindow;
  if (window == 0 || (at + bytes) / kWindow == window) return;
  // The window before: what other threads are writing lies behind it. Only a hint, nothing is lost
  // where it fails.
  ::sync_file_range(descriptor_, static_cast<off_t>((window - 1) * kWindow),
                    static_cast<off_t>(kWindow), SYNC_FILE_RANGE_WRITE);
}

void PlacedFile::read(std::span<std::byte> bytes, std::uint64_t at) const {
  while (!bytes.empty()) {
    const ssize_t done = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) throw unwritable(file_, std::strerror(done < 0 ? errno : EIO));
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    at += static_cast<std::uint64_t>(done);
  }
}

void PlacedFile::cut(std::uint64_t end) {
  if (::ftruncate(descriptor_, static_cast<off_t>(end)) != 0) {
    throw unwritable(file_, std::strerror(errno));
  }
  end_ = end;
}

void PlacedFile::close() {
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0 && errno != EINTR) throw unwritable(file_, std::strerror(errno));
}

}  // namespace cube
