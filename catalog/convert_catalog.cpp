#include "catalog/convert_catalog.h"

#include "catalog/catalog.h"
#include "catalog/catalog_writer.h"
#include "catalog/descriptor.h"
#include "catalog/schema.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

// Sizes and times of files, which older catalogs of ours have.
void copy_states(Database& database, CatalogWriter& writer) {
  Statement rows(database,
                 "SELECT descriptor, size, mtime FROM " + std::string(kFileTable) + " ORDER BY 1");
  while (rows.step()) {
    const FileState state = state_in(rows, 1);
    writer.add_file(rows.text(0), state.size, state.mtime);
  }
}

}  // namespace

void convert_catalog(const fs::path& catalog, const StoredCollection& outline,
                     const fs::path& folder, const fs::path& out) {
  const auto metadata = image_metadata(catalog);
  CatalogWriter writer(out);
  for_each_image(catalog, {Instant::min(), Instant::max(), {}, {}}, [&](const Image& image) {
    const std::int64_t id =
        writer.add_image({image.name, image.datetime, image.crs, image.footprint});
    for (const ImageBand& band : image.bands) {
      writer.add_reference(id, band.band, stored_descriptor(band.descriptor, folder),
                           band.raster_band);
      if (band.packing) writer.add_packing(id, band.band, *band.packing);
    }
    const auto known = metadata.find(image.name);
    if (known == metadata.end()) return;
    for (const auto& [key, value] : known->second) writer.add_metadata(id, key, value);
  });
  if (outline.has_states) {
    Database database(catalog, Database::Mode::kRead);
    copy_states(database, writer);
  }
  for (const auto& [key, value] : outline.collection.settings) writer.add_setting(key, value);
  writer.finish(outline.collection.bands, outline.format_json);
}

}  // namespace cube
