#include "engine/gdal/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "engine/dtype.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

constexpr const char* kNoSpace = "no space left on device";

// Below this a file system counts as full: no block fits.
constexpr std::uintmax_t kFullBytes = 4096;

// Creates an empty file or folder; false when the name is taken.
bool reserve(const std::string& path, bool folder, const std::string& final_name) {
  if (folder) {
    std::error_code error;
    if (fs::create_directory(path, error)) return true;
    if (!error) return false;
    throw unwritable(final_name, error.message());
  }
  const int descriptor = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor >= 0) {
    ::close(descriptor);
    return true;
  }
  if (errno == EEXIST) return false;
  throw unwritable(final_name, std::strerror(errno));
}

}  // namespace

void reserve_anew(const std::string& path, bool folder, const std::string& file) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw unwritable(file, error.message());
  if (!reserve(path, folder, file)) throw unwritable(file, path + " is taken");
}

bool holds_tiles(const std::string& path, const WrittenPiece& piece, std::uint64_t store) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return !error && std::ranges::all_of(piece.tiles, [&](const StoredTile& tile) {
    return tile.store != store || tile.offset + tile.bytes <= size;
  });
}

TemporaryName::TemporaryName(const std::string& final_name, bool folder) : final_name_(final_name) {
  const fs::path final_path(final_name);
  std::string stem = ".";
  stem += final_path.filename().string();
  stem += ".part-" + std::to_string(::getpid()) + "-";
  int n = 0;
  do {
    path_ = (final_path.parent_path() / (stem + std::to_string(n++))).string();
  } while (!reserve(path_, folder, final_name));
}

TemporaryName::~TemporaryName() {
  std::error_code ignored;
  if (!kept_) fs::remove_all(path_, ignored);
  // What libraries put beside it, such as .aux.xml and .ovr.tmp.
  const fs::path path(path_);
  const std::string prefix = path.filename().string() + ".";
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::vector<fs::path> beside;
  for (fs::directory_iterator it(folder, ignored), end; it != end; it.increment(ignored)) {
    if (it->path().filename().string().starts_with(prefix)) beside.push_back(it->path());
  }
  for (const fs::path& file : beside) fs::remove(file, ignored);
}

void TemporaryName::keep(bool overwrite) {
  put_in_place(path_, final_name_, overwrite);
  kept_ = true;
}

namespace {

// True when the name was free and has been given; false when it is taken. Throws where it cannot be
// given.
bool give_free_name(const std::string& path, const std::string& final_name) {
  if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, final_name.c_str(), RENAME_NOREPLACE) == 0) {
    return true;
  }
  if (errno == EEXIST) return false;
  // Not every file system knows how not to replace.
  if (errno != EINVAL && errno != ENOSYS) throw unwritable(final_name, std::strerror(errno));
  std::error_code error;
  if (fs::exists(fs::symlink_status(final_name, error))) return false;
  fs::rename(path, final_name, error);
  if (error) throw unwritable(final_name, error.message());
  return true;
}

// Puts a folder in the place of one that is there, which is removed; where that fails it stays.
void replace_folder(const std::string& path, const std::string& final_name) {
  std::error_code ignored;
  if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, final_name.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(path, ignored);
    return;
  }
  if (errno != EINVAL && errno != ENOSYS) throw unwritable(final_name, std::strerror(errno));
  // The old one steps aside first.
  TemporaryName old(final_name, true);
  std::error_code error;
  fs::rename(final_name, old.path(), error);
  if (error) throw unwritable(final_name, error.message());
  fs::rename(path, final_name, error);
  if (!error) return;
  const Error reason = unwritable(final_name, error.message());
  old.keep(false);
  throw reason;
}

}  // namespace

void put_in_place(const std::string& path, const std::string& final_name, bool overwrite) {
  if (give_free_name(path, final_name)) return;
  if (!overwrite) throw unwritable(final_name, "the file appeared during the run");
  std::error_code error;
  if (fs::is_directory(final_name, error)) return replace_folder(path, final_name);
  fs::rename(path, final_name, error);
  if (error) throw unwritable(final_name, error.message());
  // Statistics and overviews of the file that was replaced would now be wrong.
  std::error_code ignored;
  for (const char* suffix : {".aux.xml", ".ovr", ".msk"}) fs::remove(final_name + suffix, ignored);
}

