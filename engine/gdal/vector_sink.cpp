// GeoPackage and GeoJSON tables: rows with the geometry of their feature, or with the centre of
// their cell as a point.
#include <cpl_string.h>

#include <array>
#include <filesystem>

#include "engine/gdal/checked_output.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/run_record.h"
#include "engine/gdal/table_writer.h"
#include "engine/gdal/vector_handles.h"
#include "engine/text.h"
#include "engine/time_axis.h"

namespace cube {

namespace {

struct FieldDestroy {
  void operator()(OGRFieldDefnH field) const { OGR_Fld_Destroy(field); }
};
using Field = std::unique_ptr<std::remove_pointer_t<OGRFieldDefnH>, FieldDestroy>;

class VectorWriter final : public TableWriter {
 public:
  VectorWriter(const FilePart& part, std::string driver)
      : TableWriter(part, driver), driver_(std::move(driver)) {}

  // What GDAL says of a file that was given up is of no interest.
  ~VectorWriter() override {
    const GdalErrors quiet;
    dataset_.reset();
  }

 private:
  bool is_package() const { return driver_ == "GPKG"; }

  void start() override {
    const GdalErrors errors;
    // Drivers refuse to write over a file; this one only holds the name.
    if (is_package()) {
      std::filesystem::remove(path());
    } else {
      checked_ = std::make_unique<CheckedOutput>(path(), part().file, ".geojson");
    }
    dataset_.reset(GDALCreate(GDALGetDriverByName(driver_.c_str()),
                              (checked_ ? checked_->name() : path()).c_str(), 0, 0, 0, GDT_Unknown,
                              nullptr));
    if (!dataset_) throw unwritable(part().file, errors.first());
    make_layer();
    if (is_package()) {
      GDALSetMetadataItem(dataset_.get(), kGraphItem, provenance().graph.c_str(), nullptr);
      GDALSetMetadataItem(dataset_.get(), kImagesItem, images_text(provenance().sources).c_str(),
                          nullptr);
      const std::string record = record_text(provenance());
      if (!record.empty()) {
        GDALSetMetadataItem(dataset_.get(), kRecordItem, record.c_str(), nullptr);
      }
      GDALDatasetStartTransaction(dataset_.get(), FALSE);
    }
    if (!layer_ || errors.any()) throw unwritable(part().file, errors.first());
  }

  void make_layer() {
    Srs srs;
    if (!crs().empty()) {
      srs.reset(OSRNewSpatialReference(nullptr));
      OSRSetFromUserInput(srs.get(), crs().c_str());
      OSRSetAxisMappingStrategy(srs.get(), OAMS_TRADITIONAL_GIS_ORDER);
    }
    CPLStringList options;
    if (!is_package()) {
      options.SetNameValue("DESCRIPTION", one_text(provenance()).c_str());
      // Longitude and latitude, which is all that GeoJSON knows.
      if (srs) options.SetNameValue("RFC7946", "YES");
    }
    const std::string name = std::filesystem::path(part().file).stem().string();
    layer_ = GDALDatasetCreateLayer(dataset_.get(), name.c_str(), srs.get(),
                                    has_features() ? wkbUnknown : wkbPoint, options.List());
    if (!layer_) return;
    for (const TableColumn& column : columns()) {
      const Field field(OGR_Fld_Create(column.name.c_str(), type_of(column.type)));
      if (column.type == TableColumn::Type::kSingle) OGR_Fld_SetSubType(field.get(), OFSTFloat32);
      OGR_L_CreateField(layer_, field.get(), TRUE);
    }
  }

  OGRFieldType type_of(TableColumn::Type type) const {
    switch (type) {
      case TableColumn::Type::kInteger:
        return OFTInteger64;
      case TableColumn::Type::kReal:
      case TableColumn::Type::kSingle:
        return OFTReal;
      case TableColumn::Type::kTime:
        return is_package() ? OFTDateTime : OFTString;
      default:
        return OFTString;
    }
  }

  void row(const Place& place, const std::vector<FieldValue>& values) override {
    const GdalErrors errors;
    const FeatureHandle feature(OGR_F_Create(OGR_L_GetLayerDefn(layer_)));
    for (std::size_t i = 0; i < values.size(); ++i) {
      set(feature.get(), static_cast<int>(i), values[i]);
    }
    Geometry geometry;
    if (place.feature) {
      geometry = geometry_of(place.feature->wkb);
    } else {
      geometry.reset(OGR_G_CreateGeometry(wkbPoint));
      OGR_G_SetPoint_2D(geometry.get(), 0, place.x, place.y);
    }
    if (geometry) OGR_F_SetGeometryDirectly(feature.get(), geometry.release());
    if (OGR_L_CreateFeature(layer_, feature.get()) != OGRERR_NONE || errors.any()) {
      throw unwritable(part().file, errors.first());
    }
  }

  void set(OGRFeatureH feature, int index, const FieldValue& value) const {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) {
      OGR_F_SetFieldInteger64(feature, index, *whole);
    } else if (const auto* real = std::get_if<double>(&value)) {
      OGR_F_SetFieldDouble(feature, index, *real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      const bool time = columns()[static_cast<std::size_t>(index)].type == TableColumn::Type::kTime;
      const auto span = time && is_package() ? parse_time(*text) : std::nullopt;
      OGR_F_SetFieldString(feature, index,
                           span ? (to_text(span->start) + "Z").c_str() : text->c_str());
    } else {
      OGR_F_SetFieldNull(feature, index);
    }
  }

  void close() override {
    const GdalErrors errors;
    if (is_package()) GDALDatasetCommitTransaction(dataset_.get());
    dataset_.reset();
    if (checked_) checked_->finish();
    if (errors.any()) throw unwritable(part().file, errors.first());
  }

  std::string driver_;
  std::unique_ptr<CheckedOutput> checked_;
  Dataset dataset_;
  OGRLayerH layer_ = nullptr;  // of the dataset
};

}  // namespace

std::unique_ptr<FileWriter> make_gpkg_writer(const FilePart& part, const OutputOptions&) {
  return std::make_unique<VectorWriter>(part, "GPKG");
}

std::unique_ptr<FileWriter> make_geojson_writer(const FilePart& part, const OutputOptions&) {
  return std::make_unique<VectorWriter>(part, "GeoJSON");
}

}  // namespace cube
