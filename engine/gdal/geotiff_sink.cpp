// GeoTIFF and Cloud Optimized GeoTIFF.
//
// A TIFF has one type for all its bands: bands of several dtypes are stored in the smallest type
// that holds the values of all, with one nodata value that no band uses for data. Bands of the file
// are the bands of the cube (one slice) or its slices (one band).
//
// Where chunks hold whole tiles, which is the rule, the workers write the file themselves; the rest
// is left to GDAL. Thread rule: of FileWriter.
#include <gdal_priv.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <memory>
#include <mutex>

#include "engine/gdal/crs.h"
#include "engine/gdal/direct_cog.h"
#include "engine/gdal/direct_tiff.h"
#include "engine/gdal/gdal_types.h"
#include "engine/gdal/geotiff_describe.h"
#include "engine/gdal/geotiff_options.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/output_file.h"
#include "engine/gdal/piece_spool.h"
#include "engine/gdal/raster_classes.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kTile = 512;  // cells, both ways

constexpr std::int64_t kLeastTile = 64;

constexpr const char* kSpool = ".cells";  // behind the name of the file
constexpr const char* kRaw = ".raw";      // the same

void remove_file(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

// The tile size: 512, or a smaller one that the chunks are multiples of, so that each tile is
// written once; no larger than the raster needs.
std::int64_t tile_size(std::int64_t chunk, std::int64_t raster) {
  const std::int64_t enough = (raster + kTileMultiple - 1) / kTileMultiple * kTileMultiple;
  if (chunk >= raster) return std::min(kTile, enough);
  if (chunk % kTile != 0 && chunk % (kTile / 2) == 0) return std::min(kTile / 2, enough);
  std::int64_t tile = kTile;
  while (tile >= kLeastTile && chunk % tile != 0) tile -= kTileMultiple;
  return std::min(tile >= kLeastTile ? tile : kTile, enough);
}

std::size_t band_count(const FilePart& part) {
  return part.info.bands.size() * static_cast<std::size_t>(part.info.time.size());
}

// A file whose cells pass through GDAL's block cache, whose size the embedding program sets.
class GdalTiff {
 public:
  // Writes `pieces`, which an earlier run has left in the spool, again.
  GdalTiff(const FilePart& part, const Storage& storage, const OutputOptions& creation,
           const std::string& path, const Provenance& provenance,
           const std::vector<WrittenPiece>& pieces)
      : part_(part),
        storage_(storage),
        spool_(path + kSpool, part.file,
               pieces.empty() ? PlacedFile::Mode::kNew : PlacedFile::Mode::kExisting) {
    reserve_anew(path, false, part_.file);  // GDAL would look into what an earlier run has left
    const GdalErrors errors;
    const Grid& grid = part_.info.grid;
    dataset_.reset(create_tiff(path, grid.width, grid.height, band_count(part_), storage_, creation,
                               part_.file)
                       .release());
    if (!dataset_) throw unwritable(part_.file, errors.first());
    describe_tiff(*dataset_, part_, storage_, provenance);
    if (errors.any()) throw unwritable(part_.file, errors.first());
    spool_.replay(pieces, part_.info.bands.size(), [this](const Piece& piece) { write(piece); });
  }

  void write(const Piece& piece, TileLog& log) {
    spool_.put(piece, log);
    write(piece);
  }

  // Writes pieces that are in the spool of another such file.
  void adopt(const std::string& path, const std::vector<WrittenPiece>& pieces) {
    const PieceSpool spool(path + kSpool, part_.file, PlacedFile::Mode::kExisting);
    spool.each(pieces, part_.info.bands.size(), [this](const Piece& piece) { write(piece); });
  }

  void finish() {
    const GdalErrors errors;
    dataset_->FlushCache(true);
    GDALClose(dataset_.release());
    if (errors.any()) throw unwritable(part_.file, errors.first());
  }

 private:
  // Of a file that was not finished: what GDAL says of it then is of no interest.
  struct QuietClose {
    void operator()(GDALDataset* dataset) const {
      const GdalErrors quiet;
      GDALClose(dataset);
    }
  };

  void write(const Piece& piece) {
    for (std::size_t b = 0; b < piece.bands.size(); ++b) {
      // Tiles that are never written read as nodata, and as 0 where there is none.
      if (piece.bands[b].empty()) continue;
      const Storage from = part_.info.bands[b].storage();
      if (same_cells(from, storage_)) {
        write_band(b, piece.region, piece.bands[b]);
      } else {
        std::vector<std::byte> cells(static_cast<std::size_t>(piece.region.cells()) *
                                     size_of(storage_.dtype));
        convert_cells(piece.bands[b], from, storage_, cells);
        write_band(b, piece.region, cells);
      }
    }
  }

  void write_band(std::size_t b, const Region& region, std::span<const std::byte> cells) {
    const auto slice_bytes =
        static_cast<std::size_t>(region.y.size() * region.x.size()) * size_of(storage_.dtype);
    const auto width = static_cast<int>(region.x.size());
    const auto height = static_cast<int>(region.y.size());
    const std::lock_guard lock(file_);
    const GdalErrors errors;
    for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
      // GDAL does not change what it writes.
      auto* data = const_cast<std::byte*>(
          cells.data() + static_cast<std::size_t>(t - region.t.begin) * slice_bytes);
      const CPLErr status = dataset_->GetRasterBand(band_number(part_.info, b, t))
                                ->RasterIO(GF_Write, static_cast<int>(region.x.begin),
                                           static_cast<int>(region.y.begin), width, height, data,
                                           width, height, gdal_type(storage_.dtype), 0, 0, nullptr);
      if (status != CE_None || errors.any()) throw unwritable(part_.file, errors.first());
    }
  }

  const FilePart& part_;
  Storage storage_;
  PieceSpool spool_;  // GDAL cannot go on with a TIFF that was not closed
  std::mutex file_;   // GDAL's datasets are not thread-safe
  std::unique_ptr<GDALDataset, QuietClose> dataset_;
};

