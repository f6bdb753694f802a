// SeriesOperator: operators that work on the series of each cell, or on a stretch of it.
//
// Each band of the result comes from one band of the input, cell by cell. The slices that a request
// needs are pulled slab by slab and kept in their own dtype (missing ones cost nothing); a strip of
// cells at a time is handed to the operator's SeriesWork as doubles.
//
// Thread rule: operators are immutable; a SeriesWork belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/operator.h"
#include "engine/slabs.h"

namespace cube {

// Values of a strip of cells in some slices: slice after slice, NaN = missing.
class SeriesStrip {
 public:
  // The values are undefined after this.
  void reset(const Range& slices, std::size_t cells);

  const Range& slices() const { return slices_; }
  std::size_t cells() const { return cells_; }
  std::span<double> at(std::int64_t t) { return {row(t), cells_}; }
  std::span<const double> at(std::int64_t t) const { return {row(t), cells_}; }

 private:
  double* row(std::int64_t t) {
    return values_.data() + static_cast<std::size_t>(t - slices_.begin) * cells_;
  }
  const double* row(std::int64_t t) const {
    return values_.data() + static_cast<std::size_t>(t - slices_.begin) * cells_;
  }

  Range slices_;
  std::size_t cells_ = 0;
  std::vector<double> values_;
};

// Where the slices stand on the axis along which distances are measured: their indices on a regular
// axis, days since the first one on a labelled axis.
std::vector<double> series_places(const TimeAxis& time);

class SeriesWork {
 public:
  virtual ~SeriesWork() = default;

  // Sets every value of out[k], slices of band bands[k] of the result. They all come from one band
  // of the input, whose slices needed(out[k].slices()) are `in`. A cell's result must depend on
  // nothing but its own series, and not on how many slices are asked for.
  virtual void run(const SeriesStrip& in, std::span<const std::size_t> bands,
                   std::span<SeriesStrip> out) = 0;
};

class SeriesOperator : public Operator {
 public:
  Request demand(const Request& out, std::size_t input) const final;
  std::optional<PullPlan> pulls(const Request& out, std::size_t input) const final;
  Cost cost(const Request& request) const final;
  std::unique_ptr<Kernel> kernel() const final;
  Stage stage() const override { return Stage::kReduce; }
  bool wants_series() const final { return true; }

 protected:
  // `sources[i]` is the band of `input` that band i of `out` comes from.
  SeriesOperator(CubeInfo out, const CubeInfo& input, std::vector<std::size_t> sources);
  // Band i comes from band i.
  SeriesOperator(CubeInfo out, const CubeInfo& input);

  // The input's slices that slices of the result come from. Grows with `slices`.
  virtual Range needed(const Range& slices) const = 0;
  virtual std::unique_ptr<SeriesWork> work() const = 0;
  // What a SeriesWork holds for a strip of that many cells with `slices` slices of the input.
  virtual std::int64_t work_bytes(std::int64_t cells, std::int64_t slices) const = 0;

 private:
  class Work;

  std::vector<std::size_t> sources(const std::vector<std::size_t>& bands) const;

  std::vector<std::size_t> sources_;
  Slabs slabs_;
};

}  // namespace cube
