// image_collection on a collection and a reader in memory: which images are read, in which order,
// and what becomes of them.
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "engine/image_index.h"
#include "engine/image_reader.h"
#include "engine/mask_rule.h"
#include "engine/run.h"
#include "engine/text.h"
#include "graphs/document.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A raster of the view's own grid (6 rows, 8 columns), row by row; NaN is missing.
using Cells = std::vector<double>;
constexpr std::int64_t kRows = 6;
constexpr std::int64_t kColumns = 8;

Cells all(double value) { return Cells(kRows * kColumns, value); }

// Files by name, and what was done with them.
struct Files {
  std::map<std::string, Cells> cells;
  std::vector<std::string> reads;        // descriptors in the order read
  std::vector<std::size_t> mask_layers;  // of each read
  std::vector<RasterBand> bands;         // of each read
  std::optional<NativeMask> last_mask;
};

class MemoryReader final : public ImageReader {
 public:
  explicit MemoryReader(Files& files) : files_(files) {}

  BlockPtr read(const RasterBand& source, const ReadTarget& target,
                const NativeMask* mask) override {
    files_.reads.push_back(source.descriptor);
    files_.bands.push_back(source);
    files_.mask_layers.push_back(mask ? mask->layers.size() : 0);
    if (mask) files_.last_mask = *mask;
    const auto file = files_.cells.find(source.descriptor);
    if (file == files_.cells.end()) {
      throw Error(ErrorCode::kUnreadable, "it is truncated", source.descriptor);
    }
    Block block({{0, 1}, target.rows, target.columns}, target.storage);
    for (std::int64_t y = target.rows.begin; y < target.rows.end; ++y) {
      const auto first = file->second.begin() + y * kColumns;
      block.set_row(0, y, Cells(first + target.columns.begin, first + target.columns.end));
    }
    return share(std::move(block));
  }
  const Stats& stats() const override { return stats_; }

 private:
  Files& files_;
  Stats stats_;
};

class MemoryIndex final : public ImageIndex {
 public:
  std::vector<BandInfo> bands_;
  std::vector<Image> images_;
  mutable int queries_ = 0;

  const std::vector<BandInfo>& bands() const override { return bands_; }
  std::vector<Image> find(const ImageQuery& query) const override {
    ++queries_;
    std::vector<Image> out;
    for (const Image& image : images_) {
      if (image.datetime >= query.start && image.datetime < query.end) out.push_back(image);
    }
    return out;
  }
  CollectionSummary summary() const override {
    CollectionSummary summary;
    summary.images = static_cast<std::int64_t>(images_.size());
    if (images_.empty()) return summary;
    summary.first = images_.front().datetime;
    summary.last = images_.back().datetime;
    return summary;
  }
};

BandInfo band(const std::string& name, DType dtype, std::optional<double> nodata) {
  BandInfo out;
  out.name = name;
  out.dtype = dtype;
  out.nodata = nodata;
  return out;
}

// A collection in degrees: a (uint16, nodata 0), b (uint8, no nodata), q (uint16 quality).
struct World {
  std::shared_ptr<MemoryIndex> index = std::make_shared<MemoryIndex>();
  Files files;
  Resources resources;

  World() {
    index->bands_ = {band("a", DType::kUInt16, 0), band("b", DType::kUInt8, {}),
                     band("q", DType::kUInt16, {})};
    index->bands_[0].scale = 0.5;
    index->bands_[0].offset = -1;
    resources.open_index = [this](const std::filesystem::path& file) {
      if (file.filename() == "none.db") {
        throw Error(ErrorCode::kNotFound, "there is no such file", file.string());
      }
      return index;
    };
    resources.make_reader = [this] { return std::make_unique<MemoryReader>(files); };
  }

  // An image over the whole view (or `footprint`) whose files are NAME/BAND.
  void add(const std::string& name, const std::string& time,
           const std::map<std::string, Cells>& cells, const Box& footprint = {0, 0, 8, 6}) {
    Image image;
    image.name = name;
    image.datetime = parse_time(time)->start;
    image.footprint = {footprint};
    image.crs = "EPSG:4326";
    for (std::size_t i = 0; i < index->bands_.size(); ++i) {
      const auto found = cells.find(index->bands_[i].name);
      if (found == cells.end()) continue;
      const std::string file = "/" + name + "/" + found->first;
      image.bands.push_back({i, file, 1});
      if (!found->second.empty()) files.cells[file] = found->second;
    }
    index->images_.push_back(image);
  }

