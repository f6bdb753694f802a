#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/registry.h"
#include "engine/window_params.h"

namespace cube {

namespace {

class WindowSpace final : public Operator {
 public:
  using Params = WindowParams;

  WindowSpace(const Params& params, std::span<const CubeInfo> in)
      : WindowSpace(in[0], padding_of(params), windows_of(params, in[0])) {
    if (reach_.cells() == 1 && params.kernel.empty() && !params.preset) {
      note("", "windows are of one cell: no cells are put together");
    }
    const bool hollow = params.preset && !params.skip_missing &&
                        padding_.mode == Padding::Mode::kConstant && std::isnan(padding_.fill);
    const auto note_large = [&](std::int64_t reach, std::int64_t cells, const std::string& what) {
      if (2 * reach + 1 <= cells) return;
      note("", "windows of " + std::to_string(2 * reach + 1) + " " + what +
                   " are larger than the cube, of " + std::to_string(cells) +
                   (hollow ? ", so all cells are missing" : ""));
    };
    note_large(reach_.y, in[0].grid.height, "rows");
    note_large(reach_.x, in[0].grid.width, "columns");
  }

  Request demand(const Request& out, std::size_t) const override {
    if (out.region.empty()) return {};
    const Range rows = padding_.needed(around(out.region.y, reach_.y), info().grid.height);
    const Range columns = padding_.needed(around(out.region.x, reach_.x), info().grid.width);
    Request in{{out.region.t, rows, columns}, {}};
    for (const std::size_t band : out.bands) in.bands.push_back(bands_[band].source);
    std::sort(in.bands.begin(), in.bands.end());
    in.bands.erase(std::unique(in.bands.begin(), in.bands.end()), in.bands.end());
    return in;
  }

  Cost cost(const Request& request) const override {
    const Range columns = around(request.region.x, reach_.x);
    Cost cost;
    cost.scratch_bytes =
        PaddedSlice::bytes(around(request.region.y, reach_.y), columns) +
        (columns.size() + info().grid.width) * static_cast<std::int64_t>(sizeof(double));
    for (const std::size_t band : request.bands) {
      cost.scratch_bytes +=
          bands_[band].scratch_bytes + bands_[band].column_bytes * request.region.x.size();
    }
    return cost;
  }

  bool passes_emptiness() const override { return passes_emptiness_; }

  std::unique_ptr<Kernel> kernel() const override;
  Stage stage() const override { return Stage::kReduce; }

 private:
  class Work;

  WindowSpace(const CubeInfo& in, const Padding& padding, SpaceWindows windows)
      : Operator({in.grid, in.time, infos_of(windows.bands)}),
        padding_(padding),
        reach_(windows.reach),
        bands_(std::move(windows.bands)),
        passes_emptiness_(std::isnan(padding.fill)) {
    for (const WindowBand& band : bands_) {
      if (band.window && !band.info.nodata) passes_emptiness_ = false;  // a count
    }
  }

  static Range around(const Range& cells, std::int64_t reach) {
    return {cells.begin - reach, cells.end + reach};
  }

  static std::vector<BandInfo> infos_of(const std::vector<WindowBand>& bands) {
    std::vector<BandInfo> out;
    for (const WindowBand& band : bands) out.push_back(band.info);
    check_unique_bands(out, "/names");
    return out;
  }

  Padding padding_;
  SpaceReach reach_;
  std::vector<WindowBand> bands_;
  bool passes_emptiness_;
};

class WindowSpace::Work final : public Kernel {
 public:
  explicit Work(const WindowSpace& op) : op_(op), windows_(op.bands_.size()) {
    for (std::size_t i = 0; i < windows_.size(); ++i) {
      if (op.bands_[i].window) windows_[i] = op.bands_[i].window();
    }
  }

  Chunk run(const Request& request, Inputs& inputs) override {
    const Request wanted = op_.demand(request, 0);
    const Chunk in = inputs.pull(0, wanted);
    Chunk out{request.region, {}};
    for (const std::size_t band : request.bands) {
      const auto source =
          std::lower_bound(wanted.bands.begin(), wanted.bands.end(), op_.bands_[band].source);
      const BlockPtr& block = in.bands[static_cast<std::size_t>(source - wanted.bands.begin())];
      out.bands.push_back(make(band, block, request.region));
    }
    return out;
  }

 private:
  BlockPtr make(std::size_t band, const BlockPtr& block, const Region& region) {
    if (!windows_[band]) return crop(block, region);
    if (!block && op_.passes_emptiness()) return nullptr;
    Block out = Block::unfilled(region, op_.bands_[band].info.storage());
    const Grid& grid = op_.info().grid;
    row_.resize(static_cast<std::size_t>(region.x.size()));
    for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
      slice_.fill(block.get(), t, around(region.y, op_.reach_.y), around(region.x, op_.reach_.x),
                  op_.padding_, grid.height, grid.width);
      windows_[band]->begin();
      for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
        windows_[band]->run(slice_, y, region.x.begin, row_);
        out.set_row(t, y, row_);
      }
    }
    return share(std::move(out));
  }

  const WindowSpace& op_;
  std::vector<std::unique_ptr<SpaceWindow>> windows_;  // of each band
  PaddedSlice slice_;
  std::vector<double> row_;
};

std::unique_ptr<Kernel> WindowSpace::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace

namespace ops {

OperatorType window_space() {
  return operator_type<WindowSpace>({
      .id = "window_space",
      .summary = "Filter with a window of cells that moves over each slice.",
      .help =
          "One of reducer_bands, kernel and preset says how. Reducers skip missing values (of "
          "nothing, count is 0 and everything else missing); which_min and which_max give the "
          "number of the cell in its window, row by row from the top left, from 0. With a kernel "
          "or a preset a cell is missing where any value of its window is, values of weight 0 left "
          "aside. Beyond the cube's edges cells are missing unless pad says otherwise; wrap reads "
          "from the far side, so that chunks at an edge need whole rows or columns. Presets keep "
          "to gdaldem: Horn's slope in degrees, aspect in degrees clockwise from north (missing "
          "where flat), hillshade from 1 to 255. They take values as they are stored, so that a "
          "band with a scale needs it as z_factor; aspect takes cells as they are, gdaldem as "
          "square.",
      .example = R"({"cube_type": "window_space", "preset": "gaussian", "sigma": 1.5,
  "skip_missing": true, "pad": "reflect",
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 80, "bottom": 0, "top": 70, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube that the window moves over."}},
  });
}

}  // namespace ops

}  // namespace cube
