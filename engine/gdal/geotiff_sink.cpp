// GeoTIFF and Cloud Optimized GeoTIFF.
//
// A TIFF has one type for all its bands: bands of several dtypes are stored in the smallest type
// that holds the values of all, with one nodata value that no band uses for data. Bands of the file
// are the bands of the cube (one slice) or its slices (one band).
//
// Thread rule: one lock a file, GDAL's datasets are not thread-safe. Cells pass through GDAL's
// block cache, whose size the embedding program sets.
#include <gdal_priv.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <array>
#include <limits>
#include <mutex>
#include <optional>

#include "engine/gdal/crs.h"
#include "engine/gdal/gdal_types.h"
#include "engine/gdal/geotiff_options.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/output_file.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kTile = 512;  // cells, both ways

// The tile size: 512, or a smaller one that the chunks are multiples of, so that each tile is
// written once; no larger than the raster needs.
std::int64_t tile_size(std::int64_t chunk, std::int64_t raster) {
  std::int64_t tile = kTile;
  while (tile > 128 && chunk % tile != 0) tile /= 2;
  if (chunk % tile != 0) tile = kTile;
  const std::int64_t enough = (raster + kTileMultiple - 1) / kTileMultiple * kTileMultiple;
  return std::min(tile, enough);
}

class GeotiffWriter : public FileWriter {
 public:
  GeotiffWriter(const FilePart& part, OutputOptions options)
      : GeotiffWriter(part, std::move(options), nullptr) {}

  void begin(const std::string& path, const ChunkShape& tiling,
             const Provenance& provenance) override {
    const GdalErrors errors;
    const Grid& grid = part_.info.grid;
    path_ = path;
    dataset_ = create_tiff(path, grid.width, grid.height, band_count(), storage_,
                           geotiff_creation(options_, storage_, tile_size(tiling.x, grid.width),
                                            tile_size(tiling.y, grid.height)),
                           part_.file);
    if (!dataset_) throw unwritable(part_.file, errors.first());
    describe(provenance);
    if (errors.any()) throw unwritable(part_.file, errors.first());
  }

  void write(const Piece& piece) override {
    for (std::size_t b = 0; b < piece.bands.size(); ++b) {
      // Tiles that are never written read as nodata, and as 0 where there is none.
      if (piece.bands[b].empty()) continue;
      const Storage from = part_.info.bands[b].storage();
      if (from.dtype == storage_.dtype &&
          (is_float(from.dtype) || from.nodata == storage_.nodata || !from.nodata)) {
        write_band(b, piece.region, piece.bands[b]);
      } else {
        write_band(b, piece.region, convert_cells(piece.bands[b], from, storage_));
      }
    }
  }

  void finish() override {
    const GdalErrors errors;
    dataset_->FlushCache(true);
    dataset_.reset();
    if (errors.any()) throw unwritable(part_.file, errors.first());
  }

  std::int64_t bytes_per_write(const ChunkShape& shape) const override {
    std::int64_t most = 0;
    for (const BandInfo& band : part_.info.bands) {
      if (band.storage().dtype != storage_.dtype || band.nodata != storage_.nodata) {
        most = shape.cells() * static_cast<std::int64_t>(size_of(storage_.dtype));
      }
    }
    return most + 2 * tile_bytes();
  }

 protected:
  GeotiffWriter(const FilePart& part, OutputOptions options, const OutputOptions* cog)
      : part_(part), storage_(common_storage(part.info.bands)), options_(std::move(options)) {
    const std::int64_t limit = std::numeric_limits<int>::max();
    if (part.info.grid.width > limit || part.info.grid.height > limit) {
      throw Error(ErrorCode::kInvalid, "the raster is too large for a TIFF", part.file);
    }
    if (band_count() > 65535) {
      throw Error(ErrorCode::kInvalid, "a TIFF has at most 65535 bands", part.file,
                  "put {t} into the name");
    }
    if (part.slices.begin > 0) return;  // the files of later slices are like the first
    const OutputOptions raw = geotiff_creation(options_, storage_, kTileMultiple, kTileMultiple);
    try_options(storage_, band_count(), raw, cog, part.file);
  }

  std::size_t band_count() const {
    return part_.info.bands.size() * static_cast<std::size_t>(part_.info.time.size());
  }
  std::int64_t tile_bytes() const {
    return kTile * kTile * static_cast<std::int64_t>(size_of(storage_.dtype));
  }

  FilePart part_;
  Storage storage_;
  std::string path_;

