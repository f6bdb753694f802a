// cube: the program. Wires catalog, graphs and engine together; see `cube --help`.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "api/file_resources.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/distrust.h"
#include "cli/usage.h"
#include "cube/version.h"
#include "engine/error.h"
#include "engine/gdal/network.h"
#include "graphs/document.h"

namespace {

int run_program(int argc, char** argv) {
  cube::distrust_files();
  cube::count_network_use();
  cube::Program program;
  program.registry = cube::document_operators();
  program.blocks = std::make_shared<cube::BlockCache>(0);  // `cube run` says how much it may hold
  program.resources = cube::file_resources(program.blocks);

  CLI::App app("A declarative data-cube engine for satellite imagery.", "cube");
  app.set_version_flag("--version", "cube " CUBE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done; 1 some file, image or chunk failed; 2 rejected before any work.\n\n"
      "A first try:\n"
      "  cube sample demo\n"
      "  cube catalog create demo/s2.db demo/archive\n"
      "  cube run demo/ndvi.json -o ndvi.tif -o ndvi.png\n\n"
      "cube COMMAND --help tells more.");
  cube::add_run(app, program);
  cube::add_finish(app, program);
  cube::add_calc(app, program);
  cube::add_warp(app, program);
  cube::add_translate(app, program);
  cube::add_check(app, program);
  cube::add_plan(app, program);
  cube::add_info(app, program);
  cube::add_hist(app, program);
  cube::add_catalog(app, program);
  cube::add_save(app, program);
  cube::add_ops(app, program);
  cube::add_schema(app, program);
  cube::add_sample(app, program);
  cube::add_docs(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    std::cout << cube::requested_text(app, success);
    return cube::kDone;
  } catch (const CLI::ParseError& error) {
    std::cerr << "cube: error: " << cube::usage_error(app, error) << '\n';
    return cube::kRejected;
  }
  return program.status;
}

// Blocks of cells come and go by the megabyte. glibc gives each back to the system and faults its
// pages in again for the next one, which is 5 % of the time of a simple graph.
void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kMapped = 32 << 20;  // the most that glibc takes
  constexpr int kKept = 1 << 30;     // `cube run` bounds what is in use at a time
  mallopt(M_MMAP_THRESHOLD, kMapped);
  mallopt(M_TRIM_THRESHOLD, kKept);
#endif
}

// Has the system make room for many open files now. When a process of several threads needs more,
// Linux has it wait until all processors have seen the larger table: 7 to 16 ms, and more than
// once for the images of a year.
// By default no more files are allowed than old programs can handle; one may ask for more.
void reserve_file_handles() {
  constexpr int kFiles = 1024;
  constexpr rlim_t kMost = 8192;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < std::min(limit.rlim_max, kMost)) {
    limit.rlim_cur = std::min(limit.rlim_max, kMost);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  const int copy = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kFiles - 1);
  if (copy >= 0) ::close(copy);
}

// Ends the process without taking down GDAL's libraries and freeing caches, which takes 10 ms and
// more: all outputs are closed by now.
[[noreturn]] void leave(int status) {
  if (!std::cout.flush()) {
    std::cerr << "cube: error: standard output: cannot be written\n";
    if (status == cube::kDone) status = cube::kSomeFailed;
  }
  std::fflush(nullptr);
  std::_Exit(status);
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  reserve_file_handles();
  try {
    leave(run_program(argc, argv));
  } catch (const cube::Error& error) {
    std::cerr << "cube: error: " << error.what() << '\n';
  } catch (const std::exception& error) {
    std::cerr << "cube: error: " << cube::failure_text(error) << '\n';
    leave(cube::kSomeFailed);
  }
  return cube::kRejected;
}
