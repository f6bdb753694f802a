// What environments and cubes hold.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/reader_pool.h"
#include "cube/cube.h"
#include "engine/gdal/block_cache.h"
#include "engine/host_limits.h"

namespace cube {

// Thread rule: immutable.
struct Environment::State {
  Settings settings;
  HostLimits host;
  Registry operators;
  Resources resources;  // functions of the program's own; empty ones are the library's
};

// Thread rule: any thread.
struct Cube::State {
  State(std::shared_ptr<const Environment::State> environment_given, Document document_given);

  const std::shared_ptr<const Environment::State> environment;
  const Document document;
  const std::shared_ptr<BlockCache> blocks;  // of all readers
  const Resources resources;
  const Graph graph;
  const std::shared_ptr<const CubeInfo> info;
  ReaderPool readers;

  const Plan& plan();
  PlanOptions plan_options() const;
  // Keeps as many blocks of files as suit a plan.
  void keep_blocks(const Plan& plan) const;
  // Indices of bands, {} = all. Throws Error unless they may be read over the region.
  std::vector<std::size_t> wanted(const Region& region,
                                  const std::vector<std::string>& bands) const;

 private:
  std::once_flag planned_;
  std::optional<Plan> plan_;
};

}  // namespace cube