  // `more` are further keys, e.g. R"("strict": false)".
  Graph graph(const std::string& aggregation, const std::string& more = {},
              const std::string& resampling = R"("near")") const {
    return from(R"("view": {"aggregation": ")" + aggregation + R"(", "resampling": )" + resampling +
                R"(, "space": {"left": 0, "right": 8, "bottom": 0, "top": 6, "dx": 1, "dy": 1,
                "srs": "EPSG:4326"}, "time": {"t0": "2018-01", "t1": "2018-03", "dt": "P1M"}})" +
                (more.empty() ? "" : ", " + more));
  }
  Graph from(const std::string& keys) const {
    const std::string text =
        R"({"cube_type": "image_collection", "file": "/data/c.db", )" + keys + "}";
    return compile(Document::parse(text, "/"), document_operators(), resources);
  }

  Chunk read(const Graph& graph, std::vector<std::size_t> bands) const {
    return compute(graph, resources, {graph.info().extent(), std::move(bands)});
  }
  // Cell (0, 0) of band 0 in each slice.
  std::vector<double> corner(const Graph& graph, std::size_t b = 0) const {
    const BlockPtr block = read(graph, {b}).bands[0];
    std::vector<double> out;
    std::vector<double> scratch;
    for (std::int64_t t = 0; t < 3; ++t) out.push_back(block ? block->row(t, 0, scratch)[0] : kNaN);
    return out;
  }
};

std::string text_of(const std::vector<double>& values) {
  std::vector<std::string> parts;
  for (const double value : values) parts.push_back(number_text(value));
  return join(parts, " ");
}

// Three images in January, none in February, one in March.
World composite_world() {
  World world;
  world.add("i1", "2018-01-01", {{"a", all(5)}, {"b", all(50)}});
  world.add("i2", "2018-01-10", {{"a", all(9)}, {"b", all(90)}});
  world.add("i3", "2018-01-31T23:59:59", {{"a", all(kNaN)}, {"b", all(10)}});
  world.add("i4", "2018-03-01", {{"a", all(7)}});
  return world;
}

}  // namespace

TEST_CASE("images of a slice are combined in acquisition order") {
  const std::map<std::string, std::string> expected = {
      {"none", "9 nan 7"},   {"last", "9 nan 7"},       {"first", "5 nan 7"},
      {"min", "5 nan 7"},    {"max", "9 nan 7"},        {"mean", "7 nan 7"},
      {"median", "7 nan 7"}, {"count_values", "2 0 1"}, {"count_images", "3 0 1"}};
  for (const auto& entry : expected) {
    const auto& aggregation = entry.first;
    const auto& values = entry.second;
    CAPTURE(aggregation);
    const World world = composite_world();
    CHECK(text_of(world.corner(world.graph(aggregation))) == values);
  }
}

TEST_CASE("aggregations work cell by cell") {
  World world;
  Cells one = all(kNaN);
  Cells two = all(kNaN);
  one[0] = 4, two[0] = 3;  // both
  one[1] = 4;              // one each
  two[2] = 3;
  world.add("i1", "2018-01-01", {{"a", one}});
  world.add("i2", "2018-01-02", {{"a", two}});
  const std::map<std::string, std::string> expected = {
      {"first", "4 4 3 nan"},     {"last", "3 4 3 nan"},   {"min", "3 4 3 nan"},
      {"max", "4 4 3 nan"},       {"mean", "3.5 4 3 nan"}, {"median", "3.5 4 3 nan"},
      {"count_values", "2 1 1 0"}};
  for (const auto& entry : expected) {
    const auto& aggregation = entry.first;
    const auto& values = entry.second;
    CAPTURE(aggregation);
    const BlockPtr block = world.read(world.graph(aggregation), {0}).bands[0];
    std::vector<double> scratch;
    const auto row = block->row(0, 0, Range{0, 4}, scratch);
    CHECK(text_of({row.begin(), row.end()}) == values);
  }
}

TEST_CASE("first and last read no image that cannot be seen") {
  World world;
  world.add("i1", "2018-01-01", {{"a", all(5)}});
  world.add("i2", "2018-01-10", {{"a", all(9)}});
  world.corner(world.graph("last"));
  CHECK(join(world.files.reads) == "/i2/a");
  world.files.reads.clear();
  world.corner(world.graph("first"));
  CHECK(join(world.files.reads) == "/i1/a");
}

