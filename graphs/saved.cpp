// The "saved" operator: a cube that another document describes.
#include "engine/error.h"
#include "graphs/resolve.h"

namespace cube {

namespace {

struct SavedParams final : AnyParams {
  std::string file;

  void fields(FieldVisitor& v) override {
    v.field({.name = "file",
             .help = "A graph document, e.g. written by cube save.",
             .required = true,
             .path = true},
            file);
  }
};

}  // namespace

OperatorType saved_type() {
  OperatorType type;
  type.id = "saved";
  type.summary = "The cube that another document describes.";
  type.help =
      "Paths in that document are relative to it; its own parameters have the values it gives "
      "them.";
  type.example = R"({"cube_type": "saved", "file": "virtual.json"})";
  type.params = [] { return std::make_unique<SavedParams>(); };
  type.make = [](const AnyParams&, std::span<const CubeInfo>,
                 const Resources&) -> std::shared_ptr<const Operator> {
    throw Error(ErrorCode::kInternal, "a saved cube was not resolved");
  };
  return type;
}

const std::string& saved_file(const AnyParams& params) {
  return static_cast<const SavedParams&>(params).file;
}

Registry document_operators() {
  Registry registry = builtin_operators();
  registry.add(saved_type());
  return registry;
}

}  // namespace cube
