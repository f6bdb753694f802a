// The subcommands of the program. Each add_*() declares one on the app; when it is chosen its
// callback runs and sets Program::status. Errors are thrown as cube::Error and printed by main().
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "engine/gdal/block_cache.h"
#include "engine/registry.h"
#include "engine/resources.h"

namespace cube {

// Exit status: 0 done; 1 some chunk or image failed (said which); 2 rejected before any work;
// 128 + the signal when a run was stopped.
inline constexpr int kDone = 0;
inline constexpr int kSomeFailed = 1;
inline constexpr int kRejected = 2;
inline constexpr int kStopped = 128;  // plus the signal

struct Program {
  Registry registry;
  Resources resources;
  std::shared_ptr<BlockCache> blocks;  // of all readers
  int status = kDone;
};

void add_run(CLI::App& app, Program& program);
void add_finish(CLI::App& app, Program& program);
void add_calc(CLI::App& app, Program& program);
void add_warp(CLI::App& app, Program& program);
void add_translate(CLI::App& app, Program& program);
void add_check(CLI::App& app, Program& program);
void add_plan(CLI::App& app, Program& program);
void add_info(CLI::App& app, Program& program);
void add_hist(CLI::App& app, Program& program);
void add_catalog(CLI::App& app, Program& program);
void add_catalog_create(CLI::App& parent, Program& program);
void add_catalog_change(CLI::App& parent, Program& program);  // add, update, remove
void add_save(CLI::App& app, Program& program);
void add_ops(CLI::App& app, Program& program);
void add_schema(CLI::App& app, Program& program);
void add_sample(CLI::App& app, Program& program);
void add_docs(CLI::App& app, Program& program);  // man, completion

}  // namespace cube
