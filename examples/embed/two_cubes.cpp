// Two cubes with different settings in two threads, and the same one after the other: nothing that
// one does is seen by the other.
//   two_cubes GRAPH
#include <cube/cube.h>

#include <iostream>
#include <thread>

namespace {

// The sum of all cells, which does not depend on the settings.
double sum_of(const cube::Settings& settings, const std::string& graph) {
  const cube::Environment environment(settings);
  const cube::Cube cube = environment.open(graph);
  double sum = 0;
  for (const cube::Cells& cells : cube.chunks()) {
    for (const std::string& band : cells.band_names()) {
      for (const double value : cells.numbers(band)) sum += value == value ? value : 0;
    }
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string graph = argv[1];
  const cube::Settings small{
      .threads = 1, .memory_bytes = 300 << 20, .chunk = cube::ChunkShape{1, 64, 64}};
  const cube::Settings large{.threads = 4, .chunk = cube::ChunkShape{3, 150, 200}};
  try {
    const double first = sum_of(small, graph);
    const double second = sum_of(large, graph);
    double first_again = 0;
    double second_again = 0;
    {
      // An exception must not leave a thread; these cubes have been opened once without one.
      const std::jthread one([&] { first_again = sum_of(small, graph); });
      const std::jthread other([&] { second_again = sum_of(large, graph); });
    }
    std::cout << first << " and " << second << " one after the other, " << first_again << " and "
              << second_again << " at the same time\n";
    return first == first_again && second == second_again ? 0 : 1;
  } catch (const cube::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