TEST_CASE("only the bands asked for are read") {
  World world = composite_world();
  world.read(world.graph("median"), {1});
  CHECK(join(world.files.reads) == "/i1/b, /i2/b, /i3/b");
}

TEST_CASE("nearest keeps the data type and a band without nodata is widened") {
  const World world = composite_world();
  const auto bands = world.graph("max").info().bands;
  CHECK(bands[0].dtype == DType::kUInt16);
  CHECK(*bands[0].nodata == 0);
  CHECK(bands[0].scale == 0.5);
  CHECK(bands[0].note.empty());
  CHECK(bands[1].dtype == DType::kInt16);
  CHECK(bands[1].note == "widened from uint8, which has no nodata value");
  CHECK(world.graph("median").info().bands[0].dtype == DType::kFloat32);
  CHECK(world.graph("count_values").info().bands[0].dtype == DType::kUInt16);
}

TEST_CASE("bilinear is arithmetic, band by band") {
  const World world = composite_world();
  const auto bands = world.graph("max", "", R"({"b": "near", "*": "bilinear"})").info().bands;
  CHECK(bands[0].dtype == DType::kFloat32);
  CHECK(bands[1].dtype == DType::kInt16);
}

TEST_CASE("methods that pick values keep the type, others are arithmetic") {
  const World world = composite_world();
  const auto type_by = [&](const std::string& method) {
    return world.graph("max", "", R"({"*": ")" + method + R"("})").info().bands[1].dtype;
  };
  for (const char* method : {"near", "mode", "min", "max", "med", "q1", "q3"}) {
    CHECK(type_by(method) == DType::kInt16);
  }
  for (const char* method : {"cubic", "cubicspline", "lanczos", "average", "rms", "sum"}) {
    CHECK(type_by(method) == DType::kFloat32);
  }
}

TEST_CASE("a nodata value that the type cannot hold is none") {
  World world = composite_world();
  world.index->bands_[0].nodata = -9999;
  CHECK(world.graph("max").info().bands[0].dtype == DType::kInt32);
}

TEST_CASE("unpack applies scale and offset and says so") {
  const World world = composite_world();
  const Graph graph = world.graph("max", R"("unpack": true)");
  const BandInfo& a = graph.info().bands[0];
  CHECK(a.dtype == DType::kFloat32);
  CHECK(a.scale == 1);
  CHECK(a.offset == 0);
  CHECK(a.note == "unpacked: stored * 0.5 + -1");
  CHECK(graph.info().bands[1].dtype == DType::kInt16);  // has no scale
  CHECK(text_of(world.corner(graph)) == "3.5 nan 2.5");
}

TEST_CASE("images of another scale and offset are brought to that of least offset, or unpacked") {
  World world = composite_world();                               // a: stored * 0.5 - 1
  world.index->images_[1].bands[0].packing = Packing{0.5, -3};   // 9 is 1.5, as 5 is in the others
  world.index->images_[3].bands[0].packing = Packing{0.25, -1};  // 7 is 0.75, as 3.5 is
  const Graph graph = world.graph("last");
  const BandInfo& a = graph.info().bands[0];
  CHECK((a.dtype == DType::kFloat32 && a.scale == 0.25 && a.offset == -1));
  CHECK(a.note == "images differ: brought to scale 0.25, offset -1");
  CHECK(text_of(world.corner(graph)) == "10 nan 7");               // 9 * 0.5 - 3 = 10 * 0.25 - 1
  CHECK(text_of(world.corner(world.graph("min"))) == "10 nan 7");  // 5 and 9 mean the same
  const Graph unpacked = world.graph("last", R"("unpack": true)");
  CHECK(unpacked.info().bands[0].note == "unpacked, image by image");
  CHECK((unpacked.info().bands[0].scale == 1 && unpacked.info().bands[0].offset == 0));
  CHECK(text_of(world.corner(unpacked)) == "1.5 nan 0.75");
  CHECK(graph.info().bands[1].dtype == DType::kInt16);  // b is as it was
}

