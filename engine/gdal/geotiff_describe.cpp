#include "engine/gdal/geotiff_describe.h"

#include <ogr_spatialref.h>

#include <array>

#include "engine/gdal/raster_classes.h"
#include "engine/gdal/run_record.h"
#include "engine/text.h"

namespace cube {

namespace {

// time_end is exclusive; an instant has none.
void set_time(GDALMajorObject& object, const TimeAxis& time, std::int64_t first,
              std::int64_t last) {
  object.SetMetadataItem("time_start", to_text(time.start(first)).c_str());
  if (!time.is_regular() && first == last) return;
  object.SetMetadataItem("time_end", to_text(time.end(last)).c_str());
}

void describe_band(GDALRasterBand& band, const CubeInfo& cube, std::size_t b, std::int64_t t,
                   const Storage& storage) {
  const BandInfo& info = cube.bands[b];
  const TimeAxis& time = cube.time;
  band.SetDescription(time.size() > 1 ? time.label(t).c_str() : info.name.c_str());
  if (time.size() > 1) {
    band.SetMetadataItem("band", info.name.c_str());
    set_time(band, time, t, t);
  }
  if (storage.nodata) band.SetNoDataValue(*storage.nodata);
  if (!info.unit.empty()) band.SetUnitType(info.unit.c_str());
  if (info.scale != 1) band.SetScale(info.scale);
  if (info.offset != 0) band.SetOffset(info.offset);
  const bool only = cube.bands.size() == 1 && time.size() == 1;
  const bool table = only && has_colour_table(info.classes, storage.dtype);
  set_classes(GDALRasterBand::ToHandle(&band), info.classes, table);
  if (table) return;
  band.SetColorInterpretation(b == 0 && t == 0 ? GCI_GrayIndex : GCI_Undefined);
}

}  // namespace

int band_number(const CubeInfo& info, std::size_t b, std::int64_t t) {
  return static_cast<int>(static_cast<std::int64_t>(b) * info.time.size() + t) + 1;
}

void describe_tiff(GDALDataset& dataset, const FilePart& part, const Storage& storage,
                   const Provenance& provenance) {
  const Grid& grid = part.info.grid;
  std::array<double, 6> transform = {grid.left, grid.dx, 0, grid.top, 0, -grid.dy};
  dataset.SetGeoTransform(transform.data());
  if (!grid.crs.empty()) {
    OGRSpatialReference crs;
    crs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
    crs.SetFromUserInput(grid.crs.c_str());
    dataset.SetSpatialRef(&crs);
  }
  const TimeAxis& time = part.info.time;
  set_time(dataset, time, 0, time.size() - 1);
  if (time.size() == 1) {
    const std::string acquired = to_text(time.start(0));
    dataset.SetMetadataItem("ACQUISITIONDATETIME", acquired.c_str(), "IMAGERY");
  }
  dataset.SetMetadataItem(kGraphItem, provenance.graph.c_str());
  dataset.SetMetadataItem(kImagesItem, images_text(provenance.sources).c_str());
  const std::string record = record_text(provenance);
  if (!record.empty()) dataset.SetMetadataItem(kRecordItem, record.c_str());
  for (std::size_t b = 0; b < part.info.bands.size(); ++b) {
    for (std::int64_t t = 0; t < time.size(); ++t) {
      describe_band(*dataset.GetRasterBand(band_number(part.info, b, t)), part.info, b, t, storage);
    }
  }
}

}  // namespace cube
