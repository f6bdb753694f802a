#include "catalog/table.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/text.h"

namespace cube {

namespace {

using Columns = TableColumns;

constexpr double kMostDegrees = 360;  // of a longitude; archives count to 180 or to 360
constexpr double kPole = 90;

// "B04" of "archive/x/B04.tif".
std::string_view stem(std::string_view file) {
  const std::size_t slash = file.find_last_of("/\\");
  if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
  const std::size_t dot = file.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? file : file.substr(0, dot);
}

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  hash = (hash ^ value) * kOdd;
  return hash ^ (hash >> 32);
}

// What the rows of one image must agree on.
std::uint64_t facts_of(const TableRow& row) {
  std::uint64_t hash =
      mixed(0, static_cast<std::uint64_t>(row.datetime.time_since_epoch().count()));
  for (const double side : {row.extent.left, row.extent.bottom, row.extent.right, row.extent.top}) {
    hash = mixed(hash, std::bit_cast<std::uint64_t>(side));
  }
  return mixed(hash, row.srs);
}

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  out += text;
  return out += '\'';
}

// "32631", also as pandas writes it once a cell is empty, "32631.0": a code of EPSG.
std::string crs_text(std::string_view cell) {
  const auto number = parse_number(cell);
  return number ? "EPSG:" + number_text(*number) : std::string(cell);
}

std::vector<std::string> format_bands(const std::optional<CollectionFormat>& format) {
  std::vector<std::string> out;
  if (!format) return out;
  for (const FormatBand& band : format->bands()) out.push_back(band.name);
  return out;
}

}  // namespace

struct ImageTable::Row {
  std::span<const std::string_view> cells;
  const TableColumns& columns;
  std::int64_t line;

  std::string_view operator[](Columns::Role role) const {
    return columns.has(role) ? cells[*columns.of[role]] : std::string_view();
  }
};

ImageTable::ImageTable(std::istream& in, const std::string& name, Options options)
    : csv_(in, name), options_(std::move(options)), first_(std::make_unique<CsvBlock>()) {
  if (!csv_.next(*first_)) {
    throw Error(ErrorCode::kInvalid, "has no rows below its header", name);
  }
  columns_ = find_columns(csv_, *first_, options_.bands, format_bands(options_.format));
  name_bands();
}

// Bands that are known before the rows are read; where each row names its band, in their order.
void ImageTable::name_bands() {
  const std::int64_t line = first_->lines.front();
  for (const auto& band : columns_.bands) add_band(band.band, line);
  if (columns_.row_a_file()) {
    for (const std::string& band : options_.bands) add_band(band, line);
  }
  if (!columns_.file_a_row()) return;
  std::vector<std::string> names = options_.bands;
  const bool numbered = !names.empty();  // bands asked for are those of the file, from the first
  if (!numbered) names = format_bands(options_.format);
  if (names.empty() && options_.bands_of) {
    const Row row{first_->row(0), columns_, line};
    if (row[Columns::kFile].empty()) reject(line, Columns::kFile, "is empty");
    names = options_.bands_of(row[Columns::kFile]);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    FormatBand& info = bands_[add_band(names[i], line)].info;
    if (numbered || !options_.format) info.raster_band = static_cast<int>(i) + 1;
  }
}

std::size_t ImageTable::add_band(const std::string& band, std::int64_t line) {
  const std::size_t index = bands_.size();
  TableBand added;
  added.info.name = band;
  added.line = line;
  if (options_.format) {
    for (const FormatBand& known : options_.format->bands()) {
      if (known.name == band) added.info = known;
    }
  }
  bands_.push_back(std::move(added));
  band_index_[band] = index;
  return index;
}

void ImageTable::reject(std::int64_t line, Columns::Role role, const std::string& what,
                        const std::string& hint) const {
  const std::string column = columns_.has(role) ? columns_.names[*columns_.of[role]] : "";
  throw Error(ErrorCode::kInvalid, what, csv_place(name(), line, column), hint);
}

