// TableColumns: what the columns of a table of images are, found by their names.
//
// Three shapes are told apart:
//   a column a band   name, datetime, B04, B08: a row an image, its cells file names
//   a row a file      name, datetime, band, file: the rows of one name make an image
//   a file a row      datetime, file: a row an image, the file has all bands
// Names are those that gdalcubes, STAC items as tables (stackstac, odc-stac, stac-geoparquet) and
// geopandas use; case does not count.
// Thread rule: pure functions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "catalog/csv.h"

namespace cube {

struct TableColumns {
  enum Role : std::size_t {
    kImage,
    kDatetime,
    kFile,
    kBand,
    kRasterBand,
    kLeft,  // the four sides stand together
    kBottom,
    kRight,
    kTop,
    kSrs,
    kDType,  // of the row's band, as the four below
    kNodata,
    kScale,
    kOffset,
    kUnit,
    kRoles
  };
  struct BandColumn {
    std::string band;
    std::size_t column;
  };

  std::vector<std::string> names;  // of the header
  std::array<std::optional<std::size_t>, kRoles> of;
  std::vector<BandColumn> bands;     // where there is a column a band
  std::vector<std::string> ignored;  // names of the others

  bool has(Role role) const { return of[role].has_value(); }
  // Extent and srs are given: files need not be opened.
  bool located() const { return has(kLeft); }
  bool row_a_file() const { return has(kFile) && has(kBand); }
  bool file_a_row() const { return has(kFile) && !has(kBand); }
};

// Finds the columns. `bands` are those asked for, `known` those of a format; both may be empty:
// then a column whose first cells look like file names is a band. Throws Error(kInvalid).
TableColumns find_columns(const CsvReader& table, const CsvBlock& first_rows,
                          const std::vector<std::string>& bands,
                          const std::vector<std::string>& known);

// The names by which a column is known, for help texts: "datetime, date_time, ...".
std::string column_names(TableColumns::Role role);

}  // namespace cube
