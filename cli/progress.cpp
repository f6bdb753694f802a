#include "cli/progress.h"

#include <unistd.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/common.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::size_t kBarWidth = 30;  // characters
constexpr auto kInterval = std::chrono::milliseconds(100);

std::string rate_text(double rate) {
  return number_text(rate < 10 ? std::round(rate * 10) / 10 : std::round(rate));
}

}  // namespace

ProgressMode parse_progress_mode(std::string_view text) {
  static const std::vector<std::string> kModes = {"auto", "json", "none"};
  for (std::size_t i = 0; i < kModes.size(); ++i) {
    if (kModes[i] == text) return static_cast<ProgressMode>(i);
  }
  throw Error(ErrorCode::kInvalid, "'" + std::string(text) + "' is no way to show progress",
              "--progress", suggest(kModes, text));
}

std::string progress_line(const std::string& label, const std::string& unit, std::int64_t done,
                          std::int64_t total, std::int64_t before, double seconds) {
  const double part = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1;
  const auto filled = static_cast<std::size_t>(part * kBarWidth);
  std::string line = label + " [" + std::string(filled, '=') +
                     std::string(kBarWidth - filled, ' ') + "] " + std::to_string(done) + "/" +
                     std::to_string(total) + " " + unit;
  if (done <= before || seconds <= 0) return line;
  const double rate = static_cast<double>(done - before) / seconds;
  line += ", " + rate_text(rate) + "/s";
  if (done < total)
    line += ", " + duration_text(static_cast<double>(total - done) / rate) + " left";
  return line;
}

ProgressBar::ProgressBar(ProgressMode mode, std::string label, std::string unit)
    : bar_(mode == ProgressMode::kAuto && isatty(STDERR_FILENO) == 1),
      json_(mode == ProgressMode::kJson),
      label_(std::move(label)),
      unit_(std::move(unit)) {}

ProgressBar::~ProgressBar() {
  if (bar_ && anything_drawn_) std::cerr << "\r\033[K" << std::flush;
}

void ProgressBar::update(std::int64_t done, std::int64_t total, std::int64_t before) {
  if (!bar_ && !json_) return;
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (anything_drawn_ && done < total && now - drawn_ < kInterval) return;
  drawn_ = now;
  anything_drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (bar_) {
    std::cerr << '\r' << progress_line(label_, unit_, done, total, before, seconds) << "\033[K"
              << std::flush;
    return;
  }
  const nlohmann::ordered_json line = {{"progress", label_},
                                       {"done", done},
                                       {"total", total},
                                       {"unit", unit_},
                                       {"seconds", seconds}};
  std::cerr << line.dump() << std::endl;
}

}  // namespace cube
