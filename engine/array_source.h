// ArraySource: reads an ArrayCube. Thread rule: immutable.
#pragma once

#include <memory>
#include <string>

#include "engine/array_cube.h"
#include "engine/operator.h"
#include "engine/readings.h"

namespace cube {

class ArraySource : public Operator, public FileSource {
 public:
  // Opens the file and describes it. Throws Error that points into the node.
  ArraySource(const ArrayParams& params, const ArrayFormat& format)
      : ArraySource(params, make_array_cube(params, format)) {}

  Request demand(const Request&, std::size_t) const override { return {}; }
  std::unique_ptr<Kernel> kernel() const override;
  Cost cost(const Request& request) const override;
  std::optional<ChunkWish> preferred_chunk() const override { return chunk_; }
  std::optional<StoredBlocks> stored_blocks() const override;
  using Operator::source_names;
  std::vector<std::string> source_names() const override { return {file_}; }
  std::vector<Reading> readings(std::span<const std::size_t> bands) const override {
    std::vector<Reading> out;
    for (const std::size_t band : bands) out.push_back({band, "as stored", 1});
    return out;
  }
  bool reads_remote() const override;

 private:
  friend class ArrayKernel;

  ArraySource(const ArrayParams& params, ArrayCube cube);

  // Bytes of the stored chunks under a request that hold several slices, one layer of them: kept
  // whole until the last slice is pulled, so that each is decoded once. 0 where there are none, or
  // each is too large for that.
  std::int64_t layer_bytes(const Request& request) const;

  ArrayCube cube_;
  std::string file_;
  std::optional<ChunkWish> chunk_;
};

}  // namespace cube
