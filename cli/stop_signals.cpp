#include "cli/stop_signals.h"

#include <sys/socket.h>

#include <array>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <filesystem>
#include <mutex>

namespace cube {

namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

// Ends what this process exchanges with others over networks. Its sockets stay open, so that no
// other file can take the number of one that is still in use.
void shut_down_connections() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
    const std::string number = entry.path().filename().string();
    int file = -1;
    std::from_chars(number.data(), number.data() + number.size(), file);
    int domain = 0;
    socklen_t size = sizeof(domain);
    if (getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) continue;
    if (domain == AF_INET || domain == AF_INET6) ::shutdown(file, SHUT_RDWR);
  }
}

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
  closing_ = {};
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

void StopSignals::close_connections() {
  if (closing_.joinable()) return;
  closing_ = std::jthread([this](const std::stop_token& stop) {
    constexpr std::chrono::milliseconds kLook{50};
    std::mutex mutex;
    std::condition_variable_any sleep;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      sleep.wait_for(lock, stop, kLook, [] { return false; });
      if (pending() != 0) shut_down_connections();
    }
  });
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