class GeotiffWriter : public FileWriter {
 public:
  GeotiffWriter(const FilePart& part, OutputOptions options)
      : GeotiffWriter(part, std::move(options), nullptr) {}

  std::string sidecar() const override {
    std::vector<BandClasses> bands;
    for (const BandInfo& band : part_.info.bands) {
      bands.insert(bands.end(), static_cast<std::size_t>(part_.info.time.size()), band.classes);
    }
    return category_sidecar(bands);
  }

  void begin(const std::string& path, const ChunkShape& tiling,
             const Provenance& provenance) override {
    resume(path, tiling, provenance, {});
  }

  bool resumes() const override { return true; }

  void resume(const std::string& path, const ChunkShape& tiling, const Provenance& provenance,
              const std::vector<WrittenPiece>& pieces) override {
    path_ = path;
    const OutputOptions creation = creation_for(tiling);
    if (auto setup = direct_setup(part_, storage_, creation, tiling, provenance)) {
      direct_ = std::make_unique<DirectTiff>(part_, std::move(*setup), path, pieces);
    } else {
      gdal_ = std::make_unique<GdalTiff>(part_, storage_, creation, path, provenance, pieces);
    }
  }

  void write(const Piece& piece, TileLog& log) override {
    direct_ ? direct_->write(piece, log) : gdal_->write(piece, log);
  }
  bool holds(const std::string& path, const ChunkShape&, const WrittenPiece& piece) const override {
    std::error_code error;
    const bool by_gdal = std::filesystem::exists(path + kSpool, error);
    return holds_tiles(by_gdal ? path + kSpool : path, piece);
  }
  void adopt(const std::string& path, const std::vector<WrittenPiece>& pieces) override {
    direct_ ? direct_->adopt(path, pieces) : gdal_->adopt(path, pieces);
  }
  void finish() override { direct_ ? direct_->finish() : gdal_->finish(); }

  void forget() override { remove_file(path_ + kSpool); }

  ChunkShape tile() const override {
    const OutputOptions creation = geotiff_creation(options_, storage_, 1, 1);
    return {1, tile_side(creation, "BLOCKYSIZE", 1), tile_side(creation, "BLOCKXSIZE", 1)};
  }

