// StopSignals: while it lives, a request to end the program (Ctrl-C, kill, a closed terminal) waits
// until it is asked for, so that a run can stop between pieces of work and tidy up. What the caller
// had set to be ignored (nohup) stays ignored.
//
// REQUIRES: made before the threads that do the work, which inherit what it sets.
// Thread rule: pending() may be called from any thread.
#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <thread>

namespace cube {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();  // forgets what is still waiting
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // The signal that asks the program to end; 0 = none.
  int pending() const;

  // From now on the connections of the process to servers are closed when it is asked to end, so
  // that no thread goes on waiting for an answer. Thread rule: of the thread that made this.
  void close_connections();

 private:
  std::jthread closing_;  // waits for a signal
  sigset_t held_{};
  sigset_t before_{};
};

// Sees to it that the program ends soon after a signal: where it still lives (and this object too)
// most of a second later, because a piece of work takes long, calls `too_late` on a thread of its
// own, which is to end the process.
class StopDeadline {
 public:
  StopDeadline(const StopSignals& signals, std::function<void(int signal)> too_late);

 private:
  std::jthread thread_;
};

// "stopped by SIGINT; no output was made", or without `meaning` where that is "".
std::string stopped_text(int signal, const std::string& meaning);

// Ends the process at once, saying by what it was stopped and, where there is something to say,
// what that means: "cube: error: stopped by SIGINT; no output was made". Thread rule: any thread.
[[noreturn]] void leave_stopped(int signal, const std::string& meaning);

// Work that leaves everything as it was when it is given up.
struct Interruptible {
  std::string meaning;  // "a.db stays as it was", of being stopped
  // Does the work, of which it gives the exit status. Now and then, and not before there is
  // anything that takes time, it calls `go_on`, which throws Error(kCancelled) when the program is
  // to end. Thread rule of go_on: any thread.
  std::function<int(const std::function<void()>& go_on)> work;
};

// Does such work; where the program is asked to end it ends within a second. Gives the exit status:
// the work's, kSomeFailed for an Error(kUnwritable) once go_on was called, 128 + the signal.
int do_interruptible(const Interruptible& what);

}  // namespace cube
