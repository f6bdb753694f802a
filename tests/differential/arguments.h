// Random arguments of any operator, from what its parameters say of themselves: types, choices,
// which are required, and the values of its example. Names that mean the same wherever they stand
// (left, t0, reducer, ...) get values that suit the cube at hand, so that few are rejected; an
// operator with none of them works too, with more tries.
// Thread rule: one thread.
#pragma once

#include <span>
#include <string>

#include "engine/cube_info.h"
#include "engine/registry.h"
#include "graphs/describe.h"
#include "tests/differential/archive.h"

namespace cube::fuzz {

class Arguments {
 public:
  // REQUIRES: all of them outlive it.
  Arguments(const OperatorType& type, std::span<const CubeInfo> inputs, const Archive& archive,
            Dice& dice);

  // The arguments of a node, "cube_type" and inputs not among them.
  Json drawn() const;

  // Another value for one of them, or it is left out. False when the operator has none such.
  bool redraw(Json& arguments, const std::string& name) const;

 private:
  struct Place {
    const FieldDoc& field;
    const Json* example;  // the value at this place in the operator's example, if there is one
    std::string name;     // of the field, or of the one that it is an item of
  };

  Json value(const Place& place, const TypeDoc& type) const;
  Json record(const TypeDoc& type, const Json* example) const;
  Json list(const Place& place, const TypeDoc& type) const;
  Json map(const Place& place, const TypeDoc& type) const;
  Json text(const Place& place) const;
  Json whole_number(const Place& place) const;
  Json number(const Place& place) const;
  Json free_value() const;

  Json known_text(const std::string& name) const;  // null = the name says nothing
  Json file(const std::string& name) const;
  Json view() const;
  Json space_view() const;
  Json kernel() const;
  std::string band() const;
  std::string stored_band() const;
  std::string new_name() const;
  std::string reducer() const;
  Json reducer_spec() const;
  std::string formula(int depth) const;
  std::string operand() const;
  std::string method() const;
  std::string period() const;
  std::string time() const;
  std::string zone() const;
  double coordinate(bool along_x) const;
  double fraction() const { return dice_.real(-0.1, 1.1); }

  const OperatorType& type_;
  std::vector<FieldDoc> fields_;
  Json example_;
  std::span<const CubeInfo> inputs_;
  const Archive& archive_;
  Dice& dice_;
};

}  // namespace cube::fuzz
