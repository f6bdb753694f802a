// A catalog from a table of images.
#include <fstream>
#include <iostream>
#include <unordered_set>

#include "catalog/catalog.h"
#include "catalog/catalog_writer.h"
#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/draft.h"
#include "catalog/footprint.h"
#include "catalog/inputs.h"
#include "catalog/pipe.h"
#include "catalog/table.h"
#include "engine/error.h"
#include "engine/gdal/raster_info.h"
#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& file) {
  return fs::absolute(file).lexically_normal().parent_path();
}

// The names of the bands of a file: its descriptions, else "b1", "b2", ...
std::vector<std::string> bands_of_file(const std::string& file) {
  std::vector<std::string> names;
  for (const BandInfo& band : describe_raster(file).bands) names.push_back(band.name);
  return names;
}

// What a band is: as the table says, else the format, else the first of its files.
BandInfo describe_band(const ImageTable& table, const TableBand& band,
                       const TableDescriptors& names) {
  const FormatBand& known = band.info;
  BandInfo out;
  if (!known.dtype) {
    const std::string hint =
        "a column dtype or a --format with the dtype of each band spares opening files";
    try {
      const RasterInfo info = describe_raster(names.absolute(band.sample));
      const auto wanted = static_cast<std::size_t>(known.raster_band);
      if (wanted > info.bands.size()) {
        throw Error(ErrorCode::kInvalid, "has " + std::to_string(info.bands.size()) +
                                             " bands, and '" + known.name + "' is band " +
                                             std::to_string(wanted));
      }
      out = info.bands[wanted - 1];
    } catch (const Error& error) {
      throw Error(error.code(),
                  "the band '" + known.name + "' is not known: its first file " +
                      names.absolute(band.sample) + ": " + error.message(),
                  csv_place(table.name(), band.line, {}), hint);
    }
  }
  out.name = known.name;
  out.dtype = known.dtype.value_or(out.dtype);
  if (known.nodata) out.nodata = known.nodata;
  if (known.scale != 1 || known.offset != 0) {
    out.scale = known.scale;
    out.offset = known.offset;
  }
  if (!known.unit.empty()) out.unit = known.unit;
  return out;
}

void check_bands_seen(const ImageTable& table) {
  for (const TableBand& band : table.bands()) {
    if (!band.sample.empty()) continue;
    throw Error(ErrorCode::kInvalid, "no row has a file of the band '" + band.info.name + "'",
                table.name());
  }
}

std::vector<Box> footprint_of(const Box& extent) {
  return extent.left > extent.right ? from_row(extent) : wrap_longitudes({extent});
}

// Rows into the catalog while the next ones are read: no file is opened.
IndexReport write_rows(const fs::path& draft, ImageTable& table, TableDescriptors& names,
                       const std::string& format_json,
                       const std::map<std::string, std::string>& settings,
                       const std::function<void(std::int64_t)>& read) {
  CatalogWriter writer(draft);
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
          if (!writer.add_reference(row.id, ref.band, names.stored(ref.file), ref.raster_band)) {
            table.reject(row.line, TableColumns::kBand,
                         "the image '" + std::string(row.image) + "' has this band already");
          }
        }
      }
      read(block->bytes);
    }
  }
  check_bands_seen(table);
  std::vector<BandInfo> bands;
  for (const TableBand& band : table.bands()) bands.push_back(describe_band(table, band, names));
  for (const auto& [key, value] : settings) writer.add_setting(key, value);
  writer.finish(bands, format_json);
  return {writer.images(), writer.files(), {}, {}};
}

