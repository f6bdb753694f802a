#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "engine/reducer_bands.h"
#include "engine/registry.h"
#include "engine/source_bands.h"
#include "engine/space_statistic.h"

namespace cube {

namespace {

// Slices are taken in pieces of that many rows and columns, from the first on: a megabyte of
// 16-bit cells, which whole blocks of files make as a rule.
constexpr std::int64_t kPieceRows = 512;
constexpr std::int64_t kPieceColumns = 1024;

class ReduceSpace final : public Operator {
 public:
  struct Params : ReducerBands {
    void fields(FieldVisitor& v) { ReducerBands::fields(v, true); }
  };

  ReduceSpace(const Params& params, std::span<const CubeInfo> in)
      : ReduceSpace(in[0], reduced(params, in[0])) {}

  Request demand(const Request& out, std::size_t) const override {
    if (out.region.empty()) return {};
    return {{out.region.t, {0, in_.grid.height}, {0, in_.grid.width}}, sources(out.bands)};
  }

  std::optional<PullPlan> pulls(const Request&, std::size_t) const override {
    return PullPlan{slices_at_a_time(), 0, kPieceRows, kPieceColumns};
  }

  Cost cost(const Request& request) const override {
    Cost cost;
    for (const std::size_t band : request.bands) {
      cost.scratch_bytes += space_statistic_bytes(
          bands_[band].reducer, in_.bands[bands_[band].source].storage(), cells());
    }
    return cost;
  }

  bool passes_emptiness() const override {
    return std::none_of(bands_.begin(), bands_.end(),
                        [](const ReducedBand& band) { return band.reducer.counts(); });
  }

  std::unique_ptr<Kernel> kernel() const override;

 private:
  class Work;

  ReduceSpace(const CubeInfo& in, std::vector<ReducedBand> bands)
      : Operator({in.grid.coarsened(in.grid.height, in.grid.width), in.time, infos(bands)}),
        in_(in),
        bands_(std::move(bands)) {}

  static std::vector<ReducedBand> reduced(const Params& params, const CubeInfo& in) {
    const std::int64_t cells = in.grid.height * in.grid.width;
    std::vector<ReducedBand> bands = reduced_bands(params, in, cells);
    for (ReducedBand& band : bands) {
      BandInfo info = band.reducer.result_band(in.bands[band.source], cells, cells);
      info.name = band.info.name;
      band.info = std::move(info);
    }
    return bands;
  }

  std::vector<std::size_t> sources(const std::vector<std::size_t>& bands) const {
    return source_bands(bands, [&](std::size_t band) { return bands_[band].source; });
  }

  std::int64_t cells() const { return in_.grid.height * in_.grid.width; }

  // Small slices are pulled several at a time.
  std::int64_t slices_at_a_time() const {
    if (in_.grid.height > kPieceRows || in_.grid.width > kPieceColumns) return 1;
    return kPieceRows * kPieceColumns / std::max<std::int64_t>(1, cells());
  }

  CubeInfo in_;
  std::vector<ReducedBand> bands_;
};

class ReduceSpace::Work final : public Kernel {
 public:
  explicit Work(const ReduceSpace& op) : op_(op) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    request_ = &request;
    make_statistics();
    Chunk out{request.region, {}};
    std::vector<Block> blocks;
    for (const std::size_t band : request.bands) {
      blocks.emplace_back(request.region, op_.info().bands[band].storage());
    }
    const std::int64_t slices = op_.slices_at_a_time();
    const Range& all = request.region.t;
    for (std::int64_t t = all.begin; t < all.end; t += slices) {
      reduce({t, std::min(t + slices, all.end)}, inputs);
      for (std::int64_t s = t; s < std::min(t + slices, all.end); ++s) {
        for (std::size_t i = 0; i < blocks.size(); ++i) {
          const double value = results_[i][static_cast<std::size_t>(s - t)];
          blocks[i].set_row(s, 0, {&value, 1});
        }
      }
    }
    for (Block& block : blocks) out.bands.push_back(share(std::move(block)));
    return out;
  }

 private:
  void make_statistics() {
    if (made_for_ == request_->bands) return;
    made_for_ = request_->bands;
    statistics_.clear();
    const CubeInfo& in = op_.in_;
    for (const std::size_t band : made_for_) {
      const ReducedBand& reduced = op_.bands_[band];
      statistics_.push_back(make_space_statistic(
          reduced.reducer, in.bands[reduced.source].storage(), op_.cells(), in.grid.width));
    }
    results_.resize(statistics_.size());
  }

