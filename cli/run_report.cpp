#include "cli/run_report.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <set>
#include <string_view>

#include "cli/common.h"
#include "engine/gdal/output_file.h"
#include "engine/text.h"

namespace cube {

namespace {

using Json = nlohmann::ordered_json;

Json stages_json(const Stages& stages) {
  Json out = Json::object();
  for (std::size_t i = 0; i < kStageNames.size(); ++i) out[kStageNames[i]] = stages.seconds[i];
  return out;
}

// Whether a stage took any time worth a column.
bool shown(const Report& report, std::size_t stage) {
  return report.stages.seconds[stage] >= 0.005;
}

// A line of the table of times: the stages that took any in all of the run.
void print_stages(const Report& report, const Stages& stages, double sum, const std::string& what) {
  std::array<char, 32> text{};
  const auto cell = [&](double seconds) {
    std::snprintf(text.data(), text.size(), "%9.2f", seconds);
    std::cerr << (seconds < 0.005 ? "        -" : text.data());
  };
  cell(sum);
  for (std::size_t i = 0; i < kStageNames.size(); ++i) {
    if (shown(report, i)) cell(stages.seconds[i]);
  }
  std::cerr << "  " << what << '\n';
}

// Where the time went, by node.
void print_times(const Report& report) {
  std::cerr << "chunks " << report.chunks << ", empty " << report.empty_chunks << ", ";
  if (report.chunks_resumed > 0) std::cerr << "of an earlier run " << report.chunks_resumed << ", ";
  std::cerr << duration_text(report.seconds) << " on " << counted(report.threads, "thread")
            << "; seconds of all threads:\n    total";
  for (std::size_t i = 0; i < kStageNames.size(); ++i) {
    if (shown(report, i))
      std::cerr << std::string(9 - std::strlen(kStageNames[i]), ' ') << kStageNames[i];
  }
  std::cerr << '\n';
  Stages around = report.stages;
  for (const Report::NodeTime& node : report.nodes) {
    for (std::size_t i = 0; i < kStageNames.size(); ++i)
      around.seconds[i] -= node.stages.seconds[i];
    print_stages(report, node.stages, node.seconds,
                 node.type + " " + node.where + " (" + counted(node.requests, "request") + ")");
  }
  print_stages(report, around, around.sum(), "outputs and between nodes");
  print_stages(report, report.stages, report.stages.sum(), "in all");
}

Json range_json(const Range& range) { return {range.begin, range.end}; }

// Where a chunk lies: ranges of indices, the end not in them, and the times of the first and the
// last slice.
Json failure_json(const Report::Failure& failure, const TimeAxis& time) {
  const Region& region = failure.region;
  Json out = {{"chunk", failure.chunk},
              {"region", to_text(region)},
              {"slices", range_json(region.t)},
              {"rows", range_json(region.y)},
              {"columns", range_json(region.x)}};
  if (!region.t.empty() && region.t.end <= time.size()) {
    out["times"] = {time.label(region.t.begin), time.label(region.t.end - 1)};
  }
  out["reason"] = failure.reason;
  return out;
}

// What went wrong and what was made.
Json outcome_json(const Report& report, const TimeAxis& time) {
  Json failures = Json::array();
  for (const Report::Failure& failure : report.failures) {
    failures.push_back(failure_json(failure, time));
  }
  Json skipped = Json::array();
  for (const SkippedImage& image : report.skipped) {
    skipped.push_back({{"image", image.image}, {"reason", image.reason}});
  }
  return {{"failures", failures}, {"skipped", skipped}, {"outputs", report.outputs}};
}

// What a run that came to its end measured.
Json measures_json(const Report& report, const NetworkUse& network) {
  Json nodes = Json::array();
  for (const Report::NodeTime& node : report.nodes) {
    nodes.push_back({{"cube_type", node.type},
                     {"where", node.where},
                     {"seconds", node.seconds},
                     {"requests", node.requests},
                     {"cells", node.cells},
                     {"thread_seconds", stages_json(node.stages)}});
  }
  const ImageReader::Stats& reading = report.reading;
  return {
      {"seconds", report.seconds},
      {"threads", report.threads},
      {"thread_seconds", stages_json(report.stages)},
      {"chunks", report.chunks},
      {"empty_chunks", report.empty_chunks},
      {"chunks_done", report.chunks_done},
      {"chunks_resumed", report.chunks_resumed},
      {"seconds_write", report.seconds_write},
      {"reading",
       {{"opened", reading.opened},
        {"pasted", reading.pasted},
        {"warped", reading.warped},
        {"cells_decoded", reading.cells_decoded},
        {"blocks_decoded", reading.blocks_decoded},
        {"seconds_open", reading.seconds_open},
        {"seconds_read", reading.seconds_read},
        {"seconds_decode", reading.seconds_decode},
        {"seconds_warp", reading.seconds_warp}}},
      {"network",
       {{"requests", network.requests}, {"bytes", network.bytes}, {"retries", network.retries}}},
      {"nodes", nodes}};
}

// Reasons may hold what other programs wrote, in any encoding.
std::string text_of(const Json& report) {
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// How a run ended, in a word.
const char* status_of(int exit_status, bool ran, bool made) {
  if (exit_status == kDone) return "done";
  if (exit_status > kStopped) return "stopped";
  if (made) return "incomplete";
  return ran ? "failed" : "rejected";
}

Instant now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

}  // namespace

void write_stats(const std::string& file, const Report& report, const TimeAxis& time,
                 const NetworkUse& network) {
  Json json = measures_json(report, network);
  json.update(outcome_json(report, time));
  write_text(file, text_of(json), "the statistics");
}

RunReport::RunReport(std::string file)
    : file_(std::move(file)), started_(now()), about_(Json::object()) {
  if (!wanted() || file_ == "-") return;
  if (std::filesystem::is_directory(file_)) throw unwritable(file_, "is a folder");
  const TemporaryName probe(file_, false);
}

void RunReport::about(Json members, std::vector<std::string> images, TimeAxis time) {
  const std::lock_guard lock(mutex_);
  about_ = std::move(members);
  images_ = std::move(images);
  time_ = std::move(time);
}

void RunReport::progress(std::int64_t chunks_done, std::int64_t chunks) {
  const std::lock_guard lock(mutex_);
  report_.chunks_done = chunks_done;
  report_.chunks = chunks;
}

void RunReport::failed(const Report::Failure& failure) {
  const std::lock_guard lock(mutex_);
  report_.failures.push_back(failure);
}

void RunReport::skipped(const SkippedImage& image) {
  const std::lock_guard lock(mutex_);
  report_.skipped.push_back(image);
}

void RunReport::ran(const Report& report, const NetworkUse& network) {
  const std::lock_guard lock(mutex_);
  report_ = report;
  network_ = network;
  ran_ = true;
}

Json RunReport::json(int exit_status, const std::string& error) const {
  Json out = {{"version", 1},
              {"status", status_of(exit_status, ran_, !report_.outputs.empty())},
              {"exit_status", exit_status}};
  if (!error.empty()) out["error"] = error;
  out["started"] = to_text(started_) + "Z";
  out["ended"] = to_text(now()) + "Z";
  out.update(about_);
  std::set<std::string_view> skipped;
  for (const SkippedImage& image : report_.skipped) skipped.insert(image.image);
  Json images = Json::array();
  for (const std::string& image : images_) {
    if (!skipped.contains(image)) images.push_back(image);
  }
  out["images"] = std::move(images);
  out.update(outcome_json(report_, time_));
  if (ran_) {
    out.update(measures_json(report_, network_));
  } else if (report_.chunks > 0) {
    out["chunks"] = report_.chunks;
    out["chunks_done"] = report_.chunks_done;
  }
  return out;
}

void RunReport::end(int exit_status, const std::string& error) {
  const std::lock_guard lock(mutex_);
  if (!wanted() || ended_) return;
  ended_ = true;
  const std::string text = text_of(json(exit_status, error));
  if (file_ == "-") return write_text(file_, text, "the report");
  write_whole(file_, text);
}

void print_report(const Report& report, Detail detail) {
  static constexpr std::size_t kShown = 10;
  for (const std::string& note : report.notes) std::cerr << "cube: note: " << note << '\n';
  if (report.chunks_resumed > 0 && detail != Detail::kErrors) {
    std::cerr << "cube: note: " << report.chunks_resumed << " of "
              << counted(report.chunks, "chunk") << " had been done by an earlier run\n";
  }
  for (std::size_t i = 0; i < std::min(kShown, report.failures.size()); ++i) {
    const Report::Failure& failure = report.failures[i];
    std::cerr << "cube: error: chunk " << failure.chunk << " (" << to_text(failure.region)
              << "): " << failure.reason << '\n';
  }
  for (std::size_t i = 0; i < std::min(kShown, report.skipped.size()); ++i) {
    std::cerr << "cube: warning: skipped " << report.skipped[i].image << ": "
              << report.skipped[i].reason << '\n';
  }
  if (std::max(report.failures.size(), report.skipped.size()) > kShown) {
    std::cerr << "cube: note: " << counted(report.failures.size(), "chunk") << " failed, "
              << counted(report.skipped.size(), "image")
              << " skipped in all; --report names each\n";
  }
  if (report.outputs.empty() && !report.failures.empty() && !report.cancelled && !report.of_part) {
    std::cerr << "cube: no output was made"
              << (report.unwritten ? "\n" : " (--keep-going writes the chunks that worked)\n");
  }
  if (detail == Detail::kErrors) return;
  for (const std::string& file : report.outputs) std::cout << file << '\n';
  if (detail == Detail::kFiles) return;
  print_times(report);
  const NetworkUse network = network_use();
  if (network.requests > 0) {
    std::cerr << "network " << counted(network.requests, "request") << ", "
              << bytes_text(static_cast<double>(network.bytes)) << ", "
              << counted(network.retries, "retry", "retries") << '\n';
  }
}

}  // namespace cube
