// RasterStack: a cube whose every slice of a band is a band of a raster file, or nothing.
//
// Serves `raster` and `simple_cube`. Thread rule: immutable once made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/image_reader.h"
#include "engine/operator.h"
#include "engine/packing.h"
#include "engine/raster_files.h"
#include "engine/readings.h"

namespace cube {

struct RasterStack {
  struct Cells {
    RasterBand source;
    Resampling resampling = Resampling::kNearest;  // nearest where the grid is the file's own
    Packing packing = {};                          // applied to what is read
    std::optional<double> fill = {};               // of cells that lie outside of the file
  };

  CubeInfo info;
  std::vector<std::optional<Cells>> cells;  // slice by slice, those of all bands side by side
  std::optional<StoredBlocks> blocks;       // of the files, where the grid is their own
  std::optional<ChunkWish> chunk = {};      // that the user asked for
  bool strict = true;  // a file that cannot be read fails the run, else it is left out and reported
  std::vector<Note> notes = {};

  const std::optional<Cells>& at(std::int64_t slice, std::size_t band) const {
    return cells[static_cast<std::size_t>(slice) * info.bands.size() + band];
  }
};

// Of blocks of files on the cube's own grid, chunks are made of the largest.
void add_blocks(RasterStack& stack, const RasterFile& file);

class StackSource : public Operator, public FileSource {
 public:
  explicit StackSource(RasterStack stack) : Operator(stack.info), stack_(std::move(stack)) {
    for (const Note& one : stack_.notes) note(one.where, one.text);
    if (std::string text = note_of_signed_bytes(info().bands); !text.empty()) note("", text);
  }

  Request demand(const Request&, std::size_t) const override { return {}; }
  std::unique_ptr<Kernel> kernel() const override;
  Cost cost(const Request& request) const override;
  std::optional<ChunkWish> preferred_chunk() const override { return stack_.chunk; }
  std::optional<StoredBlocks> stored_blocks() const override { return stack_.blocks; }
  std::vector<std::string> source_names() const override;
  std::vector<std::string> source_names(const Request& request) const override;
  // Files of a band lie on one grid, so that the first tells.
  std::vector<Reading> readings(std::span<const std::size_t> bands) const override;
  bool reads_remote() const override;

 private:
  friend class StackKernel;

  RasterStack stack_;
};

}  // namespace cube