TEST_CASE("where all images of the view say the same, it is that of the band and nothing is done") {
  World world = composite_world();
  for (Image& image : world.index->images_) image.bands[0].packing = Packing{0.5, -3};
  const Graph graph = world.graph("last");
  const BandInfo& a = graph.info().bands[0];
  CHECK((a.dtype == DType::kUInt16 && a.scale == 0.5 && a.offset == -3 && a.note.empty()));
  CHECK(text_of(world.corner(graph)) == "9 nan 7");
  const Graph unpacked = world.graph("last", R"("unpack": true)");
  CHECK(unpacked.info().bands[0].note == "unpacked: stored * 0.5 + -3");
  CHECK(text_of(world.corner(unpacked)) == "1.5 nan 0.5");
}

TEST_CASE("the cells do not depend on how the cube is cut") {
  World world;
  Cells one = all(kNaN);
  Cells two = all(0);
  std::iota(one.begin() + 7, one.end() - 9, 1.0);
  std::iota(two.begin(), two.end(), 3.0);
  world.add("i1", "2018-01-01", {{"a", one}}, {0, 2, 8, 6});
  world.add("i2", "2018-01-02", {{"a", two}}, {4, 0, 8, 6});
  world.add("i3", "2018-03-02", {{"a", one}});
  for (const char* aggregation :
       {"first", "last", "min", "max", "mean", "median", "count_values", "count_images"}) {
    const Graph graph = world.graph(aggregation);
    const Chunk whole = world.read(graph, {0});
    for (std::int64_t t = 0; t < 3; ++t) {
      for (std::int64_t y = 0; y < kRows; y += 2) {
        for (std::int64_t x = 0; x < kColumns; x += 4) {
          const Region region{{t, t + 1}, {y, y + 2}, {x, x + 4}};
          const BlockPtr part = compute(graph, world.resources, {region, {0}}).bands[0];
          const BlockPtr expected = crop(whole.bands[0], region);
          REQUIRE((part == nullptr) == (expected == nullptr));
          if (part) CHECK(std::ranges::equal(part->raw(), expected->raw()));
        }
      }
    }
  }
}

TEST_CASE("an unreadable image fails the chunk, or is left out and reported") {
  World world = composite_world();
  world.add("bad", "2018-01-15", {{"a", {}}});
  std::ranges::sort(world.index->images_, {}, &Image::datetime);
  CHECK(test::error_of([&] { world.corner(world.graph("max")); }) ==
        "image bad cannot be read: /bad/a: it is truncated (\"strict\": false leaves such images "
        "out)");
  const Graph graph = world.graph("max", R"("strict": false)");
  CHECK(text_of(world.corner(graph)) == "9 nan 7");
  const Plan plan(graph, {});
  const Report report = run(plan, world.resources, {}, {}, {});
  REQUIRE(report.skipped.size() == 1);
  CHECK(report.skipped[0].image == "bad");
  CHECK(report.skipped[0].reason == "/bad/a: it is truncated");
  CHECK_FALSE(report.ok());
}

TEST_CASE("native masks are passed on with their rules") {
  World world;
  world.index->bands_[2].nodata = 1;
  world.add("i1", "2018-01-01", {{"a", all(5)}, {"q", all(1)}});
  world.corner(world.graph("max", R"("mask": [{"values": [3], "bits": [4, 5], "dilate": 2},
      {"min": 7, "invert": true, "band": "b", "missing": "ignore"}], "mask_band": "q")"));
  CHECK(join(world.files.reads) == "/i1/a");
  REQUIRE(world.files.last_mask.has_value());
  REQUIRE(world.files.last_mask->layers.size() == 1);  // the image has no b
  const auto& layer = world.files.last_mask->layers[0];
  CHECK(layer.band.descriptor == "/i1/q");
  CHECK(*layer.band.nodata == 1);
  CHECK(layer.rule.values == Cells{3});
  CHECK(layer.rule.bits == std::vector<int>{4, 5});
  CHECK(layer.rule.shift);
  CHECK(layer.rule.dilate == 2);
}

TEST_CASE("bits alone hide where any of them is set") {
  World world;
  Cells quality = all(7);
  quality[0] = 8 + 16;
  world.add("i1", "2018-01-01", {{"a", all(5)}, {"q", quality}});
  const Graph graph =
      world.graph("max", R"("mask": {"bits": [4, 5]}, "mask_band": "q", "mask_stage": "target")");
  const BlockPtr block = world.read(graph, {0}).bands[0];
  std::vector<double> scratch;
  CHECK(std::isnan(block->row(0, 0, scratch)[0]));
  CHECK(block->row(0, 0, scratch)[1] == 5);
}

