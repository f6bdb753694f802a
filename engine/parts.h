// Parts: one output that several runs compute, each a share of its chunks, at any time and on any
// machines that see the folder of the output.
//
// The first part to come writes down beside the output what all have in common (PartsPlan); the
// others take it from there, and are refused where what they would compute is something else. Each
// part has a folder with a lock and a journal of its own, so that one that was killed is run again
// and goes on, without any word to the others. When all chunks are there FinishedParts makes the
// output, which is that of a single run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/sink.h"

namespace cube {

// What the parts of an output have in common.
struct PartsPlan {
  ChunkShape tiling;
  // Part p computes the chunks from begins[p] to before begins[p + 1], in the order t, y, x.
  std::vector<std::int64_t> begins;
  OutputSpec output;   // as the first part was asked for it
  std::string graph;   // the canonical document
  std::string folder;  // that relative names in it start from

  std::int64_t count() const { return static_cast<std::int64_t>(begins.size()) - 1; }
  Range chunks(std::int64_t part) const {
    const auto p = static_cast<std::size_t>(part);
    return {begins[p], begins[p + 1]};
  }
};

// What was agreed on for the parts of an output; nullopt where there are none.
std::optional<PartsPlan> parts_of(const std::string& output);

// What parts have left of an output, and the output that is made of it.
// Thread rule: one thread.
class FinishedParts {
 public:
  virtual ~FinishedParts() = default;

  // Takes the output for this process alone. `identity` is that of the graph as it is now. Throws
  // Error(kUnwritable) when a part or something else is at work on it, Error(kInvalid) when
  // something has changed since or chunks are missing, naming the parts that have to be run.
  virtual void claim(const RunIdentity& identity) = 0;

  // Of all parts, for the report. REQUIRES: after claim().
  virtual const std::vector<SkippedImage>& skipped() const = 0;
  virtual const std::vector<FailedChunk>& failed() const = 0;
  virtual std::int64_t chunks() const = 0;

  // Makes of GeoTIFFs and COGs not one file but one of each part, in the folder "STEM.parts", and
  // "STEM.vrt" over them. Called before claim(), or not at all. Throws Error(kInvalid) for other
  // formats.
  virtual void set_mosaic() = 0;

  // Makes the files, without their names. Throws Error(kUnwritable).
  virtual void complete(const Provenance& provenance) = 0;

  // Gives them their names and removes what the parts have left; returns the names.
  virtual std::vector<std::string> finish() = 0;
};

// `output` is PartsPlan::output, for cubes like `info`. Throws as make_sink().
std::unique_ptr<FinishedParts> make_finished_parts(const PartsPlan& parts, const CubeInfo& info);

}  // namespace cube
