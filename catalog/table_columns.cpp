#include "catalog/table_columns.h"

#include <algorithm>

#include "engine/text.h"
#include "engine/time_axis.h"

namespace cube {

namespace {

using Columns = TableColumns;

struct RoleNames {
  Columns::Role role;
  std::vector<std::string> names;  // the first of them that is in the header counts
};

const std::vector<RoleNames>& role_names() {
  static const std::vector<RoleNames> kNames = {
      {Columns::kImage, {"image", "image_name", "name", "scene_id", "product_id", "id"}},
      {Columns::kDatetime,
       {"datetime", "date_time", "properties.datetime", "timestamp", "time", "date"}},
      {Columns::kFile, {"file", "filename", "href", "url", "descriptor", "location", "path"}},
      {Columns::kBand, {"band", "band_name", "asset"}},
      {Columns::kRasterBand, {"band_num", "band_number", "raster_band"}},
      {Columns::kLeft, {"left", "xmin", "minx", "west"}},
      {Columns::kBottom, {"bottom", "ymin", "miny", "south"}},
      {Columns::kRight, {"right", "xmax", "maxx", "east"}},
      {Columns::kTop, {"top", "ymax", "maxy", "north"}},
      {Columns::kSrs, {"srs", "crs", "proj", "proj:code", "proj:epsg", "epsg"}},
      {Columns::kDType, {"dtype", "data_type"}},
      {Columns::kNodata, {"nodata", "no_data"}},
      {Columns::kScale, {"scale"}},
      {Columns::kOffset, {"offset"}},
      {Columns::kUnit, {"unit"}}};
  return kNames;
}

// "a/b.tif", "s3://a/b", "b.tif", but neither "2.5" nor "2020-01-01T00:00:00.5Z".
bool looks_like_file(std::string_view cell) {
  if (cell.find('/') != std::string_view::npos) return cell.find(' ') == std::string_view::npos;
  const std::size_t dot = cell.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == cell.size()) return false;
  const char first = cell[dot + 1];
  const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  return letter && cell.find(' ') == std::string_view::npos && !parse_number(cell);
}

bool column_of_files(const CsvBlock& rows, std::size_t column) {
  constexpr std::size_t kRowsLookedAt = 1000;
  bool any = false;
  for (std::size_t i = 0; i < std::min(rows.rows(), kRowsLookedAt); ++i) {
    const std::string_view cell = rows.row(i)[column];
    if (cell.empty()) continue;
    if (!looks_like_file(cell)) return false;
    any = true;
  }
  return any;
}

class Finder {
 public:
  Finder(const CsvReader& table, const CsvBlock& first) : table_(table), first_(first) {
    out_.names = table.header();
    for (const std::string& name : out_.names) lower_.push_back(lower(name));
    used_.resize(out_.names.size());
  }

  Columns find(const std::vector<std::string>& bands, const std::vector<std::string>& known) {
    check_names();
    for (const RoleNames& role : role_names()) take(role);
    const auto is_column = [&](const std::string& band) {
      return find_name(out_.names, band).has_value();
    };
    const bool named = bands.empty() ? std::ranges::any_of(known, is_column)
                                     : std::ranges::all_of(bands, is_column);
    if (named || !out_.has(Columns::kFile)) find_band_columns(bands, known);
    check(known);
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i] && !out_.names[i].empty()) out_.ignored.push_back(out_.names[i]);
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void reject(const std::string& what, const std::string& hint) const {
    throw Error(ErrorCode::kInvalid, what, table_.name(), hint);
  }

  void check_names() const {
    for (std::size_t i = 0; i < out_.names.size(); ++i) {
      if (out_.names[i].empty()) continue;
      if (std::find(out_.names.begin(), out_.names.begin() + static_cast<std::ptrdiff_t>(i),
                    out_.names[i]) != out_.names.begin() + static_cast<std::ptrdiff_t>(i)) {
        reject("two columns are named '" + out_.names[i] + "'", {});
      }
    }
  }