TEST_CASE("gdalcubes' masks compare bits where they stand") {
  World world;
  world.add("i1", "2018-01-01", {{"a", all(5)}, {"q", all(1)}});
  world.corner(world.graph("max", R"("mask": {"mask_type": "value_mask", "values": [16, 48],
      "invert": false, "bits": [4, 5]}, "mask_band": "q")"));
  CHECK_FALSE(world.files.last_mask->layers[0].rule.shift);
}

TEST_CASE("target masks hide cells after resampling") {
  World world;
  Cells quality = all(1);
  quality[0] = 3;
  world.add("i1", "2018-01-01", {{"a", all(5)}, {"b", all(6)}, {"q", quality}});
  world.add("i2", "2018-01-02", {{"a", all(4)}, {"b", all(4)}, {"q", all(1)}});
  const Graph graph =
      world.graph("max", R"("mask": {"values": [3]}, "mask_band": "q", "mask_stage": "target")");
  const Chunk chunk = world.read(graph, {0, 1});
  std::vector<double> scratch;
  CHECK(chunk.bands[0]->row(0, 0, scratch)[0] == 4);
  CHECK(chunk.bands[0]->row(0, 0, scratch)[1] == 5);
  CHECK(chunk.bands[1]->row(0, 0, scratch)[0] == 4);
  CHECK(std::ranges::count(world.files.reads, "/i1/q") == 1);  // once for both bands
  CHECK(std::ranges::count(world.files.mask_layers, 0) == 6);
}

TEST_CASE("an image without the mask band is an error, unmasked or left out") {
  World world;
  world.add("i1", "2018-01-01", {{"a", all(5)}, {"q", all(1)}});
  world.add("i2", "2018-01-02", {{"a", all(7)}});
  const auto masked = [&](const std::string& missing) {
    return world.graph(
        "max", R"("mask": {"values": [3], "missing": ")" + missing + R"("}, "mask_band": "q")");
  };
  CHECK(test::error_of([&] { masked("error"); }) ==
        "/mask: image i2 has no mask band 'q' (\"missing\": \"ignore\" uses such images unmasked, "
        "\"drop\" leaves them out)");
  CHECK(text_of(world.corner(masked("ignore"))) == "7 nan nan");
  CHECK(text_of(world.corner(masked("drop"))) == "5 nan nan");
}

TEST_CASE("what a request costs is known from the footprints") {
  World world;
  world.add("i1", "2018-01-01", {{"a", all(5)}, {"b", all(5)}, {"q", all(1)}}, {0, 4.5, 2, 6});
  world.add("i2", "2018-01-02", {{"a", all(5)}, {"q", all(1)}}, {6, 0, 8, 1});
  const auto op = [&](const std::string& aggregation) {
    const Graph graph = world.graph(aggregation, R"("mask": {"values": [3], "band": "q"})");
    return graph.nodes[graph.result].op;
  };
  const auto max = op("max");  // the files' names are its own
  Cost cost = max->cost({{{0, 1}, {0, 2}, {0, 2}}, {0, 1}});
  CHECK(cost.images == 1);
  CHECK(join(std::vector<std::string>(cost.files.begin(), cost.files.end())) ==
        "/i1/a, /i1/b, /i1/q");
  CHECK(cost.read_bytes == 4 * (2 + 1 + 2));
  CHECK(cost.scratch_bytes > (16 << 20));
  CHECK_FALSE(cost.empty);
  cost = max->cost({{{0, 3}, {0, 6}, {0, 8}}, {0}});
  CHECK(cost.images == 2);
  CHECK(cost.filled_slices == 1);
  CHECK_FALSE(op("count_values")->cost({{{0, 3}, {0, 6}, {0, 8}}, {0}}).filled_slices);
  cost = op("max")->cost({{{1, 3}, {0, 6}, {0, 8}}, {0}});
  CHECK(cost.empty);
  CHECK(cost.scratch_bytes == 0);
  CHECK(op("max")->cost({{{0, 1}, {2, 3}, {4, 5}}, {0}}).empty);
  CHECK_FALSE(op("count_values")->cost({{{1, 3}, {0, 6}, {0, 8}}, {0}}).empty);
  CHECK(op("count_images")->cost({{{0, 1}, {0, 6}, {0, 8}}, {0}}).files.empty());
  CHECK(join(op("max")->source_names()) == "i1, i2");
}

