#include "cli/run_report.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "engine/text.h"

namespace cube {

namespace {

nlohmann::ordered_json stats_json(const Report& report) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const Report::NodeTime& node : report.nodes) {
    nodes.push_back({{"cube_type", node.type},
                     {"where", node.where},
                     {"seconds", node.seconds},
                     {"requests", node.requests},
                     {"cells", node.cells}});
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
  return {{"seconds", report.seconds},
          {"chunks", report.chunks},
          {"empty_chunks", report.empty_chunks},
          {"seconds_write", report.seconds_write},
          {"reading",
           {{"opened", reading.opened},
            {"pasted", reading.pasted},
            {"warped", reading.warped},
            {"cells_decoded", reading.cells_decoded},
            {"seconds_open", reading.seconds_open},
            {"seconds_read", reading.seconds_read},
            {"seconds_warp", reading.seconds_warp}}},
          {"nodes", nodes},
          {"failures", failures},
          {"skipped", skipped},
          {"outputs", report.outputs}};
}

}  // namespace

void write_stats(const std::string& file, const Report& report) {
  // Reasons may hold what other programs wrote, in any encoding.
  const std::string text =
      stats_json(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  write_text(file, text, "the statistics");
}

void print_report(const Report& report, Detail detail) {
  static constexpr std::size_t kShown = 10;
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
  std::cerr << "chunks " << report.chunks << ", empty " << report.empty_chunks << ", "
            << duration_text(report.seconds) << ", writing " << duration_text(report.seconds_write)
            << '\n';
  for (const Report::NodeTime& node : report.nodes) {
    std::cerr << "  " << node.type << ' ' << node.where << ": " << duration_text(node.seconds)
              << " in " << node.requests << " requests\n";
  }
}

}  // namespace cube
