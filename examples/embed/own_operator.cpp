// What one can add from outside: an operator, images that lie in memory instead of files, and an
// output. The graph that uses them is JSON as any other.
//   own_operator
#include <cube/extend.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <mutex>

namespace {

// --- An operator: how far values lie above a threshold, missing below it. ---

class Excess final : public cube::Operator {
 public:
  struct Params {
    double above = 0;

    void fields(cube::FieldVisitor& v) {
      v.field({.name = "above", .help = "The threshold.", .required = true}, above);
    }
  };

  Excess(const Params& params, std::span<const cube::CubeInfo> in)
      : Operator(computed(in[0])), above_(params.above) {
    if (std::isnan(above_)) throw cube::Error(cube::ErrorCode::kInvalid, "is no number", "/above");
  }

  cube::Request demand(const cube::Request& out, std::size_t /*input*/) const override {
    return out;  // a cell needs the same cell of the input
  }
  std::unique_ptr<cube::Kernel> kernel() const override { return std::make_unique<Work>(*this); }

 private:
  struct Work final : cube::Kernel {
    explicit Work(const Excess& op) : op_(op) {}

    cube::Chunk run(const cube::Request& request, cube::Inputs& inputs) override {
      const cube::Chunk in = inputs.pull(0, request);
      cube::Chunk out{request.region, {}};
      for (std::size_t i = 0; i < in.bands.size(); ++i) {
        const cube::BandInfo& band = op_.info().bands[request.bands[i]];
        out.bands.push_back(in.bands[i] ? compute(*in.bands[i], band) : nullptr);
      }
      return out;
    }

    cube::BlockPtr compute(const cube::Block& in, const cube::BandInfo& band) {
      const cube::Region& region = in.region();
      cube::Block out(region, band.storage());
      for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
        for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
          const std::span<const double> row = in.row(t, y, scratch_);  // NaN = missing
          made_.assign(row.begin(), row.end());
          for (double& value : made_) value = value > op_.above_ ? value - op_.above_ : NAN;
          out.set_row(t, y, made_);
        }
      }
      return cube::share(std::move(out));
    }

    const Excess& op_;
    std::vector<double> scratch_;
    std::vector<double> made_;
  };

  static cube::CubeInfo computed(cube::CubeInfo info) {
    for (cube::BandInfo& band : info.bands) cube::set_computed(band);
    return info;
  }

  double above_;
};

// --- Images in memory: an index that says which there are, a reader that gives their cells. ---

constexpr std::int64_t kSide = 50;  // cells of an image
constexpr double kLeft = 5;         // degrees
constexpr double kTop = 50;
constexpr double kCell = 0.01;

// A value for each image, in all its cells.
using Images = std::map<std::string, double>;

class MemoryIndex final : public cube::ImageIndex {
 public:
  explicit MemoryIndex(const Images& images) : images_(images) {
    bands_ = {{.name = "level", .dtype = cube::DType::kFloat32, .nodata = NAN}};
  }

  const std::vector<cube::BandInfo>& bands() const override { return bands_; }

  // The names are days.
  std::vector<cube::Image> find(const cube::ImageQuery& query) const override {
    const cube::Box box{kLeft, kTop - kSide * kCell, kLeft + kSide * kCell, kTop};
    std::vector<cube::Image> found;
    for (const auto& [day, unused] : images_) {
      const cube::Instant time = cube::parse_time(day)->start;
      const bool touched =
          query.area.empty() ||
          std::ranges::any_of(query.area, [&](const cube::Box& b) { return b.intersects(box); });
      if (time < query.start || time >= query.end || !touched) continue;
      found.push_back({.name = day,
                       .datetime = time,
                       .footprint = {box},
                       .crs = "EPSG:4326",
                       .bands = {{.band = 0, .descriptor = day}}});
    }
    return found;
  }

  cube::CollectionSummary summary() const override {
    return {.images = static_cast<std::int64_t>(images_.size())};
  }

 private:
  const Images& images_;
  std::vector<cube::BandInfo> bands_;
};

