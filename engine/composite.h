// Composite: the images of one time slice made one.
// Thread rule: Aggregation is an immutable value; a Composite belongs to one thread.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/block.h"
#include "engine/reducers.h"

namespace cube {

// How the images of one slice are combined.
class Aggregation {
 public:
  // A view's aggregation. Throws Error(kInvalid) with `where`.
  static Aggregation make(std::string_view name, std::string_view where);

  // A band of the result, for images in `in` and at most `images` of them in a slice.
  BandInfo result_band(const BandInfo& in, std::int64_t images) const;

  // True when an empty slice has a value (0) everywhere.
  bool counts() const { return reducer_.counts(); }
  // True when images are counted by their footprints and no cell is read.
  bool counts_images() const { return images_; }
  // True when the newest image comes first: what older ones have is hidden by it.
  bool newest_first() const { return kind_ == Kind::kLast; }
  // True when a Composite holds the blocks of all images until it is finished.
  bool holds_images() const { return kind_ == Kind::kReduce; }
  // Memory besides the blocks, for rows of so many cells of so many images at most.
  std::int64_t row_bytes(std::int64_t columns, std::int64_t images) const;

 private:
  friend class Composite;
  // kFirst keeps what is there, kLast is that on images in reverse order.
  enum class Kind : std::uint8_t { kFirst, kLast, kMin, kMax, kReduce };

  Aggregation(Kind kind, Reducer reducer, bool images)
      : kind_(kind), reducer_(std::move(reducer)), images_(images) {}

  Kind kind_;
  Reducer reducer_;
  bool images_;
};

// Combines blocks of one slice of one band.
class Composite {
 public:
  explicit Composite(const Aggregation& aggregation) : aggregation_(aggregation) {}

  // Forgets everything. Blocks of `region` (one slice) follow; the result has `storage`.
  void begin(const Region& region, Storage storage);

  // The next image in acquisition order (newest_first(): in reverse). Null adds nothing.
  void add(BlockPtr block);

  // True when further images cannot change the result.
  bool complete() const { return complete_; }

  // Null when no cell has a value (never so for counts).
  BlockPtr finish();

 private:
  void merge(const Block& block);
  BlockPtr reduce();

  Aggregation aggregation_;
  Region region_;
  Storage storage_{DType::kFloat64, {}};
  std::vector<BlockPtr> held_;   // blocks as they came; one at most while nothing is merged
  std::optional<Block> merged_;  // of first, last, min and max from the second image on
  bool complete_ = false;
  std::unique_ptr<ReducerState> state_;
};

}  // namespace cube
