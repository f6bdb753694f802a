#include "api/provenance.h"

#include "api/input_summary.h"
#include "catalog/sqlite.h"
#include "cube/version.h"
#include "engine/demand.h"
#include "engine/gdal/library_versions.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kQuery = "?...";
constexpr const char* kUser = "://...@";

void hide_secrets(Json& place) {
  if (place.is_string()) {
    place = without_secrets(place.get<std::string>());
  } else if (place.is_structured()) {
    for (Json& part : place) hide_secrets(part);
  }
}

std::string ascii(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace

std::string graph_without_secrets(const Document& document, const Registry& registry) {
  std::string text = whole_text(document, registry, document.base());
  if (!is_remote(text)) return text;
  Json graph = Json::parse(text);
  hide_secrets(graph);
  return graph.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string place_of_secret(const nlohmann::json& document) {
  const nlohmann::json values = document.flatten();
  for (const auto& [pointer, value] : values.items()) {
    if (!value.is_string()) continue;
    const auto& text = value.get_ref<const std::string&>();
    const auto has = [&](const char* mark) { return text.find(mark) != std::string::npos; };
    if (is_remote(text) && (has(kQuery) || has(kUser))) return pointer;
  }
  return {};
}

Provenance provenance_of(const Document& document, std::string text, const Graph& graph,
                         const RunIdentity& inputs) {
  Provenance out{.graph = std::move(text), .sources = {}, .folder = document.base().string()};
  const std::vector<Request> requests =
      demanded(graph, graph.result, all_bands(graph.info(), graph.info().extent()));
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (requests[i].region.empty() || requests[i].bands.empty()) continue;
    for (const std::string& source : graph.nodes[i].op->source_names(requests[i])) {
      out.sources.push_back(without_secrets(source));
    }
  }
  InputSummary summary(document.base());
  inputs([&](const Ingredient& ingredient) { summary.take(ingredient); });
  const Json versions = versions_json();
  for (const auto& [name, value] : versions.items()) out.about.emplace_back(name, ascii(value));
  out.about.emplace_back("images", std::to_string(out.sources.size()));
  out.about.emplace_back("inputs", ascii(summary.json()));
  return out;
}

Json versions_json() {
  Json libraries = Json::object();
  for (const auto& [name, version] : library_versions()) libraries[name] = version;
  libraries["SQLite"] = sqlite_version();
  return {{"cube", CUBE_VERSION}, {"libraries", libraries}};
}

}  // namespace cube
