#include "graphs/document.h"

#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/limits.h"
#include "engine/text.h"
#include "graphs/document_json.h"
#include "graphs/json_reader.h"
#include "graphs/json_text.h"

namespace cube {

namespace {

using nlohmann::json;

using Values = std::map<std::string, json>;

std::vector<std::string> names_of(const Values& values) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : values) names.push_back(name);
  return names;
}

// A value given as text, in the type that the document's own value has.
json typed(const std::string& name, const std::string& text, const json& own) {
  if (own.is_null() || own.is_string()) return text;
  const json value = json::parse(text, nullptr, false);
  const bool same = value.is_number() ? own.is_number() : value.type() == own.type();
  if (!same) {
    throw invalid("expected a value like " + own.dump() + ", found the text \"" + text + "\"",
                  "/parameters" + pointer_step(name));
  }
  return value;
}

Values merged(const json& document, const std::map<std::string, std::string>& given) {
  Values values;
  const json own = document.is_object() ? document.value("parameters", json::object()) : json();
  if (own.is_object()) {
    for (const auto& [name, value] : own.items()) values[name] = value;
  } else if (!own.is_null()) {
    throw invalid("expected an object of names and values, found " + found(own), "/parameters");
  }
  for (const auto& [name, text] : given) {
    const auto place = values.find(name);
    if (place == values.end()) {
      const auto names = names_of(values);
      throw invalid("there is no parameter '" + name + "'", "/parameters",
                    names.empty() ? "the document has none" : suggest(names, name));
    }
    place->second = typed(name, text, place->second);
  }
  return values;
}

// Replaces "${name}" in every text below a place. A text of a few kilobytes must not grow to
// gigabytes.
class Replacer {
 public:
  explicit Replacer(const Values& values) : values_(values) {}

  void replace(json& place, const std::string& pointer) {
    if (place.is_string()) {
      place = replaced(place.get_ref<const std::string&>(), pointer);
    } else if (place.is_array()) {
      for (std::size_t i = 0; i < place.size(); ++i) {
        replace(place[i], pointer + pointer_step(i));
      }
    } else if (place.is_object()) {
      for (auto& [key, value] : place.items()) {
        if (!is_annotation(key)) replace(value, pointer + pointer_step(key));
      }
    }
  }

 private:
  json replaced(const std::string& text, const std::string& pointer) {
    std::string out;
    std::size_t done = 0;
    while (true) {
      const std::size_t start = text.find("${", done);
      if (start == std::string::npos) break;
      const std::size_t end = text.find('}', start);
      if (end == std::string::npos) throw invalid("\"${\" without \"}\"", pointer);
      const json& value = value_of(text.substr(start + 2, end - start - 2), pointer);
      const std::string written = value.is_string() ? value.get<std::string>() : value.dump();
      count(written.size(), pointer);
      if (start == 0 && end + 1 == text.size()) return value;
      out += text.substr(done, start - done);
      out += written;
      done = end + 1;
    }
    return out + text.substr(done);
  }

  void count(std::size_t bytes, const std::string& pointer) {
    bytes_ += bytes;
    if (bytes_ <= limits::kDocumentBytes) return;
    throw invalid("the document is too long with its parameters in it", pointer,
                  "at most " + std::to_string(limits::kDocumentBytes >> 20) + " MiB");
  }

  const json& value_of(const std::string& name, const std::string& pointer) const {
    const auto value = values_.find(name);
    if (value == values_.end()) {
      const auto names = names_of(values_);
      throw invalid("there is no parameter '" + name + "'", pointer,
                    names.empty() ? "declare it under \"parameters\"" : suggest(names, name));
    }
    if (value->second.is_null()) {
      throw invalid(
          "the parameter '" + name + "' has no value", pointer,
          "--set " + name + "=VALUE gives it one; of a saved cube, \"arguments\" beside its file");
    }
    return value->second;
  }

  const Values& values_;
  std::size_t bytes_ = 0;  // of values that were put in
};

// One entry of "outputs".
struct Output {
  std::string file;
  std::string format;
  std::map<std::string, std::string> options;
  bool overwrite = false;
  bool append = false;

  void fields(FieldVisitor& v) {
    v.field({.name = "file",
             .help = "The name of the output; may hold {t} and {band}.",
             .required = true,
             .path = true},
            file);
    v.field({.name = "format",
             .help = "GTiff, COG, netCDF, Zarr, PNG, GIF, WebP, CSV, SVG, GPKG or GeoJSON."},
            format);
    v.field({.name = "options", .help = "Creation options, as of GDAL's drivers."}, options);
    v.field({.name = "overwrite", .help = "Replace an existing file."}, overwrite);
    v.field({.name = "append", .help = "Put the slices behind those of an existing Zarr."}, append);
  }
};

// Options are texts to GDAL, whatever they look like in JSON.
void make_options_texts(json& output) {
  if (!output.is_object() || !output.contains("options") || !output["options"].is_object()) return;
  for (auto& [key, value] : output["options"].items()) {
    if (value.is_number()) value = value.dump();
    if (value.is_boolean()) value = value.get<bool>() ? "YES" : "NO";
  }
}

}  // namespace

Document Document::load(const std::string& file) {
  const std::string other = what_reads(file, "saved");
  if (!other.empty()) throw Error(ErrorCode::kUnreadable, "is no graph", file, other);
  const std::string text = read_document(file);
  const auto base = file == "-" ? std::filesystem::path()
                                : std::filesystem::absolute(file).lexically_normal().parent_path();
  return parse(text, base, file == "-" ? "standard input" : file);
}

Document Document::parse(std::string_view text, const std::filesystem::path& base,
                         std::string_view name) {
  Document document;
  document.content_ = std::make_shared<const Content>(Content{parse_json(text, name)});
  document.base_ = base.empty() ? std::filesystem::current_path() : std::filesystem::absolute(base);
  return document;
}

Document Document::with_parameters(const std::map<std::string, std::string>& values) const {
  if (replaced_ && values.empty()) return *this;
  const Values all = merged(content_->json, values);
  auto copy = std::make_shared<Content>(*content_);
  if (copy->json.is_object()) copy->json.erase("parameters");
  Replacer(all).replace(copy->json, "");
  Document document = *this;
  document.content_ = std::move(copy);
  document.replaced_ = true;
  return document;
}

std::vector<OutputSpec> Document::outputs() const {
  if (!replaced_) return with_parameters({}).outputs();
  std::vector<OutputSpec> specs;
  const json& top = content_->json;
  if (!top.is_object() || !top.contains("outputs")) return specs;
  json list = top.at("outputs");
  if (!list.is_array()) {
    throw invalid("expected a list of outputs, found " + found(list), "/outputs");
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    make_options_texts(list[i]);
    Output output;
    try {
      JsonReader(list[i], base_).read(output);
    } catch (const Error& error) {
      throw error.within("/outputs" + pointer_step(i));
    }
    specs.push_back({output.file, output.format, output.options, output.overwrite, output.append});
  }
  return specs;
}

}  // namespace cube
