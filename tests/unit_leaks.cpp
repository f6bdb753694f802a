// Many small runs in one process, as of a server: memory, file handles and threads do not grow.
// CUBE_RUNS=10000 in the environment makes as many runs; by default there are some hundreds.
#include <malloc.h>

#include <cstdlib>
#include <iostream>

#include "catalog/catalog.h"
#include "engine/plan.h"
#include "engine/run.h"
#include "graphs/document.h"
#include "tests/dated_catalog.h"
#include "tests/raster_graphs.h"

using namespace cube;
using nlohmann::json;

namespace {

// What the process holds.
struct Held {
  std::int64_t bytes = 0;  // allocated and not freed; 0 where sanitizers allocate
  std::int64_t handles = 0;
  std::int64_t threads = 0;
};

std::int64_t entries(const char* folder) {
  const std::filesystem::directory_iterator all(folder);
  return std::distance(begin(all), end(all));
}

Held held() {
  const struct mallinfo2 info = mallinfo2();
  return {static_cast<std::int64_t>(info.uordblks + info.hblkhd), entries("/proc/self/fd"),
          entries("/proc/self/task")};
}

// Three dated images and a catalog of them, and all that is done with them.
class Work {
 public:
  Work() {
    for (const char* name : {"a_20200101.tif", "b_20200102.tif", "c_20200103.tif"}) {
      graphs_.write(name, {.width = 64, .height = 48, .nodata = 0, .block = 16});
    }
    test::dated_catalog(graphs_.dir);
    resources_ = test::resources();
    resources_.open_index = open_catalog;
  }

  // So many runs; returns how many.
  int once() {
    const json images = {{"cube_type", "image_collection"}, {"file", "c.db"}, {"view", view()}};
    const json median = {{"cube_type", "reduce_time"},
                         {"reducer_bands", json::array({json::array({"median", "v"})})},
                         {"in_cube", images}};
    for (const char* file : {"out.tif", "out.nc", "out.zarr", "out.png", "cog.tif"}) {
      CHECK(made(median, file).ok());
    }
    const json zones = {{"cube_type", "zonal"},
                        {"wkt",
                         "POLYGON ((500000 4999700,500300 4999700,500300 5000000,"
                         "500000 4999700))"},
                        {"reducers", "mean"},
                        {"in_cube", images}};
    CHECK(made(zones, "zones.csv").ok());
    const json elsewhere = {{"cube_type", "resample"},
                            {"view",
                             {{"space",
                               {{"left", 333900},
                                {"right", 334800},
                                {"bottom", 5639000},
                                {"top", 5639900},
                                {"dx", 30},
                                {"srs", "EPSG:3857"}}}}},
                            {"method", "bilinear"},
                            {"in_cube", {{"cube_type", "raster"}, {"file", "a_20200101.tif"}}}};
    CHECK(made(elsewhere, "warped.tif").ok());
    CHECK_THROWS_AS(made({{"cube_type", "raster"}, {"fiel", "x.tif"}}, "no.tif"), Error);
    const std::string image = graphs_.dir.file("c_20200103.tif");
    std::filesystem::rename(image, image + ".away");
    CHECK(made(median, "failed.tif").failures.size() == 1);
    std::filesystem::rename(image + ".away", image);
    return 9;
  }

 private:
  static json view() {
    return {{"space",
             {{"left", 500000},
              {"right", 500640},
              {"bottom", 4999520},
              {"top", 5000000},
              {"dx", 20},
              {"srs", "EPSG:32631"}}},
            {"time", {{"t0", "2020-01-01"}, {"t1", "2020-01-03"}, {"dt", "P1D"}}}};
  }

  Report made(const json& document, const std::string& file) {
    const auto parsed = Document::parse(document.dump(), graphs_.dir.path());
    Graph graph = compile(parsed, document_operators(), resources_);
    OutputSpec output{.file = graphs_.dir.file(file), .overwrite = true};
    if (file == "cog.tif") output.format = "COG";
    std::vector<std::unique_ptr<Sink>> sinks;
    sinks.push_back(make_sink(output, graph.info()));
    const Plan plan(std::move(graph), {.threads = 2});
    const Provenance provenance{canonical_text(parsed, document_operators(), graphs_.dir.path()),
                                {}};
    return run(plan, resources_, sinks, provenance, {.threads = plan.threads()});
  }

  test::RasterGraphs graphs_;
  Resources resources_;
};

}  // namespace

TEST_CASE("runs by the thousand hold no more than a few") {
  const char* asked = std::getenv("CUBE_RUNS");
  const int wanted = asked ? std::atoi(asked) : 400;
  Work work;
  int runs = 0;
  while (runs < wanted / 2) runs += work.once();  // caches of GDAL and PROJ fill
  const Held before = held();
  const int first = runs;
  while (runs < wanted) runs += work.once();
  const Held after = held();
  const double grown = static_cast<double>(after.bytes - before.bytes) / (runs - first);
  std::cout << runs << " runs: " << after.bytes - before.bytes << " bytes more, " << grown
            << " a run; " << after.handles << " handles, " << after.threads << " threads\n";
  // The least that malloc gives is 32 bytes. What the allocator keeps for threads moves a little.
  constexpr double kOneObject = 32;
  constexpr double kKept = 65536;
  CHECK(grown < kOneObject + kKept / (runs - first));
  CHECK(after.handles == before.handles);
  CHECK(after.threads == before.threads);
}
