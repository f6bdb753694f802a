#include "engine/gdal/source_window.h"

#include <gdal_priv.h>

#include <cstring>
#include <limits>
#include <string_view>

#include "engine/error.h"
#include "engine/gdal/gdal_types.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

// Blocks smaller than this cost more to look at one by one than they save.
constexpr std::int64_t kSmallBlock = 4096;

void check(CPLErr status, const GdalErrors& errors, const std::string& descriptor) {
  // GDAL reports success of some failures: of a JPEG's missing end, of places of tiles not read.
  if (status == CE_None && !errors.any()) return;
  throw Error(ErrorCode::kUnreadable, "cannot be read: " + errors.reason(descriptor), descriptor);
}

// Of a block that a window shares less than this part of its cells with, only the rows down to the
// window's last are decoded: most likely nobody comes for the rest.
constexpr std::int64_t kSmallPart = 64;

// Where the cells of a rectangle go.
struct Cells {
  Range rows;
  Range columns;
  DType dtype;
  std::byte* first;
  std::size_t row_bytes;

  std::byte* at(std::int64_t row, std::int64_t column) const {
    return first + static_cast<std::size_t>(row - rows.begin) * row_bytes +
           static_cast<std::size_t>(column - columns.begin) * size_of(dtype);
  }
};

void give_signs(const Range& rows, const Range& columns, const Cells& out) {
  constexpr int kBytes = std::numeric_limits<std::uint8_t>::max() + 1;
  constexpr int kNegative = kBytes / 2;  // from here on
  dispatch(out.dtype, [&]<class T>(std::type_identity<T>) {
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      T* cell = reinterpret_cast<T*>(out.at(row, columns.begin));
      for (std::int64_t i = 0; i < columns.size(); ++i) {
        if (cell[i] >= kNegative) cell[i] = static_cast<T>(cell[i] - kBytes);
      }
    }
  });
}

// How many blocks under a window GDAL does not keep.
std::int64_t blocks_to_decode(GDALRasterBandH band, const Range& rows, const Range& columns) {
  GDALRasterBand* cells = GDALRasterBand::FromHandle(band);
  int width = 0;
  int height = 0;
  cells->GetBlockSize(&width, &height);
  std::int64_t count = 0;
  for (std::int64_t y = rows.begin / height; y * height < rows.end; ++y) {
    for (std::int64_t x = columns.begin / width; x * width < columns.end; ++x) {
      GDALRasterBlock* kept = cells->TryGetLockedBlockRef(static_cast<int>(x), static_cast<int>(y));
      if (kept) kept->DropLock();
      count += kept ? 0 : 1;
    }
  }
  return count;
}

void read_part(const SourceBand& source, const Range& rows, const Range& columns,
               const Cells& out) {
  if (source.work) source.work->blocks += blocks_to_decode(source.band, rows, columns);
  const GdalErrors errors;
  const auto width = static_cast<int>(columns.size());
  const auto height = static_cast<int>(rows.size());
  check(GDALRasterIOEx(source.band, GF_Read, static_cast<int>(columns.begin),
                       static_cast<int>(rows.begin), width, height,
                       out.at(rows.begin, columns.begin), width, height, gdal_type(out.dtype), 0,
                       static_cast<GSpacing>(out.row_bytes), nullptr),
        errors, source.descriptor);
  if (out.dtype != DType::kUInt8 && has_signed_bytes(source.band)) give_signs(rows, columns, out);
}

bool is_hidden(std::span<const std::uint8_t> hidden, const Cells& all, const Range& rows,
               const Range& columns) {
  const auto width = static_cast<std::size_t>(all.columns.size());
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const auto line =
        hidden.subspan(static_cast<std::size_t>(row - all.rows.begin) * width +
                           static_cast<std::size_t>(columns.begin - all.columns.begin),
                       static_cast<std::size_t>(columns.size()));
    if (std::memchr(line.data(), 0, line.size())) return false;
  }
  return true;
}

