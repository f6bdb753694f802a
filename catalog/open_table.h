// OpenTable: a table of images that is read from a file or standard input.
// Thread rule: one thread at a time.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/table.h"

namespace cube {

class OpenTable {
 public:
  // Names in the table become those of a catalog in `catalog_folder`. Throws Error(kNotFound), and
  // as ImageTable.
  OpenTable(const TableOptions& options, const std::filesystem::path& catalog_folder);
  OpenTable(const OpenTable&) = delete;
  OpenTable& operator=(const OpenTable&) = delete;

  ImageTable& table() { return *table_; }
  TableDescriptors& names() { return names_; }
  std::int64_t size() const { return size_; }  // bytes; 0 of standard input

  // What a band is: as the table says, else the format, else the first of its files.
  BandInfo describe(const TableBand& band) const;
  // Throws Error(kInvalid) where a band has no file. REQUIRES: all rows have been read.
  void check_bands_seen() const;
  [[noreturn]] void reject_twice(const TableRow& row) const;

  // Adds rows without files to what is left out, and what the columns were taken for.
  void tell(IndexReport& report) const;

 private:
  void open(const std::string& name);

  bool standard_;
  std::ifstream file_;
  std::int64_t size_ = 0;
  TableDescriptors names_;
  std::optional<ImageTable> table_;
};

// The rows of a table without extents, whose files are opened; `srs` as CollectionFormat::srs().
Collection collect_opened(OpenTable& open, const IndexOptions& options, const std::string& srs);

// The folder of a file, absolute.
std::filesystem::path folder_of(const std::filesystem::path& file);

// Longitude/latitude boxes of a row's extent.
std::vector<Box> footprint_of(const Box& extent);

// What the format says that the files are in; "" = nothing.
std::string srs_of(const TableOptions& table);

}  // namespace cube