// Rows whose files say where they are: they are opened like the files of an archive.
Collection collect_rows(ImageTable& table, const TableDescriptors& names,
                        const IndexOptions& options, const std::string& srs) {
  std::vector<ListedFile> files;
  std::map<std::pair<std::uint32_t, std::string>, std::size_t> known;
  TableBlock block;
  while (table.next(block)) {
    std::size_t at = 0;
    for (const TableRow& row : block.rows) {
      for (std::size_t end = at + row.files; at < end; ++at) {
        const TableFile& ref = block.files[at];
        const std::string name = names.absolute(ref.file);
        const auto [place, fresh] = known.try_emplace({row.id, name}, files.size());
        if (fresh)
          files.push_back({std::string(ref.file), name, std::string(row.image), row.datetime, {}});
        files[place->second].bands.push_back({ref.band, ref.raster_band});
      }
    }
  }
  check_bands_seen(table);
  std::vector<FormatBand> bands;
  for (const TableBand& band : table.bands()) bands.push_back(band.info);
  return collect_listed(bands, std::move(files), options, srs);
}

// "bands B04, B08; not used: cloud_cover": what was made of the header.
std::string layout_text(const ImageTable& table) {
  std::vector<std::string> bands;
  for (const TableBand& band : table.bands()) bands.push_back(band.info.name);
  const TableColumns& columns = table.columns();
  std::string out = (columns.row_a_file()   ? "a row a file"
                     : columns.file_a_row() ? "a row an image, of one file"
                                            : "a row an image, a column a band");
  out += "; bands " + join(bands);
  if (!columns.ignored.empty()) out += "; columns not used: " + join(columns.ignored);
  return out;
}

// A table that is being read, from a file or standard input.
class OpenTable {
 public:
  // Names in the table become those of a catalog in `catalog_folder`. Throws Error(kNotFound).
  OpenTable(const TableOptions& options, const fs::path& catalog_folder)
      : standard_(options.file == "-"),
        names_(standard_ ? fs::current_path() : folder_of(options.file), catalog_folder) {
    if (!standard_) open(options.file);
    const auto bands_of = [this](std::string_view name) {
      return bands_of_file(names_.absolute(name));
    };
    table_.emplace(standard_ ? std::cin : file_, standard_ ? "stdin" : options.file,
                   ImageTable::Options{options.bands, options.format, bands_of});
  }
  OpenTable(const OpenTable&) = delete;
  OpenTable& operator=(const OpenTable&) = delete;

  ImageTable& table() { return *table_; }
  TableDescriptors& names() { return names_; }
  std::int64_t size() const { return size_; }  // bytes; 0 of standard input

  // Adds rows without files to what is left out, and what the columns were taken for.
  void tell(IndexReport& report) const {
    for (const std::int64_t line : table_->without_files()) {
      report.left_out.push_back({csv_place(table_->name(), line, {}), "names no file"});
    }
    report.layout = layout_text(*table_);
  }

 private:
  void open(const std::string& name) {
    file_.open(name, std::ios::binary);
    std::error_code ignored;
    if (!file_ || fs::is_directory(name, ignored)) {
      throw Error(ErrorCode::kNotFound, "there is no such table", name);
    }
    size_ = static_cast<std::int64_t>(fs::file_size(name));
  }

  bool standard_;
  std::ifstream file_;
  std::int64_t size_ = 0;
  TableDescriptors names_;
  std::optional<ImageTable> table_;
};

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
      use(planned);
    }
  }
  check_bands_seen(table);
  report.files = std::ssize(files);
  open.tell(report);
  return report;
}

IndexReport create_catalog_from_table(const fs::path& catalog, const TableOptions& table_options,
                                      const IndexOptions& options) {
  check_target(catalog, options.overwrite);
  OpenTable open(table_options, folder_of(catalog));
  ImageTable& table = open.table();
  TableDescriptors& names = open.names();
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
      return write_rows(draft.path(), table, names, format_json, settings, read);
    }
    Collection collection = collect_rows(table, names, options,
                                         table_options.format ? table_options.format->srs() : "");
    collection.settings = settings;
    write_collection(draft.path(), folder_of(catalog), format_json, collection);
    return IndexReport{static_cast<std::int64_t>(collection.images.size()),
                       static_cast<std::int64_t>(collection.files.size()),
                       std::move(collection.left_out),
                       {}};
  });
  if (table.columns().located()) read(size - done);  // the header
  if (report.images == 0) throw Error(ErrorCode::kInvalid, "no row has a file", table.name());
  draft.publish();
  open.tell(report);
  return report;
}

}  // namespace cube
