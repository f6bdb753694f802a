// A catalog from a table of images.
#include <unordered_set>

#include "catalog/catalog.h"
#include "catalog/catalog_writer.h"
#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/draft.h"
#include "catalog/inputs.h"
#include "catalog/open_table.h"
#include "catalog/pipe.h"
#include "catalog/schema.h"
#include "catalog/write_states.h"
#include "engine/error.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

// Rows into the catalog while the next ones are read: no file is opened.
IndexReport write_rows(const fs::path& draft, const fs::path& folder, OpenTable& open,
                       const std::string& format_json,
                       const std::map<std::string, std::string>& settings,
                       DocumentStates& documents, int threads,
                       const std::function<void(std::int64_t)>& read) {
  ImageTable& table = open.table();
  TableDescriptors& names = open.names();
  CatalogWriter writer(draft);
  bool local = false;
  {
    Pipe<TableBlock> blocks([&](TableBlock& block) { return table.next(block); });
    while (const TableBlock* block = blocks.take()) {
      std::size_t file = 0;
      for (const TableRow& row : block->rows) {
        if (row.fresh) {
          writer.add_image(
              {row.image, row.datetime, block->srs[row.srs], footprint_of(row.extent)});
        }
        for (std::size_t end = file + row.files; file < end; ++file) {
          const TableFile& ref = block->files[file];
          const std::string_view stored = names.stored(ref.file);
          local = local || !file_named(std::string(stored)).empty();
          if (!writer.add_reference(row.id, ref.band, stored, ref.raster_band)) {
            open.reject_twice(row);
          }
        }
      }
      read(block->bytes);
    }
  }
  open.check_bands_seen();
  std::vector<BandInfo> bands;
  for (const TableBand& band : table.bands()) bands.push_back(open.describe(band));
  if (local) write_states(writer, folder, threads);
  for (const auto& [key, value] : settings) writer.add_setting(key, value);
  documents.settle();
  writer.add_setting(kDocumentsKey, documents.json(folder));
  writer.finish(bands, format_json);
  return {writer.images(), writer.files(), {}, {}};
}

}  // namespace

IndexReport plan_from_table(const TableOptions& options,
                            const std::function<void(const PlannedImage&)>& use) {
  OpenTable open(options, fs::current_path());
  ImageTable& table = open.table();
  IndexReport report;
  std::unordered_set<std::string> files;
  TableBlock block;
  while (table.next(block)) {
    std::size_t at = 0;
    for (const TableRow& row : block.rows) {
      if (row.fresh) ++report.images;
      PlannedImage planned{
          csv_place(table.name(), row.line, {}), std::string(row.image), row.datetime, {}};
      for (const std::size_t end = at + row.files; at < end; ++at) {
        planned.bands.push_back(table.bands()[block.files[at].band].info.name);
        files.emplace(block.files[at].file);
      }
      if (use) use(planned);
    }
  }
  open.check_bands_seen();
  report.files = std::ssize(files);
  open.tell(report);
  return report;
}

IndexReport create_catalog_from_table(const fs::path& catalog, const TableOptions& table_options,
                                      const IndexOptions& options) {
  check_target(catalog, options.overwrite);
  DocumentStates documents;
  if (table_options.file != "-") documents.note(absolute_name(table_options.file));
  OpenTable open(table_options, folder_of(catalog));
  ImageTable& table = open.table();
  const std::string format_json = table_options.format ? table_options.format->json() : "";
  const std::int64_t size = open.size();
  std::int64_t done = 0;
  const auto read = [&](std::int64_t bytes) {
    done += bytes;
    if (options.progress && size > 0) options.progress(done, size);
  };
  std::map<std::string, std::string> settings;
  add_input(settings,
            {CatalogInput::Kind::kTable, {table_options.file}, table_options.bands, false},
            folder_of(catalog));
  const Draft draft(catalog);
  IndexReport report = draft.make([&] {
    if (table.columns().located()) {
      return write_rows(draft.path(), folder_of(catalog), open, format_json, settings, documents,
                        options.threads, read);
    }
    Collection collection = collect_opened(open, options, srs_of(table_options));
    collection.settings = settings;
    documents.settle();
    collection.settings[kDocumentsKey] = documents.json(folder_of(catalog));
    write_collection(draft.path(), folder_of(catalog), format_json, collection);
    return IndexReport{static_cast<std::int64_t>(collection.images.size()),
                       static_cast<std::int64_t>(collection.files.size()),
                       std::move(collection.left_out),
                       {}};
  });
  if (table.columns().located()) read(size - done);  // the header
  if (report.images == 0) throw Error(ErrorCode::kInvalid, "no row has a file", table.name());
  draft.publish(options.overwrite);
  open.tell(report);
  return report;
}

}  // namespace cube
