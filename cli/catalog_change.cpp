// cube catalog add, update, remove: changes to a catalog that is there.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>

#include "catalog/catalog.h"
#include "cli/catalog_arguments.h"
#include "cli/catalog_text.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "cli/stop_signals.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

struct ChangeArguments : CatalogArguments {
  int wait = 10;  // seconds
  // update
  bool updates = false;
  bool keep_missing = false;
  bool restore = false;
  // remove
  std::vector<std::string> images;
  std::string time;
  std::vector<double> area;
  bool missing = false;
};

// Names the images of one kind of change: a few, or all.
void print_names(const char* what, const std::vector<std::string>& names, bool all) {
  constexpr std::size_t kShown = 10;
  const std::size_t shown = all ? names.size() : std::min(names.size(), kShown);
  for (std::size_t i = 0; i < shown; ++i) {
    std::cerr << what << ": " << without_queries(names[i]) << '\n';
  }
  if (shown == names.size()) return;
  std::cerr << "... and " << counted(static_cast<std::int64_t>(names.size() - shown), "image")
            << " more " << what << " (--explain names all)\n";
}

int report(const ChangeArguments& arguments, const ChangeReport& report) {
  IndexReport left;
  left.left_out = report.left_out;
  print_left_out(left, {}, arguments.explain);
  if (arguments.explain || arguments.dry_run) {
    print_names("added", report.added, arguments.explain);
    print_names("changed", report.changed, arguments.explain);
  }
  print_names("removed", report.removed, arguments.explain);
  const auto number = [](const std::vector<std::string>& names) {
    return std::to_string(names.size());
  };
  std::cout << arguments.catalog << ": " << number(report.added) << " added, "
            << number(report.changed) << " changed, " << number(report.removed) << " removed; "
            << counted(report.images, "image") << ", " << counted(report.files, "file")
            << (arguments.dry_run ? "; nothing is written (--dry-run)\n" : "\n");
  if (report.away > 0 && arguments.updates) {
    std::cerr << "note: " << counted(report.away, "image") << " that "
              << (report.away == 1 ? "was removed stays" : "were removed stay")
              << " away (update --restore brings back what is still there)\n";
  }
  const bool failed =
      std::ranges::any_of(report.left_out, [](const auto& entry) { return entry.failed; });
  return failed ? kSomeFailed : kDone;
}

// Runs a change with a bar.
template <class Change>
int run_change(const ChangeArguments& arguments, const Change& change) {
  const ProgressMode mode = parse_progress_mode(arguments.progress);
  ChangeReport done;
  {
    ProgressBar bar(mode, "indexing", "files");
    const auto progress = [&](std::int64_t part, std::int64_t total) {
      bar.update(part, total);
      arguments.go_on();
    };
    const std::chrono::seconds wait(arguments.wait);
    done = change(
        ChangeOptions{arguments.threads, arguments.dry_run, arguments.restore, wait, progress});
  }
  return report(arguments, done);
}

// The same, which a signal ends.
template <class Change>
int run(ChangeArguments& arguments, const Change& change) {
  return do_interruptible({arguments.catalog + " is as it was", [&](const auto& go_on) {
                             arguments.go_on = go_on;
                             return run_change(arguments, change);
                           }});
}

Additions additions_of(ChangeArguments& arguments) {
  arguments.settle();
  Additions out;
  if (arguments.from_table()) {
    out.table = arguments.table_options();
  } else if (arguments.stac) {
    out.stac = arguments.stac_options();
  } else {
    out.files = arguments.files;
    if (!arguments.format.empty()) out.format = CollectionFormat::load(arguments.format);
  }
  return out;
}

Removal removal_of(const ChangeArguments& arguments) {
  Removal out{arguments.images, {}, arguments.missing};
  if (!arguments.time.empty() || !arguments.area.empty()) {
    ImageQuery query = all_images();
    query.area = bbox_option(arguments.area, "--area");
    const std::size_t slash = arguments.time.find('/');
    if (!arguments.time.empty()) {
      query.start = time_option(arguments.time.substr(0, slash), "--time", false);
      const std::string end =
          slash == std::string::npos ? arguments.time : arguments.time.substr(slash + 1);
      query.end = time_option(end, "--time", true);
    }
    out.where = query;
  }
  if (out.images.empty() && !out.where && !out.missing) {
    throw Error(ErrorCode::kInvalid, "it is not said which images", "remove",
                "give --images, --time, --area or --missing");
  }
  return out;
}

void add_common(CLI::App& app, ChangeArguments& arguments) {
  app.add_flag("--dry-run", arguments.dry_run, "Say what would be done; write nothing");
  app.add_flag("--explain", arguments.explain, "Name every image and file it is about");
  constexpr int kLongestWait = 86400;
  app.add_option("--wait", arguments.wait,
                 "How long to wait while another process changes the catalog")
      ->check(CLI::Range(0, kLongestWait).description(""))
      ->type_name("SECONDS")
      ->capture_default_str();
}

