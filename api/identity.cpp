#include "api/identity.h"

#include <gdal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_set>

#include "catalog/descriptor.h"
#include "cube/version.h"
#include "engine/demand.h"
#include "engine/file_kind.h"
#include "engine/remote_names.h"
#include "engine/text.h"
#include "engine/time_axis.h"
#include "graphs/json_text.h"

namespace cube {

namespace {

using Take = std::function<void(const Ingredient&)>;

// The file whose time tells of changes of a Zarr store; other files as they are.
std::string telling_file(const std::string& file) {
  for (const char* name : {"/.zmetadata", "/.zgroup"}) {
    const std::string inside = file + name;
    if (::access(inside.c_str(), F_OK) == 0) return inside;
  }
  return file;
}

// Layers, masks, scripts, libraries: whatever the graph names. Of catalogs counts what is read.
void each_named_file(const nlohmann::json& values, const std::filesystem::path& base,
                     const Take& take) {
  for (const auto& [pointer, value] : values.items()) {
    if (!value.is_string()) continue;
    const std::string file = resolve_path(value.get<std::string>(), base);
    const std::string state = file_state(file);
    if (!state.empty() && kind_of_file(file) != FileKind::kCatalog) take({file, state});
  }
}

void each_source(const Graph& graph, const Take& take) {
  const std::vector<Request> requests =
      demanded(graph, graph.result, all_bands(graph.info(), graph.info().extent()));
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (requests[i].region.empty() || requests[i].bands.empty()) continue;
    const Operator& op = *graph.nodes[i].op;
    op.ingredients(requests[i], take);
    const Cost cost = op.cost(requests[i]);
    const std::unordered_set<std::string_view> files(cost.files.begin(), cost.files.end());
    for (const std::string_view name : files) {
      const std::string descriptor(name);
      const std::string file = file_of(descriptor);
      take({descriptor, file_state(telling_file(file.empty() ? descriptor : file))});
    }
  }
}

}  // namespace

std::string file_state(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%09ld", status.st_mtim.tv_nsec);
  return counted(static_cast<std::int64_t>(status.st_size), "byte") + " of " +
         to_text(Instant(std::chrono::seconds(status.st_mtim.tv_sec))) + fraction.data();
}

RunIdentity inputs_of(const Document& document, const std::string& canonical, const Graph& graph) {
  return [&graph, values = nlohmann::json::parse(canonical).flatten(),
          base = document.base()](const Take& write) {
    // Signatures in URLs are secrets, and others tomorrow.
    const Take take = [&](const Ingredient& ingredient) {
      write({without_secrets(ingredient.name), without_secrets(ingredient.state)});
    };
    each_named_file(values, base, take);
    each_source(graph, take);
  };
}

RunIdentity identity_of(const Document& document, const std::string& canonical,
                        const Graph& graph) {
  return [inputs = inputs_of(document, canonical, graph),
          values = nlohmann::json::parse(canonical).flatten()](const Take& take) {
    take({"the program",
          std::string("cube " CUBE_VERSION " with GDAL ") + GDALVersionInfo("RELEASE_NAME")});
    for (const auto& [pointer, value] : values.items()) {
      take({"the graph at " + (pointer.empty() ? "/" : pointer), value.dump()});
    }
    inputs(take);
  };
}

}  // namespace cube
