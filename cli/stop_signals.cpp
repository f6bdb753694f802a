#include "cli/stop_signals.h"

#include <array>
#include <ctime>

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

std::string signal_name(int signal) {
  return signal == SIGINT ? "SIGINT" : signal == SIGTERM ? "SIGTERM" : "SIGHUP";
}

}  // namespace cube