// The blocks of a band.
struct Blocks {
  int width = 0;
  int height = 0;
  Range rows;  // of the band
  Range columns;

  explicit Blocks(GDALRasterBandH band)
      : rows{0, GDALGetRasterBandYSize(band)}, columns{0, GDALGetRasterBandXSize(band)} {
    GDALGetBlockSize(band, &width, &height);
  }
  std::int64_t cells() const { return std::int64_t{width} * height; }
  bool are_small() const { return cells() < kSmallBlock; }

  // True when a window begins and ends with blocks.
  bool fill(const Range& window_rows, const Range& window_columns) const {
    const auto whole = [](const Range& part, int size, std::int64_t end) {
      return part.begin % size == 0 && (part.end % size == 0 || part.end == end);
    };
    return whole(window_rows, height, rows.end) && whole(window_columns, width, columns.end);
  }
};

// Rows of `length` bytes, which lie `from_row` and `to_row` bytes apart.
void copy_rows(const std::byte* from, std::size_t from_row, std::byte* to, std::size_t to_row,
               std::int64_t rows, std::size_t length) {
  for (std::int64_t row = 0; row < rows; ++row, from += from_row, to += to_row) {
    std::memcpy(to, from, length);
  }
}

// Decodes the whole block that begins at the first cell of a part of `out`; the part is smaller
// than the block at the band's edges.
void decode_block(const SourceBand& source, const Blocks& blocks, const Range& rows,
                  const Range& columns, const Cells& out, BlockCache::Buffer& scratch) {
  const GdalErrors errors;
  const std::size_t cell = size_of(out.dtype);
  const std::size_t block_row = static_cast<std::size_t>(blocks.width) * cell;
  const bool in_place =
      rows.size() == blocks.height && columns.size() == blocks.width && out.row_bytes == block_row;
  std::byte* to = out.at(rows.begin, columns.begin);
  if (!in_place) scratch.resize(block_row * static_cast<std::size_t>(blocks.height));
  std::byte* block = in_place ? to : scratch.data();
  const auto x = static_cast<int>(columns.begin / blocks.width);
  const auto y = static_cast<int>(rows.begin / blocks.height);
  if (!source.tiles || !source.tiles->decode(x, y, block)) {
    check(GDALReadBlock(source.band, x, y, block), errors, source.descriptor);
    if (source.work) ++source.work->blocks;
  }
  if (in_place) return;
  copy_rows(scratch.data(), block_row, to, out.row_bytes, rows.size(),
            static_cast<std::size_t>(columns.size()) * cell);
}

// Copies the part of a block in `rows` x `columns` from the cache; false for what is left to GDAL.
bool copy_cached(const SourceBand& source, const Blocks& blocks, const Range& rows,
                 const Range& columns, const Cells& out) {
  if (!source.tiles) return false;
  const std::int64_t x = columns.begin / blocks.width;
  const std::int64_t y = rows.begin / blocks.height;
  const bool few = rows.size() * columns.size() * kSmallPart <= blocks.cells();
  const std::int64_t down_to = few ? rows.end - y * blocks.height : blocks.height;
  const BlockCache::Cells block = source.tiles->block(static_cast<int>(x), static_cast<int>(y),
                                                      static_cast<std::size_t>(down_to));
  if (!block) return false;
  const std::size_t cell = size_of(out.dtype);
  const std::size_t block_row = static_cast<std::size_t>(blocks.width) * cell;
  const std::byte* from = block->data() +
                          static_cast<std::size_t>(rows.begin - y * blocks.height) * block_row +
                          static_cast<std::size_t>(columns.begin - x * blocks.width) * cell;
  copy_rows(from, block_row, out.at(rows.begin, columns.begin), out.row_bytes, rows.size(),
            static_cast<std::size_t>(columns.size()) * cell);
  return true;
}

