// CatalogArguments: what images are, as the arguments of `cube catalog create` and `add` say it.
// Thread rule: values.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace cube {

struct CatalogArguments {
  std::string catalog;
  std::vector<std::string> files;
  std::string table;
  bool stac = false;
  bool open_unknown = false;
  std::vector<std::string> bands;
  std::string format;
  std::string progress = "auto";
  int threads = 0;
  bool dry_run = false;
  bool explain = false;
  std::function<void()> go_on = [] {};  // to be called now and then, see Interruptible

  bool from_table() const { return !table.empty(); }

  // Sees whether FILES are STAC, and says what does not go together. Throws Error(kInvalid).
  void settle();

  // REQUIRES: settled, and of that kind.
  TableOptions table_options() const;
  StacOptions stac_options() const;

 private:
  std::optional<CollectionFormat> bands_format() const;
};

// FILES, --table, --stac, --open, --bands and --format; --format is told as `format_help`.
void add_sources(CLI::App& app, CatalogArguments& arguments, const char* format_help);

// --threads and --progress.
void add_reading(CLI::App& app, CatalogArguments& arguments);

}  // namespace cube
