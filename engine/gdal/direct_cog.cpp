#include "engine/gdal/direct_cog.h"

#include <cpl_string.h>
#include <gdal_priv.h>

#include <algorithm>
#include <array>

#include "engine/gdal/gdal_types.h"
#include "engine/gdal/handles.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kBlock = 512;  // of GDAL's COG driver

// Bytes before and after each tile.
constexpr std::uint64_t kFrame = 4;

// What the driver writes behind the header, for readers that know its layout.
constexpr std::string_view kStructure =
    "GDAL_STRUCTURAL_METADATA_SIZE=000140 bytes\n"
    "LAYOUT=IFDS_BEFORE_DATA\n"
    "BLOCK_ORDER=ROW_MAJOR\n"
    "BLOCK_LEADER=SIZE_AS_UINT4\n"
    "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
    "KNOWN_INCOMPATIBLE_EDITION=NO\n ";

// Tags that overviews have in common with the image.
constexpr std::array kShared = {
    tiff_tag::kBitsPerSample,   tiff_tag::kCompression,         tiff_tag::kPhotometric,
    tiff_tag::kSamplesPerPixel, tiff_tag::kPlanarConfiguration, tiff_tag::kPredictor,
    tiff_tag::kColorMap,        tiff_tag::kTileWidth,           tiff_tag::kTileHeight,
    tiff_tag::kExtraSamples,    tiff_tag::kSampleFormat,        tiff_tag::kGdalNodata};

std::string overview_method(const OutputOptions& cog) {
  return lower(option(cog, "OVERVIEW_RESAMPLING", option(cog, "RESAMPLING", "NEAREST")));
}

std::int64_t block_size(const OutputOptions& cog) { return tile_side(cog, "BLOCKSIZE", kBlock); }

std::vector<TileLayout> overviews_of(const TileLayout& image, const OutputOptions& cog) {
  if (lower(option(cog, "OVERVIEWS", "AUTO")) == "none") return {};
  return overview_layouts(image, block_size(cog));
}

// The predictor by the names of the COG driver.
const char* predictor(const std::string& name, DType dtype) {
  if (name == "no") return "1";
  if (name == "standard" || name == "2") return "2";
  return name == "floating_point" || name == "3" || is_float(dtype) ? "3" : "2";
}

// The tiles of a TIFF, decoded by GDAL.
class TiffTiles {
 public:
  TiffTiles(const std::string& path, std::string name, const TileLayout& layout)
      : name_(std::move(name)),
        layout_(layout),
        missing_(missing_cell(layout.storage)),
        dataset_(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER)) {
    if (!dataset_) throw damaged();
  }

  // As the tile was stored: missing beyond the image.
  void read(std::int64_t plane, std::int64_t ty, std::int64_t tx,
            std::vector<std::byte>& out) const {
    const std::int64_t x = tx * layout_.tile_width;
    const std::int64_t y = ty * layout_.tile_height;
    const auto columns = static_cast<int>(std::min(layout_.tile_width, layout_.width - x));
    const auto rows = static_cast<int>(std::min(layout_.tile_height, layout_.height - y));
    out.resize(static_cast<std::size_t>(layout_.tile_bytes()));
    fill_cells(out, missing_);
    std::vector<int> bands;
    for (std::int64_t sample = 0; sample < layout_.samples; ++sample) {
      bands.push_back(static_cast<int>(plane + sample) + 1);
    }
    const auto value = static_cast<GSpacing>(missing_.size());
    const GSpacing cell = value * layout_.samples;
    const GdalErrors errors;
    const CPLErr status = dataset_->RasterIO(
        GF_Read, static_cast<int>(x), static_cast<int>(y), columns, rows, out.data(), columns, rows,
        gdal_type(layout_.storage.dtype), static_cast<int>(bands.size()), bands.data(), cell,
        cell * layout_.tile_width, value, nullptr);
    if (status != CE_None || errors.any()) throw damaged();
  }

 private:
  Error damaged() const {
    return Error(ErrorCode::kUnwritable, "what an earlier run has left of it is damaged", name_,
                 "--overwrite begins anew");
  }

  std::string name_;
  TileLayout layout_;
  std::vector<std::byte> missing_;
  GDALDatasetUniquePtr dataset_;
};

}  // namespace

