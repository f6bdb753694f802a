#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/formula_rows.h"
#include "engine/registry.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::size_t kData = 0;
constexpr std::size_t kMask = 1;

class Mask final : public Operator {
 public:
  struct Params {
    std::optional<std::string> predicate;
    std::optional<double> replacement;
    bool invert = false;

    void fields(FieldVisitor& v) {
      v.field({.name = "predicate",
               .help = "Formula over the bands of the mask: where it is not 0, or missing, cells "
                       "are replaced. Default, for a mask of one band: that band."},
              predicate);
      v.field({.name = "replacement",
               .help = "What stands in replaced cells; default: they are missing."},
              replacement);
      v.field({.name = "invert", .help = "Replace where the predicate is 0 or missing instead."},
              invert);
    }
  };

  Mask(const Params& params, std::span<const CubeInfo> in)
      : Operator(masked(params, in)),
        predicate_(predicate_of(params, in[kMask])),
        mask_(in[kMask]),
        replacement_(number(params)),
        invert_(params.invert) {
    double value = 0;
    std::string constant = predicate_.constant_text(mask_.bands, value);
    if (constant.empty()) return;
    const bool no_band = predicate_.bands().empty();
    if (no_band) constant = "names no band of the mask and is the same for all cells: ";
    const bool hides = std::isnan(value) || (value != 0) != invert_;
    const char* few = no_band ? "none is replaced" : "none is replaced but where it is missing";
    note("/predicate", constant + (hides ? "all are replaced" : few));
  }

  Request demand(const Request& out, std::size_t input) const override {
    if (input == kData) return out;
    if (predicate_.bands().empty() || out.bands.empty()) return {};
    return {mask_region(out.region), predicate_.bands()};
  }

  std::unique_ptr<Kernel> kernel() const override;
  Stage stage() const override { return Stage::kFormula; }

  Cost cost(const Request& request) const override {
    Cost cost;
    cost.scratch_bytes = mask_region(request.region).cells();  // which cells are replaced
    return cost;
  }

  bool passes_emptiness() const override { return !replacement_; }

 private:
  class Work;

  // A mask of one slice serves all slices.
  Region mask_region(const Region& region) const {
    return {mask_.time.size() == 1 ? Range{0, 1} : region.t, region.y, region.x};
  }

  static std::optional<double> number(const Params& params) {
    if (!params.replacement || std::isnan(*params.replacement)) return std::nullopt;
    return params.replacement;
  }

  static Formula predicate_of(const Params& params, const CubeInfo& mask) {
    if (params.predicate) return {*params.predicate, mask, "/predicate"};
    if (mask.bands.size() == 1) {
      const std::vector<std::string> only = {"mask"};
      return {"mask", only, "/predicate"};
    }
    throw Error(ErrorCode::kInvalid,
                "the mask has " + counted(mask.bands.size(), "band") + " and no predicate", "",
                "a formula over " + join(mask.band_names()));
  }

  static CubeInfo masked(const Params& params, std::span<const CubeInfo> in) {
    check_axes(in[kData], in[kMask]);
    CubeInfo out = in[kData];
    for (BandInfo& band : out.bands) {
      if (const auto value = number(params)) {
        check_holds(band, *value, "/replacement");
      } else {
        band = with_gaps(std::move(band), "masked cells are missing");
      }
    }
    return out;
  }

  static void check_axes(const CubeInfo& data, const CubeInfo& mask) {
    if (mask.time.size() != 1) return check_same_axes(data, mask, "/mask");
    const std::string difference = grid_difference(data.grid, mask.grid);
    if (difference.empty()) return;
    throw Error(ErrorCode::kInvalid, "the cubes differ in " + difference, "/mask",
                "resample lays one onto the other");
  }

  Formula predicate_;
  CubeInfo mask_;
  std::optional<double> replacement_;
  bool invert_;
};

