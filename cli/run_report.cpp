#include "cli/run_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "engine/text.h"

namespace cube {

namespace {

nlohmann::ordered_json stages_json(const Stages& stages) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
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

nlohmann::ordered_json stats_json(const Report& report, const NetworkUse& network) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const Report::NodeTime& node : report.nodes) {
    nodes.push_back({{"cube_type", node.type},
                     {"where", node.where},
                     {"seconds", node.seconds},
                     {"requests", node.requests},
                     {"cells", node.cells},
                     {"thread_seconds", stages_json(node.stages)}});
  }
  nlohmann::ordered_json failures = nlohmann::ordered_json::array();
  for (const Report::Failure& failure : report.failures) {
    failures.push_back({{"chunk", failure.chunk},
                        {"region", to_text(failure.region)},
                        {"reason", failure.reason}});
  }
  nlohmann::ordered_json skipped = nlohmann::ordered_json::array();
  for (const SkippedImage& image : report.skipped) {
    skipped.push_back({{"image", image.image}, {"reason", image.reason}});
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
      {"nodes", nodes},
      {"failures", failures},
      {"skipped", skipped},
      {"outputs", report.outputs}};
}

}  // namespace

void write_stats(const std::string& file, const Report& report, const NetworkUse& network) {
  // Reasons may hold what other programs wrote, in any encoding.
  const std::string text =
      stats_json(report, network).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
      "\n";
  write_text(file, text, "the statistics");
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
              << counted(report.skipped.size(), "image") << " skipped in all; --stats names each\n";
  }
  if (report.outputs.empty() && !report.failures.empty() && !report.cancelled) {
    std::cerr << "cube: no output was made (--keep-going writes the chunks that worked)\n";
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
