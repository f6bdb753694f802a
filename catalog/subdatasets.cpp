#include "catalog/subdatasets.h"

#include <set>

#include "catalog/descriptor.h"
#include "catalog/parallel.h"
#include "engine/error.h"
#include "engine/gdal/raster_info.h"

namespace cube {

namespace {

struct Found {
  std::vector<std::string> names;
  std::string failure;
};

Found look_into(const std::string& file) {
  try {
    return {list_subdatasets(absolute_name(file)), {}};
  } catch (const Error& error) {
    return {{}, why_unreadable(file, error.message())};
  }
}

}  // namespace

std::vector<std::string> subdatasets_of(const CollectionFormat& format,
                                        const std::vector<std::string>& files, int threads,
                                        std::vector<IndexReport::Left>& left_out) {
  std::set<std::string> names;
  std::vector<std::string> wanted;
  for (const std::string& file : std::set<std::string>(files.begin(), files.end())) {
    const std::string name = absolute_name(file);
    if (format.match(name).reason.empty()) {
      names.insert(name);
    } else if (format.holds_subdatasets(name)) {
      wanted.push_back(file);
    } else {
      left_out.push_back({file, "the name does not match /files", false, true});
    }
  }
  std::vector<Found> found(wanted.size());
  for_each_parallel(wanted.size(), threads,
                    [&](std::size_t i) { found[i] = look_into(wanted[i]); });
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    names.insert(found[i].names.begin(), found[i].names.end());
    if (!found[i].failure.empty()) left_out.push_back({wanted[i], found[i].failure, true, false});
  }
  return {names.begin(), names.end()};
}

}  // namespace cube
