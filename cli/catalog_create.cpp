// cube catalog create: an index of files, or of a table of them.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>

#include "catalog/catalog.h"
#include "catalog/descriptor.h"
#include "catalog/explain_match.h"
#include "catalog/subdatasets.h"
#include "cli/catalog_arguments.h"
#include "cli/catalog_text.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "cli/stop_signals.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

struct CreateOptions : CatalogArguments {
  bool overwrite = false;
};

// Where the files are of several formats, which can only be in catalogs of their own.
void tell_others(const CollectionFormat& format, const std::vector<std::string>& files) {
  const auto is_of = [](const CollectionFormat& it, const std::string& file) {
    const std::string name = absolute_name(file);
    return it.match(name).reason.empty() || (it.subdatasets() && it.holds_subdatasets(name));
  };
  std::vector<std::string> rest;
  for (const std::string& file : files) {
    if (!is_of(format, file)) rest.push_back(file);
  }
  const auto other = CollectionFormat::guess(rest);
  if (!other) return;
  const CollectionFormat second = CollectionFormat::load(*other);
  const auto count =
      std::ranges::count_if(rest, [&](const auto& file) { return is_of(second, file); });
  std::cerr << counted(count, "other file") << (count == 1 ? " is" : " are") << " of the format "
            << *other << ": for a catalog of " << (count == 1 ? "its" : "their")
            << " own (--format " << *other << ")\n";
}

CollectionFormat choose_format(const CreateOptions& options,
                               const std::vector<std::string>& files) {
  if (!options.format.empty()) return CollectionFormat::load(options.format);
  const auto guessed = CollectionFormat::guess(files);
  std::error_code ignored;
  if (!guessed && !files.empty() && file_named(files.front()) == files.front() &&
      !std::filesystem::exists(files.front(), ignored)) {
    throw Error(ErrorCode::kNotFound, "there is no such file", files.front());
  }
  if (!guessed) {
    throw Error(ErrorCode::kInvalid, "no preset format fits any of the files", "--format",
                "name one of 'cube catalog formats', or a JSON file");
  }
  std::cerr << "format " << *guessed << " (guessed from the names)\n";
  const CollectionFormat format = CollectionFormat::load(*guessed);
  tell_others(format, files);
  return format;
}

// What the format is to be matched with: the files, or the subdatasets in them.
std::vector<std::string> matched_names(const CreateOptions& options, const CollectionFormat& format,
                                       const std::vector<std::string>& files) {
  if (!format.subdatasets()) return files;
  std::vector<IndexReport::Left> left_out;
  std::vector<std::string> names = subdatasets_of(format, files, options.threads, left_out);
  for (const IndexReport::Left& left : left_out) {
    if (options.explain) {
      std::cout << without_queries(left.file) << ": " << without_queries(left.reason) << '\n';
    }
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
    std::cout << without_queries(file) << ": ";
    if (!match.reason.empty()) {
      std::cout << match.reason << '\n';
      const std::string detail = explain.reason(absolute_name(file));
      if (!detail.empty()) std::cout << "    " << detail << '\n';
      continue;
    }
    std::vector<std::string> bands;
    for (const std::size_t band : match.bands) bands.push_back(format.bands()[band].name);
    std::cout << "image " << without_queries(match.image) << ", time " << to_text(match.datetime)
              << ", band " << join(bands) << '\n';
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
  const std::string note = catalog_note(options.catalog);
  if (!note.empty()) std::cerr << "note: " << note << '\n';
  const bool failed =
      std::ranges::any_of(report.left_out, [](const auto& left) { return left.failed; });
  return failed ? kSomeFailed : kDone;
}

// Called with how much is done of all.
std::function<void(std::int64_t, std::int64_t)> shown_on(ProgressBar& bar,
                                                         const CreateOptions& options) {
  return [&](std::int64_t done, std::int64_t total) {
    bar.update(done, total);
    options.go_on();
  };
}

// Says what would become of rows or items, which `plan` gives one after another; writes nothing.
template <class Plan>
void dry_run(const CreateOptions& options, const char* noun, const Plan& plan) {
  const std::function<void(const PlannedImage&)> say = [](const PlannedImage& image) {
    std::cout << without_queries(image.where) << ": image " << without_queries(image.name)
              << ", time " << to_text(image.datetime) << ", band " << join(image.bands) << '\n';
    for (const std::string& asset : image.assets)
      std::cout << "    " << without_queries(asset) << '\n';
  };
  const IndexReport report = plan(options.explain ? say : nullptr);
  if (!report.layout.empty()) std::cout << options.table << ": " << report.layout << '\n';
  for (const IndexReport::Left& left : report.left_out) {
    if (!options.explain && !left.failed) continue;
    std::cout << without_queries(left.file) << ": " << without_queries(left.reason) << '\n';
  }
  std::cout << counted(report.images, "image") << " of " << counted(report.files, "file") << "; "
            << counted(std::ssize(report.left_out), noun)
            << " left out; no file is looked at, nothing is written (--dry-run)\n";
}

int create_from_table(const CreateOptions& options) {
  const ProgressMode mode = parse_progress_mode(options.progress);
  const TableOptions table = options.table_options();
  if (options.dry_run) {
    dry_run(options, "row", [&](const auto& use) { return plan_from_table(table, use); });
    return kDone;
  }
  IndexReport report;
  {
    ProgressBar bar(mode, "indexing", "of the table");
    report = create_catalog_from_table(
        options.catalog, table, {options.threads, options.overwrite, shown_on(bar, options), {}});
  }
  std::cerr << options.table << ": " << report.layout << '\n';
  return report_catalog(options, report, {});
}

int create_from_stac(const CreateOptions& options) {
  const ProgressMode mode = parse_progress_mode(options.progress);
  const StacOptions stac = options.stac_options();
  if (options.dry_run) {
    dry_run(options, "item", [&](const auto& use) { return plan_from_stac(stac, use); });
    return kDone;
  }
  IndexReport report;
  {
    ProgressBar bar(mode, "indexing", "documents");
    report = create_catalog_from_stac(
        options.catalog, stac, {options.threads, options.overwrite, shown_on(bar, options), {}});
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
                             shown_on(bar, options),
                             {CatalogInput::Kind::kFiles, options.files, {}, false}});
  }
  return report_catalog(options, report, given);
}

int create(CreateOptions options) {
  options.settle();
  if (options.stac) return create_from_stac(options);
  return options.from_table() ? create_from_table(options) : create_from_files(options);
}

}  // namespace

void add_catalog_create(CLI::App& parent, Program& program) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* app =
      parent.add_subcommand("create", "Index files, STAC items or a table into a new catalog");
  add_operand(*app, "OUT.db", options->catalog, "The catalog to write");
  add_sources(*app, *options, "A name of 'cube catalog formats' or a JSON file; guessed if absent");
  add_reading(*app, *options);
  app->add_flag("--overwrite", options->overwrite, "Replace an existing catalog");
  app->add_flag("--dry-run", options->dry_run,
                "Match the names, or read the table or items, only; write nothing");
  app->add_flag("--explain", options->explain,
                "Say of every file, item and asset what it is or why it is not");
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
      "raster:bands says, else the baseline; none where boa_offset_applied is true). Of plain "
      "COGs\n"
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
  app->callback([options, &program] {
    std::error_code ignored;
    const bool there = std::filesystem::exists(options->catalog, ignored);
    program.status = do_interruptible(
        {options->catalog + (there ? " is as it was" : " was not made"), [&](const auto& go_on) {
           options->go_on = go_on;
           return create(*options);
         }});
  });
}

}  // namespace cube
