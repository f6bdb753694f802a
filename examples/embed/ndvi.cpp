// The median NDVI of a year as a cloud-optimised GeoTIFF: a graph built in C++, what it makes, and
// a run that tells how far it is and that Ctrl-C stops.
//   ndvi CATALOG OUTPUT
#include <cube/cube.h>

#include <atomic>
#include <csignal>
#include <iostream>

namespace {

std::atomic<bool> stop_asked = false;
void ask_to_stop(int /*signal*/) { stop_asked = true; }

cube::Node ndvi_of(const std::string& catalog) {
  const cube::Value space = cube::object({{"left", 711000},
                                          {"right", 719600},
                                          {"bottom", 5537800},
                                          {"top", 5543000},
                                          {"dx", 20},
                                          {"srs", "EPSG:32631"}});
  const cube::Value time = cube::object({{"t0", "2023-01"}, {"t1", "2023-12"}, {"dt", "P1M"}});
  const cube::Value view = cube::object(
      {{"space", space}, {"time", time}, {"aggregation", "median"}, {"resampling", "bilinear"}});
  return cube::image_collection({{"file", catalog},
                                 {"mask_band", "SCL"},
                                 {"mask", cube::object({{"values", {3, 8, 9, 10}}})},
                                 {"view", view}})
      .apply_pixel({{"expr", "(B08-B04)/(B08+B04)"}, {"band_names", "NDVI"}})
      .reduce_time({{"reducer_bands", {{"median", "NDVI"}}}});
}

void print_info(const cube::CubeInfo& info) {
  std::cout << info.grid.width << " x " << info.grid.height << " cells in " << info.grid.crs
            << '\n';
  for (const cube::BandInfo& band : info.bands) {
    std::cout << band.name << ", " << cube::name(band.dtype) << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const cube::Environment environment({.memory_bytes = std::int64_t{1} << 30});
    const cube::Cube ndvi = environment.open(ndvi_of(argv[1]));
    print_info(ndvi.info());
    std::signal(SIGINT, ask_to_stop);
    const cube::Report report = ndvi.write({.file = argv[2], .format = "COG", .overwrite = true},
                                           {.progress =
                                                [](const cube::Progress& progress) {
                                                  std::cout << progress.chunks_done << " of "
                                                            << progress.chunks << " chunks\n";
                                                },
                                            .cancelled = [] { return stop_asked.load(); }});
    cube::check(report);
    std::cout << report.outputs.front() << " is written\n";
  } catch (const cube::Error& error) {
    std::cerr << error.what() << '\n';
    return error.code() == cube::ErrorCode::kCancelled ? 130 : 1;
  }
}
