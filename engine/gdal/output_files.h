// OutputFiles: the files of one output while they are made in a folder, where file number N is
// called "N.part" while it is written and "N" when it is whole: which pieces of a chunk go into
// which of them, when each is opened and closed, and how they get their names.
// Thread rule: write() from several workers at a time, all else by one thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/gdal/output_file.h"
#include "engine/gdal/output_sink.h"
#include "engine/gdal/run_journal.h"
#include "engine/sink.h"
#include "engine/tiling.h"

namespace cube {

class OutputFiles {
 public:
  struct File {
    std::size_t number = 0;
    FilePart part;
    std::unique_ptr<FileWriter> writer;
    std::vector<WrittenPiece> pieces;  // that an earlier run has written
    std::atomic<std::int64_t> cells_left = 0;
    bool whole = false;      // an earlier run has finished it
    bool published = false;  // and put it under its final name
    std::mutex opening;
    bool open_done = false;
    bool close_done = false;
  };
  using Files = std::vector<std::unique_ptr<File>>;

  OutputFiles(const OutputSpec& spec, const CubeInfo& info, SinkFormat format,
              std::vector<FilePart> parts);
  ~OutputFiles();  // open handles go first
  OutputFiles(const OutputFiles&) = delete;
  OutputFiles& operator=(const OutputFiles&) = delete;

  // Before anything else is asked for.
  void set_tiling(const ChunkShape& shape) { tiling_ = {info_.extent(), shape}; }
  void set_folder(std::string folder) { folder_ = std::move(folder); }
  void set_provenance(const Provenance& provenance) { provenance_ = provenance; }

  const OutputSpec& spec() const { return spec_; }
  const SinkFormat& format() const { return format_; }
  const Tiling& tiling() const { return tiling_; }
  const Files& files() const { return files_; }

  // What the output depends on besides what its cells do: format, options, grid, tiling.
  RunIdentity identity(const RunIdentity& run) const;

  // The folder beside the output in which it is made.
  std::string work_folder() const;

  // Whether a run can go on with what another has left.
  bool resumes() const;

  std::string part_path(const File& file) const;
  std::string whole_path(const File& file) const;

  // Throws Error(kUnwritable) when chunks would hold more files open than the system allows.
  void check_handles() const;

  // The pieces of a chunk that was written, of each file that has any.
  using TakePiece = std::function<void(File& file, WrittenPiece&& piece)>;
  void each_piece(FinishedChunk& chunk, const TakePiece& take) const;
  // Whether all of them are there still.
  bool holds(const FinishedChunk& chunk) const;
  // Of a chunk that an earlier run has written: goes on behind it.
  void take_over(FinishedChunk& chunk);

  // Writes what the files hold of a chunk; a file that is whole by that is closed where `closes`
  // says so. Gives what the journal is to know of it.
  FinishedChunk write(const Chunk& chunk, bool closes);

  // Each does nothing for a file that an earlier run has finished, or the second time. `shared`:
  // others write into the same folder, whose files are left as they are.
  void open(File& file, bool shared = false);
  void close(File& file);

  // Gives the files their names; REQUIRES: all are closed.
  std::vector<std::string> publish(bool overwrite);

  double seconds_encoding() const { return encoding_.total(); }
  ChunkShape tile() const { return files_.front()->writer->tile(); }
  std::int64_t resident_bytes() const;
  std::int64_t bytes_per_write(const ChunkShape& shape) const;

 private:
  OutputSpec spec_;
  CubeInfo info_;
  SinkFormat format_;
  SharedSeconds encoding_;
  Files files_;
  Tiling tiling_;
  std::string folder_;
  Provenance provenance_;
};

}  // namespace cube
