// The choice of chunks: whole blocks of the sources, of a handy size, for what lies between.
#include <nlohmann/json.hpp>

#include "engine/chunk_choice.h"
#include "graphs/document.h"
#include "tests/inline_cube.h"
#include "tests/support.h"

using namespace cube;
using nlohmann::json;

namespace {

// A source without cells that says how it is stored.
class Stored final : public Operator {
 public:
  struct Params {
    std::vector<std::int64_t> size, block;  // y, x
    void fields(FieldVisitor& v) {
      v.field({.name = "size", .help = "Rows and columns."}, size);
      v.field({.name = "block", .help = "Of a block; none: no blocks."}, block);
    }
  };

  Stored(const Params& params, std::span<const CubeInfo>)
      : Operator(described(params)), block_(params.block) {}
  Request demand(const Request&, std::size_t) const override { return {}; }
  std::unique_ptr<Kernel> kernel() const override { return nullptr; }
  Cost cost(const Request& request) const override {
    return {.scratch_bytes = 32 * request.region.cells()};
  }
  std::optional<StoredBlocks> stored_blocks() const override {
    if (block_.empty()) return std::nullopt;
    return StoredBlocks{.shape = {1, block_[0], block_[1]}};
  }

 private:
  static CubeInfo described(const Params& params) {
    CubeInfo info;
    info.grid = {"EPSG:32631", 0, 0, 10, 10, params.size[1], params.size[0]};
    info.time = TimeAxis::labelled({Instant{}});
    BandInfo band;
    band.name = "band";
    band.dtype = DType::kUInt16;
    info.bands.push_back(band);
    return info;
  }
  std::vector<std::int64_t> block_;
};

OperatorType stored_type() {
  return operator_type<Stored>(
      {.id = "stored", .summary = "Test.", .help = "", .example = "{}", .inputs = {}});
}

Graph compiled(const json& document) {
  Registry registry = test::test_operators();
  registry.add(stored_type());
  return compile(Document::parse(document.dump(), "/"), registry, {});
}

json stored(std::array<int, 2> size, std::array<int, 2> block) {
  return {{"cube_type", "stored"}, {"size", size}, {"block", block}};
}

json coarsened(int y, int x, const json& in) {
  return {{"cube_type", "coarsen"},
          {"func", "mean"},
          {"boundary", "pad"},
          {"factor", {{"x", x}, {"y", y}}},
          {"in_cube", in}};
}

ChunkShape preferred(const json& document) {
  const auto choice = choose_chunk(compiled(document));
  REQUIRE(choice.has_value());
  return choice->preferred;
}

ChunkShape planned(const json& document, int threads = 2) {
  PlanOptions options;
  options.threads = threads;
  return Plan(compiled(document), options).chunk_shape();
}

}  // namespace

TEST_CASE("chunks are whole blocks of about a million cells") {
  CHECK(preferred(stored({10980, 10980}, {1024, 1024})) == ChunkShape{1, 1024, 1024});
  CHECK(preferred(stored({10980, 10980}, {256, 512})) == ChunkShape{1, 1024, 1024});
  CHECK(preferred(stored({9000, 9000}, {640, 384})) == ChunkShape{1, 640, 768});
  CHECK(preferred(stored({9000, 9000}, {2048, 2048})) == ChunkShape{1, 2048, 2048});
  // Too large to be a chunk: an equal part of a block.
  CHECK(preferred(stored({20000, 20000}, {4096, 4096})) == ChunkShape{1, 2048, 2048});
}

TEST_CASE("strips make chunks of whole rows") {
  CHECK(preferred(stored({10980, 10980}, {1, 10980})) == ChunkShape{1, 176, 10980});
  CHECK(preferred(stored({10980, 10980}, {7, 10980})) == ChunkShape{1, 112, 10980});
  CHECK(planned(stored({10980, 10980}, {1, 10980})) == ChunkShape{1, 176, 10980});
}

TEST_CASE("operators between change what a chunk takes") {
  // 4 x 4 cells make one: a chunk of the result takes whole blocks, a million cells of the source.
  CHECK(preferred(coarsened(4, 4, stored({8192, 8192}, {512, 512}))) == ChunkShape{1, 256, 256});
  CHECK(preferred(coarsened(2, 4, stored({8192, 8192}, {1024, 512}))) == ChunkShape{1, 512, 256});
  // Windows that do not divide blocks: a million cells of the source, in whole tiles of a TIFF.
  CHECK(preferred(coarsened(3, 3, stored({9000, 9000}, {512, 512}))) == ChunkShape{1, 336, 336});
  // One window takes more than a chunk should.
  CHECK(preferred(coarsened(5000, 5000, stored({9000, 9000}, {500, 500}))) == ChunkShape{1, 1, 1});
}

TEST_CASE("chunks hold whole tiles of the output where those are not too large") {
  const auto with = [](const json& document, std::int64_t tile) {
    PlanOptions options{.threads = 2};
    options.sink_tile = {1, tile, tile};
    return Plan(compiled(document), options).chunk_shape();
  };
  const json coarse = coarsened(4, 4, stored({8192, 8192}, {512, 512}));
  CHECK(with(coarse, 1) == ChunkShape{1, 256, 256});
  CHECK(with(coarse, 512) == ChunkShape{1, 512, 512});
  CHECK(with(coarse, 1024) == ChunkShape{1, 256, 256});  // 4096 x 4096 cells of the source
  CHECK(with(stored({9000, 9000}, {640, 384}), 256) == ChunkShape{1, 1280, 768});
  const json none = {{"cube_type", "stored"}, {"size", {9000, 9000}}};
  CHECK(with(none, 192) == ChunkShape{1, 576, 576});
  CHECK(with(none, 4096) == ChunkShape{1, 512, 512});
}