  // Of each tile: where it lies, in our list, in the tags and in what GDAL made.
  std::int64_t resident_bytes() const override {
    const TileLayout layout = layout_for(creation_for({1, kTile, kTile}));
    constexpr std::int64_t kBytesPerTile = 64;
    return layout.across() * layout.down() * static_cast<std::int64_t>(band_count(part_)) *
           kBytesPerTile;
  }

  std::int64_t bytes_per_write(const ChunkShape& shape) const override {
    const bool converts =
        std::any_of(part_.info.bands.begin(), part_.info.bands.end(),
                    [&](const auto& band) { return !same_cells(band.storage(), storage_); });
    const std::int64_t cell = static_cast<std::int64_t>(size_of(storage_.dtype));
    const OutputOptions creation = creation_for(shape);
    // A worker converts a band of the chunk, or cuts and encodes tiles.
    return (converts ? shape.cells() * cell : 0) +
           tile_scratch_bytes(layout_for(creation), creation);
  }

 protected:
  GeotiffWriter(const FilePart& part, OutputOptions options, const OutputOptions* cog)
      : part_(part), storage_(common_storage(part.info.bands)), options_(std::move(options)) {
    const std::int64_t limit = std::numeric_limits<int>::max();
    if (part.info.grid.width > limit || part.info.grid.height > limit) {
      throw Error(ErrorCode::kInvalid, "the raster is too large for a TIFF", part.file);
    }
    if (band_count(part_) > 65535) {
      throw Error(ErrorCode::kInvalid, "a TIFF has at most 65535 bands", part.file,
                  "put {t} into the name");
    }
    if (is_rotated(part.info.grid.crs)) {
      throw Error(ErrorCode::kInvalid, "a GeoTIFF cannot state a CRS of a rotated pole", part.file,
                  "netCDF and Zarr can, or resample brings the cube onto another grid");
    }
    if (part.slices.begin > 0) return;  // the files of later slices are like the first
    const OutputOptions raw = geotiff_creation(options_, storage_, kTileMultiple, kTileMultiple);
    try_options(storage_, band_count(part_), raw, cog, part.file);
  }

  OutputOptions creation_for(const ChunkShape& tiling) const {
    const Grid& grid = part_.info.grid;
    return geotiff_creation(options_, storage_, tile_size(tiling.x, grid.width),
                            tile_size(tiling.y, grid.height));
  }

  TileLayout layout_for(const OutputOptions& creation) const {
    const Grid& grid = part_.info.grid;
    const bool pixel = lower(option(creation, "INTERLEAVE", "BAND")) == "pixel";
    const auto bands = static_cast<std::int64_t>(band_count(part_));
    return {grid.width,
            grid.height,
            tile_side(creation, "BLOCKXSIZE", grid.width),
            tile_side(creation, "BLOCKYSIZE", 1),
            pixel ? 1 : bands,
            pixel ? bands : 1,
            storage_};
  }

  FilePart part_;
  Storage storage_;

 private:
  OutputOptions options_;
  std::string path_;
  std::unique_ptr<DirectTiff> direct_;
  std::unique_ptr<GdalTiff> gdal_;
};

// Where the workers cannot write it: first a plain GeoTIFF beside it, then a copy by GDAL's COG
// driver.
class CogWriter final : public GeotiffWriter {
 public:
  CogWriter(const FilePart& part, const OutputOptions& options)
      : CogWriter(part, cog_creation(options, common_storage(part.info.bands)), 0) {}

  void resume(const std::string& path, const ChunkShape& tiling, const Provenance& provenance,
              const std::vector<WrittenPiece>& pieces) override {
    target_ = path;
    raw_ = path + kRaw;
    if (const auto creation = direct_cog_creation(cog_, storage_, tiling, part_.info.grid)) {
      if (auto setup = direct_setup(part_, storage_, *creation, tiling, provenance)) {
        direct_ = std::make_unique<DirectCog>(part_, std::move(*setup), cog_, raw_, path, pieces);
        return;
      }
    }
    if (pieces.empty()) reserve_anew(raw_, false, part_.file);
    GeotiffWriter::resume(raw_, tiling, provenance, pieces);
  }

  void write(const Piece& piece, TileLog& log) override {
    direct_ ? direct_->write(piece, log) : GeotiffWriter::write(piece, log);
  }

