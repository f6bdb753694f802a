// A compiled graph as the package sees it.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "cube/cube.h"

namespace cube::python {

using Triple = std::tuple<std::int64_t, std::int64_t, std::int64_t>;  // slices, rows, columns
using Span = std::pair<std::int64_t, std::int64_t>;                   // half-open

// How a run is to be made.
struct RunWish {
  std::vector<OutputSpec> outputs;
  int threads = 0;                // 0 = all cores
  std::int64_t memory_bytes = 0;  // 0 = as the program has it
  std::optional<Triple> chunk;
  bool keep_going = false;
  pybind11::object progress;  // None, or called with the chunks done and all
};

// Thread rule: any thread, which holds the interpreter's lock; it is not held while the engine
// compiles, reads or computes.
class Engine {
 public:
  // Throws Error.
  Engine(const Document& document, const Parameters& parameters, bool allow_exec);

  // The canonical document with saved graphs in their places, and the folder its names start from.
  const std::string& text() const { return text_; }
  std::string folder() const { return cube_.document().base().string(); }
  // Those of the document.
  std::vector<OutputSpec> outputs() const { return cube_.document().outputs(); }

  pybind11::dict info() const;
  // With what was read: see cf_dict(). Looks at sizes and times of all files of the cube.
  pybind11::dict describe() const;
  std::vector<std::vector<std::size_t>> riding_bands() const;

  // The stored cells of some bands, arrays of the shape of the region, and the images that were
  // left out of the cube and not told before. Computed on this thread; Ctrl-C ends it.
  std::pair<pybind11::list, std::vector<std::pair<std::string, std::string>>> read(
      const std::vector<std::size_t>& bands, const std::tuple<Span, Span, Span>& region);

  // See report_dict(). Where a handler of a signal or `progress` raises, the run is ended.
  pybind11::dict run(const RunWish& wish) const;

 private:
  std::vector<std::pair<std::string, std::string>> newly_skipped();

  Environment environment_;
  Cube cube_;
  std::string text_;
  std::mutex mutex_;
  std::set<std::string> told_;  // images
};

}  // namespace cube::python