TEST_CASE("a tight budget takes threads before it cuts blocks") {
  const json source = stored({4096, 4096}, {512, 512});
  const auto plan = [&](std::int64_t megabytes, int threads, const json& document) {
    return Plan(compiled(document), {.threads = threads, .memory_bytes = megabytes << 20});
  };
  const auto least = [&](int threads) {  // megabytes, with chunks of one block
    PlanOptions options{.threads = threads, .memory_bytes = std::int64_t{1} << 40};
    options.chunk = ChunkShape{1, 512, 512};
    const Plan with(compiled(source), options);
    const std::int64_t bytes = with.estimate().peak_bytes - with.cache_bytes();
    return (bytes * 8 / 7 >> 20) + 1;
  };
  const Plan four = plan(least(4), 4, source);
  CHECK(four.threads() == 4);
  CHECK(four.chunk_shape() == ChunkShape{1, 512, 512});
  const Plan two = plan(least(2), 4, source);
  CHECK(two.threads() == 2);
  CHECK(two.chunk_shape() == ChunkShape{1, 512, 512});
  CHECK(two.estimate().peak_bytes <= least(2) << 20);
  // One thread is left, so blocks are cut.
  const Plan one = plan(least(1) - 1, 4, source);
  CHECK(one.threads() == 1);
  CHECK(one.chunk_shape().cells() < 512 * 512);
  CHECK(one.chunk_reduced());
  CHECK_THROWS(plan(least(1) / 2, 4, source));
}

TEST_CASE("several sources: what suits all of them") {
  const json joined = {
      {"cube_type", "join_bands"},
      {"prefixes", {"a", "b"}},
      {"in_cubes", {stored({9000, 9000}, {512, 256}), stored({9000, 9000}, {128, 1024})}}};
  CHECK(preferred(joined) == ChunkShape{1, 1024, 1024});
}

TEST_CASE("without blocks there is nothing to choose by") {
  const json none = {{"cube_type", "stored"}, {"size", {9000, 9000}}};
  CHECK_FALSE(choose_chunk(compiled(none)).has_value());
  CHECK(planned(none) == ChunkShape{1, 512, 512});
}

TEST_CASE("chunks become smaller for many threads, but blocks stay whole") {
  const json source = stored({4096, 4096}, {512, 512});
  CHECK(planned(source, 1) == ChunkShape{1, 1024, 1024});
  CHECK(planned(source, 8) == ChunkShape{1, 512, 1024});
  CHECK(planned(source, 100) == ChunkShape{1, 512, 512});
  CHECK(planned(stored({4096, 4096}, {64, 64}), 100) == ChunkShape{1, 256, 256});
}

TEST_CASE("the chunk that suits the files, asked for, is the same for any number of threads") {
  const auto fitted = [](const json& document, PlanOptions options) {
    options.chunk = FittingChunk{};
    return Plan(compiled(document), options).chunk_shape();
  };
  const json source = stored({4096, 4096}, {512, 512});
  CHECK(best_chunk(compiled(source)) == ChunkShape{1, 1024, 1024});
  CHECK(fitted(source, {.threads = 1}) == ChunkShape{1, 1024, 1024});
  CHECK(fitted(source, {.threads = 100, .memory_bytes = std::int64_t{1} << 40}) ==
        ChunkShape{1, 1024, 1024});
  CHECK(fitted(stored({300, 200}, {128, 128}), {.threads = 4}) == ChunkShape{1, 300, 200});
  // Memory cuts it, block by block.
  const Plan tight(
      compiled(source),
      {.threads = 1, .memory_bytes = std::int64_t{115} << 20, .chunk = FittingChunk{}});
  CHECK(tight.chunk_reduced());
  CHECK(tight.chunk_shape() == ChunkShape{1, 512, 1024});
  const json none = {{"cube_type", "stored"}, {"size", {9000, 9000}}};
  CHECK(fitted(none, {.threads = 100}) == ChunkShape{1, 512, 512});
}

TEST_CASE("small slices go together into a chunk, a few chunks for each thread") {
  const auto series = [](int side, const std::string& t1) {
    return json{{"cube_type", "empty"},
                {"view",
                 {{"space",
                   {{"left", 0},
                    {"right", side * 10},
                    {"bottom", 0},
                    {"top", side * 10},
                    {"dx", 10},
                    {"srs", "EPSG:32631"}}},
                  {"time", {{"t0", "2020-01-01"}, {"t1", t1}, {"dt", "P1D"}}}}}};
  };
  CHECK(planned(series(1, "2020-12-31"), 1) == ChunkShape{23, 1, 1});  // 366 days, 16 chunks
  CHECK(planned(series(1, "2020-12-31"), 2) == ChunkShape{12, 1, 1});
  CHECK(planned(series(1, "2020-01-03"), 8) == ChunkShape{1, 1, 1});
  CHECK(planned(series(100, "2020-12-31"), 1) == ChunkShape{6, 100, 100});  // 65536 cells
  CHECK(planned(series(600, "2020-12-31"), 1) == ChunkShape{1, 512, 512});
}
