#include <algorithm>
#include <cmath>

#include "engine/formula_rows.h"
#include "engine/missing.h"
#include "engine/registry.h"

namespace cube {

namespace {

class FilterPixel final : public Operator {
 public:
  struct Params {
    std::string predicate;

    void fields(FieldVisitor& v) {
      v.field({.name = "predicate",
               .help = "Formula over the bands: cells where it is not 0 are kept.",
               .required = true},
              predicate);
    }
  };

  FilterPixel(const Params& params, std::span<const CubeInfo> in)
      : Operator(with_missing_cells(in[0])),
        predicate_(params.predicate, in[0], "/predicate"),
        input_(in[0]) {
    double value = 0;
    const std::string constant = predicate_.constant_text(input_.bands, value);
    if (constant.empty()) return;
    const bool keeps = !std::isnan(value) && value != 0;
    const char* kept = predicate_.bands().empty() ? "all are kept" : "all that have one are kept";
    note("/predicate", constant + (keeps ? kept : "all become missing"));
  }

  Request demand(const Request& out, std::size_t) const override {
    return {out.region, united(out.bands, predicate_.bands())};
  }

  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Work>(*this); }
  Stage stage() const override { return Stage::kFormula; }

  Cost cost(const Request& request) const override {
    Cost cost;
    cost.scratch_bytes = request.region.cells();  // which cells are kept
    return cost;
  }

 private:
  class Work final : public Kernel {
   public:
    explicit Work(const FilterPixel& op) : op_(op), rows_(op.predicate_, op.input_) {}

    // The predicate first: where nothing is kept, the other bands are never read.
    Chunk run(const Request& request, Inputs& inputs) override {
      const std::vector<std::size_t>& tested = op_.predicate_.bands();
      Chunk test{request.region, {}};
      if (!tested.empty()) test = inputs.pull(0, {request.region, tested});
      Chunk out{request.region, std::vector<BlockPtr>(request.bands.size())};
      find_kept(test);
      if (kept_count_ == 0) return out;
      const Chunk others = pull_others(request, inputs);
      std::size_t other = 0;
      for (std::size_t i = 0; i < request.bands.size(); ++i) {
        const auto place = std::lower_bound(tested.begin(), tested.end(), request.bands[i]);
        const bool has = place != tested.end() && *place == request.bands[i];
        const BlockPtr& block = has ? test.bands[static_cast<std::size_t>(place - tested.begin())]
                                    : others.bands[other++];
        out.bands[i] = filtered(block, op_.info().bands[request.bands[i]].storage());
      }
      return out;
    }

   private:
    // The requested bands that the predicate has not pulled.
    Chunk pull_others(const Request& request, Inputs& inputs) const {
      const std::vector<std::size_t>& tested = op_.predicate_.bands();
      Request rest{request.region, {}};
      for (const std::size_t band : request.bands) {
        if (!std::binary_search(tested.begin(), tested.end(), band)) rest.bands.push_back(band);
      }
      return rest.bands.empty() ? Chunk{} : inputs.pull(0, rest);
    }

    void find_kept(const Chunk& test) {
      const Region& region = test.region;
      kept_count_ = 0;
      if (rows_.surely_missing(test, op_.predicate_.bands())) return;
      kept_.clear();
      row_.resize(static_cast<std::size_t>(region.x.size()));
      for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
        for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
          rows_.run(test, op_.predicate_.bands(), region, t, y, row_);
          for (const double value : row_) {
            kept_.push_back(static_cast<char>(!std::isnan(value) && value != 0));
          }
        }
      }
      kept_count_ = static_cast<std::size_t>(std::count(kept_.begin(), kept_.end(), char{1}));
    }

    BlockPtr filtered(const BlockPtr& block, const Storage& storage) {
      if (!block) return nullptr;
      if (kept_count_ == kept_.size() && block->dtype() == storage.dtype) return block;
      const Region& region = block->region();
      Block out(region, storage);
      const char* kept = kept_.data();
      for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
        for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
          const auto cells = block->row(t, y, scratch_);
          for (std::size_t x = 0; x < cells.size(); ++x) row_[x] = kept[x] ? cells[x] : kMissing;
          out.set_row(t, y, row_);
          kept += cells.size();
        }
      }
      return share(std::move(out));
    }

    const FilterPixel& op_;
    FormulaRows rows_;
    std::vector<char> kept_;  // 1 where a cell is kept, in the order of the cells
    std::size_t kept_count_ = 0;
    std::vector<double> row_;
    std::vector<double> scratch_;
  };

  static CubeInfo with_missing_cells(CubeInfo cube) {
    for (BandInfo& band : cube.bands) {
      band = with_gaps(std::move(band), "filtered cells are missing");
    }
    return cube;
  }

  Formula predicate_;
  CubeInfo input_;
};

}  // namespace

namespace ops {

OperatorType filter_pixel() {
  return operator_type<FilterPixel>({
      .id = "filter_pixel",
      .summary = "Make cells missing in all bands where a formula is 0 or missing.",
      .help = formula_summary() + " The bands of the predicate are read first, the "
                                  "others only where something is kept.",
      .example = R"({"cube_type": "filter_pixel", "predicate": "band1 > 0 && ix > 1",
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to filter."}},
      .aliases = {"filter_predicate"},
  });
}

}  // namespace ops

}  // namespace cube
