#include "graphs/describe.h"

#include "engine/text.h"
#include "graphs/json_writer.h"

namespace cube {

namespace {

using Kind = TypeDoc::Kind;

// Visits default-valued parameters and notes what is there; lists and maps get one element to show
// its type.
class Describer final : public FieldVisitor {
 public:
  std::vector<FieldDoc> run(AnyParams& params) {
    types_.emplace_back();
    params.fields(*this);
    return std::move(types_.back().fields);
  }

 protected:
  bool enter(const Field& field, bool) override {
    FieldDoc doc;
    doc.name = field.name;
    doc.help = field.help;
    doc.required = field.required;
    doc.choices.assign(field.choices.begin(), field.choices.end());
    doc.aliases.assign(field.aliases.begin(), field.aliases.end());
    doc.one_or_many = field.one_or_many;
    doc.path = field.path;
    fields_.push_back(std::move(doc));
    types_.emplace_back();
    return true;
  }
  void leave() override {
    fields_.back().type = take();
    types_.back().fields.push_back(std::move(fields_.back()));
    fields_.pop_back();
  }

  void value(bool&) override { types_.back().kind = Kind::kBool; }
  void value(std::int64_t&) override { types_.back().kind = Kind::kInteger; }
  void value(double&) override { types_.back().kind = Kind::kNumber; }
  void value(std::string&) override { types_.back().kind = Kind::kText; }
  void value(NumberOrText&) override { types_.back().kind = Kind::kNumberOrText; }
  void value(FreeValue&) override { types_.back().kind = Kind::kFree; }

  std::size_t begin_list(std::size_t, std::ptrdiff_t fixed_size) override {
    types_.back().kind = fixed_size < 0 ? Kind::kList : Kind::kTuple;
    return fixed_size < 0 ? 1 : static_cast<std::size_t>(fixed_size);
  }
  void begin_item(std::size_t) override { types_.emplace_back(); }
  void end_item() override {
    TypeDoc item = take();
    types_.back().items.push_back(std::move(item));
  }
  void end_list() override {}

  void begin_record() override { types_.back().kind = Kind::kRecord; }
  void end_record() override {}

  std::vector<std::string> begin_map(std::vector<std::string>) override {
    types_.back().kind = Kind::kMap;
    return {""};
  }
  void begin_key(const std::string&) override { types_.emplace_back(); }
  void end_key() override { end_item(); }
  void end_map() override {}

  bool short_form(const std::optional<std::string>&, std::ptrdiff_t) override {
    types_.back().or_text = true;
    return false;
  }

 private:
  TypeDoc take() {
    TypeDoc type = std::move(types_.back());
    types_.pop_back();
    return type;
  }

  std::vector<TypeDoc> types_;
  std::vector<FieldDoc> fields_;
};

void set_presets(std::vector<FieldDoc>& fields, const nlohmann::ordered_json& presets) {
  for (FieldDoc& field : fields) {
    const auto preset = presets.find(field.name);
    if (field.required || preset == presets.end()) continue;
    if (field.type.kind == Kind::kRecord && preset->is_object()) {
      set_presets(field.type.fields, *preset);
    } else {
      field.preset = *preset;
    }
  }
}

std::string type_text(const TypeDoc& type) {
  switch (type.kind) {
    case Kind::kBool:
      return "true or false";
    case Kind::kInteger:
      return "whole number";
    case Kind::kNumber:
      return "number";
    case Kind::kText:
      return "text";
    case Kind::kNumberOrText:
      return "number or text";
    case Kind::kFree:
      return "number, text, true or false, list of numbers";
    case Kind::kList:
      return "list of " + type_text(type.items.at(0));
    case Kind::kTuple: {
      std::vector<std::string> items;
      for (const TypeDoc& item : type.items) items.push_back(type_text(item));
      return std::string("[").append(join(items)).append("]");
    }
    case Kind::kMap:
      return std::string(type.or_text ? "text or " : "") + "object of " +
             type_text(type.items.at(0));
    case Kind::kRecord:
      break;
  }
  return type.or_text ? "text or object" : "object";
}

}  // namespace

std::vector<FieldDoc> describe(const OperatorType& type) {
  std::vector<FieldDoc> fields = Describer().run(*type.params());
  set_presets(fields, JsonWriter().write(*type.params()));
  return fields;
}

bool is_list_or_choice(const FieldDoc& field) {
  return field.type.kind == Kind::kTuple && field.type.or_text;
}

std::string type_text(const FieldDoc& field) {
  const std::string text = type_text(field.type);
  if (field.one_or_many && field.type.kind == Kind::kList) {
    return type_text(field.type.items.at(0)) + " or " + text;
  }
  if (is_list_or_choice(field)) return text + " or \"" + join(field.choices, "\" or \"") + "\"";
  return field.path && text == "text" ? "file name" : text;
}

}  // namespace cube
