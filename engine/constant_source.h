// ConstantSource: a cube whose cells all have one value, or all are missing.
//
// Serves `dummy` and `empty`, which tests and examples stand on.
// Thread rule: immutable.
#pragma once

#include <optional>

#include "engine/operator.h"
#include "engine/view.h"

namespace cube {

class ConstantSource : public Operator {
 public:
  // What both have in common.
  struct Layout {
    View view;
    std::int64_t nbands = 1;
    std::optional<ChunkSides> chunk_size;

    void fields(FieldVisitor& v);
  };

  // `fill` empty: all cells are missing. Throws Error that points into the node.
  ConstantSource(const Layout& layout, std::optional<double> fill);

  Request demand(const Request&, std::size_t) const override { return {}; }
  std::unique_ptr<Kernel> kernel() const override;
  Cost cost(const Request& request) const override;
  bool passes_emptiness() const override { return !fill_; }
  std::optional<ChunkWish> preferred_chunk() const override { return chunk_; }

 private:
  static CubeInfo described(const Layout& layout);

  std::optional<double> fill_;
  std::optional<ChunkShape> chunk_;
};

}  // namespace cube
