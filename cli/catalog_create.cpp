// cube catalog create: an index of files, or of a table of them.
#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>

#include "catalog/catalog.h"
#include "catalog/descriptor.h"
#include "catalog/explain_match.h"
#include "catalog/subdatasets.h"
#include "cli/catalog_text.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

struct CreateOptions {
  std::string catalog;
  std::vector<std::string> files;
  std::string table;
  bool stac = false;
  bool open_unknown = false;
  std::vector<std::string> bands;
  std::string format;
  std::string progress = "auto";
  int threads = 0;
  bool overwrite = false;
  bool dry_run = false;
  bool explain = false;
};

CollectionFormat choose_format(const CreateOptions& options,
                               const std::vector<std::string>& files) {
  if (!options.format.empty()) return CollectionFormat::load(options.format);
  const auto guessed = CollectionFormat::guess(files);
  if (!guessed) {
    throw Error(ErrorCode::kInvalid, "no preset format fits any of the files", "--format",
                "name one of 'cube catalog formats', or a JSON file");
  }
  std::cerr << "format " << *guessed << " (guessed from the names)\n";
  return CollectionFormat::load(*guessed);
}

// What the format is to be matched with: the files, or the subdatasets in them.
std::vector<std::string> matched_names(const CreateOptions& options, const CollectionFormat& format,
                                       const std::vector<std::string>& files) {
  if (!format.subdatasets()) return files;
  std::vector<IndexReport::Left> left_out;
  std::vector<std::string> names = subdatasets_of(format, files, options.threads, left_out);
  for (const IndexReport::Left& left : left_out) {
    if (options.explain) std::cout << left.file << ": " << left.reason << '\n';
  }
  return names;
}

// Says what each name is in the format; writes nothing, and opens only what holds subdatasets.
void dry_run(const CreateOptions& options, const CollectionFormat& format,
             const std::vector<std::string>& files) {
  std::int64_t matching = 0;
  ExplainMatch explain(format);
  const std::vector<std::string> names = matched_names(options, format, files);
  for (const std::string& file : names) {
    const auto match = format.match(absolute_name(file));
    if (match.reason.empty()) ++matching;
    if (!options.explain) continue;
    std::cout << file << ": ";
    if (!match.reason.empty()) {
      std::cout << match.reason << '\n';
      const std::string detail = explain.reason(absolute_name(file));
      if (!detail.empty()) std::cout << "    " << detail << '\n';
      continue;
    }
    std::vector<std::string> bands;
    for (const std::size_t band : match.bands) bands.push_back(format.bands()[band].name);
    std::cout << "image " << match.image << ", time " << to_text(match.datetime) << ", band "
              << join(bands) << '\n';
  }
  std::cout << matching << " of "
            << counted(static_cast<std::int64_t>(names.size()),
                       format.subdatasets() ? "subdataset" : "file")
            << " match the format " << format.id() << "; nothing is written (--dry-run)\n";
}

int report_catalog(const CreateOptions& options, const IndexReport& report, const FileList& given) {
  print_left_out(report, given, options.explain);
  const auto index = open_catalog(options.catalog);
  std::cout << options.catalog << ": " << counted(report.images, "image") << ", "
            << counted(report.files, "file") << ", "
            << counted(static_cast<std::int64_t>(index->bands().size()), "band") << ", "
            << time_span_text(index->summary()) << '\n';
  const bool failed =
      std::ranges::any_of(report.left_out, [](const auto& left) { return left.failed; });
  return failed ? kSomeFailed : kDone;
}

// Called with how much is done of all.
std::function<void(std::int64_t, std::int64_t)> shown_on(ProgressBar& bar) {
  return [&bar](std::int64_t done, std::int64_t total) { bar.update(done, total); };
}

int create_from_table(const CreateOptions& options) {
  const ProgressMode mode = parse_progress_mode(options.progress);
  TableOptions table{options.table, options.bands, {}};
  if (!options.format.empty()) {
    table.format = CollectionFormat::load(options.format, CollectionFormat::Use::kBands);
  }
  IndexReport report;
  {
    ProgressBar bar(mode, "indexing", "of the table");
    report = create_catalog_from_table(options.catalog, table,
                                       {options.threads, options.overwrite, shown_on(bar), {}});
  }
  std::cerr << options.table << ": " << report.layout << '\n';
  return report_catalog(options, report, {});
}

int create_from_stac(const CreateOptions& options) {
  const ProgressMode mode = parse_progress_mode(options.progress);
  StacOptions stac{options.files, options.bands, {}, options.open_unknown};
  if (!options.format.empty()) {
    stac.format = CollectionFormat::load(options.format, CollectionFormat::Use::kBands);
  }
  IndexReport report;
  {
    ProgressBar bar(mode, "indexing", "documents");
    report = create_catalog_from_stac(options.catalog, stac,
                                      {options.threads, options.overwrite, shown_on(bar), {}});
  }
  return report_catalog(options, report, {});
}

int create_from_files(const CreateOptions& options) {
  const ProgressMode mode = parse_progress_mode(options.progress);
  const FileList given = expand_files(options.files);
  const CollectionFormat format = choose_format(options, given.files);
  if (options.dry_run) {
    dry_run(options, format, given.files);
    return kDone;
  }
  IndexReport report;
  {
    ProgressBar bar(mode, "indexing", "files");
    report = create_catalog(options.catalog, format, given.files,
                            {options.threads,
                             options.overwrite,
                             shown_on(bar),
                             {CatalogInput::Kind::kFiles, options.files, {}, false}});
  }
  return report_catalog(options, report, given);
}

