#include "engine/gdal/tile_decoder.h"

#include <cpl_compressor.h>
#include <cpl_vsi.h>
#include <gdal.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#include "engine/gdal/inflate.h"
#include "engine/multiversion.h"
#include "engine/stopwatch.h"
#include "engine/text.h"

namespace cube {

namespace {

// A damaged file may state any size; what cannot be compressed grows by less than a part of this
// and these bytes.
constexpr std::size_t kMostGrowth = 16;
constexpr std::size_t kLeastRoom = 1024;

struct CloseFile {
  void operator()(VSILFILE* file) const { VSIFCloseL(file); }
};
using File = std::unique_ptr<VSILFILE, CloseFile>;

std::string_view item(GDALMajorObjectH object, const char* name, const char* domain) {
  const char* value = GDALGetMetadataItem(object, name, domain);
  return value ? value : "";
}

std::optional<std::uint64_t> tile_number(GDALRasterBandH band, const char* what, int x, int y) {
  const std::string name = std::string(what) + "_" + std::to_string(x) + "_" + std::to_string(y);
  const auto value = parse_number(item(band, name.c_str(), "TIFF"));
  if (!value || *value <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

constexpr const char* kZlib = "zlib";  // GDAL's name

const char* decompressor_of(std::string_view compression) {
  if (compression == "DEFLATE") return kZlib;
  return compression == "ZSTD" ? "zstd" : nullptr;
}

// Name, size and time of the last change of a plain local file; empty for what is none.
std::string identity_of(const std::string& path) {
  struct stat status {};
  if (path.starts_with("/vsi") || ::stat(path.c_str(), &status) != 0) return {};
  if (!S_ISREG(status.st_mode)) return {};
  return path + '\n' + std::to_string(status.st_size) + '\n' +
         std::to_string(status.st_mtim.tv_sec) + '\n' + std::to_string(status.st_mtim.tv_nsec);
}

// TIFFs in this machine's byte order.
bool has_native_order(VSILFILE* file) {
  std::array<char, 2> order{};
  const char* native = std::endian::native == std::endian::little ? "II" : "MM";
  return VSIFReadL(order.data(), 1, 2, file) == 2 && std::memcmp(order.data(), native, 2) == 0;
}

// The first bytes of what the next `size` bytes of a file hold.
bool unpack_start(VSILFILE* file, std::size_t size, std::span<std::byte> out, double& reading) {
  const auto read = [&](std::span<std::byte> piece) {
    const Stopwatch start;
    const std::size_t count = VSIFReadL(piece.data(), 1, std::min(piece.size(), size), file);
    reading += start.seconds();
    size -= count;
    return count;
  };
  return inflate_start(read, out);
}

template <class T>
void add_up(std::byte* row, std::size_t count) {
  T sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, row + i * sizeof(T), sizeof(T));
    sum = static_cast<T>(sum + value);
    std::memcpy(row + i * sizeof(T), &sum, sizeof(T));
  }
}

// Cells whose bytes lie in planes, highest first.
template <class T>
CUBE_MULTIVERSION void join(const std::uint8_t* __restrict planes, std::size_t count,
                            T* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) {
    T cell = 0;
    for (std::size_t plane = 0; plane < sizeof(T); ++plane) {
      cell = static_cast<T>(cell << 8 | planes[plane * count + i]);
    }
    out[i] = cell;
  }
}

}  // namespace

std::optional<TileDecoder> TileDecoder::make(GDALRasterBandH band, const std::string& descriptor,
                                             BlockCache* blocks, DecodingWork* work) {
  GDALDatasetH dataset = GDALGetBandDataset(band);
  TileDecoder tiles;
  tiles.blocks_ = blocks;
  tiles.work_ = work;
  tiles.key_.file = identity_of(descriptor);
  if (!dataset || tiles.key_.file.empty()) return std::nullopt;
  tiles.band_ = band;
  tiles.path_ = descriptor;
  tiles.decompressor_ = decompressor_of(item(dataset, "COMPRESSION", "IMAGE_STRUCTURE"));
  if (!tiles.decompressor_ || !CPLGetDecompressor(tiles.decompressor_)) return std::nullopt;
  tiles.stops_early_ = tiles.decompressor_ == kZlib;
  if (!item(band, "NBITS", "IMAGE_STRUCTURE").empty()) return std::nullopt;
  const std::string_view predictor = item(dataset, "PREDICTOR", "IMAGE_STRUCTURE");
  tiles.predictor_ = predictor == "3" ? 3 : predictor == "2" ? 2 : 1;
  const GDALDataType type = GDALGetRasterDataType(band);
  if (tiles.predictor_ == 3 && !GDALDataTypeIsFloating(type)) return std::nullopt;
  tiles.cell_ = static_cast<std::size_t>(GDALGetDataTypeSizeBytes(type));
  int width = 0;
  int height = 0;
  GDALGetBlockSize(band, &width, &height);
  tiles.width_ = static_cast<std::size_t>(width);
  tiles.height_ = static_cast<std::size_t>(height);
  const File file(VSIFOpenL(descriptor.c_str(), "rb"));
  if (!file || !has_native_order(file.get())) return std::nullopt;
  return tiles;
}

