#include "engine/zonal_reduction.h"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/cell_weights.h"
#include "engine/feature_chunks.h"
#include "engine/source_bands.h"
#include "engine/weighted_passes.h"

namespace cube {

namespace {

// Weights of several zones are held together, so that slices can be gone through for all of them.
constexpr std::int64_t kWeightsBytes = std::int64_t{8} << 20;

}  // namespace

ZonalReduction::ZonalReduction(const CubeInfo& input, Zones zones, std::vector<Band> bands)
    : zones_(std::move(zones)), bands_(std::move(bands)) {
  for (const BandInfo& band : input.bands) storages_.push_back(band.storage());
}

std::vector<std::size_t> ZonalReduction::sources(const std::vector<std::size_t>& bands) const {
  return source_bands(bands, [&](std::size_t band) { return bands_[band].source; });
}

bool ZonalReduction::takes_passes(std::size_t band, std::int64_t whole) const {
  const WeightedReducer& reducer = bands_[band].reducer;
  if (!reducer.of_cells() || whole <= WeightedPasses::kMostHeld) return false;
  const auto held = zones_.largest().cells.whole * static_cast<std::int64_t>(sizeof(double));
  return size_of(storages_[bands_[band].source].dtype) > 2 &&
         held > weighted_passes_bytes(reducer, 0);
}

bool ZonalReduction::passes_emptiness() const {
  return std::none_of(bands_.begin(), bands_.end(),
                      [](const Band& band) { return band.reducer.plain().counts(); });
}

Request ZonalReduction::demand(const Request& out) const {
  Region all;
  for (const Region& window : zones_.windows(out.region.y)) all = hull(all, window);
  if (all.empty()) return {{out.region.t, {}, {}}, sources(out.bands)};
  return {{out.region.t, all.y, all.x}, sources(out.bands)};
}

// Of the largest zone, whichever are asked for: not all chunks are looked at for a plan.
PullPlan ZonalReduction::pulls() const {
  return {.slices = 1,
          .kept = 0,
          .rows = std::max<std::int64_t>(1, zones_.largest().rows),
          .columns = std::max<std::int64_t>(1, zones_.largest().columns)};
}

Cost ZonalReduction::cost(const Request& request) const {
  constexpr std::int64_t kState = 128;
  constexpr std::int64_t kStrips = 3;
  const Zones::Largest& largest = zones_.largest();
  Cost cost;
  cost.scratch_bytes = kWeightsBytes + largest.weights_bytes +
                       kStrips * largest.columns * static_cast<std::int64_t>(sizeof(double)) +
                       request.region.y.size() * static_cast<std::int64_t>(sizeof(Region) + 8);
  // Cells of a band that are held, at most; of smaller zones also where the largest take passes.
  std::map<std::size_t, std::int64_t> held;
  for (const std::size_t band : request.bands) {
    cost.scratch_bytes += kState;
    const WeightedReducer& reducer = bands_[band].reducer;
    if (!reducer.of_cells()) continue;
    const bool passes = takes_passes(band, largest.cells.whole);
    if (passes) cost.scratch_bytes += weighted_passes_bytes(reducer, largest.cells.parts);
    std::int64_t& whole = held[bands_[band].source];
    whole = std::max(whole, passes ? WeightedPasses::kMostHeld : largest.cells.whole);
  }
  for (const auto& [source, whole] : held) {
    cost.scratch_bytes += WeightedCells::bytes(storages_[source], whole, largest.cells.parts);
  }
  return cost;
}

// Group by group of zones that lie near each other, slice by slice, zone by zone.
class ZonalReduction::Work final : public Kernel {
 public:
  explicit Work(const ZonalReduction& op) : op_(op) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    begin(request);
    const Region& region = request.region;
    std::vector<Weighed> group;
    std::int64_t bytes = 0;
    for (const std::size_t k : order_of_place(op_.zones_.windows(region.y))) {
      const std::int64_t i = region.y.begin + static_cast<std::int64_t>(k);
      group.push_back({i, op_.zones_.weights(i)});
      bytes += group.back().weights.bytes();
      if (bytes < kWeightsBytes) continue;
      reduce(group, region.t, inputs);
      group.clear();
      bytes = 0;
    }
    reduce(group, region.t, inputs);
    Chunk out{region, {}};
    for (Block& block : blocks_) out.bands.push_back(share(std::move(block)));
    blocks_.clear();
    return out;
  }

 private:
  struct Weighed {
    std::int64_t zone;
    CellWeights weights;
  };

  // What bands of the result that come from one band of the input are made of.
  struct SourceBand {
    std::vector<std::size_t> folds;   // of states_
    std::vector<std::size_t> orders;  // bands of the request that are order statistics
    // Of the zone at hand:
    bool holds = false;
    WeightedCells cells;
  };

  // An order statistic that takes passes; others may want more of them than it does.
  struct Passes {
    std::unique_ptr<WeightedPasses> statistic;
    bool wants = true;
  };

  void begin(const Request& request) {
    request_ = &request;
    wanted_ = op_.sources(request.bands);
    states_.clear();
    blocks_.clear();
    sources_.clear();
    for (const std::size_t source : wanted_) {
      sources_.push_back({{}, {}, false, WeightedCells(op_.storages_[source])});
    }
    for (std::size_t k = 0; k < request.bands.size(); ++k) {
      const Band& band = op_.bands_[request.bands[k]];
      blocks_.emplace_back(request.region, band.storage);
      states_.push_back(band.reducer.of_cells() ? nullptr : band.reducer.state());
      (states_[k] ? source_of(k).folds : source_of(k).orders).push_back(k);
    }
  }