// `native`: the band's cells have the type of `out`.
std::int64_t read_blocks(const SourceBand& source, const Blocks& blocks, bool native, bool whole,
                         std::span<const std::uint8_t> hidden, const Cells& out) {
  BlockCache::Buffer scratch;
  std::int64_t count = 0;
  for (std::int64_t y = out.rows.begin / blocks.height; y * blocks.height < out.rows.end; ++y) {
    const Range rows = intersect(out.rows, {y * blocks.height, (y + 1) * blocks.height});
    for (std::int64_t x = out.columns.begin / blocks.width; x * blocks.width < out.columns.end;
         ++x) {
      const Range columns = intersect(out.columns, {x * blocks.width, (x + 1) * blocks.width});
      if (!hidden.empty() && is_hidden(hidden, out, rows, columns)) continue;
      if (whole) {
        decode_block(source, blocks, rows, columns, out, scratch);
      } else if (!native || !copy_cached(source, blocks, rows, columns, out)) {
        read_part(source, rows, columns, out);
      }
      count += rows.size() * columns.size();
    }
  }
  return count;
}

// A rectangle of `width` columns of bytes, of which a part is wanted by itself.
std::vector<std::uint8_t> columns_of(std::span<const std::uint8_t> bytes, std::size_t width,
                                     std::int64_t first, std::int64_t count) {
  std::vector<std::uint8_t> out;
  out.reserve(bytes.size() / width * static_cast<std::size_t>(count));
  for (std::size_t row = 0; row < bytes.size(); row += width) {
    const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(row) + first;
    out.insert(out.end(), at, at + count);
  }
  return out;
}

// The cells, and what the band's mask hides, of columns that all lie in the band; they go where
// `first` of the window's columns is.
std::int64_t read_columns(const SourceBand& source, const Range& columns, std::int64_t first,
                          std::span<const std::uint8_t> hidden, SourceWindow& out) {
  const auto width = static_cast<std::size_t>(out.columns.size());
  const auto offset = static_cast<std::size_t>(first);
  const std::size_t cell = size_of(out.dtype);
  const std::int64_t count = read_cells(source, out.rows, columns, out.dtype, hidden,
                                        out.cells.data() + offset * cell, width * cell);
  if (!has_mask_band(source.band)) return count;
  const auto part = static_cast<std::size_t>(columns.size());
  std::vector<std::uint8_t> valid(static_cast<std::size_t>(out.rows.size()) * part);
  read_part({GDALGetMaskBand(source.band), source.descriptor}, out.rows, columns,
            {out.rows, columns, DType::kUInt8, reinterpret_cast<std::byte*>(valid.data()), part});
  out.hidden.resize(out.size());
  for (std::size_t row = 0; row < valid.size() / part; ++row) {
    std::uint8_t* to = out.hidden.data() + row * width + offset;
    const std::uint8_t* from = valid.data() + row * part;
    for (std::size_t k = 0; k < part; ++k) to[k] |= from[k] == 0;
  }
  return count;
}

template <class T, class V>
CUBE_MULTIVERSION void widen_cells(const T* cells, std::size_t n, bool has_nodata, T missing,
                                   V* out) {
  constexpr V kNone = std::numeric_limits<V>::quiet_NaN();
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = has_nodata & (cells[i] == missing) ? kNone : static_cast<V>(cells[i]);
  }
}

}  // namespace

bool has_signed_bytes(GDALRasterBandH band) {
  if (GDALGetRasterDataType(band) != GDT_Byte) return false;
  const char* type = GDALGetMetadataItem(band, "PIXELTYPE", "IMAGE_STRUCTURE");
  return type && std::string_view(type) == "SIGNEDBYTE";
}

