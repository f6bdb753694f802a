// Graph documents: read, check, compile, plan, and, where the cube is small, compute. No file is
// there but a catalog in memory. The canonical text of what compiles is its own canonical text.
#include <algorithm>
#include <memory>

#include "engine/demand.h"
#include "engine/gdal/raster_info.h"
#include "engine/image_index.h"
#include "engine/image_reader.h"
#include "engine/run.h"
#include "graphs/document.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace cube;

class TinyIndex final : public ImageIndex {
 public:
  TinyIndex() {
    bands_.push_back({.name = "B04", .dtype = DType::kUInt16, .nodata = 0});
    bands_.push_back({.name = "SCL", .dtype = DType::kUInt8});
    for (int day = 1; day < 20; day += 6) {
      const Instant when = std::chrono::sys_days(std::chrono::year(2020) / 1 / day);
      images_.push_back({.name = "image" + std::to_string(day),
                         .datetime = when,
                         .footprint = {{-1, -1, 1, 1}},
                         .crs = "EPSG:32631",
                         .bands = {{.band = 0, .descriptor = "/nowhere/a.tif"},
                                   {.band = 1, .descriptor = "/nowhere/b.tif"}}});
    }
  }
  const std::vector<BandInfo>& bands() const override { return bands_; }
  std::vector<Image> find(const ImageQuery&) const override { return images_; }
  CollectionSummary summary() const override {
    return {.images = static_cast<std::int64_t>(images_.size())};
  }

 private:
  std::vector<BandInfo> bands_;
  std::vector<Image> images_;
};

Resources resources() {
  Resources out;
  out.open_index = [](const std::filesystem::path&) { return std::make_shared<TinyIndex>(); };
  out.make_reader = [] { return make_image_reader(); };
  return out;
}

Request whole(const Graph& graph) { return all_bands(graph.info(), graph.info().extent()); }

// What a window reaches for is in what it holds: cells alone do not tell.
bool is_small(const Plan& plan) {
  constexpr std::int64_t kCells = 2000;
  constexpr std::size_t kNodes = 8;
  constexpr std::size_t kBands = 8;
  constexpr std::int64_t kBytes = std::int64_t{8} << 20;
  const Graph& graph = plan.graph();
  return graph.nodes.size() <= kNodes &&
         std::ranges::all_of(graph.nodes,
                             [](const Graph::Node& node) {
                               const CubeInfo& info = node.op->info();
                               return info.extent().cells() <= kCells &&
                                      info.bands.size() <= kBands;
                             }) &&
         plan.peak_bytes(graph.result, whole(graph)) <= kBytes;
}

}  // namespace

CUBE_FUZZ_TARGET(graph) {
  static const Registry kRegistry = document_operators();
  const Document document = Document::parse(bytes, "/nowhere", "graph");
  fuzz::attempt([&] { document.outputs(); });
  gdalcubes_notes(document);
  Graph graph = compile(document, kRegistry, resources());
  const std::string once = canonical_text(document, kRegistry, "/nowhere");
  const std::string again =
      canonical_text(Document::parse(once, "/nowhere", "canonical"), kRegistry, "/nowhere");
  fuzz::require(once == again, "canonical text of canonical text is the same");
  const Plan plan(std::move(graph), {.threads = 2});
  fuzz::require(plan.chunks() >= 0 && plan.base_bytes() > 0, "plans have counts");
  if (is_small(plan)) {
    fuzz::attempt([&] { compute(plan.graph(), resources(), whole(plan.graph())); });
  }
}
