#include "catalog/inputs.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "catalog/descriptor.h"
#include "catalog/schema.h"

namespace cube {

namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kKinds = {"files", "stac", "table"};  // by Kind
constexpr const char* kStandardInput = "-";

// The catalog's own folder is ".".
std::string stored(const std::string& name, const fs::path& folder) {
  if (name == kStandardInput || !is_file_name(name)) return name;
  const fs::path path = absolute_name(name);
  const fs::path trimmed = path.has_filename() ? path : path.parent_path();  // "a/" is "a"
  if (trimmed == folder) return ".";
  return stored_descriptor(trimmed.string(), folder);
}

std::string resolved(const std::string& name, const fs::path& folder) {
  if (name == kStandardInput) return name;
  return name == "." ? folder.string() : resolve_descriptor(name, folder);
}

bool may_grow(const std::string& name) {
  std::error_code ignored;
  return name.find_first_of("*?[{") != std::string::npos || fs::is_directory(name, ignored);
}

ordered_json to_json(const CatalogInput& input, const fs::path& folder) {
  ordered_json out = {{"kind", kKinds[static_cast<std::size_t>(input.kind)]}};
  out["names"] = ordered_json::array();
  for (const std::string& name : input.names) out["names"].push_back(stored(name, folder));
  if (!input.bands.empty()) out["bands"] = input.bands;
  if (input.open_unknown) out["open"] = true;
  return out;
}

CatalogInput from_json(const nlohmann::json& entry, const fs::path& folder) {
  CatalogInput out;
  const std::string kind = entry.at("kind");
  const auto at = std::ranges::find(kKinds, kind);
  if (at == kKinds.end()) return out;
  out.kind = static_cast<CatalogInput::Kind>(at - kKinds.begin());
  for (const std::string name : entry.at("names")) out.names.push_back(resolved(name, folder));
  if (entry.contains("bands")) out.bands = entry.at("bands").get<std::vector<std::string>>();
  out.open_unknown = entry.value("open", false);
  return out;
}

}  // namespace

std::vector<CatalogInput> inputs_of(const std::map<std::string, std::string>& settings,
                                    const fs::path& folder) {
  std::vector<CatalogInput> out;
  const auto text = settings.find(kInputsKey);
  if (text == settings.end()) return out;
  try {
    for (const auto& entry : nlohmann::json::parse(text->second)) {
      CatalogInput input = from_json(entry, folder);
      if (!input.names.empty()) out.push_back(std::move(input));
    }
  } catch (const nlohmann::json::exception&) {  // not as we write it: as if nothing were said
    out.clear();
  }
  return out;
}

void add_input(std::map<std::string, std::string>& settings, const CatalogInput& input,
               const fs::path& folder) {
  const fs::path place = fs::absolute(folder).lexically_normal();
  const fs::path home = place.has_filename() ? place : place.parent_path();
  CatalogInput added = input;
  for (std::string& name : added.names) {
    if (name != kStandardInput) name = absolute_name(name);
  }
  if (added.kind == CatalogInput::Kind::kFiles) {
    std::erase_if(added.names, [](const std::string& name) { return !may_grow(name); });
    if (added.names.empty()) return;
  }
  std::vector<CatalogInput> all = inputs_of(settings, home);
  const bool table = added.kind == CatalogInput::Kind::kTable;
  const auto alike = std::ranges::find_if(all, [&](const CatalogInput& other) {
    return other.kind == added.kind && other.bands == added.bands &&
           other.open_unknown == added.open_unknown && (!table || other.names == added.names);
  });
  const auto at = static_cast<std::size_t>(alike - all.begin());
  if (alike == all.end()) {
    all.push_back(added);
    all.back().names.clear();
  }
  auto& names = all[at].names;
  names.insert(names.end(), added.names.begin(), added.names.end());
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  ordered_json out = ordered_json::array();
  for (const CatalogInput& each : all) out.push_back(to_json(each, home));
  settings[kInputsKey] = out.dump();
}

}  // namespace cube
