#include "engine/gdal/hdf5_reader.h"

#include <fcntl.h>
#include <hdf5.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/error.h"
#include "engine/gdal/compress.h"
#include "engine/gdal/netcdf_lock.h"

namespace cube {

namespace {

// Closes a handle of libhdf5 at the end of a scope.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }

 private:
  hid_t id_;
  Close close_;
};

// Registered numbers of filters that HDF5 does not bring with it.
constexpr H5Z_filter_t kBlosc = 32001;
constexpr H5Z_filter_t kZstd = 32015;

bool is_native_number(hid_t dataset, std::size_t cell) {
  const Handle type(H5Dget_type(dataset), &H5Tclose);
  if (!type.valid() || H5Tget_size(type.get()) != cell) return false;
  const H5T_class_t kind = H5Tget_class(type.get());
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) return false;
  const Handle native(H5Tget_native_type(type.get(), H5T_DIR_DEFAULT), &H5Tclose);
  return native.valid() && H5Tequal(type.get(), native.get()) > 0;
}

// What cells hold that were never written.
std::vector<std::byte> fill_of(hid_t properties, hid_t dataset, std::size_t cell) {
  H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
  if (H5Pfill_value_defined(properties, &defined) < 0) return {};
  if (defined == H5D_FILL_VALUE_UNDEFINED) return {};
  const Handle type(H5Dget_type(dataset), &H5Tclose);
  std::vector<std::byte> out(cell);
  if (!type.valid() || H5Pget_fill_value(properties, type.get(), out.data()) < 0) return {};
  return out;
}

// The steps that undo a dataset's filters; nullopt where one is left to libhdf5 (fletcher32, which
// it checks, and what is not known).
std::optional<ChunkCodec> codec_of(hid_t properties, std::size_t cell) {
  ChunkCodec codec;
  for (int i = H5Pget_nfilters(properties) - 1; i >= 0; --i) {
    unsigned flags = 0;
    std::size_t values = 0;
    unsigned config = 0;
    const H5Z_filter_t filter = H5Pget_filter2(properties, static_cast<unsigned>(i), &flags,
                                               &values, nullptr, 0, nullptr, &config);
    ChunkCodec::Step step{.bit = std::uint32_t{1} << i};
    if (filter == H5Z_FILTER_SHUFFLE) {
      step.kind = ChunkCodec::Kind::kUnshuffle;
      step.cell = cell;
    } else if (filter == H5Z_FILTER_DEFLATE || filter == kZstd || filter == kBlosc) {
      step.compressor = filter == H5Z_FILTER_DEFLATE ? "zlib" : filter == kZstd ? "zstd" : "blosc";
      if (!has_decompressor(step.compressor)) return std::nullopt;
    } else {
      return std::nullopt;
    }
    codec.add(std::move(step));
  }
  return codec;
}

}  // namespace

std::unique_ptr<const Hdf5Reader> Hdf5Reader::open(const std::string& path,
                                                   const std::string& name) {
  static_assert(sizeof(hid_t) == sizeof(std::int64_t));
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) return nullptr;
  const Handle properties(H5Fget_create_plist(file), &H5Pclose);
  hsize_t before = 1;
  const bool plain = properties.valid() && H5Pget_userblock(properties.get(), &before) >= 0;
  const int descriptor = plain && before == 0 ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : -1;
  if (descriptor >= 0) {
    return std::unique_ptr<const Hdf5Reader>(new Hdf5Reader(file, descriptor, name));
  }
  H5Fclose(file);
  return nullptr;
}

Hdf5Reader::~Hdf5Reader() {
  H5Fclose(file_);
  ::close(descriptor_);
}

std::optional<Hdf5Reader::Dataset> Hdf5Reader::dataset(const std::string& name,
                                                       std::size_t cell) const {
  const hid_t id = H5Dopen2(file_, name.c_str(), H5P_DEFAULT);
  if (id < 0) return std::nullopt;
  Dataset out{.id = id, .chunk_bytes = cell, .codec = {}};
  const Handle properties(H5Dget_create_plist(id), &H5Pclose);
  std::vector<hsize_t> sides(H5S_MAX_RANK);
  const bool chunked = properties.valid() && H5Pget_layout(properties.get()) == H5D_CHUNKED;
  const int rank = chunked ? H5Pget_chunk(properties.get(), H5S_MAX_RANK, sides.data()) : -1;
  auto codec = rank > 0 ? codec_of(properties.get(), cell) : std::nullopt;
  if (!codec || !is_native_number(id, cell)) {
    H5Dclose(id);
    return std::nullopt;
  }
  for (int d = 0; d < rank; ++d) out.chunk_bytes *= sides[static_cast<std::size_t>(d)];
  out.codec = std::move(*codec);
  out.fill = fill_of(properties.get(), id, cell);
  return out;
}

void Hdf5Reader::close(const Dataset& dataset) const { H5Dclose(dataset.id); }

void Hdf5Reader::read_at(std::uint64_t place, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t done = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(place));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      throw Error(ErrorCode::kUnreadable,
                  std::string("cannot be read: ") +
                      (done < 0 ? std::strerror(errno) : "it has become shorter"),
                  name_);
    }
    out = out.subspan(static_cast<std::size_t>(done));
    place += static_cast<std::uint64_t>(done);
  }
}

Hdf5Reader::Found Hdf5Reader::read(const Dataset& dataset, std::span<const std::int64_t> start,
                                   std::span<std::byte> cells) const {
  const std::vector<hsize_t> offset(start.begin(), start.end());
  unsigned left_out = 0;
  haddr_t place = HADDR_UNDEF;
  hsize_t size = 0;
  {
    const NetcdfLock lock;
    if (H5Dget_chunk_info_by_coord(dataset.id, offset.data(), &left_out, &place, &size) < 0) {
      return Found::kLeft;
    }
  }
  if (place == HADDR_UNDEF || size == 0) return Found::kNeverWritten;
  // A damaged file may state any size.
  if (size > static_cast<hsize_t>(compressed_bytes(static_cast<std::int64_t>(cells.size())))) {
    return Found::kLeft;
  }
  Bytes stored(size);
  read_at(place, stored);
  try {
    dataset.codec.decode(stored, cells, {}, left_out);
  } catch (const Error&) {
    return Found::kLeft;
  }
  return Found::kRead;
}

}  // namespace cube
