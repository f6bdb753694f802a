// PluginCode: functions of a shared library that speaks the C interface of include/cube_plugin.h.
//
// Thread rule: immutable; states of the plugin belong to a worker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/params.h"
#include "engine/resources.h"
#include "engine/user_bands.h"
#include "engine/user_function.h"

namespace cube {

// A plugin as documents name it.
struct PluginParams {
  std::string file;
  std::string function = "cube_plugin_v1";

  void fields(FieldVisitor& v);
};

// What a plugin says of itself for one input.
struct LoadedPlugin {
  std::shared_ptr<const UserCode> code;
  std::vector<BandInfo> bands;  // declared by the plugin, possibly none
  Halo halo;
  bool whole_series = false;
};

// Loads the library and has it describe its result. Throws Error that points into the node: no
// consent, no such file, function or version, and what the plugin itself refuses.
LoadedPlugin load_plugin(const PluginParams& params, const FreeValues& arguments,
                         const CubeInfo& input, const Resources& resources);

// The bands of the result: what the plugin declares, with the names and types of the graph where it
// gives them. Throws Error(kInvalid) that points into the node.
std::vector<BandInfo> plugin_bands(std::vector<BandInfo> declared, const UserBands& wanted,
                                   DType preset);

}  // namespace cube