constexpr const char* kAtomic =
    "A copy of the catalog is changed and, once it is safe on the disk, takes its place: a change\n"
    "that fails or is killed leaves it as it was (and NAME.part-PID, which the next change "
    "removes),\n"
    "and who reads it goes on reading the old. Two changes wait for each other. Time and memory\n"
    "follow the change, not the catalog. One that gdalcubes made becomes ours, with its index.\n\n"
    "Exit status 1: it is written, but some files could not be opened.\n\n";

void add_add(CLI::App& parent, Program& program) {
  auto arguments = std::make_shared<ChangeArguments>();
  CLI::App* app = parent.add_subcommand("add", "Add images to a catalog");
  add_operand(*app, "DB", arguments->catalog, "The catalog");
  add_sources(*app, *arguments, "How files are named; only where the catalog does not say it");
  add_reading(*app, *arguments);
  add_common(*app, *arguments);
  app->footer(std::string("Files that are in the catalog already are read again only if their size "
                          "or time has\nchanged. An image that is in it gets what is new; none is "
                          "doubled.\n\n") +
              kAtomic + "Example:\n  cube catalog add l8.db more/");
  app->callback([arguments, &program] {
    const Additions additions = additions_of(*arguments);
    program.status = run(*arguments, [&](const ChangeOptions& options) {
      return add_to_catalog(arguments->catalog, additions, options);
    });
  });
}

void add_update(CLI::App& parent, Program& program) {
  auto arguments = std::make_shared<ChangeArguments>();
  CLI::App* app = parent.add_subcommand("update", "Read again what has changed since");
  add_operand(*app, "DB", arguments->catalog, "The catalog");
  app->add_flag("--keep-missing", arguments->keep_missing, "Keep images whose files are gone");
  app->add_flag("--restore", arguments->restore,
                "Bring back images that 'catalog remove' took away, whose files or rows are there");
  arguments->updates = true;
  add_reading(*app, *arguments);
  add_common(*app, *arguments);
  app->footer(
      std::string(
          "Files of another size or time than when they were indexed are read again, images "
          "whose\nfiles are gone are dropped (it says which), and new files in the folders "
          "and globs that the\ncatalog was made from are added. STAC documents and tables "
          "are read again if they have\nchanged (size and times, or else what is in them), or a "
          "file on this machine that they name has:\nall such files are asked for their size and "
          "time. Of files that they name, also those of tables\nwithout extents, only the ones "
          "that have changed are read. Where none is opened (STAC, tables\nwith extents) images "
          "whose files have changed are told, and files that are gone, whose images\nstay. Of "
          "files that are not on this machine (/vsis3, URLs) nothing is noticed but what the\n"
          "documents say. Images that 'catalog remove' took away stay away.\n\n") +
      kAtomic + "Example:\n  cube catalog update l8.db --dry-run --explain");
  app->callback([arguments, &program] {
    program.status = run(*arguments, [&](const ChangeOptions& options) {
      return update_catalog(arguments->catalog, arguments->keep_missing, options);
    });
  });
}

void add_remove(CLI::App& parent, Program& program) {
  auto arguments = std::make_shared<ChangeArguments>();
  CLI::App* app = parent.add_subcommand("remove", "Remove images from a catalog");
  add_operand(*app, "DB", arguments->catalog, "The catalog");
  app->add_option("--images", arguments->images, "Names or patterns, e.g. LC08_*_20180131*")
      ->delimiter(',')
      ->type_name("NAMES");
  app->add_option("--time", arguments->time,
                  "From/to, both included, e.g. 2018-01/2018-03, or one time, e.g. 2018")
      ->type_name("TIME");
  app->add_option("--area", arguments->area, "Images that touch left,bottom,right,top in degrees")
      ->delimiter(',')
      ->expected(4)
      ->allow_extra_args(false)
      ->type_name("BOX");
  app->add_flag("--missing", arguments->missing, "Images of which a local file is gone");
  add_common(*app, *arguments);
  app->footer(std::string("Images that fit all of these are removed; files are never touched. The "
                          "catalog remembers the\nnames: a later update leaves these images away, "
                          "also where their files are found or read\nagain, as a file of many "
                          "times of which one was removed, and says how many. 'catalog add' of\n"
                          "the files, or of a document that names them, brings them back, and so "
                          "does 'catalog update\n--restore' for all. What --missing removes, of "
                          "files in folders, comes back with its files.\n\n") +
              kAtomic + "Example:\n  cube catalog remove l8.db --time 2018-01/2018-03 --dry-run");
  app->callback([arguments, &program] {
    const Removal removal = removal_of(*arguments);
    program.status = run(*arguments, [&](const ChangeOptions& options) {
      return remove_from_catalog(arguments->catalog, removal, options);
    });
  });
}

}  // namespace

void add_catalog_change(CLI::App& parent, Program& program) {
  add_add(parent, program);
  add_update(parent, program);
  add_remove(parent, program);
}

}  // namespace cube