std::optional<OutputOptions> direct_cog_creation(const OutputOptions& cog, const Storage& storage,
                                                 const ChunkShape& tiling, const Grid& grid) {
  static const std::vector<std::string> kKnown = {
      "COMPRESS",   "LEVEL",     "PREDICTOR",       "BLOCKSIZE",
      "BIGTIFF",    "SPARSE_OK", "NUM_THREADS",     "OVERVIEW_RESAMPLING",
      "RESAMPLING", "OVERVIEWS", "WARP_RESAMPLING", "GEOTIFF_VERSION"};
  OutputOptions creation;
  for (const auto& [name, value] : cog) {
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) return std::nullopt;
  }
  for (const char* name : {"COMPRESS", "LEVEL", "BIGTIFF", "SPARSE_OK", "GEOTIFF_VERSION"}) {
    if (cog.contains(name)) creation[name] = cog.at(name);
  }
  const std::string method = overview_method(cog);
  if (method != "nearest" && method != "average") return std::nullopt;
  if (cog.contains("PREDICTOR")) {
    creation.try_emplace("PREDICTOR", predictor(lower(cog.at("PREDICTOR")), storage.dtype));
  }
  creation.try_emplace("INTERLEAVE", "PIXEL");
  // A side of one cell cannot be halved.
  const std::int64_t longer = std::max(grid.width, grid.height);
  if (std::min(grid.width, grid.height) * block_size(cog) < longer) return std::nullopt;
  // Smaller tiles where chunks do not hold whole ones of the usual size.
  std::int64_t tile = block_size(cog);
  const auto fits = [&] {
    return (tiling.x % tile == 0 || tiling.x >= grid.width) &&
           (tiling.y % tile == 0 || tiling.y >= grid.height);
  };
  while (!cog.contains("BLOCKSIZE") && tile > 128 && !fits()) tile /= 2;
  if (tile % (2 * kTileMultiple) != 0) return std::nullopt;
  return geotiff_creation(std::move(creation), storage, tile, tile);
}

DirectCog::DirectCog(const FilePart& part, DirectSetup setup, const OutputOptions& cog,
                     const std::string& raw, const std::string& target,
                     const std::vector<WrittenPiece>& pieces)
    : name_(part.file),
      setup_(std::move(setup)),
      writer_(part.info, setup_, true),
      raw_path_(raw),
      raw_(raw, name_, pieces.empty() ? PlacedFile::Mode::kNew : PlacedFile::Mode::kExisting),
      target_(target),
      overviews_(overviews_of(setup_.layout, cog)),
      pyramid_(
          setup_.layout, overviews_,
          overview_method(cog) == "average" ? OverviewMethod::kAverage : OverviewMethod::kNearest,
          raw_) {
  indices_.emplace_back(static_cast<std::size_t>(setup_.layout.tiles()));
  for (const TileLayout& layout : overviews_) {
    indices_.emplace_back(static_cast<std::size_t>(layout.tiles()));
  }
  raw_.take(raw_head().size());  // offset 0 means nowhere
  if (!pieces.empty()) take_over(pieces);
}

// A head that makes a TIFF of the raw file.
std::vector<std::byte> DirectCog::raw_head() const {
  TiffDirectory directory = setup_.head.directory;
  directory.set_tiles(indices_[0].offsets, indices_[0].counts, setup_.head.big);
  return write_tiff_head(setup_.head.big, "", {&directory, 1});
}

void DirectCog::take_over(const std::vector<WrittenPiece>& pieces) {
  indices_[0].take_over(pieces);
  raw_.cut((end_of(pieces, 0, raw_.end()) + kFrame + 1) / 2 * 2);
  halve_again(pieces);
}

void DirectCog::adopt(const std::string& raw, const std::vector<WrittenPiece>& pieces) {
  copy_pieces(pieces, PlacedFile(raw, name_), kFrame, raw_, indices_[0]);
  for (const WrittenPiece& piece : pieces) adopted_.push_back({piece.region, {}});
  check_tiff_size(setup_.head.big, raw_.end(), name_);
}

