// The JSON Schema of graph documents, made from the fields of the operators.
#include <nlohmann/json.hpp>

#include "graphs/describe.h"
#include "graphs/document.h"
#include "graphs/older_forms.h"

namespace cube {

namespace {

using Json = nlohmann::ordered_json;
using Kind = TypeDoc::Kind;

Json ref(const std::string& name) { return {{"$ref", "#/$defs/" + name}}; }

Json object_schema(const std::vector<FieldDoc>& fields);
Json full_schema(const TypeDoc& type, const FieldDoc& field);

Json text_schema(const FieldDoc& field) {
  if (field.choices.empty()) return {{"type", "string"}};
  return {{"anyOf", Json::array({Json{{"enum", field.choices}}, ref("parameter-text")})}};
}

// The schema of a value of `type` inside `field`.
Json type_schema(const TypeDoc& type, const FieldDoc& field) {
  switch (type.kind) {
    case Kind::kBool:
      return ref("boolean-value");
    case Kind::kInteger:
      return ref("integer-value");
    case Kind::kNumber:
      return ref("number-value");
    case Kind::kText:
      return text_schema(field);
    case Kind::kNumberOrText:
      return {{"type", Json::array({"number", "string"})}};
    case Kind::kFree:
      return {{"type", Json::array({"string", "number", "boolean", "array"})},
              {"items", ref("number-value")}};
    case Kind::kList:
      return {{"type", "array"}, {"items", type_schema(type.items.at(0), field)}};
    case Kind::kTuple:
    case Kind::kMap:
    case Kind::kRecord:
      break;
  }
  Json full = full_schema(type, field);
  if (!type.or_text) return full;
  return {{"anyOf", Json::array({text_schema(field), std::move(full)})}};
}

// Of a type that may also be written as a lone text: what it is in full.
Json full_schema(const TypeDoc& type, const FieldDoc& field) {
  if (type.kind == Kind::kMap) {
    return {{"type", "object"}, {"additionalProperties", type_schema(type.items.at(0), field)}};
  }
  if (type.kind == Kind::kRecord) return object_schema(type.fields);
  Json items = Json::array();
  for (const TypeDoc& item : type.items) items.push_back(type_schema(item, field));
  const std::size_t size = type.items.size();
  return {{"type", "array"}, {"prefixItems", items}, {"minItems", size}, {"maxItems", size}};
}

Json field_schema(const FieldDoc& field) {
  Json schema = type_schema(field.type, field);
  if (field.one_or_many && field.type.kind == Kind::kList) {
    schema = {{"anyOf", Json::array({schema, type_schema(field.type.items.at(0), field)})}};
  }
  // What is optional and has no default may be null, as json11 writes numbers that are not finite.
  if (!field.required && !field.preset) {
    schema = {{"anyOf", Json::array({std::move(schema), Json{{"type", "null"}}})}};
  }
  schema["description"] = field.help;
  if (field.preset) schema["default"] = *field.preset;
  return schema;
}

Json annotations() {
  const Json text = {{"type", "string"}};
  return {{"$schema", text}, {"title", text}, {"description", text}};
}

void require(Json& schema, const FieldDoc& field) {
  if (field.aliases.empty()) {
    schema["required"].push_back(field.name);
    return;
  }
  Json any = Json::array({Json{{"required", Json::array({field.name})}}});
  for (const std::string& alias : field.aliases) {
    any.push_back({{"required", Json::array({alias})}});
  }
  schema["allOf"].push_back({{"anyOf", any}});
}

Json object_schema(const std::vector<FieldDoc>& fields) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}};
  for (const FieldDoc& field : fields) {
    const Json property = field_schema(field);
    schema["properties"][field.name] = property;
    for (const std::string& alias : field.aliases) schema["properties"][alias] = property;
    if (field.required) require(schema, field);
  }
  schema["properties"].update(annotations());
  schema["additionalProperties"] = false;
  return schema;
}

Json operator_schema(const OperatorType& type) {
  Json ids = Json::array({type.id});
  for (const std::string& alias : type.aliases) ids.push_back(alias);
  Json fields = object_schema(describe(type));
  Json schema = {{"title", type.id}, {"description", type.summary}, {"type", "object"}};
  schema["properties"]["cube_type"] =
      ids.size() == 1 ? Json{{"const", type.id}} : Json{{"enum", ids}};
  schema["properties"].update(fields["properties"]);
  schema["required"] = Json::array({"cube_type"});
  if (fields.contains("required")) {
    for (const Json& name : fields["required"]) schema["required"].push_back(name);
  }
  for (const InputKey& input : type.inputs) {
    Json property = ref("cube");
    if (input.many) property = {{"type", "array"}, {"items", property}, {"minItems", 1}};
    property["description"] = input.help;
    schema["properties"][input.name] = property;
    if (!input.or_file) schema["required"].push_back(input.name);
  }
  if (fields.contains("allOf")) schema["allOf"] = fields["allOf"];
  schema["additionalProperties"] = false;
  add_older_forms(type.id, schema);
  return schema;
}

Json document_schema() {
  const Json output = {
      {"type", "object"},
      {"properties",
       {{"file", {{"type", "string"}}},
        {"format", {{"type", "string"}}},
        {"options",
         {{"type", "object"},
          {"additionalProperties", {{"type", Json::array({"string", "number", "boolean"})}}}}},
        {"overwrite", ref("boolean-value")},
        {"append", ref("boolean-value")}}},
      {"required", Json::array({"file"})}};
  Json schema = {{"type", "object"}};
  Json& properties = schema["properties"];
  properties["version"] = {{"const", 1}};
  properties["parameters"] = {{"type", "object"}};
  properties["cubes"] = {{"type", "object"}, {"additionalProperties", ref("cube")}};
  properties["result"] = ref("cube");
  properties["outputs"] = {{"type", "array"}, {"items", output}};
  properties.update(annotations());
  schema["required"] = Json::array({"result"});
  schema["additionalProperties"] = false;
  return schema;
}

// A text that is one parameter: "${name}".
constexpr const char* kTemplate = "^\\$\\{[^}]*\\}$";

Json or_template(Json schema, const char* pattern = kTemplate) {
  return {
      {"anyOf", Json::array({std::move(schema), Json{{"type", "string"}, {"pattern", pattern}}})}};
}

}  // namespace

std::string schema_text(const Registry& registry) {
  Json defs = Json::object();
  Json nodes = Json::array();
  for (const OperatorType& type : registry.types()) {
    defs[type.id] = operator_schema(type);
    nodes.push_back(ref(type.id));
  }
  // With a dash, as no operator's id has one.
  defs["cube-node"] = {{"anyOf", nodes}};
  defs["cube"] = {{"anyOf", Json::array({Json{{"type", "string"}}, ref("cube-node")})}};
  defs["cube-document"] = document_schema();
  defs["parameter-text"] = {{"type", "string"}, {"pattern", kTemplate}};
  defs["boolean-value"] = or_template({{"type", "boolean"}});
  defs["integer-value"] = or_template({{"type", "integer"}});
  defs["number-value"] = or_template({{"type", "number"}}, "^(nan|inf|-inf|\\$\\{[^}]*\\})$");
  const Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                       {"title", "Graph document of cube"},
                       {"anyOf", Json::array({ref("cube-node"), ref("cube-document")})},
                       {"$defs", defs}};
  return schema.dump(2) + "\n";
}

}  // namespace cube