  bool holds(const std::string& path, const ChunkShape& tiling,
             const WrittenPiece& piece) const override {
    return GeotiffWriter::holds(path + kRaw, tiling, piece);
  }
  void adopt(const std::string& path, const std::vector<WrittenPiece>& pieces) override {
    direct_ ? direct_->adopt(path + kRaw, pieces) : GeotiffWriter::adopt(path + kRaw, pieces);
  }

  ChunkShape tile() const override {
    const std::int64_t given = tile_side(cog_, "BLOCKSIZE", 1);
    return {1, given, given};
  }

  void finish() override {
    direct_ ? direct_->finish() : copy();
    direct_.reset();
  }

  void forget() override {
    GeotiffWriter::forget();
    remove_file(raw_);
  }

  std::int64_t resident_bytes() const override {
    return 2 * GeotiffWriter::resident_bytes();  // overviews have a third as many tiles
  }

  std::int64_t bytes_per_write(const ChunkShape& shape) const override {
    const std::int64_t plain = GeotiffWriter::bytes_per_write(shape);
    const auto creation = direct_cog_creation(cog_, storage_, shape, part_.info.grid);
    if (!creation) return plain;
    const TileLayout layout = layout_for(*creation);
    // The tile of an overview and a quarter of one.
    return std::max(plain, tile_scratch_bytes(layout, *creation) + layout.tile_bytes() * 5 / 4);
  }

 private:
  CogWriter(const FilePart& part, OutputOptions cog, int)
      : GeotiffWriter(part, {{"COMPRESS", "NONE"}}, &cog), cog_(std::move(cog)) {}

  void copy() {
    GeotiffWriter::finish();
    reserve_anew(target_, false, part_.file);
    for (const char* half_made : {".ovr.tmp", ".msk.ovr.tmp"}) remove_file(target_ + half_made);
    const GdalErrors errors;
    GDALDatasetUniquePtr raw(GDALDataset::Open(raw_.c_str(), GDAL_OF_RASTER));
    if (!raw) throw unwritable(part_.file, errors.first());
    GDALDatasetUniquePtr copy(tiff_driver("COG", part_.file)
                                  .CreateCopy(target_.c_str(), raw.get(), TRUE,
                                              to_string_list(cog_).List(), nullptr, nullptr));
    if (copy) copy->FlushCache(true);
    const bool made = copy != nullptr;
    copy.reset();
    raw.reset();
    if (!made || errors.any()) throw unwritable(part_.file, errors.first());
    check_copy();
  }

  // GDAL goes on without what a file says of its cells where it cannot read that.
  void check_copy() const {
    const GdalErrors errors;
    const GDALDatasetUniquePtr raw(GDALDataset::Open(raw_.c_str(), GDAL_OF_RASTER));
    const GDALDatasetUniquePtr copy(GDALDataset::Open(target_.c_str(), GDAL_OF_RASTER));
    if (!raw || !copy || facts_of(*raw) != facts_of(*copy)) {
      throw unwritable(part_.file, errors.any() ? errors.first() : "its copy is not complete");
    }
  }

  static std::string facts_of(GDALDataset& dataset) {
    std::array<double, 6> transform{};
    dataset.GetGeoTransform(transform.data());
    std::string out = dataset.GetProjectionRef();
    for (const double number : transform) out += '\n' + number_text(number);
    const char* graph = dataset.GetMetadataItem("CUBE_GRAPH");
    out += '\n' + std::string(graph ? graph : "");
    for (int i = 1; i <= dataset.GetRasterCount(); ++i) {
      GDALRasterBand& band = *dataset.GetRasterBand(i);
      out += '\n' + std::string(band.GetDescription()) + ' ' + number_text(band.GetNoDataValue());
    }
    return out;
  }

  OutputOptions cog_;
  std::string target_;
  std::string raw_;
  std::unique_ptr<DirectCog> direct_;
};

}  // namespace

std::unique_ptr<FileWriter> make_geotiff_writer(const FilePart& part,
                                                const OutputOptions& options) {
  return std::make_unique<GeotiffWriter>(part, options);
}

std::unique_ptr<FileWriter> make_cog_writer(const FilePart& part, const OutputOptions& options) {
  return std::make_unique<CogWriter>(part, options);
}

}  // namespace cube
