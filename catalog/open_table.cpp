#include "catalog/open_table.h"

#include <iostream>

#include "catalog/footprint.h"
#include "engine/error.h"
#include "engine/gdal/raster_info.h"
#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

// The names of the bands of a file: its descriptions, else "b1", "b2", ...
std::vector<std::string> bands_of_file(const std::string& file) {
  std::vector<std::string> names;
  for (const BandInfo& band : describe_raster(file).bands) names.push_back(band.name);
  return names;
}

// "bands B04, B08; not used: cloud_cover": what was made of the header.
std::string layout_text(const ImageTable& table) {
  std::vector<std::string> bands;
  for (const TableBand& band : table.bands()) bands.push_back(band.info.name);
  const TableColumns& columns = table.columns();
  std::string out = (columns.row_a_file()   ? "a row a file"
                     : columns.file_a_row() ? "a row an image, of one file"
                                            : "a row an image, a column a band");
  out += "; bands " + join(bands);
  if (!columns.ignored.empty()) out += "; columns not used: " + join(columns.ignored);
  return out;
}

}  // namespace

fs::path folder_of(const fs::path& file) {
  return fs::absolute(file).lexically_normal().parent_path();
}

std::vector<Box> footprint_of(const Box& extent) {
  return extent.left > extent.right ? from_row(extent) : wrap_longitudes({extent});
}

std::string srs_of(const TableOptions& table) { return table.format ? table.format->srs() : ""; }

OpenTable::OpenTable(const TableOptions& options, const fs::path& catalog_folder)
    : standard_(options.file == "-"),
      names_(standard_ ? fs::current_path() : folder_of(options.file), catalog_folder) {
  if (!standard_) open(options.file);
  const auto bands_of = [this](std::string_view name) {
    return bands_of_file(names_.absolute(name));
  };
  table_.emplace(standard_ ? std::cin : file_, standard_ ? "stdin" : options.file,
                 ImageTable::Options{options.bands, options.format, bands_of});
}
void OpenTable::open(const std::string& name) {
  file_.open(name, std::ios::binary);
  std::error_code ignored;
  if (!file_ || fs::is_directory(name, ignored)) {
    throw Error(ErrorCode::kNotFound, "there is no such table", name);
  }
  size_ = static_cast<std::int64_t>(fs::file_size(name));
}

BandInfo OpenTable::describe(const TableBand& band) const {
  const FormatBand& known = band.info;
  BandInfo out;
  if (!known.dtype) {
    const std::string hint =
        "a column dtype or a --format with the dtype of each band spares opening files";
    try {
      const RasterInfo info = describe_raster(names_.absolute(band.sample));
      const auto wanted = static_cast<std::size_t>(known.raster_band);
      if (wanted > info.bands.size()) {
        throw Error(ErrorCode::kInvalid, "has " + counted(info.bands.size(), "band") + ", and '" +
                                             known.name + "' is band " + std::to_string(wanted));
      }
      out = info.bands[wanted - 1];
    } catch (const Error& error) {
      throw Error(error.code(),
                  "the band '" + known.name + "' is not known: its first file " +
                      names_.absolute(band.sample) + ": " + error.message(),
                  csv_place(table_->name(), band.line, {}), hint);
    }
  }
  out.name = known.name;
  out.dtype = known.dtype.value_or(out.dtype);
  if (known.nodata) out.nodata = known.nodata;
  if (known.scale != 1 || known.offset != 0) {
    out.scale = known.scale;
    out.offset = known.offset;
  }
  if (!known.unit.empty()) out.unit = known.unit;
  return out;
}

void OpenTable::check_bands_seen() const {
  for (const TableBand& band : table_->bands()) {
    if (!band.sample.empty()) continue;
    throw Error(ErrorCode::kInvalid, "no row has a file of the band '" + band.info.name + "'",
                table_->name());
  }
}

void OpenTable::reject_twice(const TableRow& row) const {
  table_->reject(row.line, TableColumns::kBand,
                 "the image '" + std::string(row.image) + "' has this band already");
}

void OpenTable::tell(IndexReport& report) const {
  for (const std::int64_t line : table_->without_files()) {
    report.left_out.push_back({csv_place(table_->name(), line, {}), "names no file"});
  }
  report.layout = layout_text(*table_);
}

}  // namespace cube
