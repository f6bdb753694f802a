#include "engine/gdal/compress.h"

#include <cpl_compressor.h>
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <cstring>

#include "engine/error.h"
#include "engine/gdal/handles.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

template <class T>
[[gnu::always_inline]] inline void planes(const std::byte* cells, std::uint8_t* __restrict out,
                                          std::size_t count) {
  const T* __restrict in = reinterpret_cast<const T*>(cells);
  for (std::size_t plane = 0; plane < sizeof(T); ++plane) {
    std::uint8_t* __restrict to = out + plane * count;
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<std::uint8_t>(in[i] >> 8 * plane);
  }
}

CUBE_MULTIVERSION void planes_16(const std::byte* cells, std::uint8_t* out, std::size_t count) {
  planes<std::uint16_t>(cells, out, count);
}
CUBE_MULTIVERSION void planes_32(const std::byte* cells, std::uint8_t* out, std::size_t count) {
  planes<std::uint32_t>(cells, out, count);
}
CUBE_MULTIVERSION void planes_64(const std::byte* cells, std::uint8_t* out, std::size_t count) {
  planes<std::uint64_t>(cells, out, count);
}

// The inverse, whose byte order is this machine's (little endian).
template <class T>
[[gnu::always_inline]] inline void from_planes(const std::uint8_t* __restrict in, std::byte* cells,
                                               std::size_t count) {
  T* __restrict out = reinterpret_cast<T*>(cells);
  for (std::size_t i = 0; i < count; ++i) {
    T cell = 0;
    for (std::size_t plane = 0; plane < sizeof(T); ++plane) {
      cell = static_cast<T>(cell | static_cast<T>(in[plane * count + i]) << 8 * plane);
    }
    out[i] = cell;
  }
}

CUBE_MULTIVERSION void from_planes_16(const std::uint8_t* in, std::byte* cells, std::size_t count) {
  from_planes<std::uint16_t>(in, cells, count);
}
CUBE_MULTIVERSION void from_planes_32(const std::uint8_t* in, std::byte* cells, std::size_t count) {
  from_planes<std::uint32_t>(in, cells, count);
}
CUBE_MULTIVERSION void from_planes_64(const std::uint8_t* in, std::byte* cells, std::size_t count) {
  from_planes<std::uint64_t>(in, cells, count);
}

}  // namespace

bool has_compressor(const std::string& name) { return CPLGetCompressor(name.c_str()) != nullptr; }

std::span<const std::byte> compress(const Compression& compression,
                                    std::span<const std::byte> bytes, std::vector<std::byte>& out,
                                    const std::string& where) {
  const CPLCompressor* compressor = CPLGetCompressor(compression.name.c_str());
  CPLStringList options;
  for (const auto& [name, value] : compression.options) {
    options.SetNameValue(name.c_str(), value.c_str());
  }
  const GdalErrors errors;
  const auto room =
      static_cast<std::size_t>(compressed_bytes(static_cast<std::int64_t>(bytes.size())));
  if (out.size() < room) out.resize(room);
  void* data = out.data();
  std::size_t size = out.size();
  if (!compressor || !compressor->pfnFunc(bytes.data(), bytes.size(), &data, &size, options.List(),
                                          compressor->user_data)) {
    throw Error(ErrorCode::kInternal, "compressing failed: " + errors.first(), where);
  }
  return {out.data(), size};
}

bool has_decompressor(const std::string& name) {
  return name.empty() || CPLGetDecompressor(name.c_str()) != nullptr;
}

void decompress(const std::string& name, std::span<const std::byte> bytes, std::span<std::byte> out,
                const std::string& where) {
  std::size_t size = out.size();
  std::string reason;
  if (name.empty()) {
    size = bytes.size();
    std::copy_n(bytes.begin(), std::min(size, out.size()), out.begin());
  } else {
    const CPLCompressor* decompressor = CPLGetDecompressor(name.c_str());
    const GdalErrors errors;
    void* data = out.data();
    if (!decompressor || !decompressor->pfnFunc(bytes.data(), bytes.size(), &data, &size, nullptr,
                                                decompressor->user_data)) {
      size = 0;
    }
    reason = errors.first().empty() ? "" : ": " + errors.first();
  }
  if (size == out.size()) return;
  throw Error(ErrorCode::kUnreadable,
              "is broken: it does not decompress to what it should" + reason, where);
}

std::vector<std::byte> decompress_all(const std::string& name, std::span<const std::byte> bytes,
                                      const std::string& where) {
  if (name.empty()) return {bytes.begin(), bytes.end()};
  const CPLCompressor* decompressor = CPLGetDecompressor(name.c_str());
  const GdalErrors errors;
  void* data = nullptr;
  std::size_t size = 0;
  if (!decompressor || !decompressor->pfnFunc(bytes.data(), bytes.size(), &data, &size, nullptr,
                                              decompressor->user_data)) {
    throw Error(ErrorCode::kUnreadable, "is broken: " + errors.first(), where);
  }
  const auto* out = static_cast<const std::byte*>(data);
  std::vector<std::byte> all(out, out + size);
  VSIFree(data);
  return all;
}

// What cannot be compressed grows a little.
std::int64_t compressed_bytes(std::int64_t bytes) { return bytes + bytes / 64 + 1024; }

std::int64_t compressor_bytes(const std::string& name, int level) {
  constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;
  if (name == "zlib") return (level <= 9 ? 2 : 12) * kMegabyte;
  return (level <= 3 ? 4 : level <= 9 ? 16 : 96) * kMegabyte;
}

void shuffle_bytes(std::span<const std::byte> cells, std::size_t cell, std::span<std::byte> out) {
  auto* to = reinterpret_cast<std::uint8_t*>(out.data());
  const std::size_t count = cells.size() / cell;
  switch (cell) {
    case 2:
      return planes_16(cells.data(), to, count);
    case 4:
      return planes_32(cells.data(), to, count);
    case 8:
      return planes_64(cells.data(), to, count);
    default:
      std::memcpy(out.data(), cells.data(), cells.size());
  }
}

void unshuffle_bytes(std::span<const std::byte> shuffled, std::size_t cell,
                     std::span<std::byte> out) {
  const auto* in = reinterpret_cast<const std::uint8_t*>(shuffled.data());
  const std::size_t count = cell > 0 ? shuffled.size() / cell : 0;
  std::copy(shuffled.begin() + static_cast<std::ptrdiff_t>(count * cell), shuffled.end(),
            out.begin() + static_cast<std::ptrdiff_t>(count * cell));
  switch (cell) {
    case 2:
      return from_planes_16(in, out.data(), count);
    case 4:
      return from_planes_32(in, out.data(), count);
    case 8:
      return from_planes_64(in, out.data(), count);
    default:
      for (std::size_t i = 0; i < count * cell; ++i) {
        out[i] = shuffled[i % cell * count + i / cell];
      }
  }
}

}  // namespace cube
