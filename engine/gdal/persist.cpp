#include "engine/gdal/persist.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "engine/stop_asked.h"
#include "engine/text.h"

namespace cube {

namespace {

using Clock = std::chrono::steady_clock;

// Counts live as long as GDAL's file systems, of which a process has one set.
std::atomic<std::int64_t>& retries() {
  static std::atomic<std::int64_t> count = 0;
  return count;
}

// Ends early when the caller wants to stop.
void wait(double seconds) {
  constexpr std::chrono::milliseconds kLook{50};
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(seconds));
  while (!StopAsked::now()) {
    const auto left = until - Clock::now();
    if (left <= Clock::duration::zero()) return;
    std::this_thread::sleep_for(std::min<Clock::duration>(left, kLook));
  }
}

// A part of chance, so that threads that were turned away together do not come back together.
double with_chance(double seconds) {
  const auto chance = static_cast<double>(Clock::now().time_since_epoch().count() % 1000) / 1000;
  return seconds * (1 + chance / 2);
}

}  // namespace

std::int64_t retries_so_far() { return retries(); }

std::optional<Refusal> persist(const std::string& path, const Patience& patience, bool open,
                               const std::function<bool(std::string&)>& attempt) {
  constexpr double kLongest = 60;
  double delay = patience.delay;
  for (int tries = 1;; ++tries) {
    Refusal refusal;
    if (!StopAsked::now()) {
      const AnswerLog log;
      std::string otherwise;
      if (attempt(otherwise)) return std::nullopt;
      refusal = log.refusal(otherwise);
    }
    if (!refusal.missing()) VSICurlPartialClearCache(path.c_str());
    if (StopAsked::now()) return Refusal{.status = 0, .reason = "stopped"};
    if (refusal.is_final(open)) return refusal;
    if (tries > patience.times) {
      if (tries > 1) refusal.reason += " (asked " + counted(tries, "time") + ")";
      return refusal;
    }
    ++retries();
    wait(with_chance(delay));
    delay = std::min(2 * delay, kLongest);
  }
}

}  // namespace cube
