#include "engine/gdal/zarr_metadata.h"

#include <span>

#include "engine/error.h"
#include "engine/gdal/output_file.h"
#include "engine/gdal/tile_store.h"

namespace cube {

namespace {

constexpr const char* kConsolidated = ".zmetadata";

std::string attributes_of(const std::string& array) {
  return array.empty() ? ".zattrs" : array + "/.zattrs";
}

// Puts a text under a name by a rename.
void replace_file(const std::string& path, const std::string& text, const std::string& file) {
  TemporaryName temporary(path, false);
  {
    PlacedFile out(temporary.path(), file);
    out.write(std::as_bytes(std::span(text)), 0);
    out.close();
  }
  sync_file(temporary.path(), file);
  temporary.keep(true);
}

std::string text_of(const Json& json) {
  return ascii_json(json.Format(Json::PrettyFormat::Pretty)) + "\n";
}

}  // namespace

ZarrMetadata::ZarrMetadata(const std::string& root) {
  const std::string file = root + "/" + kConsolidated;
  const auto bytes = read_whole_file(file);
  const auto document = bytes ? read_json(file) : std::nullopt;
  if (document) {
    text_.assign(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    document_ = *document;
    entries_ = json_member(document_, "metadata");
  }
  if (!document || entries_.GetType() != Json::Type::Object) {
    throw Error(ErrorCode::kUnreadable,
                "has no consolidated metadata, which are replaced as one when it is appended to",
                root, "zarr.consolidate_metadata of Python makes them");
  }
}

Json ZarrMetadata::entry(const std::string& name) const { return json_member(entries_, name); }

std::vector<std::string> ZarrMetadata::arrays() const {
  const std::string file = "/.zarray";
  std::vector<std::string> out;
  for (const Json& child : entries_.GetChildren()) {
    const std::string name = child.GetName();
    if (name.ends_with(file)) out.push_back(name.substr(0, name.size() - file.size()));
  }
  return out;
}

Json ZarrMetadata::attributes(const std::string& array) const {
  return entry(attributes_of(array));
}

std::vector<std::string> ZarrMetadata::dimensions(const std::string& array) const {
  std::vector<std::string> out;
  const Json names = json_member(attributes(array), "_ARRAY_DIMENSIONS");
  if (names.GetType() != Json::Type::Array) return out;
  for (const Json& name : names.ToArray()) out.push_back(name.ToString());
  return out;
}

void ZarrMetadata::lengthen(const std::string& array, std::int64_t slices) {
  Json changed = description(array);
  std::vector<std::int64_t> shape = json_integers(json_member(changed, "shape"));
  shape.front() = slices;
  CPLJSONArray sides;
  for (const std::int64_t side : shape) sides.Add(static_cast<GInt64>(side));
  changed.Delete("shape");
  changed.Add("shape", sides);
}

Json ZarrMetadata::attributes_to_change(const std::string& array) {
  Json found = attributes(array);
  if (found.IsValid()) return found;
  entries_.AddNoSplitName(attributes_of(array), Json());
  return attributes(array);
}

void ZarrMetadata::set_attribute(const std::string& array, const std::string& name,
                                 const std::string& text) {
  Json changed = attributes_to_change(array);
  changed.DeleteNoSplitName(name);
  changed.Add(name, text);
}

void ZarrMetadata::set_attribute(const std::string& array, const std::string& name,
                                 const std::vector<std::string>& texts) {
  Json changed = attributes_to_change(array);
  changed.DeleteNoSplitName(name);
  CPLJSONArray list;
  for (const std::string& text : texts) list.Add(text);
  changed.Add(name, list);
}

void ZarrMetadata::drop_attribute(const std::string& array, const std::string& name) {
  attributes(array).DeleteNoSplitName(name);
}

void ZarrMetadata::drop_array(const std::string& array) {
  entries_.DeleteNoSplitName(array + "/.zarray");
  entries_.DeleteNoSplitName(array + "/.zattrs");
}

void ZarrMetadata::publish(const std::string& root, const std::string& file) {
  for (const Json& child : entries_.GetChildren()) {
    const std::string path = root + "/" + child.GetName();
    const std::string text = text_of(child);
    const auto known = read_json(path);
    if (!known || text_of(*known) != text) replace_file(path, text, file);
  }
  replace_file(root + "/" + kConsolidated, text_of(document_), file);
}

}  // namespace cube
