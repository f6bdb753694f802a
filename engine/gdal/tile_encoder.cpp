#include "engine/gdal/tile_encoder.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "engine/multiversion.h"
#include "engine/text.h"

namespace cube {

namespace {

// out[i] = in[i] - in[i - stride], which wraps; the first `stride` values stay.
template <class T>
[[gnu::always_inline]] inline void differences(const T* __restrict in, T* __restrict out,
                                               std::size_t count, std::size_t stride) {
  for (std::size_t i = 0; i < std::min(stride, count); ++i) out[i] = in[i];
  for (std::size_t i = stride; i < count; ++i) out[i] = static_cast<T>(in[i] - in[i - stride]);
}

// Byte planes of `count` cells, highest byte first.
template <class T>
[[gnu::always_inline]] inline void planes(const T* __restrict in, std::uint8_t* __restrict out,
                                          std::size_t count) {
  for (std::size_t plane = 0; plane < sizeof(T); ++plane) {
    const std::size_t shift = 8 * (sizeof(T) - 1 - plane);
    std::uint8_t* __restrict to = out + plane * count;
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<std::uint8_t>(in[i] >> shift);
  }
}

using Row = void (*)(const std::byte*, std::byte*, std::byte*, std::size_t, std::size_t);

// A row of `count` cells from `in` to `out`; `scratch` has the same size.
// NOLINTBEGIN(bugprone-macro-parentheses): T is a type
#define CUBE_ROWS(T, NAME)                                                                         \
  CUBE_MULTIVERSION void difference_row_##NAME(const std::byte* in, std::byte* out, std::byte*,    \
                                               std::size_t count, std::size_t stride) {            \
    differences(reinterpret_cast<const T*>(in), reinterpret_cast<T*>(out), count, stride);         \
  }                                                                                                \
  CUBE_MULTIVERSION void plane_row_##NAME(const std::byte* in, std::byte* out, std::byte* scratch, \
                                          std::size_t count, std::size_t stride) {                 \
    auto* bytes = reinterpret_cast<std::uint8_t*>(scratch);                                        \
    planes(reinterpret_cast<const T*>(in), bytes, count);                                          \
    differences(bytes, reinterpret_cast<std::uint8_t*>(out), count * sizeof(T), stride);           \
  }
CUBE_ROWS(std::uint8_t, 8)
CUBE_ROWS(std::uint16_t, 16)
CUBE_ROWS(std::uint32_t, 32)
CUBE_ROWS(std::uint64_t, 64)
#undef CUBE_ROWS
// NOLINTEND(bugprone-macro-parentheses)

Row row_function(int predictor, std::size_t cell) {
  if (predictor == 3) {
    return cell == 8   ? plane_row_64
           : cell == 4 ? plane_row_32
           : cell == 2 ? plane_row_16
                       : plane_row_8;
  }
  return cell == 8   ? difference_row_64
         : cell == 4 ? difference_row_32
         : cell == 2 ? difference_row_16
                     : difference_row_8;
}

}  // namespace

std::optional<TileCoding> tile_coding(const OutputOptions& creation, DType dtype) {
  const std::string compress = lower(option(creation, "COMPRESS", "NONE"));
  const auto number = [&](const char* name, const char* otherwise) {
    return static_cast<int>(parse_number(option(creation, name, otherwise)).value_or(0));
  };
  TileCoding coding;
  if (compress == "none") return coding;
  if (compress == "deflate") {
    coding.compressor = "zlib";
    coding.level = number("ZLEVEL", "6");
  } else if (compress == "zstd") {
    coding.compressor = "zstd";
    coding.level = number("ZSTD_LEVEL", "9");
  } else {
    return std::nullopt;
  }
  coding.predictor = number("PREDICTOR", "1");
  if (!has_compressor(coding.compressor)) return std::nullopt;
  if (coding.predictor == 3 && !is_float(dtype)) return std::nullopt;
  return coding;
}

TileEncoder::TileEncoder(const TileCoding& coding, DType dtype, std::int64_t width,
                         std::int64_t samples)
    : coding_(coding),
      compression_{coding.compressor, {{"LEVEL", std::to_string(coding.level)}}},
      cell_(size_of(dtype)),
      row_cells_(static_cast<std::size_t>(width * samples)),
      samples_(static_cast<std::size_t>(samples)) {}

void TileEncoder::predict(std::span<const std::byte> tile, Scratch& scratch) const {
  const std::size_t row_bytes = row_cells_ * cell_;
  scratch.row.resize(row_bytes);
  scratch.predicted.resize(tile.size());
  const Row row = row_function(coding_.predictor, cell_);
  for (std::size_t at = 0; at < tile.size(); at += row_bytes) {
    row(tile.data() + at, scratch.predicted.data() + at, scratch.row.data(), row_cells_, samples_);
  }
}

std::span<const std::byte> TileEncoder::encode(std::span<const std::byte> tile,
                                               Scratch& scratch) const {
  if (coding_.compressor.empty()) return tile;
  if (coding_.predictor != 1) {
    predict(tile, scratch);
    tile = scratch.predicted;
  }
  return compress(compression_, tile, scratch.packed, "");
}

std::int64_t TileEncoder::scratch_bytes(std::int64_t tile_bytes) const {
  if (coding_.compressor.empty()) return 0;
  return static_cast<std::int64_t>(row_cells_ * cell_) + tile_bytes + compressed_bytes(tile_bytes) +
         compressor_bytes(coding_.compressor, coding_.level);
}

}  // namespace cube
