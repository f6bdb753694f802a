// Ways to compute a cube that must all give the same: the reference is one chunk on one thread.
//
// A way is a name, settings drawn for a cube, and a check. To compare one more way (parts, a run
// that is killed and resumed, another sink, ...) add one to ways().
// Thread rule: a Case belongs to one thread; ways are constant.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/block.h"
#include "engine/plan.h"
#include "tests/differential/archive.h"

namespace cube::fuzz {

// A cube that was computed.
struct Result {
  CubeInfo info;
  std::vector<Block> bands;  // over the whole extent
  std::string failure;       // of the run; then there are no bands
};

// A graph document over an archive, and its reference.
class Case {
 public:
  // Compiles and computes; throws what these throw. REQUIRES: they outlive it.
  Case(Json document, const Archive& archive, const Registry& registry);

  const Json& document() const { return document_; }
  const Archive& archive() const { return archive_; }
  const Registry& registry() const { return registry_; }
  const Graph& graph() const { return graph_; }
  const CubeInfo& info() const { return graph_.info(); }
  const Result& reference() const { return reference_; }

  // The same archive's graph of another document.
  Graph compiled(const Json& document) const;

  // How a run by these settings differs from the reference, "" = not at all: "chunk" [t, y, x],
  // "threads", "memory" (bytes), "cache" (bytes of blocks that workers share), each optional.
  Result run(const Graph& graph, const Json& settings) const;

 private:
  Json document_;
  const Archive& archive_;
  const Registry& registry_;
  Graph graph_;
  Result reference_;
};

struct Way {
  std::string name;
  int weight = 1;  // how often it is drawn
  // Random settings for such a cube; null = the way does not suit it.
  std::function<Json(const Case&, Dice&)> draw;
  // The first difference from the reference, "" = none. Settings may have been drawn for a cube of
  // another size.
  std::function<std::string(const Case&, const Json& settings)> difference;
};

const std::vector<Way>& ways();

// The way that settings name by "way". Throws std::out_of_range.
const Way& way_of(const Json& settings);

// The first difference of two cubes: grid, times, what is said of bands, and the bits of cells (NaN
// equal NaN); "" = none.
std::string difference(const CubeInfo& a, const CubeInfo& b);
std::string difference(const Result& a, const Result& b);

}  // namespace cube::fuzz