bool ImageTable::next(TableBlock& out) {
  out.rows.clear();
  out.files.clear();
  if (first_) {
    out.csv = std::move(first_);
  } else if (!csv_.next(*out.csv)) {
    return false;
  }
  for (std::size_t i = 0; i < out.csv->rows(); ++i) read_row(out, i);
  out.srs = srs_;
  out.bytes = static_cast<std::int64_t>(out.csv->text.size());
  return true;
}

void ImageTable::read_row(TableBlock& out, std::size_t i) {
  const Row row{out.csv->row(i), columns_, out.csv->lines[i]};
  TableRow read;
  read.line = row.line;
  const std::size_t before = out.files.size();
  read_files(row, out);
  read.files = out.files.size() - before;
  if (read.files == 0) return;
  read.image = row[Columns::kImage];
  if (!columns_.has(Columns::kImage)) read.image = stem(out.files[before].file);
  if (read.image.empty()) reject(row.line, Columns::kImage, "is empty");
  const std::string_view when = row[Columns::kDatetime];
  const auto span = parse_time(when);
  if (!span) {
    reject(row.line, Columns::kDatetime,
           when.empty() ? "is empty" : in_quotes(when) + " is not a time",
           "ISO 8601, such as 2018-07-10 or 2018-07-10T10:30:00Z");
  }
  read.datetime = span->start;
  if (columns_.located()) {
    read_extent(row, read);
    read.srs = read_srs(row);
  }
  join(row, read);
  out.rows.push_back(read);
}

// A number, also one with a decimal comma, as spreadsheets of half the world write it, where commas
// are not what delimits cells.
std::optional<double> ImageTable::number_in(std::string_view cell) const {
  const std::size_t comma = cell.find(',');
  const bool decimal = csv_.delimiter() != ',' && comma != std::string_view::npos &&
                       comma == cell.rfind(',') && cell.find('.') == std::string_view::npos;
  if (!decimal) return parse_number(cell);
  std::string text(cell);
  text[comma] = '.';
  return parse_number(text);
}

void ImageTable::read_extent(const Row& row, TableRow& out) const {
  double* const sides[] = {&out.extent.left, &out.extent.bottom, &out.extent.right,
                           &out.extent.top};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto role = static_cast<Columns::Role>(Columns::kLeft + i);
    const bool longitude = role == Columns::kLeft || role == Columns::kRight;
    const std::string_view cell = row[role];
    const auto value = number_in(cell);
    if (!value || !std::isfinite(*value)) {
      reject(row.line, role, cell.empty() ? "is empty" : in_quotes(cell) + " is no number",
             cell.find(',') == std::string_view::npos ? "degrees" : "decimals follow a point");
    }
    if (std::abs(*value) > (longitude ? kMostDegrees : kPole)) {
      reject(row.line, role,
             std::string(cell) + (longitude ? " is no longitude" : " is no latitude"),
             "extents are in degrees (EPSG:4326), not in the file's reference system");
    }
    *sides[i] = *value;
  }
  if (out.extent.bottom > out.extent.top) reject(row.line, Columns::kBottom, "is above the top");
  if (out.extent.left > out.extent.right && (out.extent.left > 180 || out.extent.right < -180)) {
    reject(row.line, Columns::kRight, "is left of the left side",
           "across the antimeridian both are within -180 and 180");
  }
}

std::size_t ImageTable::read_srs(const Row& row) {
  const std::string_view cell = row[Columns::kSrs];
  const auto known = srs_index_.find(cell);
  if (known != srs_index_.end()) return known->second;
  if (cell.empty()) reject(row.line, Columns::kSrs, "is empty");
  std::string canonical;
  try {
    canonical = canonical_crs(crs_text(cell), {});
  } catch (const Error& error) {
    reject(row.line, Columns::kSrs, error.message(), error.hint());
  }
  const std::size_t index =
      static_cast<std::size_t>(std::ranges::find(srs_, canonical) - srs_.begin());
  if (index == srs_.size()) srs_.push_back(canonical);
  return srs_index_[std::string(cell)] = index;
}

