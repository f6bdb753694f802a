// TableWriter: what the table formats share: which rows and columns there are, and the cells until
// all are there, which lie in a file beside the output.
//
// A cube of features has a row a feature and time, feature by feature; columns are the feature's
// number in its layer ("feature"), its attributes, the time, and one a band. A cube of cells has a
// row a cell, in order of time, rows and columns of the grid, with columns time, x, y and one a
// band. Rows stand in this order whatever order chunks come in. Missing is null.
//
// Thread rule: as FileWriter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/features.h"
#include "engine/gdal/cell_spool.h"
#include "engine/gdal/output_file.h"

namespace cube {

struct TableColumn {
  enum class Type : std::uint8_t { kInteger, kReal, kSingle, kText, kTime };
  std::string name;
  Type type = Type::kText;  // kSingle: float32
};

class TableWriter : public FileWriter {
 public:
  // Throws Error(kInvalid) for a cube of cells that has too many of them.
  TableWriter(FilePart part, const std::string& format);

  void begin(const std::string& path, const ChunkShape& tiling,
             const Provenance& provenance) override;
  bool resumes() const override { return true; }
  void resume(const std::string& path, const ChunkShape& tiling, const Provenance& provenance,
              const std::vector<WrittenPiece>& pieces) override;
  bool holds(const std::string& path, const ChunkShape& tiling,
             const WrittenPiece& piece) const override;
  void adopt(const std::string& path, const std::vector<WrittenPiece>& pieces) override;
  void forget() override;
  void write(const Piece& piece, TileLog& log) override;
  void finish() override;
  std::int64_t resident_bytes() const override { return CellSpool::most_bytes(); }
  std::int64_t bytes_per_write(const ChunkShape& chunk) const override;

 protected:
  // Where a row lies: the geometry of a feature, or the centre of a cell.
  struct Place {
    const Feature* feature = nullptr;
    double x = 0;
    double y = 0;
  };

  const FilePart& part() const { return part_; }
  const Provenance& provenance() const { return provenance_; }
  const std::string& path() const { return path_; }
  const std::vector<TableColumn>& columns() const { return columns_; }
  // Of the places, "" = not known.
  const std::string& crs() const;
  bool has_features() const { return part_.info.grid.features != nullptr; }

  // Called by finish(): first start(), then row() for each row, then close().
  virtual void start() = 0;
  virtual void row(const Place& place, const std::vector<FieldValue>& values) = 0;
  virtual void close() = 0;

 private:
  void start_from(const std::string& path, const Provenance& provenance, CellSpool::Mode mode);
  void name_columns();
  void feature_row(std::int64_t y, std::int64_t t);
  void cell_row(std::int64_t t, std::int64_t y, std::int64_t x);
  void add_bands(std::span<const double> cells);
  // Of the numbers of all bands of a cell, in order of rows of the table.
  std::int64_t place(std::int64_t t, std::int64_t y, std::int64_t x) const;

  FilePart part_;
  std::string path_;
  Provenance provenance_;
  std::vector<TableColumn> columns_;
  CellSpool cells_;                 // of all bands, row after row of the table
  std::vector<FieldValue> values_;  // of the row at hand
};

}  // namespace cube
