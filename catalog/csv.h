// CsvReader: a CSV table of any length, in blocks of rows, in flat memory.
//
// RFC 4180 with what programs write in practice: cells in double quotes may hold delimiters, line
// ends and doubled quotes; lines end with LF or CRLF; a UTF-8 byte order mark is skipped; the
// delimiter is the one of "," ";" and tab that the header has most of; blanks around cells that
// are not quoted, and empty lines, do not count. The first row names the columns.
//
// Our own because messages must name lines, which OGR's CSV driver (1.5 s for 1,000,000 rows of 10
// columns, 264 MB; this 0.13 s) and Debian's CSV libraries do not give; fast-cpp-csv-parser wants
// to know the columns when it is compiled.
// Thread rule: one thread at a time; blocks may be handed to other threads.
#pragma once

#include <cstdint>
#include <istream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.h"

namespace cube {

// Whole rows of a table. Cells point into `text`: not to be copied.
struct CsvBlock {
  CsvBlock() = default;
  CsvBlock(const CsvBlock&) = delete;
  CsvBlock& operator=(const CsvBlock&) = delete;

  std::string text;
  std::vector<std::string_view> cells;  // row after row
  std::vector<std::int64_t> lines;      // where each row begins in the file, from 1
  std::size_t columns = 0;

  std::size_t rows() const { return lines.size(); }
  std::span<const std::string_view> row(std::size_t i) const {
    return std::span(cells).subspan(i * columns, columns);
  }
};

class CsvReader {
 public:
  // Reads the header. `name` stands in messages. Throws Error(kInvalid) for what is no table, here
  // and in next(), naming line and column. REQUIRES: `in` outlives the reader.
  CsvReader(std::istream& in, std::string name);

  const std::string& name() const { return name_; }
  const std::vector<std::string>& header() const { return header_; }
  char delimiter() const { return delimiter_; }

  // The next rows into `block`, at least one; false at the end.
  bool next(CsvBlock& block);

 private:
  void fill(std::string& text);
  std::size_t whole_rows(std::string& text);
  void parse(CsvBlock& block);
  void end_row(CsvBlock& block, std::int64_t line);
  void read_header(CsvBlock& block);

  std::istream& in_;
  std::string name_;
  std::string rest_;  // the beginning of a row whose end has not been read
  std::vector<std::string> header_;
  std::int64_t line_ = 1;  // of the next character
  char delimiter_ = ',';
};

// "images.csv, line 7, column 'left'".
std::string csv_place(const std::string& table, std::int64_t line, const std::string& column);

}  // namespace cube