  SourceBand& source_of(std::size_t k) {
    const std::size_t source = op_.bands_[request_->bands[k]].source;
    const auto at = std::lower_bound(wanted_.begin(), wanted_.end(), source);
    return sources_[static_cast<std::size_t>(at - wanted_.begin())];
  }

  void reduce(const std::vector<Weighed>& group, const Range& slices, Inputs& inputs) {
    for (std::int64_t t = slices.begin; t < slices.end; ++t) {
      for (const Weighed& weighed : group) {
        take_cells(weighed, t, inputs);
        finish(weighed.zone, t);
      }
    }
  }

  void take_cells(const Weighed& weighed, std::int64_t t, Inputs& inputs) {
    for (const auto& state : states_) {
      if (state) state->begin();
    }
    begin_orders(weighed.weights.counts());
    first_pass_ = true;
    for (bool again = true; again; first_pass_ = false) {
      pull_cells(weighed, t, inputs);
      again = false;
      for (auto& [k, passes] : passes_) {
        passes.wants = passes.wants && passes.statistic->wants_again();
        again |= passes.wants;
      }
    }
  }

  void begin_orders(const CellWeights::Counts& counts) {
    passes_.clear();
    for (SourceBand& source : sources_) {
      source.holds = false;
      for (const std::size_t k : source.orders) {
        if (op_.takes_passes(request_->bands[k], counts.whole)) {
          passes_[k] = {make_weighted_passes(op_.bands_[request_->bands[k]].reducer), true};
          passes_[k].statistic->begin(counts.parts);
        } else {
          source.holds = true;
        }
      }
      if (source.holds) source.cells.begin(counts.whole, counts.parts);
    }
  }

  void pull_cells(const Weighed& weighed, std::int64_t t, Inputs& inputs) {
    const Region& window = op_.zones_.window(weighed.zone);
    const std::int64_t step = Zones::piece_rows(window);
    for (std::int64_t y = window.y.begin; y < window.y.end; y += step) {
      const Region piece{{t, t + 1}, {y, std::min(y + step, window.y.end)}, window.x};
      const Chunk cells = inputs.pull_piece(0, {piece, wanted_});
      for (std::size_t s = 0; s < sources_.size(); ++s) {
        if (cells.bands[s]) add(*cells.bands[s], weighed.weights, sources_[s]);
      }
    }
  }

  // What spoils the held cells comes last.
  void finish(std::int64_t zone, std::int64_t t) {
    for (const bool spoils : {false, true}) {
      for (std::size_t k = 0; k < states_.size(); ++k) {
        if (op_.bands_[request_->bands[k]].reducer.spoils_cells() != spoils) continue;
        const double value = result(k);
        blocks_[k].set_row(t, zone, std::span(&value, 1));
      }
    }
  }

  double result(std::size_t k) {
    if (states_[k]) return states_[k]->finish();
    const auto passes = passes_.find(k);
    if (passes != passes_.end()) return passes->second.statistic->result();
    return op_.bands_[request_->bands[k]].reducer.of(source_of(k).cells);
  }

  // The cells of a piece of one slice.
  void add(const Block& block, const CellWeights& weights, SourceBand& source) {
    const Region& region = block.region();
    for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
      const auto runs = weights.row(y);
      if (runs.empty()) continue;
      const Range columns{runs.front().columns.begin, runs.back().columns.end};
      const auto row = block.row(region.t.begin, y, columns, row_);
      gather(row, columns.begin, runs);
      for (const std::size_t k : source.orders) {
        const auto passes = passes_.find(k);
        if (passes == passes_.end() || !passes->second.wants) continue;
        passes->second.statistic->add(values_, row_weights_);
      }
      if (!first_pass_) continue;
      for (const std::size_t k : source.folds) states_[k]->add(values_, row_weights_);
      if (source.holds) source.cells.add(values_, row_weights_);
    }
  }

  void gather(std::span<const double> row, std::int64_t begin, std::span<const WeightRun> runs) {
    values_.clear();
    row_weights_.clear();
    for (const WeightRun& run : runs) {
      const auto n = static_cast<std::size_t>(run.columns.size());
      const auto cells = row.subspan(static_cast<std::size_t>(run.columns.begin - begin), n);
      values_.insert(values_.end(), cells.begin(), cells.end());
      row_weights_.insert(row_weights_.end(), n, run.weight);
    }
  }

  const ZonalReduction& op_;
  const Request* request_ = nullptr;                    // the one that runs
  std::vector<std::size_t> wanted_;                     // bands pulled
  std::vector<SourceBand> sources_;                     // of each of them
  std::vector<std::unique_ptr<WeightedState>> states_;  // of bands of the result; null: of cells
  std::map<std::size_t, Passes> passes_;                // of those that take them
  bool first_pass_ = true;
  std::vector<Block> blocks_;
  std::vector<double> row_;
  std::vector<double> values_;  // of the cells of a row that count, with their weights
  std::vector<double> row_weights_;
};

std::unique_ptr<Kernel> ZonalReduction::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace cube
