#include "engine/gdal/table_writer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

namespace {

// Larger tables are of no use to anybody; a raster holds them in a fraction of the room.
constexpr std::int64_t kMostRows = 10'000'000;

constexpr const char* kSpool = ".cells";  // behind the name of the file

TableColumn::Type type_of(const FieldInfo& field) {
  switch (field.type) {
    case FieldInfo::Type::kInteger:
      return TableColumn::Type::kInteger;
    case FieldInfo::Type::kReal:
      return TableColumn::Type::kReal;
    default:
      return TableColumn::Type::kText;
  }
}

TableColumn::Type type_of(DType type) {
  if (type == DType::kFloat32) return TableColumn::Type::kSingle;
  return type == DType::kFloat64 ? TableColumn::Type::kReal : TableColumn::Type::kInteger;
}

}  // namespace

TableWriter::TableWriter(FilePart part, const std::string& format) : part_(std::move(part)) {
  const std::int64_t rows = part_.info.extent().cells();
  if (!has_features() && rows > kMostRows) {
    throw Error(ErrorCode::kInvalid,
                "the cube has " + counted(rows, "cell") + ", too many rows for " + format,
                part_.file,
                "write .nc, .zarr or .tif, or a table of what zonal, extract or slice_space make");
  }
  name_columns();
}

// A field that is called as one of our own columns is given a number.
void TableWriter::name_columns() {
  using Type = TableColumn::Type;
  std::vector<std::string> own = {"time"};
  for (const BandInfo& band : part_.info.bands) own.push_back(band.name);
  if (has_features()) {
    own.emplace_back("feature");
    columns_.push_back({"feature", Type::kInteger});
    for (const FieldInfo& field : part_.info.grid.features->fields) {
      std::string name = field.name;
      for (int n = 2; std::find(own.begin(), own.end(), name) != own.end(); ++n) {
        name = field.name + "_" + std::to_string(n);
      }
      own.push_back(name);
      columns_.push_back({std::move(name), type_of(field)});
    }
    columns_.push_back({"time", Type::kTime});
  } else {
    columns_ = {{"time", Type::kTime}, {"x", Type::kReal}, {"y", Type::kReal}};
  }
  for (const BandInfo& band : part_.info.bands) {
    columns_.push_back({band.name, type_of(band.dtype)});
  }
}

void TableWriter::begin(const std::string& path, const ChunkShape&, const Provenance& provenance) {
  start_from(path, provenance, CellSpool::Mode::kNew);
}

void TableWriter::resume(const std::string& path, const ChunkShape&, const Provenance& provenance,
                         const std::vector<WrittenPiece>&) {
  start_from(path, provenance, CellSpool::Mode::kExisting);
}

void TableWriter::start_from(const std::string& path, const Provenance& provenance,
                             CellSpool::Mode mode) {
  path_ = path;
  provenance_ = provenance;
  const auto bands = static_cast<std::int64_t>(part_.info.bands.size());
  cells_.open(path + kSpool, part_.file, part_.info.extent().cells() * bands, mode);
}

bool TableWriter::holds(const std::string& path, const ChunkShape&, const WrittenPiece&) const {
  std::error_code error;
  return std::filesystem::exists(path + kSpool, error);
}

void TableWriter::adopt(const std::string& path, const std::vector<WrittenPiece>&) {
  cells_.add(path + kSpool);
}

void TableWriter::forget() {
  std::error_code ignored;
  std::filesystem::remove(path_ + kSpool, ignored);
}

std::int64_t TableWriter::place(std::int64_t t, std::int64_t y, std::int64_t x) const {
  const Region extent = part_.info.extent();
  const std::int64_t row =
      has_features() ? y * extent.t.size() + t : (t * extent.y.size() + y) * extent.x.size() + x;
  return row * static_cast<std::int64_t>(part_.info.bands.size());
}

