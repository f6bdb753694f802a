// Operator and Kernel: a node of the process graph and its work.
//
// An operator is immutable and shared by all threads: it says what its cube is and what it needs
// of its inputs. A kernel does the work on one thread and owns its scratch memory.
//
// Pull, not push: a kernel pulls what it needs when it needs it, so reduce_time can fold one slab
// of time after another, a mask is pulled before the data it hides, and a window operator just
// pulls a larger region.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/block.h"
#include "engine/cube_info.h"
#include "engine/run_identity.h"
#include "engine/stages.h"
#include "engine/stored_blocks.h"

namespace cube {

class ImageReader;

// An image that could not be read and was left out because the user allowed it.
struct SkippedImage {
  std::string image;
  std::string reason;
};

// Something that a user should know although it is no error, such as a box that lies outside of the
// cube.
struct Note {
  std::string where;  // JSON pointer: in the node (of an operator), in the document (of a graph)
  std::string text;
};

// What a kernel pulls from. Implemented by the scheduler; one a node and worker thread.
class Inputs {
 public:
  virtual ~Inputs() = default;

  // The cells of input `i`. REQUIRES: the region lies inside the extent of that input.
  virtual Chunk pull(std::size_t i, const Request& request) = 0;

  // The same where cells are pulled piece by piece, each once: calls take() with one piece after
  // the other, in order. Nodes that several consumers read do not keep what they make for it, and
  // workers that have no chunk may compute pieces ahead.
  virtual void pull_pieces(std::size_t i, std::span<const Request> pieces,
                           const std::function<void(const Chunk&)>& take) {
    for (const Request& piece : pieces) take(pull(i, piece));
  }

  // One such piece.
  Chunk pull_piece(std::size_t i, const Request& piece) {
    Chunk out;
    pull_pieces(i, {&piece, 1}, [&](const Chunk& chunk) { out = chunk; });
    return out;
  }

  // True when input `i`, or a cube that it is made from, takes whole series for each slice
  // (Operator::wants_series): all slices of few cells then take much less than slice after slice.
  virtual bool takes_series(std::size_t) const { return false; }

  // The worker's reader of image files.
  virtual ImageReader& images() = 0;

  // Adds a line to the run's report; the run ends with exit status 1.
  virtual void skipped(SkippedImage image) = 0;

  // For the run's report: so much of the kernel's time went to a stage that is not its operator's.
  virtual void spent(Stage, double /*seconds*/) {}

  // The same: so many blocks of files were decoded, not by images().
  virtual void decoded(std::int64_t /*blocks*/) {}

  // True when the run is to stop; for kernels that wait for something else than a pull.
  virtual bool cancelled() const { return false; }
};

// The work of one operator on one thread.
class Kernel {
 public:
  virtual ~Kernel() = default;

  // Computes the requested bands over the requested region.
  // REQUIRES: the region lies inside the operator's extent and is not empty.
  // ENSURES: one block (or null) a requested band, covering exactly the region, in the storage
  // that info() states. The cells do not depend on how the cube was cut into requests.
  virtual Chunk run(const Request& request, Inputs& inputs) = 0;
};

// What computing one request takes, inputs not counted. Upper bounds, known before any pixel is
// read.
struct Cost {
  std::int64_t scratch_bytes = 0;  // held besides the result and what is pulled
  // Sources only:
  bool empty = false;       // surely nothing but missing cells
  std::int64_t images = 0;  // images that touch the region
  // Files that will be opened, one entry a file and band; texts of the operator's own.
  std::vector<std::string_view> files;
  std::int64_t read_bytes = 0;  // of cells to decode, before decompression is counted
  // Slices of the region that may have cells, asked for alone the others are null; nullopt = all.
  std::optional<std::int64_t> filled_slices;
};

// How a kernel that does not pull all it needs at once does it.
struct PullPlan {
  std::int64_t slices = 0;  // pulled at a time, at most
  std::int64_t kept = 0;    // of those pulled before, held besides them, at most
  // Not 0: by pull_pieces(), and of these slices as many rows and columns at a time, at most, from
  // the first of the region on.
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t scratch_bytes = 0;  // held for it besides what cost() says
};

class Operator {
 public:
  virtual ~Operator() = default;
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  const CubeInfo& info() const { return info_; }

  // What `out` needs of input `input`: the smallest region and bands outside of which no cell of
  // the input can change the result. An empty region means nothing.
  virtual Request demand(const Request& out, std::size_t input) const = 0;

  // Says how the kernel pulls demand(out, input) in several requests of fewer slices each; nullopt:
  // in one.
  virtual std::optional<PullPlan> pulls(const Request& out, std::size_t input) const;

  // The same where Inputs::takes_series(input) says yes.
  virtual std::optional<PullPlan> pulls_series(const Request& out, std::size_t input) const;

  virtual std::unique_ptr<Kernel> kernel() const = 0;

  virtual Cost cost(const Request& request) const;

  // What the time of its kernels goes to that is not reading.
  virtual Stage stage() const { return Stage::kOther; }

  // Bytes that the operator itself holds, once for all threads, where they are worth counting.
  virtual std::int64_t resident_bytes() const { return 0; }

  // True when missing inputs everywhere make a missing result everywhere (false for constants
  // and counts), so that a plan can tell empty chunks without running them.
  virtual bool passes_emptiness() const { return true; }

  // Chunks that the user asked for.
  virtual std::optional<ChunkWish> preferred_chunk() const { return std::nullopt; }

  // True when slices of the result take the same slices of the input again and again (a series, a
  // moving window). Chunks then hold all slices, and fewer cells; and however few a consumer pulls
  // at a time, all that a chunk needs are made at once.
  virtual bool wants_series() const { return false; }

  // Sources: how cells are stored. Chunks are made of whole blocks.
  virtual std::optional<StoredBlocks> stored_blocks() const { return std::nullopt; }

  // The code of the user that it runs, "the command 'python3 a.py'", which takes their consent
  // (Resources::allow_exec); "" = none.
  virtual std::string executes() const { return {}; }

  // Names of the images or files that the cube is made from, for the output's provenance.
  virtual std::vector<std::string> source_names() const { return {}; }

  // Those that the requested cells are made from, where that is known to be fewer.
  virtual std::vector<std::string> source_names(const Request&) const { return source_names(); }

  // Sources: what the requested cells depend on besides the operator's arguments and the contents
  // of the files that cost() lists, such as the images of a catalog.
  virtual void ingredients(const Request&, const std::function<void(const Ingredient&)>&) const {}

  // Sources: cells are read over the network while the graph runs, where waiting is what takes
  // time.
  virtual bool reads_remote() const { return false; }

  // What a user should know of it although it is no error: it changes nothing, all its cells are
  // missing. Known without reading pixels.
  const std::vector<Note>& notes() const { return notes_; }

 protected:
  explicit Operator(CubeInfo info) : info_(std::move(info)) {}

  // For constructors: adds a note about the argument at `where`, "" = the node as a whole.
  void note(std::string_view where, std::string text) {
    notes_.push_back({std::string(where), std::move(text)});
  }

 private:
  CubeInfo info_;
  std::vector<Note> notes_;
};

}  // namespace cube
