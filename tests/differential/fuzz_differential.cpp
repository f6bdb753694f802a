// fuzz_differential: random graphs over random small archives, each computed in several ways (see
// ways.h) that must give the same. A finding is made smaller and printed as a file that
// `fuzz_differential --replay FILE` checks again; found/*.json, what was found and mended, is
// checked by every run.
//
// Without options, or with nothing but --seed: a fixed set of seeds, for the tests.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "engine/error.h"
#include "engine/stopwatch.h"
#include "graphs/document.h"
#include "tests/differential/random_graph.h"
#include "tests/differential/shrink.h"
#include "tests/differential/ways.h"
#include "tests/support.h"

namespace cube::fuzz {

namespace {

struct Options {
  std::uint64_t seed = 1;
  std::int64_t archives = 36;  // of consecutive seeds
  std::int64_t graphs = 45;    // over each
  double minutes = 0;          // instead of a number of archives
  double seconds_to_shrink = 20;
  std::int64_t findings = 5;  // then it ends
  std::int64_t only = -1;     // this graph of each archive
  bool rejections = false;    // are counted by argument
  std::string replay;
  std::string folder = ".";  // where findings are written
};

// What a crash or a hang says: it cannot be made smaller.
char at_work[160] = "";

void tell_of_crash(int signal) {
  const char* what = signal == SIGALRM ? "\nHANGS: " : "\nCRASHES: ";
  static_cast<void>(!write(STDOUT_FILENO, what, std::strlen(what)));
  static_cast<void>(!write(STDOUT_FILENO, at_work, std::strlen(at_work)));
  static_cast<void>(!write(STDOUT_FILENO, "\n", 1));
  ::signal(signal, SIG_DFL);
  raise(signal == SIGALRM ? SIGABRT : signal);
}

void tell_where(std::uint64_t seed, std::int64_t graph) {
  std::snprintf(at_work, sizeof at_work, "fuzz_differential --seed %llu --archives 1 --only %lld",
                static_cast<unsigned long long>(seed), static_cast<long long>(graph));
  alarm(120);
}

// What was found when it is no difference but an exception.
std::string exception_text(const std::exception& error) {
  return std::string("an exception: ") + error.what();
}

// Everything of one finding anew, in a folder of its own. Documents that make no cube are not
// wrong.
std::string check(const Finding& finding, const Registry& registry) {
  const test::TempDir folder;
  std::optional<Archive> archive;
  std::optional<Case> made;
  try {
    archive.emplace(finding.archive, folder.path(), registry);
    made.emplace(finding.graph, *archive, registry);
  } catch (const Error& error) {
    return error.code() == ErrorCode::kInternal ? exception_text(error) : "";
  } catch (const nlohmann::json::exception&) {
    return {};  // a document that lacks what it takes
  } catch (const std::exception& error) {
    return exception_text(error);
  }
  if (!made->reference().failure.empty()) return made->reference().failure;
  if (finding.way.is_null()) return {};
  try {
    return way_of(finding.way).difference(*made, finding.way);
  } catch (const nlohmann::json::exception&) {
    return {};
  } catch (const std::exception& error) {
    return exception_text(error);
  }
}

class Fuzzer {
 public:
  explicit Fuzzer(const Options& options) : options_(options), registry_(document_operators()) {
    tries_.aloud = options.only >= 0;
  }

  bool enough() const { return static_cast<std::int64_t>(findings_) >= options_.findings; }

  void archive(std::uint64_t seed) {
    Dice dice(seed);
    const test::TempDir folder;
    tell_where(seed, -1);
    const Archive archive(random_archive(dice), folder.path(), registry_);
    for (std::int64_t i = 0; i < options_.graphs && !enough(); ++i) {
      if (options_.only >= 0 && i != options_.only) continue;
      tell_where(seed, i);
      Dice own(mixed(seed * 1'000'003 + static_cast<std::uint64_t>(i)));
      graph(archive, own);
    }
    alarm(0);
  }

  void replay(const std::filesystem::path& file) {
    const Json document = Json::parse(test::read_text(file));
    Finding finding{document.at("archive"), document.at("graph"), document.at("way"), {}};
    finding.what = check(finding, registry_);
    ++replayed_;
    if (finding.what.empty()) return;
    ++findings_;
    std::cout << file.string() << ": " << finding.what << "\n";
  }

  void tell_rejections() const {
    for (const auto& [place, times] : tries_.reasons) std::cout << times << " " << place << "\n";
  }

  // The exit status.
  int report(double seconds) const {
    std::cout << graphs_ << " graphs in " << seconds << " s, " << empty_ << " all missing, "
              << replayed_ << " replayed; of " << tries_.drawn << " nodes drawn " << tries_.rejected
              << " were rejected, " << tries_.given_up << " operators given up\n";
    for (const auto& [name, times] : used_) std::cout << name << " " << times << ", ";
    std::cout << "\n" << findings_ << " findings\n";
    return findings_ == 0 ? 0 : 1;
  }

