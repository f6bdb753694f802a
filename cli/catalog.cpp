// cube catalog: info, list, formats; create is in catalog_create.cpp.
#include "catalog/catalog.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include "cli/catalog_text.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

struct ListOptions {
  std::string catalog;
  std::string from;
  std::string to;
  std::vector<double> bbox;
  std::vector<std::string> bands;
  bool json = false;
};

void list(const ListOptions& options) {
  const auto index = open_catalog(options.catalog);
  ImageQuery query = all_images();
  if (!options.from.empty()) query.start = time_option(options.from, "--from", false);
  if (!options.to.empty()) query.end = time_option(options.to, "--to", true);
  query.area = bbox_option(options.bbox, "--bbox");
  CubeInfo bands;
  bands.bands = index->bands();
  for (const std::string& band : options.bands) query.bands.push_back(bands.band(band, "--bands"));
  ImageList out(std::cout, *index, image_metadata(options.catalog), options.json);
  for_each_image(options.catalog, query, [&](const Image& image) { out.add(image); });
  out.finish();
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

void add_list(CLI::App& parent) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* app = parent.add_subcommand("list", "List images by time, area and bands");
  add_operand(*app, "DB", options->catalog, "The catalog");
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
  CLI::App* catalog = app.add_subcommand(
      "catalog", "Image collections: create, add, update, remove, info, list, formats");
  catalog->require_subcommand(1);
  add_catalog_create(*catalog, program);
  add_catalog_change(*catalog, program);
  add_list(*catalog);

  auto file = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* info = catalog->add_subcommand("info", "Say what a catalog holds");
  add_operand(*info, "DB", *file, "The catalog");
  info->add_flag("--json", *json, "As JSON");
  info->footer("Example:\n  cube catalog info l8.db");
  info->callback([file, json] {
    print_catalog_info(std::cout, *file, *open_catalog(*file), image_metadata(*file), *json);
  });

  auto name = std::make_shared<std::string>();
  CLI::App* formats = catalog->add_subcommand("formats", "List the preset formats, or print one");
  add_operand(*formats, "NAME", *name, "The format to print as JSON")->required(false);
  formats->footer("Example:\n  cube catalog formats L8_L1TP > mine.json");
  formats->callback([name] { print_formats(*name); });
}

}  // namespace cube
