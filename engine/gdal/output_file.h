// What the writers of all output formats share: which part of a cube a file holds, temporary
// names and options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cube_info.h"
#include "engine/error.h"
#include "engine/sink.h"
#include "engine/stopwatch.h"

namespace cube {

// The slices and bands of a cube that make one file.
struct FilePart {
  std::string file;                // final name
  CubeInfo info;                   // what the file holds: its own slices and bands
  Range slices;                    // in the cube
  std::vector<std::size_t> bands;  // in the cube
  SharedSeconds encoding = {};     // what writers spend on it
};

// Cells for one file.
struct Piece {
  Region region;  // in the file's own indices
  // One a band of the file, C order (t, y, x) in the band's dtype; empty = all missing.
  std::vector<std::span<const std::byte>> bands;
};

// Creation options: names in upper case, checked.
using OutputOptions = std::map<std::string, std::string>;

// Where a writer has put a tile of a piece, so that it can be found again by a later run. What the
// numbers mean is the writer's own.
struct StoredTile {
  std::uint64_t store = 0;  // which file
  std::uint64_t index = 0;  // of the tile
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};
using TileLog = std::vector<StoredTile>;

// A piece that an earlier run has written.
struct WrittenPiece {
  Region region;  // in the file's own indices
  TileLog tiles;
};

// Writes one file. Everything a user can get wrong is checked by the constructors.
class FileWriter {
 public:
  virtual ~FileWriter() = default;

  // Creates `path`, a temporary name that exists already (empty). Files of the writer's own have
  // names that begin with it. Called once.
  virtual void begin(const std::string& path, const ChunkShape& tiling,
                     const Provenance& provenance) = 0;

  // Whether resume() can be called instead of begin().
  virtual bool resumes() const { return false; }

  // Goes on with what a run that ended at any moment after begin() has left at `path` and beside
  // it: `pieces` are written, the rest counts for nothing. All else is as it was for that run.
  virtual void resume(const std::string& /*path*/, const ChunkShape& /*tiling*/,
                      const Provenance& /*provenance*/,
                      const std::vector<WrittenPiece>& /*pieces*/) {}

  // Adds what resume() will need to `log`. When it returns, the system has all that resume() needs
  // of the piece. Thread rule: called from several workers at a time, pieces are disjoint.
  virtual void write(const Piece& piece, TileLog& log) = 0;

  // Whether what write() put at `path` of a piece is still there. A look at the files, not at what
  // is in them. Thread rule: one thread, before begin() or at any time after it.
  virtual bool holds(const std::string& path, const ChunkShape& tiling,
                     const WrittenPiece& piece) const = 0;

  // Takes over pieces that another process has written at `path`, as a writer of the same file,
  // and leaves what is there as it is. Called after begin(), on one thread, instead of write();
  // REQUIRES: resumes().
  virtual void adopt(const std::string& /*path*/, const std::vector<WrittenPiece>& /*pieces*/) {}

  // Flushes and closes; errors that the system reports late are thrown here. Leaves the file at
  // `path`, and beside it what resume() needs if this is the last that the process did.
  virtual void finish() = 0;

  // The finished file is safe: removes what only resume() would have needed.
  virtual void forget() {}

  // Called when all of the outputs' files are finished: true when it has put what it wrote where it
  // belongs, false when `path` is to get the final name.
  virtual bool publish() { return false; }

  // What FILE.aux.xml is to hold; "" = there is none. Not asked for where publish() is true.
  virtual std::string sidecar() const { return {}; }