TEST_CASE("a chunk that no image touches reads nothing") {
  World world;
  world.add("i1", "2018-01-01", {{"a", all(5)}}, {0, 4.5, 2, 6});
  const Graph graph = world.graph("median");
  const Chunk chunk = compute(graph, world.resources, {{{0, 3}, {4, 6}, {5, 8}}, {0, 1}});
  CHECK(chunk.empty());
  CHECK(world.files.reads.empty());
  CHECK(world.index->queries_ == 1);
}

TEST_CASE("chunk_size is the preferred chunk and raster_cube the same operator") {
  const World world = composite_world();
  const Graph graph = world.graph("max", R"("chunk_size": [1, 2, 4], "warp_args": [])");
  CHECK(*graph.nodes[0].op->preferred_chunk() == ChunkWish(ChunkShape{1, 2, 4}));
  CHECK_FALSE(world.graph("max").nodes[0].op->preferred_chunk().has_value());
  CHECK(document_operators().find("raster_cube")->id == "image_collection");
}

TEST_CASE("without a view the cube covers the collection in months") {
  const World world = composite_world();
  const CubeInfo info = world.from(R"("strict": true)").info();
  CHECK(info.grid.crs == "EPSG:4326");
  CHECK(info.grid.width == 512);
  CHECK(info.grid.height == 384);
  CHECK(info.grid.left == doctest::Approx(0));
  CHECK(info.time.size() == 3);
  CHECK(info.time.label(2) == "2018-03");
  CHECK(test::error_of([] { World().from(R"("strict": true)"); }) ==
        "image_collection: the collection has no images to take a view from (state a view)");
}

TEST_CASE("gdalwarp's arguments give the method and the nodata value") {
  const World world = composite_world();
  const auto bands = [&](const std::string& args) {
    return world.graph("max", R"("warp_args": [)" + args + "]").info().bands;
  };
  CHECK(bands(R"("-et", "0", "-multi", "-wm", "500", "-ovr", "AUTO")")[0].dtype == DType::kUInt16);
  CHECK(bands(R"("-r", "bilinear")")[0].dtype == DType::kFloat32);
  CHECK(*bands(R"("-srcnodata", "9")")[0].nodata == 9);
  for (const char* overview : {"AUTO-2", "0", "3", "none", "NONE"}) {
    CHECK(bands(std::string(R"("-ovr", ")") + overview + "\"").size() == bands("").size());
  }
}

TEST_CASE("-srcnodata None: no value of the files is missing, and the band has another for gaps") {
  const World world = composite_world();
  const auto band = [&](const char* args) { return world.graph("max", args).info().bands[0]; };
  const BandInfo plain = band(R"("warp_args": [])");
  const BandInfo none = band(R"("warp_args": ["-srcnodata", "None"])");
  REQUIRE(plain.nodata.has_value());
  CHECK(plain.dtype == DType::kUInt16);
  CHECK(none.dtype == DType::kInt32);
  CHECK(none.nodata.has_value());
  CHECK(none.nodata != plain.nodata);
}

