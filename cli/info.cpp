// cube info: what a graph, catalog, netCDF file, Zarr group or raster holds.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "catalog/catalog.h"
#include "cli/catalog_text.h"
#include "cli/common.h"
#include "engine/block_reads.h"
#include "engine/chunk_choice.h"
#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/gdal/raster_info.h"
#include "engine/text.h"

namespace cube {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const BandInfo& band) {
  Json out = {{"name", band.name}, {"dtype", std::string(name(band.dtype))}};
  if (band.nodata) out["nodata"] = std::isnan(*band.nodata) ? Json("nan") : Json(*band.nodata);
  if (!band.unit.empty()) out["unit"] = band.unit;
  if (band.scale != 1) out["scale"] = band.scale;
  if (band.offset != 0) out["offset"] = band.offset;
  if (!band.note.empty()) out["note"] = band.note;
  for (const BandClass& one : band.classes) {
    Json entry = {{"value", one.value}};
    if (!one.name.empty()) entry["name"] = one.name;
    if (one.colour) entry["colour"] = colour_text(*one.colour);
    out["classes"].push_back(std::move(entry));
  }
  return out;
}

Json json_of(const std::vector<BandInfo>& bands) {
  Json out = Json::array();
  for (const BandInfo& band : bands) out.push_back(json_of(band));
  return out;
}

Json json_of(const Grid& grid) {
  return {{"crs", grid.crs},         {"left", grid.left}, {"right", grid.right()},
          {"bottom", grid.bottom()}, {"top", grid.top},   {"dx", grid.dx},
          {"dy", grid.dy},           {"nx", grid.width},  {"ny", grid.height}};
}

// What suits the files, also as JSON.
void add_chunk(const Graph& graph, Json& out) {
  if (chunk_text(graph).empty()) return;
  const ChunkShape shape = best_chunk(graph);
  out["chunk"] = {shape.t, shape.y, shape.x};
}

void show_cube(const Document& document, const Program& program, const Resources& resources,
               bool json, bool is_graph) {
  const Graph graph = compile(document, program.registry, resources);
  const CubeInfo& info = graph.info();
  if (!json) {
    std::cout << describe(info) << chunk_text(graph) << std::flush;
    if (is_graph) print_notes(graph, document);
    return;
  }
  Json times = Json::array();
  for (std::int64_t i = 0; i < info.time.size(); ++i) times.push_back(info.time.label(i));
  Json out = {{"kind", "graph"},
              {"bands", json_of(info.bands)},
              {"grid", json_of(info.grid)},
              {"time", times}};
  add_chunk(graph, out);
  if (is_graph) out["notes"] = notes_json(all_notes(graph, document));
  std::cout << out.dump(2) << '\n';
}

// The graph that reads a raster; nullopt where the cells do not make a cube.
std::optional<Graph> graph_of(const std::string& file, const Program& program) {
  const Json node = {{"cube_type", "raster"}, {"file", file}};
  try {
    return compile(Document::parse(node.dump(), std::filesystem::current_path()), program.registry,
                   program.resources);
  } catch (const Error&) {
    return std::nullopt;
  }
}

void show_raster(const std::string& file, const Program& program, bool json) {
  const RasterInfo info = describe_raster(file);
  const std::optional<Graph> graph = graph_of(file, program);
  if (json) {
    Json out = {{"kind", "raster"},
                {"driver", info.driver},
                {"north_up", info.north_up},
                {"grid", json_of(info.grid)},
                {"block", {info.block_height, info.block_width}},
                {"overviews", info.overviews},
                {"bands", json_of(info.bands)}};
    if (graph) add_chunk(*graph, out);
    std::cout << out.dump(2) << '\n';
    return;
  }
  CubeInfo cube{info.grid, {}, info.bands};
  cube.grid.crs = info.crs;
  std::string text = describe(cube);
  text.resize(text.find("time    "));
  std::cout << "driver  " << info.driver << (info.north_up ? "" : ", not north-up") << '\n'
            << text << "blocks  " << info.block_height << " x " << info.block_width << " (y, x)\n";
  std::vector<std::string> factors;
  for (const std::int64_t factor : info.overviews) factors.push_back(std::to_string(factor));
  std::cout << "overviews  " << (factors.empty() ? "none" : join(factors)) << '\n'
            << (graph ? chunk_text(*graph) : "");
}

// A file as the source that reads it makes a cube of it; what it cannot read may be a raster.
void show_arrays(const std::string& source, const std::string& file, const Program& program,
                 bool json) {
  const Json node = {{"cube_type", source}, {"file", file}, {"auto_unpack", false}};
  try {
    show_cube(Document::parse(node.dump(), std::filesystem::current_path()), program,
              program.resources, json, false);
  } catch (const Error& no_cube) {
    try {
      show_raster(file, program, json);
    } catch (const Error&) {
      throw no_cube;
    }
  }
}

}  // namespace

void add_info(CLI::App& app, Program& program) {
  struct InfoArguments {
    GraphArguments graph;
    bool json = false;
  };
  auto args = std::make_shared<InfoArguments>();
  CLI::App* command =
      app.add_subcommand("info", "Say what a graph, catalog or file of cells holds");
  add_operand(*command, "FILE", args->graph.graph,
              "Graph (JSON), catalog (SQLite), netCDF, Zarr or raster");
  args->graph.add_options_to(*command);
  command->add_flag("--json", args->json, "Print JSON");
  command->footer(
      "Examples:\n  cube info ndvi.json\n  cube info s2.db --json\n  cube info ndvi.tif\n  cube "
      "info ndvi.nc");
  command->callback([args, &program] {
    const std::string& file = args->graph.graph;
    switch (file == "-" ? FileKind::kGraph : kind_of_file(file)) {
      case FileKind::kGraph:
      case FileKind::kOtherJson:
        return show_cube(args->graph.load(), program, args->graph.resources(program), args->json,
                         true);
      case FileKind::kCatalog:
        return print_catalog_info(std::cout, file, *program.resources.open_index(file),
                                  image_metadata(file), args->json);
      case FileKind::kNetcdf:
        return show_arrays("ncdf", file, program, args->json);
      case FileKind::kZarr:
        return show_arrays("zarr", file, program, args->json);
      default:
        return show_raster(file, program, args->json);
    }
  });
}

}  // namespace cube