 private:
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
      const CPLErr status = dataset_->GetRasterBand(band_number(b, t))
                                ->RasterIO(GF_Write, static_cast<int>(region.x.begin),
                                           static_cast<int>(region.y.begin), width, height, data,
                                           width, height, gdal_type(storage_.dtype), 0, 0, nullptr);
      if (status != CE_None || errors.any()) throw unwritable(part_.file, errors.first());
    }
  }

  int band_number(std::size_t b, std::int64_t t) const {
    return static_cast<int>(static_cast<std::int64_t>(b) * part_.info.time.size() + t) + 1;
  }

  void describe(const Provenance& provenance) {
    const Grid& grid = part_.info.grid;
    std::array<double, 6> transform = {grid.left, grid.dx, 0, grid.top, 0, -grid.dy};
    dataset_->SetGeoTransform(transform.data());
    if (!grid.crs.empty()) {
      OGRSpatialReference crs;
      crs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
      crs.SetFromUserInput(grid.crs.c_str());
      dataset_->SetSpatialRef(&crs);
    }
    const TimeAxis& time = part_.info.time;
    set_time(*dataset_, 0, time.size() - 1);
    if (time.size() == 1) {
      const std::string acquired = to_text(time.start(0));
      dataset_->SetMetadataItem("ACQUISITIONDATETIME", acquired.c_str(), "IMAGERY");
    }
    dataset_->SetMetadataItem("CUBE_GRAPH", provenance.graph.c_str());
    dataset_->SetMetadataItem("CUBE_IMAGES", join(provenance.sources, "\n").c_str());
    for (std::size_t b = 0; b < part_.info.bands.size(); ++b) {
      for (std::int64_t t = 0; t < time.size(); ++t) describe_band(b, t);
    }
  }

  void describe_band(std::size_t b, std::int64_t t) {
    const BandInfo& info = part_.info.bands[b];
    const TimeAxis& time = part_.info.time;
    GDALRasterBand& band = *dataset_->GetRasterBand(band_number(b, t));
    band.SetDescription(time.size() > 1 ? time.label(t).c_str() : info.name.c_str());
    if (time.size() > 1) {
      band.SetMetadataItem("band", info.name.c_str());
      set_time(band, t, t);
    }
    if (storage_.nodata) band.SetNoDataValue(*storage_.nodata);
    if (!info.unit.empty()) band.SetUnitType(info.unit.c_str());
    if (info.scale != 1) band.SetScale(info.scale);
    if (info.offset != 0) band.SetOffset(info.offset);
    band.SetColorInterpretation(b == 0 && t == 0 ? GCI_GrayIndex : GCI_Undefined);
  }

  // time_end is exclusive; an instant has none.
  void set_time(GDALMajorObject& object, std::int64_t first, std::int64_t last) {
    const TimeAxis& time = part_.info.time;
    object.SetMetadataItem("time_start", to_text(time.start(first)).c_str());
    if (!time.is_regular() && first == last) return;
    object.SetMetadataItem("time_end", to_text(time.end(last)).c_str());
  }

  OutputOptions options_;
  std::mutex file_;
  GDALDatasetUniquePtr dataset_;
};

// First a plain GeoTIFF beside it, then a copy by GDAL's COG driver: its overviews and the order
// of its parts are known only when all cells are there.
class CogWriter final : public GeotiffWriter {
 public:
  CogWriter(const FilePart& part, const OutputOptions& options)
      : CogWriter(part, cog_creation(options, common_storage(part.info.bands)), 0) {}

  void begin(const std::string& path, const ChunkShape& tiling,
             const Provenance& provenance) override {
    target_ = path;
    raw_ = std::make_unique<TemporaryName>(part_.file, false);
    GeotiffWriter::begin(raw_->path(), tiling, provenance);
  }

  void finish() override {
    GeotiffWriter::finish();
    const GdalErrors errors;
    GDALDatasetUniquePtr raw(GDALDataset::Open(raw_->path().c_str(), GDAL_OF_RASTER));
    if (!raw) throw unwritable(part_.file, errors.first());
    GDALDatasetUniquePtr copy(tiff_driver("COG", part_.file)
                                  .CreateCopy(target_.c_str(), raw.get(), TRUE,
                                              to_string_list(cog_).List(), nullptr, nullptr));
    if (copy) copy->FlushCache(true);
    const bool made = copy != nullptr;
    copy.reset();
    raw.reset();
    if (!made || errors.any()) throw unwritable(part_.file, errors.first());
    raw_.reset();
  }

 private:
  CogWriter(const FilePart& part, OutputOptions cog, int)
      : GeotiffWriter(part, {{"COMPRESS", "NONE"}}, &cog), cog_(std::move(cog)) {}

  OutputOptions cog_;
  std::string target_;
  std::unique_ptr<TemporaryName> raw_;
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