// Cells whose rows follow each other go out together: slices of a feature, or a row of cells.
void TableWriter::write(const Piece& piece, TileLog&) {
  const std::size_t bands = part_.info.bands.size();
  const Storage real{DType::kFloat64, kMissing};
  const Region& region = piece.region;
  const auto slices = static_cast<std::size_t>(region.t.size());
  const auto rows = static_cast<std::size_t>(region.y.size());
  const auto columns = static_cast<std::size_t>(region.x.size());
  if (has_features() && region.x.begin > 0) return;  // a crop beyond the only column
  std::vector<std::vector<double>> cells(bands);
  for (std::size_t band = 0; band < bands; ++band) {
    cells[band].assign(slices * rows * columns, kMissing);
    if (piece.bands[band].empty()) continue;
    convert_cells(piece.bands[band], part_.info.bands[band].storage(), real,
                  std::as_writable_bytes(std::span(cells[band])));
  }
  const std::size_t runs = has_features() ? rows : slices * rows;
  const std::size_t length = has_features() ? slices : columns;
  std::vector<double> run(length * bands);
  for (std::size_t r = 0; r < runs; ++r) {
    for (std::size_t i = 0; i < length; ++i) {
      const std::size_t from = has_features() ? (i * rows + r) * columns : r * columns + i;
      for (std::size_t band = 0; band < bands; ++band) run[i * bands + band] = cells[band][from];
    }
    const auto t = has_features() ? 0 : static_cast<std::int64_t>(r / rows);
    const auto y = static_cast<std::int64_t>(r % rows);
    cells_.put(place(region.t.begin + t, region.y.begin + y, region.x.begin), run);
  }
}

std::int64_t TableWriter::bytes_per_write(const ChunkShape& chunk) const {
  constexpr std::int64_t kCopies = 2;
  const auto bands = static_cast<std::int64_t>(part_.info.bands.size());
  return kCopies * chunk.cells() * bands * static_cast<std::int64_t>(sizeof(double));
}

void TableWriter::finish() {
  const Region extent = part_.info.extent();
  start();
  if (has_features()) {
    for (std::int64_t y = 0; y < extent.y.end; ++y) {
      for (std::int64_t t = 0; t < extent.t.end; ++t) feature_row(y, t);
    }
  } else {
    for (std::int64_t t = 0; t < extent.t.end; ++t) {
      for (std::int64_t y = 0; y < extent.y.end; ++y) {
        for (std::int64_t x = 0; x < extent.x.end; ++x) cell_row(t, y, x);
      }
    }
  }
  close();
}

void TableWriter::feature_row(std::int64_t y, std::int64_t t) {
  const FeatureTable& table = *part_.info.grid.features;
  const auto index = feature_of_row(part_.info.grid, y);
  const auto cells = cells_.next(part_.info.bands.size());
  if (!index) return;  // a crop beyond the last feature
  const Feature& feature = table.features[*index];
  values_.clear();
  values_.emplace_back(feature.id);
  values_.insert(values_.end(), feature.values.begin(), feature.values.end());
  if (table.times.empty()) {
    values_.emplace_back(part_.info.time.label(t));
  } else if (table.times[*index].empty()) {
    values_.emplace_back();
  } else {
    values_.emplace_back(table.times[*index]);
  }
  add_bands(cells);
  row({&feature}, values_);
}

void TableWriter::cell_row(std::int64_t t, std::int64_t y, std::int64_t x) {
  const Grid& grid = part_.info.grid;
  const Place place{nullptr, grid.x_center(x), grid.y_center(y)};
  values_ = {part_.info.time.label(t), place.x, place.y};
  add_bands(cells_.next(part_.info.bands.size()));
  row(place, values_);
}

void TableWriter::add_bands(std::span<const double> cells) {
  for (std::size_t band = 0; band < cells.size(); ++band) {
    const double value = cells[band];
    if (std::isnan(value)) {
      values_.emplace_back();
    } else if (is_float(part_.info.bands[band].dtype)) {
      values_.emplace_back(value);
    } else {
      values_.emplace_back(static_cast<std::int64_t>(value));
    }
  }
}

const std::string& TableWriter::crs() const {
  const Grid& grid = part_.info.grid;
  return grid.features ? grid.features->crs : grid.crs;
}

}  // namespace cube
