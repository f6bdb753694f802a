// resample: a cube onto another grid.
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/beside.h"
#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/resampler.h"
#include "engine/registry.h"
#include "engine/source_bounds.h"
#include "engine/text.h"
#include "engine/turning_grid.h"
#include "engine/view.h"

namespace cube {

namespace {

// Source cells sampled at a time where cells are placed one by one.
constexpr std::int64_t kMostSourceCells = std::int64_t{1} << 20;

class Resample final : public Operator {
 public:
  struct Params {
    std::optional<SpaceOnly> view;
    std::optional<std::string> like;
    std::string method = "near";
    std::optional<double> fill;
    std::optional<std::string> dtype;

    void fields(FieldVisitor& v) {
      v.field({.name = "view", .help = "The grid to resample to, as in image_collection."}, view);
      v.field({.name = "like",
               .help = "Or the grid of this raster file, or of this cube.",
               .path = true},
              like);
      v.field(
          {.name = "method",
           .help = "near, bilinear, cubic, cubicspline, lanczos, or, of all cells under a cell: "
                   "average, rms, sum, mode, min, max, med, q1, q3."},
          method);
      v.field({.name = "fill",
               .help = "What stands in cells whose centre lies outside of the cube; default: they "
                       "are missing."},
              fill);
      v.field({.name = "dtype",
               .help = "Type of the result; default: each band keeps its own.",
               .choices = {dtype_names().begin(), dtype_names().end()}},
              dtype);
    }
  };

  Resample(const Params& params, std::span<const CubeInfo> in)
      : Resample(params, in[0], grid_of(params, in), parse_resampling(params.method, "/method")) {}

  Request demand(const Request& out, std::size_t input) const override {
    if (input > 0 || out.region.empty()) return {};
    if (as_it_is_) return out;
    Request wanted = needed(out);
    wanted.region.x = source_.stored(wanted.region.x);
    return wanted;
  }

  std::unique_ptr<Kernel> kernel() const override;
  Stage stage() const override { return Stage::kWarp; }

  Cost cost(const Request& request) const override {
    Cost cost;
    if (as_it_is_) return cost;
    const Region& region = request.region;
    // Where rows and columns lie and the weights of what they take, and some filtered rows.
    static constexpr std::int64_t kBytesPerLine = 512;
    cost.scratch_bytes =
        separable_ ? (region.y.size() + region.x.size()) * kBytesPerLine * reach_ : kReaderBytes;
    // Slices before they are put together, and what is laid out beyond the seam.
    const std::int64_t slices = region.t.size() > 1 ? region.cells() : 0;
    const std::int64_t turned = source_.turns() ? needed(request).region.cells() : 0;
    for (const std::size_t band : request.bands) {
      cost.scratch_bytes += slices * static_cast<std::int64_t>(size_of(info().bands[band].dtype));
      cost.scratch_bytes += turned * static_cast<std::int64_t>(size_of(input_types_[band]));
    }
    return cost;
  }

  bool passes_emptiness() const override { return !fill_; }

 private:
  class Work;

  Resample(const Params& params, const CubeInfo& in, const Grid& grid, Resampling method)
      : Resample(params, in, grid, method, TurningGrid(in.grid, grid)) {}

  Resample(const Params& params, const CubeInfo& in, const Grid& grid, Resampling method,
           const TurningGrid& source)
      : Resample(params, in, grid, method, source, checked(source.grid(), grid, method)) {}

  Resample(const Params& params, const CubeInfo& in, const Grid& grid, Resampling method,
           const TurningGrid& source, const Resampler& resampler)
      : Operator(resampled(params, in, source.grid(), grid)),
        source_(source),
        method_(method),
        fill_(fill_of(params)),
        separable_(resampler.separable()),
        reach_(resampler.reach()),
        as_it_is_(!params.dtype && method != Resampling::kCubicSpline &&
                  grid_difference(in.grid, grid).empty()),
        bounds_(source.grid(), grid, reach_) {
    for (const BandInfo& band : in.bands) input_types_.push_back(band.dtype);
    const SourceBounds::Cells cells = bounds_.of({0, grid.height}, {0, grid.width});
    const std::string where = params.view ? "/view/space" : "/like";
    if (as_it_is_) {
      note(where, "is the cube's own grid: nothing is resampled");
    } else if (cells.rows.empty() || cells.columns.empty()) {
      note(where, "no cell lies in the cube, so all are " +
                      std::string(fill_ ? "filled" : "missing") + ": " +
                      places_text("the grid", grid.extent(), grid.crs, in.grid));
    }
  }

  // What a request needs of the source as it is laid out.
  Request needed(const Request& out) const {
    const SourceBounds::Cells cells = bounds_.of(out.region.y, out.region.x);
    if (cells.rows.empty() || cells.columns.empty()) return {};
    return {{out.region.t, cells.rows, cells.columns}, out.bands};
  }