// The mask first: where it hides everything, the data are never pulled; where it hides nothing,
// they are passed on as they are.
class Mask::Work final : public Kernel {
 public:
  explicit Work(const Mask& op) : op_(op), rows_(op.predicate_, op.mask_) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    find_hidden(op_.mask_region(request.region), inputs);
    Chunk out{request.region, std::vector<BlockPtr>(request.bands.size())};
    const bool all = hidden_count_ == hidden_cells_;
    Chunk in = all ? out : inputs.pull(kData, request);
    for (std::size_t i = 0; i < out.bands.size(); ++i) {
      const Storage storage = op_.info().bands[request.bands[i]].storage();
      out.bands[i] = all ? constant(request.region, storage)
                         : hidden_in(std::move(in.bands[i]), request.region, storage);
    }
    return out;
  }

 private:
  // Fills hidden_ with the cells of a region of the mask, unless all of them are hidden.
  void find_hidden(const Region& region, Inputs& inputs) {
    const std::vector<std::size_t>& tested = op_.predicate_.bands();
    Chunk test{region, {}};
    if (!tested.empty()) test = inputs.pull(kMask, {region, tested});
    hidden_cells_ = static_cast<std::size_t>(region.cells());
    if (rows_.surely_missing(test, tested)) {
      hidden_count_ = hidden_cells_;
      return;
    }
    hidden_.resize(hidden_cells_);
    row_.resize(static_cast<std::size_t>(region.x.size()));
    hidden_count_ = 0;
    std::uint8_t* out = hidden_.data();
    for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
      for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
        rows_.run(test, tested, region, t, y, row_);
        hidden_count_ += mark(out);
        out += row_.size();
      }
    }
  }

  // Row row_ of the predicate as 1 = hidden; how many there are.
  std::size_t mark(std::uint8_t* out) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < row_.size(); ++i) {
      const bool none = std::isnan(row_[i]);
      out[i] = none | ((row_[i] != 0) != op_.invert_);
      count += out[i];
    }
    return count;
  }

  BlockPtr constant(const Region& region, const Storage& storage) const {
    if (!op_.replacement_) return nullptr;
    Block block = Block::unfilled(region, storage);
    dispatch(storage.dtype, [&]<class T>(std::type_identity<T>) {
      std::ranges::fill(block.cells<T>(), static_cast<T>(*op_.replacement_));
    });
    return share(std::move(block));
  }

  BlockPtr hidden_in(BlockPtr block, const Region& region, const Storage& storage) const {
    if (!block && !op_.replacement_) return nullptr;
    const bool same = block && block->dtype() == storage.dtype;
    if (hidden_count_ == 0 && (same || !block)) return block;
    Block out = same ? Block::unfilled(region, storage) : Block(region, storage);
    if (block && !same) out.copy_moved(*block, 0, 0, 0);
    dispatch(storage.dtype, [&]<class T>(std::type_identity<T>) {
      const T value = static_cast<T>(op_.replacement_.value_or(storage.nodata.value_or(0)));
      const std::span<T> cells = out.cells<T>();
      const std::span<const T> from = same ? block->cells<T>() : std::span<const T>(cells);
      // A mask of one slice is taken again for each.
      for (std::size_t first = 0; first < cells.size(); first += hidden_.size()) {
        for (std::size_t i = 0; i < hidden_.size(); ++i) {
          cells[first + i] = hidden_[i] ? value : from[first + i];
        }
      }
    });
    return share(std::move(out));
  }

  const Mask& op_;
  FormulaRows rows_;
  std::vector<std::uint8_t> hidden_;  // 1 = replaced, in the order of the mask's cells
  std::size_t hidden_cells_ = 0;
  std::size_t hidden_count_ = 0;
  std::vector<double> row_;
};

std::unique_ptr<Kernel> Mask::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace

namespace ops {

OperatorType mask() {
  return operator_type<Mask>({
      .id = "mask",
      .summary = "Replace cells where another cube says so.",
      .help =
          std::string(
              "The mask lies on the cube's grid and has the same slices, or one that serves for "
              "all. It is read first: where it hides all cells of a chunk, the cube is not read. "
              "Bands keep their type and nodata value; without a replacement, an integer band "
              "that has no nodata value is widened to one that has. Where a cell of the mask is "
              "missing, the predicate is as a rule missing, and the cell is replaced. All bands "
              "are masked.\n") +
          formula_summary(),
      .example = R"({"cube_type": "mask", "predicate": "band1 == 3 || ix == 1",
  "mask": {"cube_type": "dummy", "nbands": 1, "fill": 2,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-01", "dt": "P1M"}}},
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose cells are replaced."},
                 {.name = "mask", .help = "The cube that says where."}},
  });
}

}  // namespace ops

}  // namespace cube
