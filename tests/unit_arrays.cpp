// ArraySource over arrays in memory: what it reads how often, and what it says it holds.
#include <cstring>
#include <map>
#include <numeric>

#include "engine/array_source.h"
#include "engine/chunk_choice.h"
#include "engine/error.h"
#include "tests/support.h"

using namespace cube;

namespace {

// A cube of times, rows and columns whose chunks are counted when they are read.
class CountingStore final : public ArrayStore {
 public:
  explicit CountingStore(std::vector<std::int64_t> chunks, std::size_t bands = 2) {
    const std::vector<std::int64_t> shape = {20, 64, 48};
    const std::array<const char*, 3> names = {"time", "y", "x"};
    for (std::size_t d = 0; d < names.size(); ++d) {
      arrays_.push_back({.name = names[d],
                         .type = ArrayType::kFloat64,
                         .dimensions = {names[d]},
                         .shape = {shape[d]},
                         .chunks = {},
                         .attributes = {}});
    }
    arrays_[0].attributes = {{"units", std::string("days since 2020-01-01")}};
    for (std::size_t band = 0; band < bands; ++band) {
      arrays_.push_back({.name = "b" + std::to_string(band),
                         .type = ArrayType::kInt16,
                         .dimensions = {"time", "y", "x"},
                         .shape = shape,
                         .chunks = chunks,
                         .attributes = {}});
    }
  }

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  const CfAttributes& attributes() const override { return attributes_; }
  std::int64_t scratch_bytes(std::size_t) const override { return 0; }
  std::vector<std::string> texts(std::size_t) const override { return {}; }

  bool read(std::size_t array, std::span<const std::int64_t> start,
            std::span<const std::int64_t> count, std::span<std::byte> out) const override {
    if (array < 3) {
      for (std::size_t i = 0; i < out.size() / sizeof(double); ++i) {
        const auto value = static_cast<double>(i);
        std::memcpy(out.data() + i * sizeof(double), &value, sizeof value);
      }
      return true;
    }
    ++reads_[{array, {start.begin(), start.end()}}];
    const std::int64_t cells =
        std::accumulate(count.begin(), count.end(), std::int64_t{1}, std::multiplies<>());
    CHECK(out.size() == static_cast<std::size_t>(cells) * sizeof(std::int16_t));
    std::fill(out.begin(), out.end(), std::byte{1});
    return true;
  }

  std::size_t chunks_read() const { return reads_.size(); }
  int most_reads() const {
    int most = 0;
    for (const auto& [chunk, reads] : reads_) most = std::max(most, reads);
    return most;
  }

 private:
  std::vector<ArrayInfo> arrays_;
  CfAttributes attributes_;
  mutable std::map<std::pair<std::size_t, std::vector<std::int64_t>>, int> reads_;
};

// The store that the next source opens: a source takes a plain function.
std::shared_ptr<const CountingStore> next_store;

class NoInputs final : public Inputs {
 public:
  Chunk pull(std::size_t, const Request&) override { return {}; }
  ImageReader& images() override { throw Error(ErrorCode::kInternal, "no image is read"); }
  void skipped(SkippedImage) override {}
  bool cancelled() const override { return false; }
};

// Pulls all slices one by one.
void pull_slices(const ArraySource& source, Region region, std::vector<std::size_t> bands) {
  NoInputs inputs;
  const auto kernel = source.kernel();
  for (std::int64_t t = 0; t < source.info().time.size(); ++t) {
    region.t = {t, t + 1};
    kernel->run({region, bands}, inputs);
  }
}

std::unique_ptr<ArraySource> source_of(std::vector<std::int64_t> chunks, std::size_t bands = 2) {
  next_store = std::make_shared<const CountingStore>(std::move(chunks), bands);
  ArrayParams params;
  params.file = "memory";
  const ArrayFormat format{
      "ncdf", [](const std::string&) -> std::shared_ptr<const ArrayStore> { return next_store; }};
  return std::make_unique<ArraySource>(params, format);
}

}  // namespace

TEST_CASE("chunks that hold several slices are decoded once, however slices are pulled") {
  constexpr std::size_t kBands = 400;  // of 123 kB: more than is kept of other chunks
  std::vector<std::size_t> bands(kBands);
  std::iota(bands.begin(), bands.end(), std::size_t{0});
  for (const auto& chunks : std::vector<std::vector<std::int64_t>>{
           {20, 16, 16}, {7, 64, 48}, {7, 13, 11}, {1, 16, 16}}) {
    CAPTURE(chunks[0]);
    CAPTURE(chunks[1]);
    const auto source = source_of(chunks, kBands);
    pull_slices(*source, source->info().extent(), bands);
    CHECK(next_store->most_reads() == 1);
    CHECK(next_store->chunks_read() > kBands);
  }
}

TEST_CASE("a source says that it holds a layer of chunks of several slices") {
  const auto scratch = [](const ArraySource& source, const Region& region) {
    std::vector<std::size_t> bands(source.info().bands.size());
    std::iota(bands.begin(), bands.end(), std::size_t{0});
    return source.cost({region, bands}).scratch_bytes;
  };
  // 3000 bands of 20 x 64 x 48 cells of 2 bytes, more than is kept of others.
  const auto deep = source_of({20, 16, 16}, 3000);
  const Region all = deep->info().extent();
  CHECK(scratch(*deep, all) > std::int64_t{3000} * 20 * 64 * 48 * 2);
  // The chunks under a corner, and no less where a place has too many to be kept: there they are
  // decoded again.
  CHECK(scratch(*deep, {all.t, {0, 16}, {0, 16}}) < std::int64_t{3000} * 20 * 17 * 17 * 2);
  const auto flat = source_of({1, 16, 16}, 3000);
  CHECK(scratch(*flat, all) < std::int64_t{40} << 20);
}

TEST_CASE("chunks of a cube hold as many slices as those of its source") {
  Graph graph;
  graph.nodes.push_back({"ncdf", "", source_of({7, 16, 16}), {}});
  const auto choice = choose_chunk(graph);
  REQUIRE(choice);
  CHECK(choice->preferred.t == 7);
  CHECK(choice->least.t == 7);
}