void DirectCog::halve_again(const std::vector<WrittenPiece>& pieces) {
  raw_.write(raw_head(), 0);
  const TiffTiles tiles(raw_path_, name_, setup_.layout);
  Scratch scratch;
  std::vector<std::byte> cells;
  for (const WrittenPiece& written : pieces) {
    const Piece piece{written.region, {}};
    writer_.cutter().for_tiles(piece, [&](std::int64_t plane, std::int64_t ty, std::int64_t tx) {
      const bool there = indices_[0].offsets[setup_.layout.index(plane, ty, tx)] != 0;
      if (there) tiles.read(plane, ty, tx, cells);
      halve(plane, ty, tx, there ? cells : std::span<const std::byte>(), scratch);
    });
  }
}

void DirectCog::halve(std::int64_t plane, std::int64_t ty, std::int64_t tx,
                      std::span<const std::byte> cells, Scratch& scratch) {
  pyramid_.add(plane, ty, tx, cells, scratch.pyramid, store_to(scratch));
}

Pyramid::Store DirectCog::store_to(Scratch& scratch) {
  return [&](std::size_t level, std::size_t tile, std::span<const std::byte> made) {
    writer_.append(made, tile, indices_[level + 1], raw_, scratch.tile);
  };
}

void DirectCog::write(const Piece& piece, TileLog& log) {
  Pool<Scratch>::Lease scratch(scratch_);
  writer_.cutter().for_tiles(piece, [&](std::int64_t plane, std::int64_t ty, std::int64_t tx) {
    const auto cells = writer_.cutter().cut(piece, plane, ty, tx, scratch->tile.cut);
    if (!cells.empty()) {
      const std::size_t tile = setup_.layout.index(plane, ty, tx);
      writer_.append(cells, tile, indices_[0], raw_, scratch->tile);
      log.push_back({0, tile, indices_[0].offsets[tile], indices_[0].counts[tile]});
    }
    halve(plane, ty, tx, cells, *scratch);
    check_tiff_size(setup_.head.big, raw_.end(), name_);
  });
}

std::vector<TiffDirectory> DirectCog::directories() const {
  const bool big = setup_.head.big;
  std::vector<TiffDirectory> out = {setup_.head.directory};
  out[0].set_tiles(indices_[0].offsets, indices_[0].counts, big);
  for (std::size_t i = 0; i < overviews_.size(); ++i) {
    TiffDirectory overview;
    constexpr std::uint32_t kReduced = 1;
    overview.set_long(tiff_tag::kSubfileType, kReduced);
    overview.set_long(tiff_tag::kWidth, static_cast<std::uint32_t>(overviews_[i].width));
    overview.set_long(tiff_tag::kHeight, static_cast<std::uint32_t>(overviews_[i].height));
    for (const std::uint16_t id : kShared) {
      if (const TiffTag* tag = setup_.head.directory.find(id)) overview.set(*tag);
    }
    overview.set_tiles(indices_[i + 1].offsets, indices_[i + 1].counts, big);
    out.push_back(std::move(overview));
  }
  return out;
}

void DirectCog::copy_tiles(TileIndex& index, const PlacedFile& from, PlacedFile& to) const {
  std::vector<std::byte> scratch;
  for (std::size_t i = 0; i < index.offsets.size(); ++i) {
    if (index.offsets[i] == 0) continue;
    index.offsets[i] = copy_tile(from, index.offsets[i], index.counts[i], kFrame, to, scratch);
  }
}

void DirectCog::finish() {
  if (!adopted_.empty()) halve_again(adopted_);
  Scratch scratch;
  pyramid_.finish(scratch.pyramid, store_to(scratch));
  PlacedFile target(target_, name_, PlacedFile::Mode::kNew);
  target.take(write_tiff_head(setup_.head.big, kStructure, directories()).size());
  // The smallest overview first, the image last.
  for (std::size_t i = indices_.size(); i-- > 0;) copy_tiles(indices_[i], raw_, target);
  check_tiff_size(setup_.head.big, target.end(), name_);
  target.write(write_tiff_head(setup_.head.big, kStructure, directories()), 0);
  target.close();
}

}  // namespace cube
