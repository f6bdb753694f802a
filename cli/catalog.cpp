// cube catalog: create, info, list, formats.
#include "catalog/catalog.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include "catalog/descriptor.h"
#include "cli/catalog_text.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::size_t kShownLeftOut = 10;  // files named on standard error; the rest is counted

struct CreateOptions {
  std::string catalog;
  std::vector<std::string> files;
  std::string format;
  std::string progress = "auto";
  int threads = 0;
  bool overwrite = false;
  bool dry_run = false;
  bool explain = false;
};

struct ListOptions {
  std::string catalog;
  std::string from;
  std::string to;
  std::vector<double> bbox;
  std::vector<std::string> bands;
  bool json = false;
};

std::string counted(std::int64_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

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

// Names what was left out. Sidecars and the like, which only lay in the same folders, are counted.
void print_left_out(const IndexReport& report, const FileList& given, bool explain) {
  std::size_t shown = 0;
  std::int64_t more = 0;
  std::int64_t others = 0;
  for (const IndexReport::Left& left : report.left_out) {
    if (!explain && left.other && !given.named.contains(left.file)) {
      ++others;
    } else if (!explain && shown == kShownLeftOut) {
      ++more;
    } else {
      ++shown;
      std::cerr << (left.failed ? "failed: " : "skipped: ") << left.file << ": " << left.reason
                << '\n';
    }
  }
  if (more > 0) std::cerr << "... and " << counted(more, "file") << " more (--explain names all)\n";
  if (others > 0) {
    std::cerr << counted(others, "other file") << " skipped (--explain names "
              << (others == 1 ? "it" : "them") << ")\n";
  }
}

// Says what each name is in the format; opens and writes nothing.
void dry_run(const CreateOptions& options, const CollectionFormat& format,
             const std::vector<std::string>& files) {
  std::int64_t matching = 0;
  for (const std::string& file : files) {
    const auto match = format.match(absolute_name(file));
    if (match.reason.empty()) ++matching;
    if (!options.explain) continue;
    std::cout << file << ": ";
    if (!match.reason.empty()) {
      std::cout << match.reason << '\n';
      continue;
    }
    std::vector<std::string> bands;
    for (const std::size_t band : match.bands) bands.push_back(format.bands()[band].name);
    std::cout << "image " << match.image << ", time " << to_text(match.datetime) << ", band "
              << join(bands) << '\n';
  }
  std::cout << matching << " of " << counted(static_cast<std::int64_t>(files.size()), "file")
            << " match the format " << format.id() << "; nothing is written (--dry-run)\n";
}

int create(const CreateOptions& options) {
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
    report =
        create_catalog(options.catalog, format, given.files,
                       {options.threads, options.overwrite,
                        [&](std::int64_t done, std::int64_t total) { bar.update(done, total); }});
  }
  print_left_out(report, given, options.explain);
  const auto index = open_catalog(options.catalog);
  std::cout << options.catalog << ": " << counted(report.images, "image") << ", "
            << counted(report.files, "file") << ", "
            << counted(static_cast<std::int64_t>(index->bands().size()), "band") << ", "
            << time_span_text(index->summary()) << '\n';
  bool failed = false;
  for (const auto& left : report.left_out) failed = failed || left.failed;
  return failed ? kSomeFailed : kDone;
}

Instant time_option(const std::string& text, const char* option, bool end) {
  const auto span = parse_time(text);
  if (!span) {
    throw Error(ErrorCode::kInvalid, "'" + text + "' is not a time", option,
                "such as 2018, 2018-07 or 2018-07-10T12:00");
  }
  return end ? span->end : span->start;
}

std::vector<Box> bbox_option(const std::vector<double>& values) {
  if (values.empty()) return {};
  const Box box{values[0], values[1], values[2], values[3]};
  if (box.bottom > box.top) {
    throw Error(ErrorCode::kInvalid, "bottom is above top", "--bbox", "left,bottom,right,top");
  }
  if (box.left <= box.right) return {box};
  // West of it east: across the antimeridian.
  return {{box.left, box.bottom, 180, box.top}, {-180, box.bottom, box.right, box.top}};
}

