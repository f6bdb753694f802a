// cube: data cubes of satellite images, in a program of one's own.
//
//   const cube::Environment environment({.threads = 4});
//   const cube::Cube ndvi = environment.open("ndvi.json", {{"year", "2023"}});
//   const cube::CubeInfo& info = ndvi.info();                // grid, times, bands
//   const cube::Cells cells = ndvi.read({{0, 1}, {0, 256}, {0, 256}});
//   const std::span<const float> values = cells.of<float>("NDVI");
//   const cube::Report report = ndvi.write({.file = "ndvi.tif"});
//
// An Environment says what the work may take and which operators there are; a Cube is a graph that
// was checked against it; nothing is read before cells are asked for. Graphs are JSON documents
// (document.h) or built in C++ (node.h); operators, images and outputs of one's own are in
// extend.h.
//
// Errors are cube::Error (error.h), thrown; what goes wrong with chunks of a run stands in its
// Report instead. Nothing is printed, no global state is changed: neither GDAL's configuration and
// its cache nor the locale, signals or OpenMP. GDAL's drivers are registered when they are first
// needed. What GDAL may do with files of strangers (Python in VRT, drivers that run programs) is
// the program's to say, as is GDAL's cache of blocks, which no budget of a cube counts.
//
// Thread rule: all types here are values or may be used from several threads at the same time,
// where nothing else is said.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cube/node.h"
#include "cube/version.h"
#include "engine/block.h"
#include "engine/cube_info.h"
#include "engine/error.h"
#include "engine/features.h"
#include "engine/plan.h"
#include "engine/registry.h"
#include "engine/resources.h"
#include "engine/run.h"
#include "engine/sink.h"
#include "graphs/document.h"

namespace cube {

// Of the library that the program runs with, "0.1.0"; CUBE_VERSION is that of the headers.
std::string library_version();

// What work on cubes may take.
struct Settings {
  // Worker threads of runs; 0 = one a core that the process may use, and 8 a core (16 to 64) where
  // files are read over the network.
  int threads = 0;
  // Budget of each cube's work; 0 = 2 GiB, or three quarters of what the container or machine has
  // where that is less. Where it is tight there are smaller chunks and fewer threads.
  std::int64_t memory_bytes = 0;
  // Graphs may run programs and load libraries that they name (`stream`, `plugin`, `apply_time`).
  bool allow_exec = false;
  // Shape of chunks, or FittingChunk{}; nullopt = chosen.
  std::optional<ChunkWish> chunk = {};
};

// The types that cells have.
template <class T>
concept CellType = std::same_as<T, std::uint8_t> || std::same_as<T, std::int16_t> ||
    std::same_as<T, std::uint16_t> || std::same_as<T, std::int32_t> ||
    std::same_as<T, std::uint32_t> || std::same_as<T, float> || std::same_as<T, double>;

template <CellType T>
constexpr DType dtype_of() {
  if constexpr (std::same_as<T, std::uint8_t>) return DType::kUInt8;
  if constexpr (std::same_as<T, std::int16_t>) return DType::kInt16;
  if constexpr (std::same_as<T, std::uint16_t>) return DType::kUInt16;
  if constexpr (std::same_as<T, std::int32_t>) return DType::kInt32;
  if constexpr (std::same_as<T, std::uint32_t>) return DType::kUInt32;
  if constexpr (std::same_as<T, float>) return DType::kFloat32;
  return DType::kFloat64;
}

// Memory of the caller for the cells of one band over a region, in C order (t, y, x).
struct CellsOut {
  DType dtype = DType::kFloat64;
  std::span<std::byte> cells;  // as many bytes as the region's cells take

  template <CellType T>
  static CellsOut of(std::span<T> cells) {
    return {dtype_of<T>(), std::as_writable_bytes(cells)};
  }
};

// The cells of some bands over a region, in C order (t, y, x).
// Thread rule: one thread at a time.
class Cells {
 public:
  // REQUIRES: one block, or null, for each of `bands`, which are indices into info.bands.
  Cells(std::shared_ptr<const CubeInfo> info, std::vector<std::size_t> bands, Chunk chunk);

  const Region& region() const { return chunk_.region; }
  std::vector<std::string> band_names() const;
  const BandInfo& info(std::string_view band) const;

  // True when it is known that no cell of the band has a value.
  bool missing(std::string_view band) const;

  // The cells as they are stored: a missing one is the band's nodata value, NaN of floating-point
  // bands. Valid as long as this object. Throws Error(kInvalid) when the band is of another type.
  template <CellType T>
  std::span<const T> of(std::string_view band) const {
    return block(band, dtype_of<T>()).template cells<T>();
  }

  // The cells as numbers, NaN = missing.
  std::vector<double> numbers(std::string_view band) const;

  // Copies the cells: as they are stored where `out` is of the band's type; to float32 and float64
  // as numbers, NaN = missing. Throws Error(kInvalid) for other types and another size.
  void copy_to(std::string_view band, const CellsOut& out) const;

  // As kernels and sinks see them.
  const Chunk& chunk() const { return chunk_; }

 private:
  std::size_t index(std::string_view band) const;
  const Block& block(std::string_view band, DType dtype) const;

  std::shared_ptr<const CubeInfo> info_;
  std::vector<std::size_t> bands_;
  mutable Chunk chunk_;  // blocks of missing cells are made when they are asked for
};

struct ReadOptions {
  // Asked often, on the thread that reads; true = give up: Error(kCancelled).
  std::function<bool()> cancelled = {};
};

class ChunkRange;
class Environment;

// A graph that is checked and can be computed. Copies share what they hold.
class Cube {
 public:
  const CubeInfo& info() const;
  const Document& document() const;  // parameters replaced
  const Graph& graph() const;