TEST_CASE("everything wrong is told with its place") {
  const World world = composite_world();
  const auto error = [&](const std::string& more) {
    return test::error_of([&] { world.graph("max", more); });
  };
  CHECK(error(R"("warp_args": ["-r", "cubit"])") ==
        "/warp_args/1: there is no resampling method 'cubit' (did you mean 'cubic'?)");
  CHECK(error(R"("warp_args": ["-multi", "-r"])") == "/warp_args/1: '-r' is given without a value");
  CHECK(error(R"("warp_args": ["-srcnodata", "Nil"])") ==
        "/warp_args/1: 'Nil' is no nodata value (one number for all bands, or None)");
  for (const std::string overview : {"AUTO-", "AUTO-x", "-1", "1.5", "fine", "1e9"}) {
    CHECK(error(R"("warp_args": ["-ovr", ")" + overview + "\"]") ==
          "/warp_args/1: '" + overview +
              "' names no overview (AUTO, AUTO-1 (one finer), 0 (the finest) or another number, or "
              "NONE)");
  }
  CHECK(error(R"("warp_args": ["-et", "0", "-t_srs", "EPSG:4326"])") ==
        "/warp_args/2: '-t_srs' is not supported: images are not resampled by gdalwarp (say it in "
        "view/space/srs)");
  CHECK(error(R"("warp_args": ["-foo"])") ==
        "/warp_args/0: '-foo' is not supported: images are not resampled by gdalwarp (leave it "
        "out)");
  CHECK(error(R"("mask": {"values": [3]})") ==
        "/mask: the mask names no band (give band, or mask_band beside mask)");
  CHECK(error(R"("mask_band": "q")") ==
        "/mask_band: mask_band is given without mask (say in mask which of its values hide a "
        "cell)");
  CHECK(error(R"("mask": {"values": [3]}, "mask_band": "qq")") ==
        "/mask_band: there is no band 'qq' (did you mean 'q'?)");
  CHECK(error(R"("mask": {"band": "q"})") ==
        "/mask: the mask says nothing (give values, min and max, or bits)");
  CHECK(error(R"("mask": [{"band": "q", "min": 3, "max": 2}])") == "/mask/0/max: max is below min");
  CHECK(error(R"("mask": {"band": "q", "bits": [1, 32]})") ==
        "/mask/bits/1: there is no bit 32 (from 0, the lowest, to 31)");
  CHECK(error(R"("mask": {"band": "q", "bits": [1], "dilate": -1})") ==
        "/mask/dilate: cannot grow by -1 cells (from 0 to 1000)");
  CHECK(error(R"("mask": {"band": "q", "mask_type": "value_mask"})") ==
        "/mask: a value_mask without values (give values)");
  CHECK(error(R"("mask": {"band": "q", "mask_type": "range_mask"})") ==
        "/mask: a range_mask without min and max (give min, max or both)");
  CHECK(error(R"("mask": {"band": "q", "bits": [1], "dilate": 1}, "mask_stage": "target")") ==
        "/mask/dilate: dilate counts cells of the image, which target masks do not see (use "
        "\"mask_stage\": \"native\")");
  CHECK(error(R"("chunk_size": [1, 0, 5])") == "/chunk_size/1: a chunk of 0 cells (1 or more)");
  CHECK(test::error_of([&] { world.graph("max", "", R"({"bb": "near"})"); }) ==
        "/view/resampling/bb: there is no band 'bb' (did you mean 'b'?)");
  CHECK(test::error_of([&] {
          world.graph("max", "", R"({"b/~": "near"})");
        }).starts_with("/view/resampling/b~1~0: there is no band 'b/~'"));
  CHECK(test::error_of([&] {
          world.graph("max", "", R"({"b": "neer"})");
        }).starts_with("/view/resampling/b: "));
  CHECK(test::error_of([&] { world.graph("sum"); }).starts_with("/view/aggregation: "));
  const std::string none = R"({"cube_type": "image_collection", "file": "/data/none.db"})";
  CHECK(test::error_of([&] {
          compile(Document::parse(none, "/"), document_operators(), world.resources);
        }) == "/file: /data/none.db: there is no such file");
}

TEST_CASE("mask rules by value, range and bits") {
  const auto hides = [](const std::function<void(MaskRule&)>& change, double value) {
    MaskRule rule;
    change(rule);
    return MaskTest(rule).hides(value);
  };
  const auto values = [](MaskRule& r) { r.values = {3, 8}; };
  CHECK(hides(values, 8));
  CHECK_FALSE(hides(values, 4));
  CHECK_FALSE(hides(values, kNaN));
  const auto range = [](MaskRule& r) { r.min = 3, r.max = 5; };
  CHECK(hides(range, 3));
  CHECK(hides(range, 5));
  CHECK_FALSE(hides(range, 5.5));
  CHECK(hides([](MaskRule& r) { r.min = 3; }, 1e9));
  CHECK(hides([](MaskRule& r) { r.values = {9}, r.max = 2; }, 9));
  const auto bit = [](MaskRule& r) { r.bits = {3}, r.min = 1; };
  CHECK(hides(bit, 8 + 1));
  CHECK_FALSE(hides(bit, 7));
  const auto field = [](MaskRule& r) { r.values = {3}, r.bits = {4, 5}; };
  CHECK(hides(field, 48 + 1));
  CHECK_FALSE(hides(field, 16));
  CHECK(hides([](MaskRule& r) { r.values = {16}, r.bits = {4, 5}, r.shift = false; }, 16 + 3));
  const auto inverted = [](MaskRule& r) { r.values = {3}, r.invert = true; };
  CHECK(hides(inverted, 4));
  CHECK_FALSE(hides(inverted, 3));
  CHECK(hides(inverted, kNaN));
}