// Takes the nearest cell, whatever the resampling.
class MemoryReader final : public cube::ImageReader {
 public:
  explicit MemoryReader(const Images& images) : images_(images) {}

  cube::BlockPtr read(const cube::RasterBand& source, const cube::ReadTarget& target,
                      const cube::NativeMask* /*mask*/) override {
    const double value = images_.at(source.descriptor);
    cube::Block block({{0, 1}, target.rows, target.columns}, target.storage);
    std::vector<double> row(static_cast<std::size_t>(target.columns.size()));
    for (std::int64_t y = target.rows.begin; y < target.rows.end; ++y) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const double x = target.grid->x_center(target.columns.begin + static_cast<std::int64_t>(i));
        row[i] = covers(x, target.grid->y_center(y)) ? value : NAN;
      }
      block.set_row(0, y, row);
    }
    return cube::share(std::move(block));
  }

  const Stats& stats() const override { return stats_; }

 private:
  static bool covers(double x, double y) {
    return x > kLeft && x < kLeft + kSide * kCell && y < kTop && y > kTop - kSide * kCell;
  }

  const Images& images_;
  Stats stats_;
};

// --- An output: counts the cells that have a value, by slice. ---

class CountingSink final : public cube::Sink {
 public:
  explicit CountingSink(std::map<std::int64_t, std::int64_t>& counts) : counts_(counts) {}

  void begin(const cube::ChunkShape& /*tiling*/, const cube::Provenance& /*from*/) override {}

  void write(const cube::Chunk& chunk) override {
    std::vector<double> scratch;
    for (const cube::BlockPtr& block : chunk.bands) {
      if (!block) continue;  // all cells are missing
      const cube::Region& region = chunk.region;
      for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
        std::int64_t count = 0;
        for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
          count += std::ranges::count_if(block->row(t, y, scratch),
                                         [](double value) { return !std::isnan(value); });
        }
        const std::lock_guard lock(mutex_);
        counts_[t] += count;
      }
    }
  }

  std::vector<std::string> finish() override { return {"counts"}; }

 private:
  std::mutex mutex_;
  std::map<std::int64_t, std::int64_t>& counts_;
};

constexpr const char* kGraph = R"({
  "cube_type": "excess", "above": 2,
  "in_cube": {"cube_type": "image_collection", "file": "levels",
    "view": {"space": {"left": 5, "right": 6, "bottom": 49, "top": 50, "dx": 0.02, "srs": "EPSG:4326"},
             "time": {"t0": "2024-05-01", "t1": "2024-05-03", "dt": "P1D"}}}})";

cube::Environment environment_with(const Images& images) {
  cube::Registry operators = cube::document_operators();
  operators.add(cube::operator_type<Excess>(
      {.id = "excess",
       .summary = "How far values lie above a threshold.",
       .example = R"({"cube_type": "excess", "above": 1, "in_cube": {"cube_type": "dummy"}})",
       .inputs = {{.name = "in_cube", .help = "The cube of values."}}}));
  cube::Resources resources;
  resources.open_index = [&images](const std::filesystem::path& /*file*/) {
    return std::make_shared<const MemoryIndex>(images);
  };
  resources.make_reader = [&images] { return std::make_unique<MemoryReader>(images); };
  return cube::Environment({.threads = 2}, std::move(operators), std::move(resources));
}

}  // namespace

int main() {
  const Images images = {{"2024-05-01", 1.5}, {"2024-05-02", 2.5}, {"2024-05-03", 4}};
  try {
    const cube::Environment environment = environment_with(images);
    const cube::Cube cube = environment.open(cube::Document::parse(kGraph, "."));
    std::map<std::int64_t, std::int64_t> counts;
    std::vector<std::unique_ptr<cube::Sink>> sinks;
    sinks.push_back(std::make_unique<CountingSink>(counts));
    cube::check(cube.run(sinks));
    for (const auto& [slice, count] : counts) {
      const double first = cube.read({{slice, slice + 1}, {0, 1}, {0, 1}}).numbers("level")[0];
      std::cout << cube.info().time.label(slice) << ": " << count << " cells above, the first by "
                << first << '\n';
    }
  } catch (const cube::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
