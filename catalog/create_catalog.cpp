// Writing a catalog.
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/catalog.h"
#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/footprint.h"
#include "catalog/schema.h"
#include "catalog/sqlite.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

void write_metadata(Database& database, const CollectionFormat& format) {
  Statement row(database, "INSERT INTO collection_md VALUES (?, ?)");
  row.bind(kVersionKey).bind(kVersion).run();
  row.bind("collection_format").bind(format.json()).run();
}

void write_bands(Database& database, const std::vector<BandInfo>& bands) {
  Statement row(database, "INSERT INTO bands VALUES (?, ?, ?, ?, ?, ?, ?)");
  Statement note(database, "INSERT INTO band_md VALUES (?, ?, ?)");
  for (std::size_t i = 0; i < bands.size(); ++i) {
    const BandInfo& band = bands[i];
    const auto id = static_cast<std::int64_t>(i);
    row.bind(id).bind(band.name).bind(name(band.dtype)).bind(band.offset).bind(band.scale);
    row.bind(band.unit).bind(band.nodata ? number_text(*band.nodata) : "").run();
    if (!band.note.empty()) note.bind(id).bind(kNoteKey).bind(band.note).run();
  }
}

void write_images(Database& database, const Collection& collection,
                  const std::vector<std::string>& descriptors) {
  Statement image_row(database, "INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  Statement reference(database, "INSERT INTO gdalrefs VALUES (?, ?, ?, ?)");
  Statement footprint(database, "INSERT INTO " + std::string(kFootprintTable) +
                                    "(left, right, bottom, top, image_id) VALUES (?, ?, ?, ?, ?)");
  std::int64_t id = 0;
  for (const CollectedImage& image : collection.images) {
    const Box box = to_row(image.footprint);
    image_row.bind(++id).bind(image.name).bind(box.left).bind(box.top).bind(box.bottom);
    image_row.bind(box.right).bind(to_text(image.datetime)).bind(image.crs).run();
    for (const auto& [band, source] : image.sources) {
      reference.bind(id).bind(static_cast<std::int64_t>(band)).bind(descriptors[source.file]);
      reference.bind(static_cast<std::int64_t>(source.raster_band)).run();
    }
    for (const Box& part : image.footprint) {
      footprint.bind(part.left).bind(part.right).bind(part.bottom).bind(part.top).bind(id).run();
    }
  }
}

void write_files(Database& database, const Collection& collection,
                 const std::vector<std::string>& descriptors) {
  Statement row(database, "INSERT INTO " + std::string(kFileTable) +
                              " VALUES (?, nullif(?, -1), nullif(?, -1))");
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    struct stat status {};
    const bool known = ::stat(collection.files[i].c_str(), &status) == 0;
    row.bind(descriptors[i]).bind(static_cast<std::int64_t>(known ? status.st_size : -1));
    row.bind(static_cast<std::int64_t>(known ? status.st_mtime : -1)).run();
  }
}

// A name beside the final one, so that renaming cannot fail for lack of space; removed again
// unless it has been renamed.
class Draft {
 public:
  explicit Draft(const fs::path& target)
      : target_(target),
        path_(target.string() + ".part-" + std::to_string(static_cast<long>(getpid()))) {}
  ~Draft() {
    std::error_code ignored;
    fs::remove(path_, ignored);
    fs::remove(path_.string() + "-journal", ignored);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const fs::path& path() const { return path_; }

  void publish() const {
    std::error_code failed;
    fs::rename(path_, target_, failed);
    if (failed) throw Error(ErrorCode::kUnwritable, failed.message(), target_.string());
  }

 private:
  fs::path target_;
  fs::path path_;
};

void check_target(const fs::path& catalog, bool overwrite) {
  std::error_code ignored;
  if (fs::is_directory(catalog, ignored)) {
    throw Error(ErrorCode::kUnwritable, "is a folder", catalog.string(), "give a file name");
  }
  if (!overwrite && fs::exists(catalog, ignored)) {
    throw Error(ErrorCode::kUnwritable, "exists already", catalog.string(),
                "--overwrite replaces it");
  }
  const fs::path folder = fs::absolute(catalog).parent_path();
  if (!fs::is_directory(folder, ignored)) {
    throw Error(ErrorCode::kUnwritable, "there is no such folder", folder.string());
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw Error(ErrorCode::kUnwritable, "the folder cannot be written to", folder.string());
  }
}

}  // namespace

void write_collection(const fs::path& file, const fs::path& folder, const CollectionFormat& format,
                      const Collection& collection) {
  std::vector<std::string> descriptors;
  for (const std::string& name : collection.files) {
    descriptors.push_back(stored_descriptor(name, folder));
  }
  Database database(file, Database::Mode::kCreate);
  database.execute("BEGIN");
  database.execute(schema_sql());
  write_metadata(database, format);
  write_bands(database, collection.bands);
  write_images(database, collection, descriptors);
  write_files(database, collection, descriptors);
  database.execute("COMMIT");
}

IndexReport create_catalog(const fs::path& catalog, const CollectionFormat& format,
                           const std::vector<std::string>& files, const IndexOptions& options) {
  check_target(catalog, options.overwrite);
  Collection collection = collect(format, files, options);
  const Draft draft(catalog);
  const fs::path folder = fs::absolute(catalog).lexically_normal().parent_path();
  try {
    write_collection(draft.path(), folder, format, collection);
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), catalog.string(), error.hint());
  }
  draft.publish();
  return {static_cast<std::int64_t>(collection.images.size()),
          static_cast<std::int64_t>(collection.files.size()), std::move(collection.left_out)};
}

}  // namespace cube