  // Fills results_ for some slices: one, or several that are a piece each.
  void reduce(const Range& slices, Inputs& inputs) {
    for (auto& results : results_) results.clear();
    if (slices.size() == 1) {
      reduce_slice(slices.begin, [&](const std::vector<std::size_t>& bands, const auto& take) {
        each_piece(slices.begin, bands, inputs, take);
      });
      return;
    }
    Request all = op_.demand(*request_, 0);
    all.region.t = slices;
    inputs.pull_pieces(0, {&all, 1}, [&](const Chunk& chunk) {
      for (std::int64_t t = slices.begin; t < slices.end; ++t) {
        reduce_slice(
            t, [&](const std::vector<std::size_t>&, const auto& take) { take(all.bands, chunk); });
      }
    });
  }

  template <class F>
  void each_piece(std::int64_t t, const std::vector<std::size_t>& bands, Inputs& inputs,
                  const F& take) {
    const Grid& grid = op_.in_.grid;
    std::vector<Request> pieces;
    for (std::int64_t y = 0; y < grid.height; y += kPieceRows) {
      for (std::int64_t x = 0; x < grid.width; x += kPieceColumns) {
        const Region piece = {{t, t + 1}, {y, y + kPieceRows}, {x, x + kPieceColumns}};
        pieces.push_back({intersect(op_.in_.extent(), piece), bands});
      }
    }
    inputs.pull_pieces(0, pieces, [&](const Chunk& chunk) { take(bands, chunk); });
  }

  // One slice; pieces(bands, take) calls take(bands, chunk) for each of its pieces.
  template <class F>
  void reduce_slice(std::int64_t t, const F& pieces) {
    for (auto& statistic : statistics_) statistic->begin();
    std::vector<bool> active(statistics_.size(), true);
    const auto take = [&](const std::vector<std::size_t>& bands, const Chunk& chunk) {
      for (std::size_t i = 0; i < statistics_.size(); ++i) {
        if (!active[i]) continue;
        const auto band = std::lower_bound(bands.begin(), bands.end(), source(i));
        const BlockPtr& block = chunk.bands[static_cast<std::size_t>(band - bands.begin())];
        if (block) statistics_[i]->add(*block, t);
      }
    };
    while (std::find(active.begin(), active.end(), true) != active.end()) {
      std::vector<std::size_t> wanted;
      for (std::size_t i = 0; i < active.size(); ++i) {
        if (active[i]) wanted.push_back(made_for_[i]);
      }
      pieces(op_.sources(wanted), take);
      for (std::size_t i = 0; i < active.size(); ++i) {
        if (active[i]) active[i] = statistics_[i]->wants_again();
      }
    }
    for (std::size_t i = 0; i < results_.size(); ++i)
      results_[i].push_back(statistics_[i]->result());
  }

  std::size_t source(std::size_t i) const { return op_.bands_[made_for_[i]].source; }

  const ReduceSpace& op_;
  const Request* request_ = nullptr;   // the one that runs
  std::vector<std::size_t> made_for_;  // bands of the result that statistics_ are of
  std::vector<std::unique_ptr<SpaceStatistic>> statistics_;
  std::vector<std::vector<double>> results_;  // of each statistic, one a slice at hand
};

std::unique_ptr<Kernel> ReduceSpace::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace

namespace ops {

OperatorType reduce_space() {
  return operator_type<ReduceSpace>({
      .id = "reduce_space",
      .summary =
          "Reduce each slice to one cell: a series of means, medians, ... of the whole area.",
      .help =
          "The result has one cell that covers the cube's extent. Missing values are skipped; of "
          "nothing, count is 0 and everything else missing. A slice is read piece by piece and "
          "never held, whatever its size, and the result does not depend on chunks or threads: "
          "sums are taken in twice the usual precision. Medians and quantiles (type 7) are exact: "
          "slices of more than a million cells are read once for types of 8 and 16 bits, twice for "
          "those of 32 and four times for float64; mad up to six times (float64: eight). mode "
          "takes one pass, with "
          "more than 16 bits one for each 800,000 different values. min, max, first, last and mode "
          "keep the band's dtype; first and last go row by row from the top left. which_min and "
          "which_max give the number of the cell, row * columns + column from 0 at the top left; "
          "the first of equal extremes counts. Give all reducers in one node, so that the cube is "
          "read once for all.",
      .example =
          R"({"cube_type": "reduce_space", "reducer_bands": [["median", "band1"], ["p90", "band1"]],
  "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-06", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to reduce."}},
  });
}

}  // namespace ops

}  // namespace cube
