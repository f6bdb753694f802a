#include "cli/stop_signals.h"

#include <array>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>

namespace cube {

namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

}  // namespace

StopSignals::StopSignals() {
  sigemptyset(&held_);
  for (const int signal : kSignals) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&held_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &held_, &before_);
}

StopSignals::~StopSignals() {
  const timespec at_once{};
  while (sigtimedwait(&held_, nullptr, &at_once) > 0) continue;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int StopSignals::pending() const {
  sigset_t waiting;
  sigpending(&waiting);
  for (const int signal : kSignals) {
    if (sigismember(&held_, signal) == 1 && sigismember(&waiting, signal) == 1) return signal;
  }
  return 0;
}

StopDeadline::StopDeadline(const StopSignals& signals, std::function<void(int signal)> too_late)
    : thread_([&signals, leave = std::move(too_late)](const std::stop_token& stop) {
        constexpr auto kStep = std::chrono::milliseconds(20);
        constexpr int kSteps = 35;
        std::mutex mutex;
        std::condition_variable_any stopping;
        std::unique_lock lock(mutex);
        int steps = 0;  // since the signal
        while (!stop.stop_requested() && steps < kSteps) {
          stopping.wait_for(lock, stop, kStep, [] { return false; });
          if (signals.pending() != 0) ++steps;
        }
        if (!stop.stop_requested()) leave(signals.pending());
      }) {}

std::string signal_name(int signal) {
  return signal == SIGINT ? "SIGINT" : signal == SIGTERM ? "SIGTERM" : "SIGHUP";
}

}  // namespace cube
