// raster: plain raster files on one grid, without a catalog.
#include <algorithm>
#include <utility>

#include "engine/raster_source.h"
#include "engine/registry.h"

namespace cube {

namespace {

class Raster final : public Operator {
 public:
  using Params = RasterParams;

  Raster(const Params& params, std::span<const CubeInfo>) : Raster(make_raster_source(params)) {}

  Request demand(const Request&, std::size_t) const override { return {}; }

  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Read>(*this); }

  Cost cost(const Request& request) const override {
    Cost cost;
    cost.scratch_bytes = kReaderBytes;
    for (const std::size_t band : request.bands) {
      const std::string& file = source_.bands[band].source.descriptor;
      cost.files.push_back(file);
      // The resolution of a file that is resampled is not looked at; the grid's stands for it.
      cost.read_bytes +=
          request.region.cells() * static_cast<std::int64_t>(size_of(info().bands[band].dtype));
    }
    cost.images = cost.files.empty() ? 0 : 1;
    return cost;
  }

  std::optional<ChunkShape> stored_blocks() const override { return source_.blocks; }

  std::vector<std::string> source_names() const override {
    std::vector<std::string> names;
    for (const RasterSource::Band& band : source_.bands) {
      const std::string& file = band.source.descriptor;
      if (std::find(names.begin(), names.end(), file) == names.end()) names.push_back(file);
    }
    return names;
  }

 private:
  struct Read final : Kernel {
    explicit Read(const Raster& op) : op_(op) {}

    Chunk run(const Request& request, Inputs& inputs) override {
      Chunk out{request.region, {}};
      for (const std::size_t index : request.bands) {
        const RasterSource::Band& band = op_.source_.bands[index];
        const ReadTarget target{.grid = &op_.info().grid,
                                .rows = request.region.y,
                                .columns = request.region.x,
                                .resampling = band.resampling,
                                .storage = op_.info().bands[index].storage()};
        out.bands.push_back(inputs.images().read(band.source, target, nullptr));
      }
      return out;
    }

    const Raster& op_;
  };

  explicit Raster(RasterSource source) : Operator(source.info), source_(std::move(source)) {}

  RasterSource source_;
};

}  // namespace

namespace ops {

OperatorType raster() {
  return operator_type<Raster>({
      .id = "raster",
      .summary = "The bands of plain raster files side by side, without a catalog.",
      .help =
          "One slice of time. Cells keep their data type; nodata, scale, offset and unit are "
          "kept as attributes. Formulas know each band by its name and by the numbers of its "
          "file and band: im1b1 is band 1 of the first file. A file that is resampled keeps its "
          "data type too: results are rounded and clamped to it. Cells beyond it are missing; a "
          "band without a nodata value is widened for them.",
      .example = R"({"cube_type": "raster", "file": "scene.tif"})",
      .inputs = {},
  });
}

}  // namespace ops

}  // namespace cube
