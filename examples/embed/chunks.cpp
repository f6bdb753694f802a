// Computes a graph chunk by chunk without writing anything: the mean of each band, first in order
// on one thread, then on all cores, and the cells of one corner.
//   chunks GRAPH
#include <cube/cube.h>

#include <cmath>
#include <iostream>
#include <map>
#include <mutex>

namespace {

struct Mean {
  double sum = 0;
  std::int64_t count = 0;

  // Cells of any type, as they are stored.
  template <class T>
  void add(std::span<const T> cells, std::optional<double> nodata) {
    for (const T cell : cells) {
      const auto value = static_cast<double>(cell);
      if (std::isnan(value) || value == nodata) continue;
      sum += value;
      ++count;
    }
  }
};

using Means = std::map<std::string, Mean>;

void add(const cube::Cells& cells, Means& means) {
  for (const std::string& band : cells.band_names()) {
    if (cells.missing(band)) continue;
    const cube::BandInfo& info = cells.info(band);
    cube::dispatch(info.dtype, [&]<class T>(std::type_identity<T>) {
      means[band].add(cells.of<T>(band), info.nodata);
    });
  }
}

void print(const char* how, const Means& means) {
  for (const auto& [band, mean] : means) {
    std::cout << how << ": " << band << " " << mean.sum / static_cast<double>(mean.count) << " of "
              << mean.count << " cells\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const cube::Environment environment({.chunk = cube::ChunkShape{1, 100, 100}});
    const cube::Cube cube = environment.open(argv[1]);
    Means in_order;
    for (const cube::Cells& cells : cube.chunks()) add(cells, in_order);
    print("in order", in_order);

    Means at_once;
    std::mutex mutex;
    const cube::Report report = cube.for_each_chunk([&](const cube::Cells& cells) {
      Means own;
      add(cells, own);
      const std::lock_guard lock(mutex);
      for (const auto& [band, mean] : own) {
        at_once[band].sum += mean.sum;
        at_once[band].count += mean.count;
      }
    });
    cube::check(report);
    print("at once", at_once);

    const cube::Cells corner = cube.read({{0, 1}, {0, 2}, {0, 2}});
    for (const double value : corner.numbers(corner.band_names().front()))
      std::cout << value << ' ';
    std::cout << '\n';
  } catch (const cube::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
