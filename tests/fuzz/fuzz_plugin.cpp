// What plugins declare: bands of any name, type and nodata, and halos, as the operator takes them.
#include "engine/plugin_code.h"
#include "engine/registry.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace cube;

CubeInfo sample_cube() {
  CubeInfo out;
  out.grid = {"EPSG:3857", 0, 30, 10, 10, 4, 3};
  out.time = TimeAxis::regular(parse_time("2020-01")->start, {.months = 1}, 2);
  out.bands = {{.name = "a", .dtype = DType::kUInt8, .nodata = 0}};
  return out;
}

}  // namespace

CUBE_FUZZ_TARGET(plugin) {
  static const CubeInfo in = sample_cube();
  static const std::string library = std::string(CUBE_PLUGINS) + "/echo_plugin.so";
  Resources resources;
  resources.allow_exec = true;
  const LoadedPlugin loaded =
      load_plugin({.file = library}, {{"says", std::string(bytes)}}, in, resources);
  fuzz::attempt([&] {
    const auto bands = plugin_bands(loaded.bands, {}, DType::kFloat32);
    fuzz::require(bands.size() == loaded.bands.size(), "bands stay as many");
    const UserFunction op({.input = in,
                           .output = {in.grid, in.time, bands},
                           .halo = loaded.halo,
                           .code = loaded.code});
    const Request all{in.extent(), {0}};
    op.cost(all);
    const Request given = op.demand(all, 0);
    fuzz::require(in.extent().contains(given.region), "a halo stays within the cube");
  });
  const UserBands wanted{.bands = {"x"}, .storage = {.dtype = {"uint8"}, .nodata = {255}}};
  plugin_bands(loaded.bands, wanted, DType::kFloat32);
}