  static Resampler checked(const Grid& source, const Grid& target, Resampling method) {
    try {
      return {source, target, method};
    } catch (const Error& error) {
      throw Error(ErrorCode::kInvalid, error.where() + ": " + error.message(), "");
    }
  }

  static Grid grid_of(const Params& params, std::span<const CubeInfo> in) {
    const bool like = params.like || in.size() > 1;
    if (params.view && like) {
      throw Error(ErrorCode::kInvalid, "'view' and 'like' are both given", "/like",
                  "leave one of them out");
    }
    if (in.size() > 1) return in[1].grid;
    if (params.like) return make_grid(SpaceView{.like = params.like}, "");
    if (params.view) return make_grid(params.view->space, "/view/space");
    throw Error(ErrorCode::kInvalid, "what to resample to is not given", "", "view, or like");
  }

  static std::optional<double> fill_of(const Params& params) {
    if (!params.fill || std::isnan(*params.fill)) return std::nullopt;
    return params.fill;
  }

  static CubeInfo resampled(const Params& params, const CubeInfo& in, const Grid& source,
                            const Grid& grid) {
    CubeInfo out{grid, in.time, {}};
    const bool covered = same_crs(source.crs, grid.crs) && covers(source, grid);
    for (const BandInfo& band : in.bands) {
      BandInfo made = result_band(params, band, covered || fill_of(params));
      const bool kept = picks(parse_resampling(params.method, "/method"));
      made.classes = kept ? held_by(std::move(made.classes), made.dtype) : BandClasses();
      out.bands.push_back(std::move(made));
      if (const auto fill = fill_of(params)) check_holds(out.bands.back(), *fill, "/fill");
    }
    return out;
  }

  // `covered`: no cell of the result is missing for want of source cells.
  static BandInfo result_band(const Params& params, BandInfo band, bool covered) {
    const bool has_gaps = band.nodata || !covered;
    if (!params.dtype) {
      return has_gaps ? with_gaps(std::move(band), "the grid goes beyond the cube") : band;
    }
    band.dtype = parse_dtype(*params.dtype).value();
    if (is_float(band.dtype)) return with_gaps(std::move(band), "");
    if (band.nodata && !can_hold(band.dtype, *band.nodata)) band.nodata.reset();
    if (!has_gaps || band.nodata) return band;
    throw Error(ErrorCode::kInvalid,
                "cells of band '" + band.name + "' can be missing, for which " + *params.dtype +
                    " has no value",
                "/dtype", covered ? "float32, or leave it out" : "give a fill, or another dtype");
  }

  TurningGrid source_;
  std::vector<DType> input_types_;  // of the bands
  Resampling method_;
  std::optional<double> fill_;
  bool separable_;
  std::int64_t reach_;
  bool as_it_is_;  // onto its own grid
  SourceBounds bounds_;
};

// Cells are placed once for all bands and slices: all at once where rows and columns are placed
// each for itself, else in pieces.
class Resample::Work final : public Kernel {
 public:
  explicit Work(const Resample& op)
      : op_(op), resampler_(op.source_.grid(), op.info().grid, op.method_) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    if (op_.as_it_is_) return inputs.pull(0, request);
    const Request wanted = op_.needed(request);
    Chunk none{request.region, std::vector<BlockPtr>(request.bands.size())};
    if (wanted.region.empty() && !op_.fill_) return none;
    const Chunk in = pull(inputs, wanted);
    if (in.empty() && !op_.fill_) return none;
    begin(request, in);
    fill_piece(in, request.region.y, request.region.x, inputs);
    return finish();
  }

 private:
  using Slices = std::vector<Block>;  // of one band; empty when all are missing

  // Of the source as it is laid out.
  Chunk pull(Inputs& inputs, const Request& wanted) const {
    // demand() knows one box only; the two parts of one across the seam are pulled apart.
    const Range columns = wanted.region.x;
    std::vector<Chunk> parts;
    for (const Range& part : op_.source_.stored_parts(columns)) {
      parts.push_back(inputs.pull(0, {{wanted.region.t, wanted.region.y, part}, wanted.bands}));
    }
    Chunk out{wanted.region, {}};
    for (std::size_t i = 0; i < wanted.bands.size(); ++i) {
      std::vector<BlockPtr> blocks;
      for (Chunk& part : parts) blocks.push_back(std::move(part.bands[i]));
      out.bands.push_back(op_.source_.laid_out(blocks, columns));
    }
    return out;
  }

  void begin(const Request& request, const Chunk& in) {
    request_ = &request;
    bands_.assign(request.bands.size(), {});
    for (std::size_t i = 0; i < bands_.size(); ++i) {
      const bool missing = in.bands.empty() || !in.bands[i];
      if (missing && !op_.fill_) continue;
      Storage storage = op_.info().bands[request.bands[i]].storage();
      // Without a nodata value only cells outside can have none of the source, so that the fill
      // can stand for it.
      const bool marked = storage.nodata.has_value() || !op_.fill_;
      if (!marked) storage.nodata = op_.fill_;
      const Region slice{{0, 1}, request.region.y, request.region.x};
      for (std::int64_t t = 0; t < request.region.t.size(); ++t) {
        bands_[i].push_back(Block(slice, storage));
      }
    }
  }