DType read_dtype(GDALRasterBandH band, const std::string& descriptor) {
  const GDALDataType type = GDALGetRasterDataType(band);
  switch (type) {
    case GDT_Byte:
      return has_signed_bytes(band) ? DType::kInt16 : DType::kUInt8;
#if GDAL_VERSION_NUM >= 3070000
    case GDT_Int8:
#endif
    case GDT_Int16:
      return DType::kInt16;
    case GDT_UInt16:
      return DType::kUInt16;
    case GDT_Int32:
      return DType::kInt32;
    case GDT_UInt32:
      return DType::kUInt32;
    case GDT_Float32:
      return DType::kFloat32;
    case GDT_Float64:
    case GDT_Int64:
    case GDT_UInt64:
      return DType::kFloat64;
    default:
      throw Error(
          ErrorCode::kUnreadable,
          std::string("cells of type ") + GDALGetDataTypeName(type) + " cannot be put into a cube",
          descriptor);
  }
}

std::int64_t read_cells(const SourceBand& source, const Range& rows, const Range& columns,
                        DType dtype, std::span<const std::uint8_t> hidden, std::byte* out,
                        std::size_t row_bytes) {
  const Cells cells{rows, columns, dtype, out, row_bytes};
  const Blocks blocks(source.band);
  const bool native = GDALGetRasterDataType(source.band) == gdal_type(dtype);
  const bool whole = native && source.blocks_apart && blocks.fill(rows, columns);
  if (!blocks.are_small() && (whole || source.tiles || !hidden.empty())) {
    return read_blocks(source, blocks, native, whole, hidden, cells);
  }
  read_part(source, rows, columns, cells);
  return rows.size() * columns.size();
}

std::optional<double> nodata_of(GDALRasterBandH band, DType dtype, std::optional<double> given) {
  int has_nodata = 0;
  const double own = GDALGetRasterNoDataValue(band, &has_nodata);
  std::optional<double> nodata = given;
  if (!given && has_nodata) nodata = own;
  if (nodata && !can_hold(dtype, *nodata)) nodata.reset();
  return nodata;
}

bool has_mask_band(GDALRasterBandH band) {
  return (GDALGetMaskFlags(band) & (GMF_PER_DATASET | GMF_ALPHA)) != 0;
}

std::int64_t read_window(const SourceBand& source, const Range& rows, const Range& columns,
                         std::optional<double> nodata, std::span<const std::uint8_t> hidden,
                         SourceWindow& out) {
  out.rows = rows;
  out.columns = columns;
  out.dtype = read_dtype(source.band, source.descriptor);
  out.nodata = nodata_of(source.band, out.dtype, nodata);
  out.cells.resize(out.size() * size_of(out.dtype));
  out.hidden.assign(hidden.begin(), hidden.end());
  if (source.round == 0) return read_columns(source, columns, 0, hidden, out);
  std::int64_t count = 0;
  for_runs(columns, GDALGetRasterBandXSize(source.band), source.round,
           [&](const Range& run, std::int64_t first) {
             const bool whole = hidden.empty() || run.size() == columns.size();
             const auto width = static_cast<std::size_t>(columns.size());
             const auto own =
                 whole ? std::vector<std::uint8_t>() : columns_of(hidden, width, first, run.size());
             count += read_columns(source, run, first, whole ? hidden : std::span(own), out);
           });
  return count;
}

template <class V>
void to_reals(const SourceWindow& window, std::vector<V>& out) {
  out.resize(window.size());
  dispatch(window.dtype, [&]<class T>(std::type_identity<T>) {
    const bool has_nodata = window.nodata.has_value();
    const T missing = has_nodata ? static_cast<T>(*window.nodata) : T{};
    widen_cells(window.as<T>(), out.size(), has_nodata, missing, out.data());
  });
  for (std::size_t i = 0; i < window.hidden.size(); ++i) {
    if (window.hidden[i]) out[i] = std::numeric_limits<V>::quiet_NaN();
  }
}

template void to_reals(const SourceWindow& window, std::vector<float>& out);
template void to_reals(const SourceWindow& window, std::vector<double>& out);

void to_doubles(const SourceWindow& window, std::vector<double>& out) { to_reals(window, out); }

}  // namespace cube