// Says what does not go together.
void check_options(const CreateOptions& options) {
  const bool table = !options.table.empty();
  if (table == !options.files.empty()) {
    throw Error(ErrorCode::kInvalid, table ? "files are given too" : "no files are given",
                table ? "--table" : "FILES", "give either FILES or --table TABLE.csv");
  }
  if (table && options.stac) {
    throw Error(ErrorCode::kInvalid, "--table is given too", "--stac", "give one of them");
  }
  if (!table && !options.stac && !options.bands.empty()) {
    throw Error(ErrorCode::kInvalid, "is for --table and --stac", "--bands",
                "bands of files are said by --format");
  }
  if (options.open_unknown && !options.stac) {
    throw Error(ErrorCode::kInvalid, "is for --stac", "--open", "other files are opened anyway");
  }
  if ((table || options.stac) && options.dry_run) {
    throw Error(ErrorCode::kInvalid, "is for files, not for --table and --stac", "--dry-run");
  }
}

int create(CreateOptions options) {
  const auto is_stac = [](const std::string& file) { return is_stac_file(file); };
  if (!options.files.empty() && std::ranges::all_of(options.files, is_stac)) options.stac = true;
  check_options(options);
  if (options.stac) return create_from_stac(options);
  return options.table.empty() ? create_from_files(options) : create_from_table(options);
}

}  // namespace

void add_catalog_create(CLI::App& parent, Program& program) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* app =
      parent.add_subcommand("create", "Index files, STAC items or a table into a new catalog");
  app->add_option("OUT.db", options->catalog, "The catalog to write")->type_name("")->required();
  app->add_option("FILES", options->files,
                  "Files, folders (searched below), globs (\"*\", \"**\") or - for a list of names "
                  "on standard input")
      ->type_name("");
  app->add_option("--table", options->table,
                  "A CSV table of images instead of FILES; - is standard input")
      ->type_name("TABLE");
  app->add_flag("--stac", options->stac,
                "FILES are STAC: items, ItemCollections, answers of an API, lines of items, static "
                "catalogs; - is a document on standard input. Not needed for *.json that is STAC");
  app->add_flag("--open", options->open_unknown,
                "With --stac: open the first file of each band whose type the items do not say "
                "(else it is read as float32)");
  app->add_option("--bands", options->bands,
                  "With --table: the columns that are bands, or the names of each file's bands. "
                  "With --stac: assets, bands or common names")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAMES");
  app->add_option("--format", options->format,
                  "A name of 'cube catalog formats' or a JSON file; guessed if absent")
      ->type_name("FORMAT");
  app->add_option("--threads", options->threads, "Files opened at a time; 0 = one a core")
      ->check(CLI::Range(0, 1024).description(""))
      ->type_name("N")
      ->capture_default_str();
  app->add_option("--progress", options->progress, "auto (a bar on a terminal), json or none")
      ->type_name("MODE")
      ->capture_default_str();
  app->add_flag("--overwrite", options->overwrite, "Replace an existing catalog");
  app->add_flag("--dry-run", options->dry_run, "Match the names only; write nothing");
  app->add_flag("--explain", options->explain, "Say of every file what it is or why it is not");
  app->footer(
      "Tables: the header says what the columns are, in one of three shapes:\n"
      "  name,datetime,B04,B08        a row an image, a column a band\n"
      "  name,datetime,band,file      a row a file; rows of one name are one image\n"
      "  datetime,file                a row an image, of one file with all its bands\n"
      "With left,bottom,right,top (the extent in degrees) and srs (such as EPSG:32631) files are\n"
      "not opened: only the first of each band, to learn its type, and not even that where a\n"
      "column dtype or a --format (\"dtype\" of the band) says it. A row a file may also have\n"
      "band_num, nodata, scale, offset and unit. Relative files are relative to the table.\n"
      "Other names are known: id, image; date, time; href, url; xmin, minx, west; crs, epsg.\n\n"
      "STAC 1.0 and 1.1: no asset is opened. An asset of one band is a band of the asset's name;\n"
      "one of several gives bands of their own names, or asset.1, asset.2 where those are taken.\n"
      "Thumbnails, overviews and what is no raster are left out. Type, nodata, scale, offset and\n"
      "unit are the items', then those of item_assets of their Collection where that is on this\n"
      "machine; a --format's count first. Items that differ in nodata of a band are an error.\n"
      "Links to what is not on this machine are not followed. Items without proj: have the place\n"
      "of their bbox.\n\n"
      "Scale and offset are kept for each image where they differ, as in Sentinel-2: its products\n"
      "have an offset since baseline 04.00 (MTD_MSIL2A.xml, else N0400 in the name; in STAC what\n"
      "raster:bands says, else the baseline; none where boa_offset_applied is true). Of plain COGs\n"
      "without items it is not known. A run brings all images to one offset, or unpacks each.\n\n"
      "Exit status 1: the catalog is written, but some files of the format could not be opened, "
      "or\n"
      "some STAC items could not be used.\n\n"
      "Examples:\n"
      "  cube catalog create l8.db --format L8_L1TP archive/\n"
      "  cube catalog create s2.db 'archive/**/B0[48].tif'\n"
      "  find / -name '*.TIF' | cube catalog create l8.db -\n"
      "  cube catalog create s2.db --table scenes.csv --bands B04,B08,SCL\n"
      "  cube catalog create s2.db --stac answer.json --bands red,nir,scl\n"
      "  cube catalog create l8.db archive/ --dry-run --explain");
  app->callback([options, &program] { program.status = create(*options); });
}

}  // namespace cube
