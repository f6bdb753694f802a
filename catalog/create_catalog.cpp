// Writing a catalog.
#include <sys/stat.h>

#include "catalog/catalog.h"
#include "catalog/catalog_writer.h"
#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/draft.h"
#include "catalog/inputs.h"
#include "engine/error.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSecond = 1'000'000'000;  // in nanoseconds

void write_files(CatalogWriter& writer, const Collection& collection,
                 const std::vector<std::string>& descriptors) {
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    const FileState state =
        collection.states.empty() ? state_of(collection.files[i]) : collection.states[i];
    if (state.size) writer.add_file(descriptors[i], state.size, state.mtime);
  }
}

}  // namespace

FileState state_of(const std::string& file) {
  struct stat status {};
  // Of what lies in archives the name of the archive has to be found.
  const std::string name = is_file_name(file) ? file : file_of(file);
  if (name.empty() || ::stat(name.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return {status.st_size, status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec};
}

bool same_state(const FileState& a, const FileState& b) {
  if (a.size != b.size || a.mtime.has_value() != b.mtime.has_value()) return false;
  if (!a.mtime) return true;
  const bool whole = *a.mtime % kSecond == 0 || *b.mtime % kSecond == 0;
  return whole ? *a.mtime / kSecond == *b.mtime / kSecond : *a.mtime == *b.mtime;
}

void write_collection(const fs::path& file, const fs::path& folder, const std::string& format_json,
                      const Collection& collection) {
  std::vector<std::string> descriptors;
  for (const std::string& name : collection.files) {
    descriptors.push_back(stored_descriptor(name, folder));
  }
  CatalogWriter writer(file);
  for (const CollectedImage& image : collection.images) {
    const std::int64_t id =
        writer.add_image({image.name, image.datetime, image.crs, image.footprint});
    for (const auto& [band, source] : image.sources) {
      writer.add_reference(id, band, descriptors[source.file], source.raster_band);
      if (source.packing) writer.add_packing(id, band, *source.packing);
    }
    for (const auto& [key, value] : image.metadata) writer.add_metadata(id, key, value);
  }
  write_files(writer, collection, descriptors);
  for (const auto& [key, value] : collection.settings) writer.add_setting(key, value);
  writer.finish(collection.bands, format_json);
}

IndexReport create_catalog(const fs::path& catalog, const CollectionFormat& format,
                           const std::vector<std::string>& files, const IndexOptions& options) {
  check_target(catalog, options.overwrite);
  Collection collection = collect(format, files, options);
  add_input(collection.settings, options.input, fs::absolute(catalog).parent_path());
  const Draft draft(catalog);
  const fs::path folder = fs::absolute(catalog).lexically_normal().parent_path();
  draft.make([&] { write_collection(draft.path(), folder, format.json(), collection); });
  draft.publish(options.overwrite);
  return {static_cast<std::int64_t>(collection.images.size()),
          static_cast<std::int64_t>(collection.files.size()),
          std::move(collection.left_out),
          {}};
}

}  // namespace cube
