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

// Where slices are made of whole series, pieces are of many slices, and have that many cells of all
// of them, as few as kLeastCells of each.
constexpr std::int64_t kSeriesCells = std::int64_t{1} << 20;
constexpr std::int64_t kLeastCells = std::int64_t{1} << 12;
// What statistics of several slices, which are made together, may take.
constexpr std::int64_t kStatisticsBytes = std::int64_t{32} << 20;

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

  std::optional<PullPlan> pulls_series(const Request& out, std::size_t) const override {
    const Piece piece = series_piece();
    const std::int64_t slices = std::min(series_slices(out.bands), out.region.t.size());
    return PullPlan{slices, 0, piece.rows, piece.columns,
                    slices * statistics_bytes(out.bands, series_cells()) -
                        statistics_bytes(out.bands, cells())};
  }

  Cost cost(const Request& request) const override {
    Cost cost;
    cost.scratch_bytes = statistics_bytes(request.bands, cells());
    return cost;
  }

  bool passes_emptiness() const override {
    return std::none_of(bands_.begin(), bands_.end(),
                        [](const ReducedBand& band) { return band.reducer.counts(); });
  }

  std::unique_ptr<Kernel> kernel() const override;
  Stage stage() const override { return Stage::kReduce; }

 private:
  class Work;

  ReduceSpace(const CubeInfo& in, std::vector<ReducedBand> bands)
      : Operator({in.grid.coarsened(in.grid.height, in.grid.width), in.time, infos(bands)}),
        in_(in),
        bands_(std::move(bands)) {}

  static std::vector<ReducedBand> reduced(const Params& params, const CubeInfo& in) {
    const std::int64_t cells = in.grid.height * in.grid.width;
    if (cells == 0) throw Error(ErrorCode::kInvalid, "the cube has no cells to reduce", "/in_cube");
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

  std::int64_t statistics_bytes(const std::vector<std::size_t>& bands, std::int64_t cells) const {
    std::int64_t bytes = 0;
    for (const std::size_t band : bands) {
      bytes += space_statistic_bytes(bands_[band].reducer, in_.bands[bands_[band].source].storage(),
                                     cells);
    }
    return bytes;
  }

  struct Piece {
    std::int64_t rows, columns;
  };

  // Depends on nothing but the cube, as the order of cells does.
  Piece series_piece() const {
    const std::int64_t most = kSeriesCells / std::max<std::int64_t>(1, in_.time.size());
    Piece piece{kPieceRows, kPieceColumns};
    while (piece.rows * piece.columns > std::max(most, kLeastCells)) {
      (piece.columns > piece.rows ? piece.columns : piece.rows) /= 2;
    }
    return piece;
  }

  // As many as are said to a statistic, so that it does not hold the values of large slices.
  std::int64_t series_cells() const {
    constexpr std::int64_t kHeld = std::int64_t{1} << 15;
    return cells() <= kHeld ? cells() : std::max(cells(), SpaceStatistic::kHeldCells + 1);
  }

  // Slices that are reduced together.
  std::int64_t series_slices(const std::vector<std::size_t>& bands) const {
    const std::int64_t bytes = statistics_bytes(bands, series_cells());
    return std::max<std::int64_t>(1, kStatisticsBytes / std::max<std::int64_t>(1, bytes));
  }

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
    series_ = inputs.takes_series(0);
    Chunk out{request.region, {}};
    std::vector<Block> blocks;
    for (const std::size_t band : request.bands) {
      blocks.emplace_back(request.region, op_.info().bands[band].storage());
    }
    const std::int64_t slices = series_ ? op_.series_slices(request.bands) : op_.slices_at_a_time();
    const Range& all = request.region.t;
    for (std::int64_t t = all.begin; t < all.end; t += slices) {
      reduce({t, std::min(t + slices, all.end)}, inputs);
      for (std::int64_t s = t; s < std::min(t + slices, all.end); ++s) {
        for (std::size_t i = 0; i < blocks.size(); ++i) {
          const double value = results_[static_cast<std::size_t>(s - t)][i];
          blocks[i].set_row(s, 0, {&value, 1});
        }
      }
    }
    for (Block& block : blocks) out.bands.push_back(share(std::move(block)));
    return out;
  }

 private:
  // The statistics of one slice, one a band of the request.
  struct Slice {
    std::vector<std::unique_ptr<SpaceStatistic>> statistics;
    std::vector<bool> active;  // wants to see cells (again)
  };

  // For `count` slices, as the request wants them.
  void make_statistics(std::size_t count) {
    if (made_for_ != request_->bands) slices_.clear();
    made_for_ = request_->bands;
    const CubeInfo& in = op_.in_;
    while (slices_.size() < count) {
      Slice& slice = slices_.emplace_back();
      for (const std::size_t band : made_for_) {
        const ReducedBand& reduced = op_.bands_[band];
        slice.statistics.push_back(
            make_space_statistic(reduced.reducer, in.bands[reduced.source].storage(),
                                 series_ ? op_.series_cells() : op_.cells(), in.grid.width));
      }
    }
  }

  // Fills results_ for some slices: many of a series, or one, or several that are a piece each.
  void reduce(const Range& slices, Inputs& inputs) {
    results_.clear();
    if (series_ || slices.size() == 1) {
      reduce_slices(slices, [&](const std::vector<std::size_t>& bands, const auto& take) {
        const std::vector<Request> pieces =
            series_ ? series_pieces(slices, bands)
                    : pieces_of({slices, {0, op_.in_.grid.height}, {0, op_.in_.grid.width}},
                                kPieceRows, kPieceColumns, bands);
        inputs.pull_pieces(0, pieces, [&](const Chunk& chunk) { take(bands, chunk); });
      });
      return;
    }
    Request all = op_.demand(*request_, 0);
    all.region.t = slices;
    inputs.pull_pieces(0, {&all, 1}, [&](const Chunk& chunk) {
      for (std::int64_t t = slices.begin; t < slices.end; ++t) {
        reduce_slices({t, t + 1}, [&](const std::vector<std::size_t>&, const auto& take) {
          take(all.bands, chunk);
        });
      }
    });
  }

  // A region cut from its first cell on, row of pieces by row of pieces.
  static std::vector<Request> pieces_of(const Region& region, std::int64_t rows,
                                        std::int64_t columns,
                                        const std::vector<std::size_t>& bands) {
    std::vector<Request> pieces;
    for (std::int64_t y = region.y.begin; y < region.y.end; y += rows) {
      for (std::int64_t x = region.x.begin; x < region.x.end; x += columns) {
        const Region piece = {region.t, {y, y + rows}, {x, x + columns}};
        pieces.push_back({intersect(region, piece), bands});
      }
    }
    return pieces;
  }

  // Those that lie in the same blocks of files follow each other.
  std::vector<Request> series_pieces(const Range& slices,
                                     const std::vector<std::size_t>& bands) const {
    const Piece small = op_.series_piece();
    const Region all = {slices, {0, op_.in_.grid.height}, {0, op_.in_.grid.width}};
    std::vector<Request> pieces;
    for (const Request& large : pieces_of(all, kPieceRows, kPieceColumns, bands)) {
      const auto parts = pieces_of(large.region, small.rows, small.columns, bands);
      pieces.insert(pieces.end(), parts.begin(), parts.end());
    }
    return pieces;
  }

  // Adds results of some slices; pieces(bands, take) calls take(bands, chunk) for each of their
  // pieces.
  template <class F>
  void reduce_slices(const Range& slices, const F& pieces) {
    const auto count = static_cast<std::size_t>(slices.size());
    make_statistics(count);
    const std::span<Slice> all = std::span(slices_).first(count);
    for (Slice& slice : all) {
      for (auto& statistic : slice.statistics) statistic->begin();
      slice.active.assign(slice.statistics.size(), true);
    }
    for (auto bands = wanted(all); !bands.empty(); bands = wanted(all)) {
      pieces(bands, [&](const std::vector<std::size_t>& there, const Chunk& chunk) {
        for (std::size_t s = 0; s < count; ++s) {
          add(there, chunk, slices.begin + static_cast<std::int64_t>(s), all[s]);
        }
      });
      for (Slice& slice : all) {
        for (std::size_t i = 0; i < slice.active.size(); ++i) {
          if (slice.active[i]) slice.active[i] = slice.statistics[i]->wants_again();
        }
      }
    }
    for (const Slice& slice : all) {
      std::vector<double>& results = results_.emplace_back();
      for (const auto& statistic : slice.statistics) results.push_back(statistic->result());
    }
  }

  // The bands of the input that some statistic wants to see.
  std::vector<std::size_t> wanted(std::span<const Slice> slices) const {
    std::vector<std::size_t> bands;
    for (std::size_t i = 0; i < made_for_.size(); ++i) {
      const bool any = std::any_of(slices.begin(), slices.end(),
                                   [&](const Slice& slice) { return slice.active[i]; });
      if (any) bands.push_back(made_for_[i]);
    }
    return op_.sources(bands);
  }

  // A piece of slice t, whose blocks are of these bands of the input.
  void add(const std::vector<std::size_t>& bands, const Chunk& chunk, std::int64_t t,
           Slice& slice) const {
    for (std::size_t i = 0; i < made_for_.size(); ++i) {
      if (!slice.active[i]) continue;
      const std::size_t source = op_.bands_[made_for_[i]].source;
      const auto band = std::lower_bound(bands.begin(), bands.end(), source);
      const BlockPtr& block = chunk.bands[static_cast<std::size_t>(band - bands.begin())];
      if (block) slice.statistics[i]->add(*block, t);
    }
  }

  const ReduceSpace& op_;
  const Request* request_ = nullptr;   // the one that runs
  bool series_ = false;                // its slices are made of whole series
  std::vector<std::size_t> made_for_;  // bands of the result that statistics are of
  std::vector<Slice> slices_;
  std::vector<std::vector<double>> results_;  // of each slice at hand, one a band
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
          "takes one pass, with more than 16 bits and more than 800,000 different values two or "
          "three, "
          "and some more where millions come equally often. min, max, first, last and mode "
          "keep the band's dtype; first and last go row by row from the top left. which_min and "
          "which_max give the number of the cell, row * columns + column from 0 at the top left; "
          "the first of equal extremes counts. Give all reducers in one node, so that the cube is "
          "read once for all. Of a cube that takes whole series for each slice (smooth_time, "
          "anomaly, ...) few cells of all slices are taken at a time, so that each series is made "
          "once a pass.",
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
