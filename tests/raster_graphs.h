// Graphs of sources that read small raster files, for tests.
#pragma once

#include <nlohmann/json.hpp>

#include "graphs/document.h"
#include "tests/cells.h"
#include "tests/inline_cube.h"
#include "tests/rasters.h"
#include "tests/support.h"

namespace cube::test {

inline std::vector<double> counting(std::int64_t n, double first = 1) {
  std::vector<double> cells(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = first + static_cast<double>(i);
  return cells;
}

inline Resources resources() {
  Resources out;
  out.make_reader = [] { return make_image_reader(); };
  return out;
}

// Files of 4 x 3 cells of 10 m in EPSG:32631 at 500000, 5000000.
struct RasterGraphs {
  std::string write(const std::string& name, RasterSpec spec = {}, std::vector<double> cells = {}) {
    if (spec.width == 0) spec.width = 4;
    if (spec.height == 0) spec.height = 3;
    if (cells.empty()) cells = counting(std::int64_t{spec.width} * spec.height);
    write_raster(dir.file(name), spec, cells);
    return dir.file(name);
  }
  Graph graph(const nlohmann::json& arguments) const { return compiled(node(arguments)); }
  nlohmann::json node(nlohmann::json arguments) const {
    arguments["cube_type"] = cube_type;
    return arguments;
  }
  Graph compiled(const nlohmann::json& document) const {
    return compile(Document::parse(document.dump(), dir.path()), test_operators(), resources());
  }
  std::string error(const nlohmann::json& arguments) const {
    std::string text = error_of([&] { graph(arguments); });
    const std::string folder = dir.path().string() + "/";
    for (std::size_t i = text.find(folder); i != std::string::npos; i = text.find(folder)) {
      text.erase(i, folder.size());
    }
    return text;
  }
  TempDir dir;
  std::string cube_type = "raster";
};

inline std::vector<std::vector<double>> cells_of(const Graph& graph) {
  const auto shapes = chunk_shapes(graph.info());
  const auto whole = computed(graph, resources(), shapes[0]);
  for (const ChunkShape& shape : shapes) {
    CHECK(difference(whole, computed(graph, resources(), shape)) == "");
  }
  return whole;
}

inline bool same(const std::vector<std::vector<double>>& a,
                 const std::vector<std::vector<double>>& b) {
  return difference(a, b).empty();
}

}  // namespace cube::test