void write_sidecar(const std::string& file, const std::string& text) {
  if (text.empty()) return;
  const std::string name = file + ".aux.xml";
  TemporaryName made(name, false);
  write_file(made.path(), text, name);
  made.keep(true);
}

void write_file(const std::string& path, std::string_view text, const std::string& file) {
  TextFile out;
  out.open(path, file);
  out << text;
  out.close();
}

void TextFile::open(const std::string& path, const std::string& file) {
  file_ = file;
  errno = 0;
  out_.open(path, std::ios::binary | std::ios::trunc);
  check();
}

TextFile& TextFile::operator<<(std::string_view text) {
  errno = 0;
  out_.write(text.data(), static_cast<std::streamsize>(text.size()));
  check();
  return *this;
}

void TextFile::close() {
  errno = 0;
  out_.close();
  check();
}

void TextFile::check() const {
  if (!out_) throw unwritable(file_, errno != 0 ? std::strerror(errno) : "write failed");
}

Error unwritable(const std::string& file, const std::string& reason) {
  std::error_code error;
  const fs::path folder = fs::absolute(file, error).parent_path();
  const fs::space_info space = fs::space(folder, error);
  const bool full = !error && space.available < kFullBytes;
  const bool said = lower(reason).find("no space left") != std::string::npos;
  return Error(ErrorCode::kUnwritable,
               std::string("cannot be written: ") + (full || said     ? kNoSpace
                                                     : reason.empty() ? "write failed"
                                                                      : reason),
               file);
}

void write_whole(const std::string& file, const std::string& text) {
  TemporaryName name(file, false);
  write_file(name.path(), text, file);
  sync_file(name.path(), file);
  name.keep(true);
}

void sync_file(const std::string& path, const std::string& file) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw unwritable(file, std::strerror(errno));
  const int status = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  // Some file systems cannot sync and say EINVAL; that is no loss of data.
  if (status != 0 && reason != EINVAL) throw unwritable(file, std::strerror(reason));
}

std::size_t widest_cell(const CubeInfo& info) {
  std::size_t widest = 0;
  for (const BandInfo& band : info.bands) widest = std::max(widest, size_of(band.dtype));
  return widest;
}

std::vector<std::byte> padded_cells(const Region& region, std::span<const std::byte> cells,
                                    const Storage& storage, const ChunkShape& chunk) {
  const std::size_t cell = size_of(storage.dtype);
  std::vector<std::byte> out(static_cast<std::size_t>(chunk.cells()) * cell);
  if (storage.nodata) {
    dispatch(storage.dtype, [&]<class T>(std::type_identity<T>) {
      auto* first = reinterpret_cast<T*>(out.data());
      std::fill(first, first + chunk.cells(), static_cast<T>(*storage.nodata));
    });
  }
  const auto row = static_cast<std::size_t>(region.x.size()) * cell;
  for (std::int64_t t = 0; t < region.t.size() && !cells.empty(); ++t) {
    for (std::int64_t y = 0; y < region.y.size(); ++y) {
      const auto source = static_cast<std::size_t>(t * region.y.size() + y) * row;
      const auto target = static_cast<std::size_t>((t * chunk.y + y) * chunk.x) * cell;
      std::memcpy(out.data() + target, cells.data() + source, row);
    }
  }
  return out;
}

bool same_cells(const Storage& from, const Storage& to) {
  return from.dtype == to.dtype &&
         (is_float(from.dtype) || from.nodata == to.nodata || !from.nodata);
}

void convert_cells(std::span<const std::byte> cells, const Storage& from, const Storage& to,
                   std::span<std::byte> out) {
  const std::size_t count = cells.size() / size_of(from.dtype);
  dispatch(from.dtype, [&]<class From>(std::type_identity<From>) {
    dispatch(to.dtype, [&]<class To>(std::type_identity<To>) {
      const auto* source = reinterpret_cast<const From*>(cells.data());
      auto* target = reinterpret_cast<To*>(out.data());
      const auto missing = static_cast<To>(to.nodata.value_or(0));
      for (std::size_t i = 0; i < count; ++i) {
        const auto value = static_cast<double>(source[i]);
        const bool gap = std::isnan(value) || (from.nodata && value == *from.nodata);
        target[i] = gap ? missing : cell_cast<To>(value);
      }
    });
  });
}

}  // namespace cube
