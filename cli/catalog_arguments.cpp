#include "cli/catalog_arguments.h"

#include <algorithm>

#include "engine/error.h"

namespace cube {

void CatalogArguments::settle() {
  const auto is_stac = [](const std::string& file) { return is_stac_file(file); };
  if (!files.empty() && std::ranges::all_of(files, is_stac)) stac = true;
  if (from_table() == !files.empty()) {
    throw Error(ErrorCode::kInvalid, from_table() ? "files are given too" : "no files are given",
                from_table() ? "--table" : "FILES", "give either FILES or --table TABLE.csv");
  }
  if (from_table() && stac) {
    throw Error(ErrorCode::kInvalid, "--table is given too", "--stac", "give one of them");
  }
  if (!from_table() && !stac && !bands.empty()) {
    throw Error(ErrorCode::kInvalid, "is for --table and --stac", "--bands",
                "bands of files are said by the format");
  }
  if (open_unknown && !stac) {
    throw Error(ErrorCode::kInvalid, "is for --stac", "--open", "other files are opened anyway");
  }
}

std::optional<CollectionFormat> CatalogArguments::bands_format() const {
  if (format.empty()) return std::nullopt;
  return CollectionFormat::load(format, CollectionFormat::Use::kBands);
}

TableOptions CatalogArguments::table_options() const { return {table, bands, bands_format()}; }

StacOptions CatalogArguments::stac_options() const {
  return {files, bands, bands_format(), open_unknown};
}

void add_sources(CLI::App& app, CatalogArguments& arguments, const char* format_help) {
  app.add_option(
         "FILES", arguments.files,
         "Files, folders (searched below), globs (\"*\", \"**\", \"{a,b}\") or - for a list of "
         "names on standard input. Links to folders are followed, as by find -L, each "
         "folder once")
      ->type_name("");
  app.add_option("--table", arguments.table,
                 "A CSV table of images instead of FILES; - is standard input")
      ->type_name("TABLE");
  app.add_flag("--stac", arguments.stac,
               "FILES are STAC: items, ItemCollections, answers of an API, lines of items, static "
               "catalogs; - is a document on standard input. Not needed for *.json that is STAC");
  app.add_flag("--open", arguments.open_unknown,
               "With --stac: open the first file of each band whose type the items do not say "
               "(else it is read as float32)");
  app.add_option("--bands", arguments.bands,
                 "With --table: the columns that are bands, or the names of each file's bands. "
                 "With --stac: assets, bands or common names")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAMES");
  app.add_option("--format", arguments.format, format_help)->type_name("FORMAT");
}

void add_reading(CLI::App& app, CatalogArguments& arguments) {
  app.add_option("--threads", arguments.threads, "Files opened at a time; 0 = one a core")
      ->check(CLI::Range(0, 1024).description(""))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--progress", arguments.progress, "auto (a bar on a terminal), json or none")
      ->type_name("MODE")
      ->capture_default_str();
}

}  // namespace cube
