// UserFunction: an operator whose work is done by code of the user, a command or a plugin.
//
// Whatever the code is, it is called with all bands of the input over a region and makes all bands
// of the result over a region. What it is given is the region of the request, grown by a halo on
// each side and cut off at the edges of the cube (not filled up: the code sees an edge only where
// the cube has one), or the whole time axis. Bands and slices that it makes and nobody asked for
// are dropped.
//
// Results do not depend on chunks as long as a cell of the result depends on no other cells than
// those within the halo around it: that is the user's promise.
//
// Thread rule: immutable; a worker belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/operator.h"
#include "engine/params.h"

namespace cube {

// Cells needed around each cell, on both sides.
struct Halo {
  std::int64_t t = 0;
  std::int64_t y = 0;
  std::int64_t x = 0;

  void fields(FieldVisitor& v);
};

// One call. Both cubes outlive it.
struct UserCall {
  const CubeInfo& input;
  const CubeInfo& output;
  Region given;  // of the input
  Region made;   // of the output
};

// Takes the rows that user code makes, in any order, and keeps those that were asked for.
class UserAnswer {
 public:
  UserAnswer(const CubeInfo& output, const Request& asked);

  // Row (t, y) of a band of the output, whose first cell is in column `x`; NaN = missing.
  void set_row(std::size_t band, std::int64_t t, std::int64_t y, std::int64_t x,
               std::span<const double> row);

  Chunk take();

 private:
  Region region_;
  std::vector<std::size_t> bands_;
  std::vector<Block> blocks_;
};

// The code as one thread uses it.
class UserWorker {
 public:
  virtual ~UserWorker() = default;

  // Sets every row of call.made. `in` has all bands of the input over call.given. What it throws is
  // the failure of the chunk. `cancelled` is to be asked now and then.
  virtual void call(const UserCall& call, const Chunk& in, UserAnswer& answer,
                    const std::function<bool()>& cancelled) = 0;
};

// The code as an operator holds it. Thread rule: immutable.
class UserCode {
 public:
  virtual ~UserCode() = default;
  virtual std::unique_ptr<UserWorker> worker() const = 0;

  // Bytes that a call holds besides its input and result.
  virtual std::int64_t bytes(const UserCall& call) const = 0;

  // What it runs, for people: "the command 'python3 a.py'".
  virtual std::string what() const = 0;
};

class UserFunction : public Operator {
 public:
  struct Setup {
    CubeInfo input;
    CubeInfo output;
    Halo halo;
    bool whole_time = false;   // each call has the whole time axis of both cubes
    bool whole_space = false;  // each call has all rows and columns of both
    bool keep_bands = false;   // the bands of the input come before those of the output
    bool skip_empty = false;   // where all that would be given is missing, the result is
    std::shared_ptr<const UserCode> code;
  };

  explicit UserFunction(Setup setup);

  Request demand(const Request& out, std::size_t) const override;
  std::unique_ptr<Kernel> kernel() const override;
  Cost cost(const Request& request) const override;
  bool passes_emptiness() const override { return setup_.skip_empty; }
  std::optional<ChunkWish> preferred_chunk() const override;
  bool wants_series() const override { return setup_.whole_time; }
  std::string executes() const override { return setup_.code->what(); }

 private:
  class Work;

  UserCall call(const Region& asked) const;

  // Bands of the input that the result has too, before those of the code.
  std::size_t kept() const { return setup_.keep_bands ? setup_.input.bands.size() : 0; }

  Setup setup_;
};

// Row (t, y) of `block` as doubles; a row of NaN of `columns` when it is null. The result points
// into the block or into `scratch`.
std::span<const double> row_or_missing(const BlockPtr& block, std::int64_t t, std::int64_t y,
                                       const Range& columns, std::vector<double>& scratch);

}  // namespace cube
