// ProgressBar: how far a long job has come, on standard error.
//
// `auto` draws a bar with rate and time left when standard error is a terminal and nothing
// otherwise; `json` writes an object a line; `none` writes nothing.
// Thread rule: update() may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace cube {

enum class ProgressMode : std::uint8_t { kAuto, kJson, kNone };

// "auto", "json" or "none". Throws Error(kInvalid) naming them.
ProgressMode parse_progress_mode(std::string_view text);

class ProgressBar {
 public:
  // `label` says what is done ("indexing"), `unit` what is counted ("files").
  ProgressBar(ProgressMode mode, std::string label, std::string unit);
  ~ProgressBar();  // leaves the terminal's line clean
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Draws at most ten times a second, and always when done == total. `before`: of those done, how
  // many were when the job began.
  void update(std::int64_t done, std::int64_t total, std::int64_t before = 0);

 private:
  using Clock = std::chrono::steady_clock;

  std::mutex mutex_;
  bool bar_ = false;
  bool json_ = false;
  std::string label_;
  std::string unit_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_;
  bool anything_drawn_ = false;
};

// The line that `update` draws, without the carriage return (for tests).
std::string progress_line(const std::string& label, const std::string& unit, std::int64_t done,
                          std::int64_t total, std::int64_t before, double seconds);

}  // namespace cube
