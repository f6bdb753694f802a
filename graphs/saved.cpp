// The "saved" operator: a cube that another document describes.
#include "engine/error.h"
#include "engine/text.h"
#include "engine/user_bands.h"
#include "graphs/resolve.h"

namespace cube {

namespace {

struct SavedParams final : AnyParams {
  std::string file;
  FreeValues arguments;

  void fields(FieldVisitor& v) override {
    v.field({.name = "file",
             .help = "A graph document, e.g. written by cube save.",
             .required = true,
             .path = true},
            file);
    v.field({.name = "arguments",
             .help = "Values of its parameters, instead of those that it gives them."},
            arguments);
  }
};

std::string text_of(const FreeValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<double>(&value)) return number_text(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  std::vector<std::string> numbers;
  for (const double number : std::get<std::vector<double>>(value)) {
    numbers.push_back(number_text(number));
  }
  return std::string("[").append(join(numbers)).append("]");
}

}  // namespace

OperatorType saved_type() {
  OperatorType type;
  type.id = "saved";
  type.summary = "The cube that another document describes.";
  type.help =
      "Paths in that document are relative to it, and \"${name}\" in it stands for its own "
      "parameters. Those of the document that names it can be handed on: \"arguments\": "
      "{\"year\": \"${year}\"}. Its outputs are not written.";
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

std::map<std::string, std::string> saved_arguments(const AnyParams& params) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : static_cast<const SavedParams&>(params).arguments) {
    texts[name] = text_of(value);
  }
  return texts;
}

Registry document_operators() {
  Registry registry = builtin_operators();
  registry.add(saved_type());
  return registry;
}

}  // namespace cube
