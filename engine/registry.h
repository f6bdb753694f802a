// Registry: the operators that a graph document can name.
//
// An operator is one file engine/ops/ID.cpp, which defines `OperatorType ID()` in namespace
// cube::ops; the build makes the list from the file names. A registry is a value and is passed to
// whoever needs it; an embedding program adds its own types to a copy.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/operator.h"
#include "engine/params.h"
#include "engine/resources.h"

namespace cube {

// Parameters of some operator, seen through their fields.
class AnyParams {
 public:
  virtual ~AnyParams() = default;
  virtual void fields(FieldVisitor& visitor) = 0;
};

// A key under which other cubes are given.
struct InputKey {
  std::string name;  // "in_cube"
  std::string help;
  bool many = false;  // a list of cubes
  // Need not be there. A text that names no cube is not this input, but the file that the
  // parameter of the same name takes.
  bool or_file = false;
};

struct OperatorDoc {
  std::string id;                         // the file's name, the value of "cube_type"
  std::string summary;                    // one line
  std::string help = {};                  // further paragraphs, "" = none
  std::string example;                    // a JSON node that is valid as it stands (tests run it)
  std::vector<InputKey> inputs;           // in the order of the operator's inputs
  std::vector<std::string> aliases = {};  // other accepted cube_types
};

struct OperatorType : OperatorDoc {
  // Default-valued parameters, to be filled or described.
  std::function<std::unique_ptr<AnyParams>()> params;
  // Checks everything and builds; throws Error whose `where` points into the node ("/expr/0").
  std::function<std::shared_ptr<const Operator>(const AnyParams&, std::span<const CubeInfo> inputs,
                                                const Resources&)>
      make;
};

// The type of `Op`, which has a `Params` and a constructor (Params, span<const CubeInfo>) or
// (Params, span<const CubeInfo>, const Resources&).
template <class Op>
OperatorType operator_type(OperatorDoc doc) {
  struct Holder final : AnyParams {
    typename Op::Params value;
    void fields(FieldVisitor& visitor) override { value.fields(visitor); }
  };
  OperatorType type;
  static_cast<OperatorDoc&>(type) = std::move(doc);
  type.params = [] { return std::make_unique<Holder>(); };
  type.make = [](const AnyParams& any, std::span<const CubeInfo> in,
                 const Resources& resources) -> std::shared_ptr<const Operator> {
    const auto& params = static_cast<const Holder&>(any).value;
    if constexpr (std::is_constructible_v<Op, typename Op::Params, std::span<const CubeInfo>,
                                          const Resources&>) {
      return std::make_shared<const Op>(params, in, resources);
    } else {
      return std::make_shared<const Op>(params, in);
    }
  };
  return type;
}

class Registry {
 public:
  // REQUIRES: no type of that id yet.
  void add(OperatorType type);

  // By id or alias; null when there is none.
  const OperatorType* find(std::string_view id) const;

  // In order of id.
  const std::vector<OperatorType>& types() const { return types_; }

 private:
  std::vector<OperatorType> types_;
};

// Every operator under engine/ops.
Registry builtin_operators();

}  // namespace cube
