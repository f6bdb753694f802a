// Sink: where finished chunks go.
//
// An output appears under its final name only when it is complete: a sink writes beside it, in the
// folder .NAME.part, and renames in finish(). What a sink that was not finished has written is
// removed when it is destroyed, unless it was claimed (see claim()) and a chunk is done: then it
// stays, for a later run to go on with.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/block.h"
#include "engine/cube_info.h"
#include "engine/operator.h"
#include "engine/run_identity.h"

namespace cube {

// One of the parts that an output is computed in (see parts.h), counted from 0.
struct Part {
  std::int64_t index = 0;
  std::int64_t count = 1;
};
std::string to_text(const Part& part);  // "2/8"

// An output as the user asks for it.
struct OutputSpec {
  std::string file;  // may hold {t} and {band}
  // "GTiff", "COG", "netCDF", "Zarr", "PNG", "GIF", "CSV", ...; "" = by name.
  std::string format = {};
  std::map<std::string, std::string> options = {};  // creation options, as of GDAL's drivers
  bool overwrite = false;                           // false: an existing file is an error
  bool append = false;            // the slices come after those of an existing file (Zarr only)
  bool resume = false;            // what an earlier run of the same has left is gone on with
  std::optional<Part> part = {};  // only a part of it is made; what of it is there is gone on with
};

// Written into every output: what it takes to make it again. Nothing of it depends on how the cells
// were computed. No secrets: what is written here is read by others.
struct Provenance {
  std::string graph;                 // the canonical document
  std::vector<std::string> sources;  // images or files used
  // That relative names in the graph start from, absolute; "" = not known.
  std::string folder = {};
  // What else is recorded of the run: names and JSON texts (see engine/gdal/run_record.h). Empty =
  // no more than the graph and the sources.
  std::vector<std::pair<std::string, std::string>> about = {};
};

// A chunk that could not be computed.
struct FailedChunk {
  std::int64_t chunk = 0;  // in the order t, y, x
  Region region = {};
  std::string reason = {};
};

struct PartsPlan;

// What a sink found of an earlier run that it goes on with.
struct Claim {
  std::vector<bool> done;             // chunks that are written, in the order t, y, x; empty = none
  std::vector<SkippedImage> skipped;  // images that were left out of them
  std::string note;                   // for the user, "" = nothing
};

// What is there for a later run to go on with.
struct Kept {
  std::string folder;
  std::int64_t bytes = 0;
  std::int64_t chunks = 0;  // done
};

class Sink {
 public:
  virtual ~Sink() = default;

  // Of a sink of a part (OutputSpec::part), before claim(): `proposal` is what this part would have
  // in common with the others where it is the first; gives what they have. Throws
  // Error(kUnwritable) when another run writes the output, Error(kInvalid) when the other parts
  // compute something else, saying what differs.
  virtual PartsPlan agree(const PartsPlan& proposal, const RunIdentity& identity);

  // Called before begin(), on one thread, or not at all: takes the output for this run alone,
  // decides what becomes of what an earlier run has left, and has this run leave the like.
  // Throws Error(kUnwritable) when another process writes the output or an earlier run of the same
  // has got somewhere and the user did not say what is to become of that, and Error(kInvalid) when
  // it is to be gone on with and cannot be, saying what has changed.
  virtual Claim claim(const ChunkShape& /*tiling*/, const RunIdentity& /*identity*/) { return {}; }

  // What is left behind if the sink is destroyed now; nullopt = nothing of use.
  virtual std::optional<Kept> kept() const { return std::nullopt; }

  // Whether kept() would give something. Thread rule: any thread.
  virtual bool keeps() const { return false; }

  // An image was left out of chunks that will come, which a run that goes on after this one is to
  // report too. Thread rule: as write().
  virtual void skipped(const SkippedImage& /*image*/) {}

  // A chunk that will not come, as it could not be computed, which whoever makes the output is to
  // report. Thread rule: as write().
  virtual void failed(const FailedChunk& /*chunk*/) {}

  // Called once before the first write(), on any thread; creates the temporary files.
  // `tiling` is the shape of the chunks that will come (fewer cells at the far edges).
  virtual void begin(const ChunkShape& tiling, const Provenance& provenance) = 0;

  // A finished chunk with all bands of the cube. Any order, each region once, disjoint. Chunks that
  // were claimed as done are passed over.
  // Thread rule: called from several workers at a time. Throws Error(kUnwritable).
  virtual void write(const Chunk& chunk) = 0;

  // Called before finish(), or not at all: does all of it that may fail for want of room, so that
  // of several outputs none gets its name when another cannot be completed. Throws
  // Error(kUnwritable).
  virtual void complete() {}

  // Closes and renames; returns the names of the files made. Throws Error(kUnwritable).
  virtual std::vector<std::string> finish() = 0;

  // Shape of the tiles that the output has to be stored in, which chunks should hold whole so that
  // each is made once; {1, 1, 1} where tiles suit the chunks that come.
  virtual ChunkShape tile() const { return {}; }

  // Seconds of write() and finish() that went into encoding, on all threads; 0 where that cannot be
  // told from writing.
  virtual double seconds_encoding() const { return 0; }

  // Bytes of memory the sink holds whatever the number of threads, and for each write().
  virtual std::int64_t resident_bytes() const { return 0; }
  virtual std::int64_t bytes_per_write(const ChunkShape&) const { return 0; }
};

// Makes a sink for cubes like `info`. Checks the format, options, name and that the folder can be
// written to before anything is computed; throws Error with `where` = the output's file name.
std::unique_ptr<Sink> make_sink(const OutputSpec& spec, const CubeInfo& info);

// The format that a file name suggests (".tif" GTiff, ".nc" netCDF, ".zarr" Zarr, ".png" PNG,
// ".gif" GIF, ".webp" WebP, ".csv" CSV, ".svg" SVG, ".gpkg" GPKG, ".geojson" and ".json" GeoJSON).
std::optional<std::string> format_of_name(const std::string& file);

// Throws Error(kInvalid) when neither the format that is asked for nor the name gives one.
void check_format(const OutputSpec& spec);

// Names of all formats with a line of help each.
std::vector<std::pair<std::string, std::string>> output_formats();

}  // namespace cube