  // What a user should know of the graph although it is no error.
  std::vector<Note> notes() const;

  // The graph in canonical form, a text that stands for this cube: see canonical_text(). Paths are
  // relative to `folder` where they can be.
  std::string text(const std::filesystem::path& folder) const;
  // The same with saved cubes in place of the references to them.
  std::string whole_text(const std::filesystem::path& folder) const;
  // The same into a file, whole or not at all, paths relative to it. Throws Error(kUnwritable).
  void save(const std::filesystem::path& file, bool overwrite = false) const;

  // What cells depend on besides the graph, as JSON: {"count", "digest", "newest", "states": {name:
  // size and time of the last change}} of files and catalogs' images, without "states" where they
  // are many. The same digest means the same cells, as far as sizes and times tell.
  std::string inputs() const;

  // The chunks that runs and chunks() compute the cube in. Made at the first call, which looks at
  // files to know how they are stored; throws Error(kInvalid) when the budget is too small.
  const Plan& plan() const;
  // Of the chunks; those at the far edges are smaller.
  ChunkShape chunk_shape() const { return plan().chunk_shape(); }

  // Computes a region of some bands, {} = all, on the calling thread. The cells do not depend
  // on how a cube is cut into regions. Several threads may read at the same time; each has readers
  // of its own, which are kept for later calls with the files that they have open. A large region
  // is computed chunk by chunk, so that besides the result no more is held than for a chunk. Throws
  // Error: kInvalid for a region that is not inside the cube, kNotFound for a band.
  Cells read(const Region& region, const std::vector<std::string>& bands = {},
             const ReadOptions& options = {}) const;
  // The same into memory of the caller: one of `out` for each of `bands`, as Cells::copy_to().
  void read_into(const Region& region, const std::vector<std::string>& bands,
                 std::span<const CellsOut> out, const ReadOptions& options = {}) const;

  // The chunks one after the other, on the calling thread:
  //   for (const cube::Cells& cells : ndvi.chunks()) ...
  ChunkRange chunks(const ReadOptions& options = {}) const;

  // Images that read() and chunks() have left out so far (of graphs with "strict": false).
  std::vector<SkippedImage> skipped() const;

  // Computes all chunks on the environment's threads, and calls `use` for each, several at the same
  // time. RunOptions::threads is what the plan says, whatever is given.
  // An exception that `use` or a function of `options` throws ends the run and is thrown here; what
  // goes wrong with a chunk stands in the report.
  [[nodiscard]] Report for_each_chunk(const std::function<void(const Cells&)>& use,
                                      const RunOptions& options = {}) const;

  // Computes the cube into outputs, which appear when they are complete, with the graph and what
  // the cells are made from written into them. Where an output says `resume` the run goes on with
  // what an earlier one has left, and a run that is stopped leaves what is done; else what is left
  // of a run that was stopped is removed. Throws Error for outputs that cannot be made.
  [[nodiscard]] Report write(const std::vector<OutputSpec>& outputs,
                             const RunOptions& options = {}) const;
  [[nodiscard]] Report write(const OutputSpec& output, const RunOptions& options = {}) const {
    return write(std::vector{output}, options);
  }
  // The same into sinks of one's own (see extend.h).
  [[nodiscard]] Report run(std::span<const std::unique_ptr<Sink>> sinks,
                           const RunOptions& options = {}) const;

 private:
  friend class Environment;
  struct State;
  explicit Cube(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

// Throws Error(kUnreadable, kUnwritable or kCancelled) with the first failure when a run was not
// ok: for callers that want no report.
void check(const Report& report);

// Gives the chunks of a cube in the order t, y, x.
// Thread rule: one thread at a time.
class ChunkIterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = Cells;
  using difference_type = std::ptrdiff_t;

  ChunkIterator(const Cube& cube, const ReadOptions& options);
  const Cells& operator*() const { return *cells_; }
  const Cells* operator->() const { return &*cells_; }
  ChunkIterator& operator++();
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return !cells_; }

 private:
  Cube cube_;
  ReadOptions options_;
  std::int64_t next_ = 0;
  std::optional<Cells> cells_;
};

class ChunkRange {
 public:
  ChunkRange(Cube cube, ReadOptions options)
      : cube_(std::move(cube)), options_(std::move(options)) {}
  ChunkIterator begin() const { return {cube_, options_}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  Cube cube_;
  ReadOptions options_;
};

// Values of a document's parameters, as texts.
using Parameters = std::map<std::string, std::string>;

// Settings, operators, and what reads images. Environments do not know of each other.
class Environment {
 public:
  explicit Environment(const Settings& settings = {});
  // With operators of one's own, and with resources of which empty functions are those of
  // file_resources(); allow_exec is as the settings say. See extend.h.
  Environment(const Settings& settings, Registry operators, Resources resources = {});

  const Settings& settings() const;
  const Registry& operators() const;

  // Checks all that can be checked without reading pixels. Throws Error with the place in the
  // document. What a catalog or file says of itself is read here; changes of them later are not
  // noticed.
  Cube open(const Document& document, const Parameters& parameters = {}) const;
  // A graph built in C++; relative names of files start from `folder`, "" = the working directory.
  Cube open(const Node& result, const std::filesystem::path& folder = {}) const {
    return open(result.document(folder));
  }
  // A file that holds a document; "-" is standard input.
  Cube open(const std::string& file, const Parameters& parameters = {}) const;

 private:
  friend class Cube;
  struct State;

  std::shared_ptr<const State> state_;
};

}  // namespace cube
