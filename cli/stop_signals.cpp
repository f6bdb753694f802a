#include "cli/stop_signals.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <mutex>

#include "cli/commands.h"
#include "engine/error.h"
#include "engine/stop_asked.h"

namespace cube {

namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

std::string signal_name(int signal) {
  return signal == SIGINT ? "SIGINT" : signal == SIGTERM ? "SIGTERM" : "SIGHUP";
}

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

std::string stopped_text(int signal, const std::string& meaning) {
  return "stopped by " + signal_name(signal) + (meaning.empty() ? "" : "; " + meaning);
}

void leave_stopped(int signal, const std::string& meaning) {
  // The bar's thread may be anywhere: the line is left clean without it.
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const std::string text = std::string(terminal ? "\r\033[K" : "") +
                           "cube: error: " + stopped_text(signal, meaning) + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
  std::_Exit(kStopped + signal);
}

int do_interruptible(const Interruptible& what) {
  StopSignals signals;
  const StopDeadline deadline(signals, [&](int signal) { leave_stopped(signal, what.meaning); });
  const std::function<bool()> asked = [&] { return signals.pending() != 0; };
  const StopAsked stop(asked);
  std::atomic<bool> begun = false;
  try {
    return what.work([&] {
      begun = true;
      if (asked()) throw Error(ErrorCode::kCancelled, "stopped");
    });
  } catch (const Error& error) {
    if (asked()) {
      std::cerr << "cube: error: " << stopped_text(signals.pending(), what.meaning) << '\n';
      return kStopped + signals.pending();
    }
    // What cannot be used is refused; what cannot be kept after all that work has failed.
    if (!begun || error.code() != ErrorCode::kUnwritable) throw;
    std::cerr << "cube: error: " << error.what() << '\n';
    return kSomeFailed;
  }
}

}  // namespace cube
