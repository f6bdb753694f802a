// Ctrl-C while the engine works: Python's own handler runs, and what it raises ends the work.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <functional>
#include <optional>

namespace cube::python {

// Asked by work on the thread that Python called, which does not hold the interpreter's lock; looks
// for signals ten times a second. Thread rule: one thread.
class SignalWatch {
 public:
  // True once a handler has raised something.
  bool operator()();
  // Raises it, if so. REQUIRES: the interpreter's lock.
  void rethrow();

 private:
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + kInterval;
  std::optional<pybind11::error_already_set> raised_;

  static constexpr std::chrono::milliseconds kInterval{100};
};

// Runs `work` on a thread of its own and waits for it; meanwhile `look` is called ten times a
// second, and once at the end, with the interpreter's lock. When `look` or a signal's handler
// raises, `stop` is called, and what was raised is thrown here when the work has ended.
//
// A thread of its own has a team of OpenMP of its own. The team of a thread that ran before a fork
// is not there in the child, where the next parallel region would wait for it for ever. Threads are
// kept for the next call: those that end let go of PROJ's database a little after they are waited
// for, and a child that is forked meanwhile finds it locked for ever.
//
// REQUIRES: the interpreter's lock, which `work` runs without.
void run_aside(const std::function<void()>& work, const std::function<void()>& look,
               const std::function<void()>& stop);

}  // namespace cube::python