  // As of Sink.
  virtual ChunkShape tile() const { return {}; }
  virtual std::int64_t resident_bytes() const { return 0; }
  virtual std::int64_t bytes_per_write(const ChunkShape&) const { return 0; }
};

std::unique_ptr<FileWriter> make_geotiff_writer(const FilePart& part, const OutputOptions& options);
std::unique_ptr<FileWriter> make_cog_writer(const FilePart& part, const OutputOptions& options);
std::unique_ptr<FileWriter> make_netcdf_writer(const FilePart& part, const OutputOptions& options);
std::unique_ptr<FileWriter> make_zarr_writer(const FilePart& part, const OutputOptions& options);
std::unique_ptr<FileWriter> make_png_writer(const FilePart& part, const OutputOptions& options);
std::unique_ptr<FileWriter> make_gif_writer(const FilePart& part, const OutputOptions& options);
std::unique_ptr<FileWriter> make_webp_writer(const FilePart& part, const OutputOptions& options);
std::unique_ptr<FileWriter> make_csv_writer(const FilePart& part, const OutputOptions& options);
std::unique_ptr<FileWriter> make_svg_writer(const FilePart& part, const OutputOptions& options);
std::unique_ptr<FileWriter> make_gpkg_writer(const FilePart& part, const OutputOptions& options);
std::unique_ptr<FileWriter> make_geojson_writer(const FilePart& part, const OutputOptions& options);

// Puts the slices behind those of a Zarr that exists.
std::unique_ptr<FileWriter> make_zarr_appender(const FilePart& part);

// Options each of them knows, as the XML of GDAL's DMD_CREATIONOPTIONLIST.
std::string geotiff_options();
std::string cog_options();
std::string netcdf_options();
std::string zarr_options();
std::string png_options();
std::string gif_options();
std::string webp_options();
std::string svg_options();
std::string table_options();

// Checks options against such a list: names in any case, then numbers, ranges and choices. Throws
// Error(kInvalid) with `where`. Of two entries of one name the first counts.
OutputOptions check_options(const std::map<std::string, std::string>& options,
                            const std::string& list, const std::string& where);

// Whether the file `path` is so long that it holds the tiles of a piece, those of store `store`.
bool holds_tiles(const std::string& path, const WrittenPiece& piece, std::uint64_t store = 0);

// The value of an option, or `otherwise`.
std::string option(const OutputOptions& options, const std::string& name,
                   const std::string& otherwise);

// Puts a finished file or folder under its final name; replaces what is there only with
// `overwrite`. Throws Error(kUnwritable).
void put_in_place(const std::string& path, const std::string& final_name, bool overwrite);

// Makes `path` an empty file or folder, whatever was there; errors name `file`. Throws
// Error(kUnwritable).
void reserve_anew(const std::string& path, bool folder, const std::string& file);

// A name beside `final_name`, ".NAME.part-PID-N", reserved by an empty file or folder. Removed
// unless it was kept; what libraries put beside it (NAME.aux.xml) is removed in any case.
class TemporaryName {
 public:
  TemporaryName(const std::string& final_name, bool folder);  // throws Error(kUnwritable)
  ~TemporaryName();
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;

  const std::string& path() const { return path_; }

  // Puts it under the final name; replaces what is there only with `overwrite`.
  void keep(bool overwrite);

 private:
  std::string final_name_;
  std::string path_;
  bool kept_ = false;
};

// A file that is written from begin to end, each failure with the system's reason. Errors name
// `file`. Thread rule: one thread at a time. Each throws Error(kUnwritable).
class TextFile {
 public:
  void open(const std::string& path, const std::string& file);
  TextFile& operator<<(std::string_view text);
  void close();

 private:
  void check() const;

  std::string file_;
  std::ofstream out_;
};

// Writes all of a file; errors name `file`. Throws Error(kUnwritable).
void write_file(const std::string& path, std::string_view text, const std::string& file);

// Writes FILE.aux.xml, which then is there as a whole or as it was, where there is something for
// it. Throws Error(kUnwritable).
void write_sidecar(const std::string& file, const std::string& text);

// "FILE: cannot be written: REASON"; says "no space left on device" where that is the cause, even
// if the library's own words do not.
Error unwritable(const std::string& file, const std::string& reason);

// Writes a file whole or not at all, in place of one that is there: under another name beside it
// first. Throws Error(kUnwritable).
void write_whole(const std::string& file, const std::string& text);

// Has the system write what it holds back of a file, so that a full disk or a lost server shows.
void sync_file(const std::string& path, const std::string& file);

// Bytes of a cell of the widest band.
std::size_t widest_cell(const CubeInfo& info);

// The cells of `region` (empty = all missing) as a whole chunk: missing beyond, 0 where the
// storage has no missing value.
std::vector<std::byte> padded_cells(const Region& region, std::span<const std::byte> cells,
                                    const Storage& storage, const ChunkShape& chunk);

// Whether cells of one storage are cells of the other as they are.
bool same_cells(const Storage& from, const Storage& to);

// Puts `cells` into `out` in another storage; missing stays missing. REQUIRES: `to` can hold the
// values; `out` has room for as many cells.
void convert_cells(std::span<const std::byte> cells, const Storage& from, const Storage& to,
                   std::span<std::byte> out);

}  // namespace cube
