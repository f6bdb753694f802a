// Reductions in time against a slow one that takes each cell's series alone: wide rows, many slabs,
// kernels used again for other regions and bands.
#include <cmath>
#include <limits>
#include <random>

#include "engine/time_groups.h"
#include "engine/time_reduction.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Two bands in memory; slices 3 and 4 of the first are all missing.
class Source final : public Inputs {
 public:
  Source(std::int64_t t, std::int64_t y, std::int64_t x) {
    info_.grid.width = x;
    info_.grid.height = y;
    info_.time = TimeAxis::regular(parse_time("2019-11")->start, {.months = 1}, t);
    info_.bands.resize(2);
    info_.bands[0].dtype = DType::kUInt16;
    info_.bands[0].nodata = 0;
    info_.bands[1].dtype = DType::kFloat64;
    info_.bands[1].nodata = kNaN;
    std::mt19937 random(7);
    for (const BandInfo& band : info_.bands) {
      Block block(info_.extent(), band.storage());
      std::vector<double> row(static_cast<std::size_t>(x));
      for (std::int64_t s = 0; s < t; ++s) {
        if (blocks_.empty() && (s == 3 || s == 4)) continue;
        for (std::int64_t r = 0; r < y; ++r) {
          for (double& v : row) v = random() % 4 == 0 ? kNaN : static_cast<double>(random() % 50);
          block.set_row(s, r, row);
        }
      }
      blocks_.push_back(share(std::move(block)));
    }
  }

  const CubeInfo& info() const { return info_; }

  double at(std::size_t band, std::int64_t t, std::int64_t y, std::int64_t x) const {
    std::vector<double> scratch;
    return blocks_[band]->row(t, y, Range{x, x + 1}, scratch)[0];
  }

  Chunk pull(std::size_t, const Request& request) override {
    CHECK(allowed.region.contains(request.region));
    CHECK(request.bands == allowed.bands);
    ++pulls;
    Chunk chunk{request.region, {}};
    for (const std::size_t band : request.bands) {
      chunk.bands.push_back(crop(blocks_[band], request.region));
    }
    return chunk;
  }
  ImageReader& images() override { throw std::logic_error("there are no images"); }
  void skipped(SkippedImage) override {}

  Request allowed;  // the demand; pulling more is a failure
  int pulls = 0;

 private:
  CubeInfo info_;
  std::vector<BlockPtr> blocks_;
};

Reducer reducer(const std::string& text) {
  ReducerSpec spec;
  spec.set_short_form(text);
  return Reducer::make(spec, "");
}

std::vector<TimeReduction::Band> bands(
    const CubeInfo& in, const std::vector<std::pair<std::string, std::size_t>>& pairs) {
  std::vector<TimeReduction::Band> out;
  for (const auto& [name, source] : pairs) {
    Reducer made = reducer(name);
    const Storage storage = made.result(in.bands[source].storage(), in.time.size());
    out.push_back({source, std::move(made), storage});
  }
  return out;
}

double slow(const Source& source, const TimeReduction::Band& band, const std::vector<Range>& group,
            std::int64_t y, std::int64_t x) {
  const auto state = band.reducer.state();
  state->begin(1);
  for (const Range& range : group) {
    for (std::int64_t t = range.begin; t < range.end; ++t) {
      const double value = source.at(band.source, t, y, x);
      state->add({&value, 1}, epoch_seconds(source.info().time.start(t)));
    }
  }
  double out = 0;
  state->finish({&out, 1});
  // As it is stored.
  Block cell({{0, 1}, {0, 1}, {0, 1}}, band.storage);
  cell.set_row(0, 0, {&out, 1});
  std::vector<double> scratch;
  return cell.row(0, 0, scratch)[0];
}