void list(const ListOptions& options) {
  const auto index = open_catalog(options.catalog);
  ImageQuery query = all_images();
  if (!options.from.empty()) query.start = time_option(options.from, "--from", false);
  if (!options.to.empty()) query.end = time_option(options.to, "--to", true);
  query.area = bbox_option(options.bbox);
  CubeInfo bands;
  bands.bands = index->bands();
  for (const std::string& band : options.bands) query.bands.push_back(bands.band(band, "--bands"));
  print_images(std::cout, index->find(query), *index, options.json);
}

void print_formats(const std::string& name) {
  if (!name.empty()) {
    std::cout << CollectionFormat::load(name).json();
    return;
  }
  std::size_t width = 0;
  for (const PresetFormat& preset : preset_formats()) width = std::max(width, preset.id.size());
  for (const PresetFormat& preset : preset_formats()) {
    std::cout << preset.id << std::string(width - preset.id.size() + 2, ' ')
              << CollectionFormat::load(preset.id).description() << '\n';
  }
}

void add_create(CLI::App& parent, Program& program) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* app = parent.add_subcommand("create", "Index files into a new catalog");
  app->add_option("OUT.db", options->catalog, "The catalog to write")->type_name("")->required();
  app->add_option("FILES", options->files,
                  "Files, folders (searched below), globs (\"*\", \"**\") or - for a list of names "
                  "on standard input")
      ->type_name("")
      ->required();
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
      "Exit status 1: the catalog is written, but some files of the format could not be opened.\n\n"
      "Examples:\n"
      "  cube catalog create l8.db --format L8_L1TP archive/\n"
      "  cube catalog create s2.db 'archive/**/B0[48].tif'\n"
      "  find / -name '*.TIF' | cube catalog create l8.db -\n"
      "  cube catalog create l8.db archive/ --dry-run --explain");
  app->callback([options, &program] { program.status = create(*options); });
}

void add_list(CLI::App& parent) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* app = parent.add_subcommand("list", "List images by time, area and bands");
  app->add_option("DB", options->catalog, "The catalog")->type_name("")->required();
  app->add_option("--from", options->from, "First time, e.g. 2018-03")->type_name("TIME");
  app->add_option("--to", options->to, "Last time, included: 2018 reaches to the end of 2018")
      ->type_name("TIME");
  app->add_option("--bbox", options->bbox, "left,bottom,right,top in degrees")
      ->delimiter(',')
      ->expected(4)
      ->allow_extra_args(false)
      ->type_name("BOX");
  app->add_option("--bands", options->bands, "Images with any of these bands, e.g. B04,B05")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAMES");
  app->add_flag("--json", options->json, "All that is known, as JSON");
  app->footer(
      "Examples:\n"
      "  cube catalog list l8.db --from 2018-03 --to 2018-05\n"
      "  cube catalog list l8.db --bbox -74.1,40.6,-73.9,40.8 --bands B04,B05 --json");
  app->callback([options] { list(*options); });
}

}  // namespace

void add_catalog(CLI::App& app, Program& program) {
  CLI::App* catalog =
      app.add_subcommand("catalog", "Image collections: create, info, list, formats");
  catalog->require_subcommand(1);
  add_create(*catalog, program);
  add_list(*catalog);

  auto file = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* info = catalog->add_subcommand("info", "Say what a catalog holds");
  info->add_option("DB", *file, "The catalog")->type_name("")->required();
  info->add_flag("--json", *json, "As JSON");
  info->footer("Example:\n  cube catalog info l8.db");
  info->callback(
      [file, json] { print_catalog_info(std::cout, *file, *open_catalog(*file), *json); });

  auto name = std::make_shared<std::string>();
  CLI::App* formats = catalog->add_subcommand("formats", "List the preset formats, or print one");
  formats->add_option("NAME", *name, "The format to print as JSON")->type_name("");
  formats->footer("Example:\n  cube catalog formats L8_L1TP > mine.json");
  formats->callback([name] { print_formats(*name); });
}

}  // namespace cube