std::optional<std::uint64_t> TileDecoder::offset_of(int x, int y) const {
  return tile_number(band_, "BLOCK_OFFSET", x, y);
}

bool TileDecoder::decode(int x, int y, std::byte* out) {
  const auto offset = offset_of(x, y);
  return offset && decode_at(*offset, x, y, {out, tile_bytes()});
}

bool TileDecoder::decode_at(std::uint64_t offset, int x, int y, std::span<std::byte> out) {
  const std::size_t most = tile_bytes() + tile_bytes() / kMostGrowth + kLeastRoom;
  const auto size = tile_number(band_, "BLOCK_SIZE", x, y);
  if (!size || *size > most) return false;
  const Stopwatch start;
  double reading = 0;
  if (!unpack_rows(offset, *size, out, reading)) return false;
  if (work_) {
    work_->seconds += start.seconds() - reading;
    ++work_->blocks;
  }
  return true;
}

bool TileDecoder::unpack_rows(std::uint64_t offset, std::size_t size, std::span<std::byte> out,
                              double& reading) {
  const Stopwatch opening;
  const File file(VSIFOpenL(path_.c_str(), "rb"));
  if (!file || VSIFSeekL(file.get(), offset, SEEK_SET) != 0) return false;
  reading = opening.seconds();
  const bool all = out.size() == tile_bytes();
  const bool good =
      all ? unpack(file.get(), size, out, reading) : unpack_start(file.get(), size, out, reading);
  if (!good) return false;
  if (predictor_ == 1) return true;
  for (std::size_t at = 0; at < out.size(); at += row_bytes()) undo_predictor(out.data() + at);
  return true;
}

BlockCache::Cells TileDecoder::block(int x, int y, std::size_t rows) {
  if (!blocks_ || !blocks_->suits(tile_bytes())) return nullptr;
  const auto offset = offset_of(x, y);
  if (!offset) return nullptr;
  key_.offset = *offset;
  const std::size_t bytes = stops_early_ ? rows * row_bytes() : tile_bytes();
  return blocks_->get(key_, bytes, tile_bytes(),
                      [&](std::span<std::byte> cells) { return decode_at(*offset, x, y, cells); });
}

bool TileDecoder::unpack(VSILFILE* file, std::size_t size, std::span<std::byte> out,
                         double& reading) const {
  const Stopwatch start;
  BlockCache::Buffer packed(size);
  if (VSIFReadL(packed.data(), 1, size, file) != size) return false;
  reading += start.seconds();
  const GdalErrors quiet;  // GDAL tells it again when it reads the block
  const CPLCompressor* decompressor = CPLGetDecompressor(decompressor_);
  void* data = out.data();
  std::size_t bytes = out.size();
  return decompressor->pfnFunc(packed.data(), packed.size(), &data, &bytes, nullptr,
                               decompressor->user_data) &&
         bytes == out.size();
}

void TileDecoder::undo_predictor(std::byte* row) {
  if (predictor_ == 2) {
    switch (cell_) {
      case 1:
        return add_up<std::uint8_t>(row, width_);
      case 2:
        return add_up<std::uint16_t>(row, width_);
      case 4:
        return add_up<std::uint32_t>(row, width_);
      default:
        return add_up<std::uint64_t>(row, width_);
    }
  }
  add_up<std::uint8_t>(row, row_bytes());
  planes_.assign(row, row + row_bytes());
  const auto* planes = reinterpret_cast<const std::uint8_t*>(planes_.data());
  if (cell_ == 4) {
    join(planes, width_, reinterpret_cast<std::uint32_t*>(row));
  } else {
    join(planes, width_, reinterpret_cast<std::uint64_t*>(row));
  }
}

}  // namespace cube