// Computes `request` and compares every `stride`th cell.
void check_request(Source& source, const TimeReduction& work, Kernel& kernel,
                   const std::vector<TimeReduction::Band>& all, const TimeGroups& groups,
                   const Request& request, std::int64_t stride) {
  source.allowed = work.demand(request);
  const Chunk chunk = kernel.run(request, source);
  std::vector<double> scratch;
  std::int64_t cell = 0;
  for (std::size_t i = 0; i < request.bands.size(); ++i) {
    for (std::int64_t t = request.region.t.begin; t < request.region.t.end; ++t) {
      for (std::int64_t y = request.region.y.begin; y < request.region.y.end; ++y) {
        for (std::int64_t x = request.region.x.begin; x < request.region.x.end; ++x) {
          if (++cell % stride != 0) continue;
          const double got =
              chunk.bands[i] ? chunk.bands[i]->row(t, y, Range{x, x + 1}, scratch)[0] : kNaN;
          const double expected = slow(source, all[request.bands[i]],
                                       groups.members[static_cast<std::size_t>(t)], y, x);
          const bool same = got == expected || (std::isnan(got) && std::isnan(expected));
          if (!same) FAIL_CHECK(to_text(request.region), " band ", i, ": ", got, " ", expected);
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("any cut of a cube gives what each series gives alone") {
  Source source(14, 5, 7);
  const auto all = bands(source.info(), {{"median", 0},
                                         {"mean", 1},
                                         {"count", 0},
                                         {"which_max", 0},
                                         {"min", 0},
                                         {"p90", 1},
                                         {"sd", 1}});
  const TimeGroups groups = group_by_period(source.info().time, "season", "");
  const TimeReduction work(source.info(), all, groups.members);
  const auto kernel = work.kernel();
  std::mt19937 random(3);
  const auto part = [&](std::int64_t size) {
    const auto begin = static_cast<std::int64_t>(random() % static_cast<unsigned>(size));
    return Range{
        begin,
        begin + 1 + static_cast<std::int64_t>(random() % static_cast<unsigned>(size - begin))};
  };
  for (int round = 0; round < 200; ++round) {
    Request request{{part(groups.axis.size()), part(5), part(7)}, {}};
    for (std::size_t band = 0; band < all.size(); ++band) {
      if (random() % 2 == 0) request.bands.insert(request.bands.begin(), band);
    }
    if (request.bands.empty()) request.bands = {1, 3};
    check_request(source, work, *kernel, all, groups, request, 1);
  }
}

TEST_CASE("wide rows and several slabs, folded and held") {
  Source source(40, 30, 1100);
  const auto all = bands(source.info(), {{"sum", 1}, {"median", 1}, {"max", 0}});
  const TimeGroups groups = group_by_count(source.info().time, 40);
  const TimeReduction work(source.info(), all, groups.members);
  const auto kernel = work.kernel();
  for (const std::vector<std::size_t>& wanted :
       {std::vector<std::size_t>{0}, std::vector<std::size_t>{0, 1, 2}}) {
    source.pulls = 0;
    check_request(source, work, *kernel, all, groups, {{{0, 1}, {0, 30}, {0, 1100}}, wanted}, 97);
    CHECK(source.pulls > 2);
  }
}

TEST_CASE("a group without slices asks for nothing and is missing, or counted as 0") {
  Source source(4, 1, 2);
  const auto all = bands(source.info(), {{"max", 0}, {"count", 0}});
  const TimeReduction work(source.info(), all, {{}, {{0, 2}, {3, 4}}});
  const Request request{{{0, 1}, {0, 1}, {0, 2}}, {0, 1}};
  CHECK(work.demand(request).region.empty());
  CHECK(work.demand({{{0, 2}, {0, 1}, {0, 2}}, {0}}).region.t == Range{0, 4});
  CHECK_FALSE(work.passes_emptiness());
  const Chunk chunk = work.kernel()->run(request, source);
  CHECK(chunk.bands[0] == nullptr);
  REQUIRE(chunk.bands[1] != nullptr);
  CHECK(chunk.bands[1]->cells<std::uint16_t>()[0] == 0);
  CHECK(source.pulls == 0);
}

TEST_CASE("what a reduction holds besides its input") {
  Source source(14, 5, 7);
  const auto all = bands(source.info(), {{"sum", 1}, {"median", 1}});
  const TimeReduction work(source.info(), all, {{{0, 14}}});
  const Region region{{0, 1}, {0, 5}, {0, 7}};
  CHECK(work.cost({region, {0}}).scratch_bytes == 5 * 7 * 32);  // a state a cell
  // The values of a row, and what sorts them.
  const std::int64_t median = work.cost({region, {1}}).scratch_bytes;
  CHECK(median > 7 * 14 * 8);
  CHECK(median < 7 * 14 * 8 + 14 * 1024);
}

TEST_CASE("a reduction says how many slices it pulls at a time and holds") {
  Source source(14, 5, 7);
  const auto all = bands(source.info(), {{"sum", 1}, {"median", 1}});
  const TimeReduction work(source.info(), all, {{{0, 14}}});
  const Request small{{{0, 1}, {0, 5}, {0, 7}}, {0}};
  CHECK(work.pulls(small).slices == 14);
  CHECK(work.pulls(small).kept == 0);
  CHECK(work.pulls({small.region, {1}}).kept == 14);
  const TimeReduction wide(Source(14, 1000, 1000).info(), all, {{{0, 14}}});
  CHECK(wide.pulls({{{0, 1}, {0, 1000}, {0, 1000}}, {0}}).slices == 1);
}
