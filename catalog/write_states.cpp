#include "catalog/write_states.h"

#include <string>
#include <vector>

#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/parallel.h"

namespace cube {

void write_states(CatalogWriter& writer, const std::filesystem::path& folder, int threads) {
  constexpr std::size_t kAtATime = 4096;
  const std::string prefix = folder.string() + "/";
  std::vector<std::string> names;
  std::vector<FileState> states;
  const auto write = [&] {
    states.assign(names.size(), {});
    for_each_parallel(names.size(), threads, [&](std::size_t i) {
      // Most names need not be made normal to be looked at.
      const bool plain = is_file_name(names[i]) && !names[i].starts_with('/');
      states[i] = state_of(plain ? prefix + names[i] : resolve_descriptor(names[i], folder));
    });
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (states[i].size) writer.add_file(names[i], states[i].size, states[i].mtime);
    }
    names.clear();
  };
  writer.for_each_file([&](const std::string& name) {
    names.push_back(name);
    if (names.size() == kAtATime) write();
  });
  write();
}

}  // namespace cube