 private:
  void graph(const Archive& archive, Dice& dice) {
    Json document;
    Json way;
    try {
      GraphMaker maker(archive, registry_, dice, tries_);
      try {
        const auto made = maker.make();
        if (!made) return;
        document = *made;
      } catch (const std::exception&) {
        document = maker.last();
        throw;
      }
      const Case one(document, archive, registry_);
      count(one);
      compare(one, dice, way);
    } catch (const std::exception& error) {
      found({archive.document(), document, way, exception_text(error)});
    }
  }

  void compare(const Case& one, Dice& dice, Json& way) {
    if (!one.reference().failure.empty()) {
      found({one.archive().document(), one.document(), nullptr, one.reference().failure});
      return;
    }
    for (const Way* drawn : drawn_ways(dice)) {
      way = drawn->draw(one, dice);
      if (way.is_null()) continue;
      way["way"] = drawn->name;
      ++used_["way " + drawn->name];
      const std::string difference = drawn->difference(one, way);
      if (difference.empty()) continue;
      found({one.archive().document(), one.document(), way, difference});
      return;
    }
  }

  // Chunks and threads always, and one more.
  static std::vector<const Way*> drawn_ways(Dice& dice) {
    std::vector<const Way*> all;
    for (const Way& way : ways()) all.insert(all.end(), static_cast<std::size_t>(way.weight), &way);
    return {&ways().front(), dice.one_of(all), dice.one_of(all)};
  }

  void count(const Case& one) {
    ++graphs_;
    for (const Graph::Node& node : one.graph().nodes) ++used_[node.type];
    bool any = false;
    for (const Block& band : one.reference().bands) any = any || !band.all_missing();
    if (!any) ++empty_;
  }

  void found(Finding finding) {
    ++findings_;
    std::cout << at_work << "\n" << finding.what << "\n" << std::flush;
    alarm(0);
    const std::string again = check(finding, registry_);
    if (again.empty()) {
      std::cout << "(not the same again)\n";
    } else {
      finding.what = again;
      finding = shrunk(
          std::move(finding), [&](const Finding& f) { return check(f, registry_); },
          options_.seconds_to_shrink);
    }
    const std::string name = options_.folder + "/found_" + std::to_string(getpid()) + "_" +
                             std::to_string(findings_) + ".json";
    const Json document = {{"title", finding.what},
                           {"archive", finding.archive},
                           {"graph", finding.graph},
                           {"way", finding.way}};
    std::ofstream(name) << document.dump(1) << "\n";
    std::cout << "graph: " << finding.graph.dump() << "\nway: " << finding.way.dump()
              << "\nsmaller: " << finding.what << "\nagain: fuzz_differential --replay " << name
              << "\n\n"
              << std::flush;
  }

  const Options& options_;
  Registry registry_;
  Tries tries_;
  std::int64_t graphs_ = 0, empty_ = 0, replayed_ = 0;
  std::size_t findings_ = 0;
  std::map<std::string, std::int64_t> used_;
};

int run(const Options& options) {
  const Stopwatch start;
  Fuzzer fuzzer(options);
  if (!options.replay.empty()) {
    fuzzer.replay(options.replay);
    return fuzzer.report(start.seconds());
  }
  const auto found = std::filesystem::path(CUBE_SOURCE_DIR) / "tests/differential/found";
  if (options.minutes == 0 && options.only < 0 && std::filesystem::exists(found)) {
    for (const auto& file : std::filesystem::directory_iterator(found)) fuzzer.replay(file.path());
  }
  const auto more = [&](std::int64_t done) {
    return options.minutes > 0 ? start.seconds() < options.minutes * 60 : done < options.archives;
  };
  for (std::int64_t i = 0; more(i) && !fuzzer.enough(); ++i) {
    fuzzer.archive(options.seed + static_cast<std::uint64_t>(i));
  }
  if (options.rejections) fuzzer.tell_rejections();
  return fuzzer.report(start.seconds());
}

}  // namespace

}  // namespace cube::fuzz

int main(int argc, char** argv) {
  cube::fuzz::Options options;
  CLI::App app("Random graphs, each computed in several ways that must give the same.");
  app.add_option("--seed", options.seed, "Of the first archive");
  app.add_option("--archives", options.archives, "How many, of consecutive seeds");
  app.add_option("--graphs", options.graphs, "Over each archive");
  app.add_option("--minutes", options.minutes, "Go on so long instead");
  app.add_option("--findings", options.findings, "End after so many");
  app.add_option("--only", options.only, "This graph of each archive; all tries are printed");
  app.add_option("--shrink", options.seconds_to_shrink, "Seconds to make a finding smaller");
  app.add_option("--replay", options.replay, "Check what was found once");
  app.add_flag("--rejections", options.rejections, "Count which arguments were rejected");
  app.add_option("--out", options.folder, "Folder that findings are written to");
  CLI11_PARSE(app, argc, argv);
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGALRM}) {
    ::signal(signal, cube::fuzz::tell_of_crash);
  }
  return cube::fuzz::run(options);
}