// The files of a row; a row without any is noted.
void ImageTable::read_files(const Row& row, TableBlock& out) {
  const std::size_t before = out.files.size();
  if (columns_.row_a_file()) {
    read_band_row(row, out);
    return;
  }
  if (columns_.has(Columns::kFile)) {
    const std::string_view file = row[Columns::kFile];
    for (std::size_t i = 0; i < bands_.size() && !file.empty(); ++i) {
      out.files.push_back({i, bands_[i].info.raster_band, file});
    }
  }
  for (std::size_t i = 0; i < columns_.bands.size(); ++i) {
    const std::string_view file = row.cells[columns_.bands[i].column];
    if (!file.empty()) out.files.push_back({i, bands_[i].info.raster_band, file});
  }
  if (out.files.size() == before) without_files_.push_back(row.line);
  for (std::size_t i = before; i < out.files.size(); ++i) {
    std::string& sample = bands_[out.files[i].band].sample;
    if (sample.empty()) sample = out.files[i].file;
  }
}

void ImageTable::read_band_row(const Row& row, TableBlock& out) {
  const std::string_view band = row[Columns::kBand];
  const std::string_view file = row[Columns::kFile];
  if (band.empty()) reject(row.line, Columns::kBand, "is empty");
  if (file.empty()) reject(row.line, Columns::kFile, "is empty");
  auto known = band_index_.find(band);
  if (known == band_index_.end()) {
    if (!options_.bands.empty()) return;  // not asked for
    add_band(std::string(band), row.line);
    known = band_index_.find(band);
  }
  TableBand& facts = bands_[known->second];
  int raster_band = facts.info.raster_band;
  if (const std::string_view cell = row[Columns::kRasterBand]; !cell.empty()) {
    const auto number = parse_number(cell);
    constexpr double kMostBands = 65535;  // GDAL's
    if (!number || *number < 1 || *number > kMostBands || *number != std::floor(*number)) {
      reject(row.line, Columns::kRasterBand, in_quotes(cell) + " is not a band number",
             "bands count from 1");
    }
    raster_band = static_cast<int>(*number);
  }
  if (facts.sample.empty()) {
    facts.sample = file;
    facts.info.raster_band = raster_band;
  }
  read_facts(row, facts);
  out.files.push_back({known->second, raster_band, file});
}

// What the row says of its band, which every row that says something must say alike.
void ImageTable::read_facts(const Row& row, TableBand& band) {
  for (const auto role :
       {Columns::kDType, Columns::kNodata, Columns::kScale, Columns::kOffset, Columns::kUnit}) {
    const std::string_view cell = row[role];
    if (cell.empty()) continue;
    std::string& said = band.said[role];
    if (said == cell) continue;
    const auto number = number_in(cell);
    const auto before = number_in(said);
    if (!said.empty() && (!number || number != before)) {
      reject(row.line, role,
             in_quotes(cell) + ", but '" + said + "' in another row of the band '" + band.info.name +
                 "'");
    }
    if (!said.empty()) continue;
    said = cell;
    if (role == Columns::kUnit) {
      band.info.unit = said;
      continue;
    }
    if (role == Columns::kDType) {
      band.info.dtype = parse_dtype(lower(cell));
      if (!band.info.dtype) {
        reject(row.line, role, in_quotes(said) + " is no type of cells", kDTypeNames);
      }
      continue;
    }
    if (!number) reject(row.line, role, in_quotes(said) + " is no number");
    if (role == Columns::kNodata) band.info.nodata = number;
    if (role == Columns::kScale) band.info.scale = *number;
    if (role == Columns::kOffset) band.info.offset = *number;
  }
}

void ImageTable::join(const Row& row, TableRow& out) {
  const std::uint64_t facts = facts_of(out);
  const auto found = names_.add(out.image, facts, out.line);
  out.id = found.id;
  out.fresh = found.fresh;
  if (found.fresh) return;
  const std::string other = "line " + std::to_string(names_.line(found.id));
  const auto role = columns_.has(Columns::kImage) ? Columns::kImage : Columns::kFile;
  if (!columns_.row_a_file()) {
    reject(row.line, role, "the image '" + std::string(out.image) + "' stands in " + other + " too",
           columns_.has(Columns::kImage) ? "" : "add a column 'image'");
  }
  if (names_.facts(found.id) != facts) {
    reject(
        row.line, role,
        "the image '" + std::string(out.image) + "' has another time, extent or srs in " + other);
  }
}

}  // namespace cube