  // The first of the role's names that is in the header. A "path" is a file only if it looks so:
  // with Landsat it is a number.
  void take(const RoleNames& role) {
    for (const std::string& name : role.names) {
      const auto at = std::ranges::find(lower_, name);
      if (at == lower_.end()) continue;
      const auto column = static_cast<std::size_t>(at - lower_.begin());
      if (role.role == Columns::kFile && name != "file" && !column_of_files(first_, column))
        continue;
      out_.of[role.role] = column;
      used_[column] = true;
      return;
    }
  }

  void drop(Columns::Role role) {
    if (out_.has(role)) used_[*out_.of[role]] = false;
    out_.of[role].reset();
  }

  void add_band(const std::string& band, std::size_t column) {
    out_.bands.push_back({band, column});
    used_[column] = true;
  }

  void find_band_columns(const std::vector<std::string>& bands,
                         const std::vector<std::string>& known) {
    drop(Columns::kBand);
    drop(Columns::kFile);
    for (const std::string& band : bands) {
      const auto column = find_name(out_.names, band);
      if (!column) {
        throw Error(ErrorCode::kInvalid, "there is no column '" + band + "' in " + table_.name(),
                    "--bands", suggest(out_.names, band));
      }
      add_band(band, *column);
    }
    if (!bands.empty()) return;
    for (const std::string& band : known) {
      const auto column = find_name(out_.names, band);
      if (column) add_band(band, *column);
    }
    if (!known.empty()) return;
    for (std::size_t i = 0; i < out_.names.size(); ++i) {
      if (!used_[i] && !out_.names[i].empty() && column_of_files(first_, i)) {
        add_band(out_.names[i], i);
      }
    }
  }

  void check(const std::vector<std::string>& known) {
    if (!out_.has(Columns::kDatetime)) {
      reject("has no column of times", "one of " + column_names(Columns::kDatetime));
    }
    if (!out_.has(Columns::kFile) && out_.bands.empty()) {
      reject(known.empty() ? "has no column of files" : "has no column of a band of the format",
             "a column 'file', or a column a band with the files in it (--bands names them)");
    }
    if (out_.row_a_file() && !out_.has(Columns::kImage)) {
      reject("has a row a file, but no column that says which rows make an image",
             "one of " + column_names(Columns::kImage));
    }
    check_extent();
    if (out_.row_a_file()) return;
    for (const auto role : {Columns::kDType, Columns::kNodata, Columns::kScale, Columns::kOffset,
                            Columns::kUnit, Columns::kRasterBand}) {
      drop(role);  // would be of one band
    }
  }

  void check_extent() {
    constexpr std::array kSides = {Columns::kLeft, Columns::kBottom, Columns::kRight,
                                   Columns::kTop};
    const auto there = [&](Columns::Role side) { return out_.has(side); };
    if (std::ranges::none_of(kSides, there)) return drop(Columns::kSrs);
    for (const auto side : kSides) {
      if (!there(side)) {
        reject("has no column of the " + column_names(side).substr(0, column_names(side).find(',')),
               "left, bottom, right and top are given together, in degrees");
      }
    }
    if (!out_.has(Columns::kSrs)) {
      reject("has extents, but no column of the files' reference systems",
             "one of " + column_names(Columns::kSrs) +
                 "; or leave the extents out and the files are opened");
    }
  }

  const CsvReader& table_;
  const CsvBlock& first_;
  Columns out_;
  std::vector<std::string> lower_;
  std::vector<bool> used_;
};

}  // namespace

TableColumns find_columns(const CsvReader& table, const CsvBlock& first_rows,
                          const std::vector<std::string>& bands,
                          const std::vector<std::string>& known) {
  return Finder(table, first_rows).find(bands, known);
}

std::string column_names(TableColumns::Role role) {
  for (const RoleNames& names : role_names()) {
    if (names.role == role) return join(names.names);
  }
  return {};
}

}  // namespace cube
