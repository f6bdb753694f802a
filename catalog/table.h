// ImageTable: the rows of a CSV table as images and their files.
//
// Checks everything a row says; an error names line and column. Rows of one image need not follow
// each other. Memory: 24 bytes and the name an image; the rest is one block of rows.
// Thread rule: one thread at a time; blocks may be handed to other threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/formats.h"
#include "catalog/image_names.h"
#include "catalog/table_columns.h"
#include "engine/cube_info.h"
#include "engine/grid.h"

namespace cube {

// A row. Texts point into the block.
struct TableRow {
  std::string_view image;
  Instant datetime;
  Box extent{};           // longitude/latitude, left > right across the antimeridian; if located
  std::size_t srs = 0;    // index into the block's; if located
  std::uint32_t id = 0;   // of the image, from 1
  bool fresh = false;     // the first row of the image
  std::size_t files = 0;  // its files are the block's next ones
  std::int64_t line = 0;
};
struct TableFile {
  std::size_t band = 0;  // index into ImageTable::bands()
  int raster_band = 1;
  std::string_view file;
};
struct TableBlock {
  std::unique_ptr<CsvBlock> csv = std::make_unique<CsvBlock>();
  std::vector<TableRow> rows;
  std::vector<TableFile> files;
  std::vector<std::string> srs;  // canonical; what rows count
  std::int64_t bytes = 0;        // of the table
};

// What the table and the format say of a band.
struct TableBand {
  FormatBand info;
  std::map<TableColumns::Role, std::string> said;  // cells of its columns
  std::int64_t line = 0;                           // its first row
  std::string sample;                              // its first file
};

class ImageTable {
 public:
  struct Options {
    std::vector<std::string> bands;          // asked for; empty = all
    std::optional<CollectionFormat> format;  // what is known of them
    // Names of the bands of a file, when neither of the above says them.
    std::function<std::vector<std::string>(std::string_view file)> bands_of;
  };

  ImageTable(std::istream& in, const std::string& name, Options options);

  const std::string& name() const { return csv_.name(); }
  const TableColumns& columns() const { return columns_; }
  // All that has been seen so far; complete once next() gave false.
  const std::vector<TableBand>& bands() const { return bands_; }

  // The next rows; false at the end. Rows without a file are not in `out` but in without_files().
  bool next(TableBlock& out);
  const std::vector<std::int64_t>& without_files() const { return without_files_; }  // lines

  [[noreturn]] void reject(std::int64_t line, TableColumns::Role role, const std::string& what,
                           const std::string& hint = {}) const;

 private:
  struct Row;  // cells of one row

  void read_row(TableBlock& out, std::size_t i);
  std::optional<double> number_in(std::string_view cell) const;
  void read_extent(const Row& row, TableRow& out) const;
  std::size_t read_srs(const Row& row);
  void read_files(const Row& row, TableBlock& out);
  void read_band_row(const Row& row, TableBlock& out);
  void read_facts(const Row& row, TableBand& band);
  void join(const Row& row, TableRow& out);
  std::size_t add_band(const std::string& band, std::int64_t line);
  void name_bands();

  CsvReader csv_;
  Options options_;
  std::unique_ptr<CsvBlock> first_;  // read to know the columns
  TableColumns columns_;
  std::vector<TableBand> bands_;
  std::map<std::string, std::size_t, std::less<>> band_index_;
  std::vector<std::string> srs_;
  std::map<std::string, std::size_t, std::less<>> srs_index_;  // by the text of cells
  std::vector<std::int64_t> without_files_;
  ImageNames names_;
};

}  // namespace cube