  // Cuts the window until there are not too many cells in it or under it.
  void fill_piece(const Chunk& in, const Range& rows, const Range& columns, Inputs& inputs) {
    const bool one = rows.size() * columns.size() == 1;
    const bool separable = op_.separable_;
    if (!separable && rows.size() * columns.size() > Resampler::kMostCells) {
      return split(in, rows, columns, inputs);
    }
    const Footprint under = resampler_.place(rows, columns);
    if (under.rows.empty() || under.columns.empty()) return fill_all(rows, columns);
    const bool large = under.rows.size() * under.columns.size() > kMostSourceCells;
    if (!separable && large && !one) return split(in, rows, columns, inputs);
    const Range t = request_->region.t;
    const Region needed{t, under.rows, under.columns};
    const bool there = in.region.contains(needed) && !in.bands.empty();
    // demand() is a bound in all but odd places of a projection.
    const Chunk more = there ? Chunk{} : pull(inputs, {needed, request_->bands});
    const Chunk& cells = there ? in : more;
    const Region from = separable ? cells.region : needed;
    resampler_.prepare({from.y, from.x});
    for (std::size_t i = 0; i < bands_.size(); ++i) {
      if (bands_[i].empty()) continue;
      if (const BlockPtr block = crop(cells.bands[i], from)) {
        for (std::size_t k = 0; k < bands_[i].size(); ++k) {
          resampler_.sample(*block, t.begin + static_cast<std::int64_t>(k), has_nodata(i),
                            bands_[i][k]);
        }
      }
      if (!op_.fill_ || !has_nodata(i)) continue;
      for (Block& slice : bands_[i]) resampler_.fill_outside(*op_.fill_, slice);
    }
  }

  void split(const Chunk& in, const Range& rows, const Range& columns, Inputs& inputs) {
    for_halves(rows, columns,
               [&](const Range& y, const Range& x) { fill_piece(in, y, x, inputs); });
  }

  // A piece that lies outside of the source.
  void fill_all(const Range& rows, const Range& columns) {
    if (!op_.fill_) return;
    const std::vector<double> row(static_cast<std::size_t>(columns.size()), *op_.fill_);
    for (Slices& slices : bands_) {
      for (Block& slice : slices) {
        for (std::int64_t y = rows.begin; y < rows.end; ++y) {
          slice.set_row(0, y, columns.begin, row);
        }
      }
    }
  }

  bool has_nodata(std::size_t i) const {
    return op_.info().bands[request_->bands[i]].nodata.has_value();
  }

  Chunk finish() {
    const Region& region = request_->region;
    Chunk out{region, {}};
    for (std::size_t i = 0; i < bands_.size(); ++i) {
      const Storage storage = op_.info().bands[request_->bands[i]].storage();
      Slices slices = std::move(bands_[i]);
      if (slices.empty()) {
        out.bands.push_back(nullptr);
      } else if (slices.size() == 1) {
        out.bands.push_back(share(Block::relabelled(std::move(slices[0]), region, storage)));
      } else {
        Block all = Block::unfilled(region, storage);
        for (std::size_t k = 0; k < slices.size(); ++k) {
          const std::int64_t t = region.t.begin + static_cast<std::int64_t>(k);
          all.copy_from(
              Block::relabelled(std::move(slices[k]), {{t, t + 1}, region.y, region.x}, storage));
        }
        out.bands.push_back(share(std::move(all)));
      }
    }
    return out;
  }

  const Resample& op_;
  Resampler resampler_;
  const Request* request_ = nullptr;  // the one at hand
  std::vector<Slices> bands_;
};

std::unique_ptr<Kernel> Resample::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace

namespace ops {

OperatorType resample() {
  return operator_type<Resample>({
      .id = "resample",
      .summary = "A cube onto another grid: superimpose, reproject_match.",
      .help =
          "The same methods and rules as for images of a collection: a cell is missing where "
          "the cell of the cube that holds its centre is missing or outside; elsewhere missing "
          "cells are left out and weights renormalised. Unlike there, bands keep their type "
          "with every method, as with gdalwarp: results are rounded and clamped to it, one that "
          "would be the nodata value becomes the number next to it; \"dtype\": \"float32\" keeps "
          "the fractions. An integer band without a nodata value "
          "is widened where the grid goes beyond the cube and no fill is given. A cube in degrees "
          "of all longitudes, from 0 to 360 or -180 to 180, has no edge on the left and right, "
          "and is found under other names of its longitudes too.",
      .example = R"({"cube_type": "resample", "method": "bilinear",
  "view": {"space": {"left": 5, "right": 35, "bottom": 0, "top": 30, "dx": 6, "dy": 5,
    "srs": "EPSG:3857"}},
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to resample."},
                 {.name = "like", .help = "A cube whose grid to take.", .or_file = true}},
  });
}

}  // namespace ops

}  // namespace cube
