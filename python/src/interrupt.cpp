#include "interrupt.h"

#include <unistd.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace cube::python {

namespace py = pybind11;

bool SignalWatch::operator()() {
  if (raised_) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return false;
  next_ = now + kInterval;
  const py::gil_scoped_acquire lock;
  if (PyErr_CheckSignals() != 0) raised_.emplace();
  return raised_.has_value();
}

void SignalWatch::rethrow() {
  if (raised_) throw py::error_already_set(*raised_);
}

namespace {

constexpr std::chrono::milliseconds kLookEvery{100};

// A thread that does one piece of work after the other, and goes when the process does.
class Worker {
 public:
  Worker() {
    std::thread([this] { serve(); }).detach();
  }

  // Whether the thread is of this process, not of one that it was forked from.
  bool is_here() const { return process_ == ::getpid(); }

  void take(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    work_ = std::move(work);
    has_work_.notify_one();
  }

 private:
  void serve() {
    while (true) {
      std::unique_lock lock(mutex_);
      has_work_.wait(lock, [this] { return work_ != nullptr; });
      const std::function<void()> work = std::exchange(work_, nullptr);
      lock.unlock();
      work();
    }
  }

  const pid_t process_ = ::getpid();
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::function<void()> work_;
};

// Those without work; the interpreter's lock guards them. Never freed: they wait as long as there
// is a process, and what a fork has left of them in the child cannot be ended.
std::vector<Worker*>& idle_workers() {
  static auto& idle = *new std::vector<Worker*>;
  return idle;
}

Worker& idle_worker() {
  std::vector<Worker*>& idle = idle_workers();
  std::erase_if(idle, [](const Worker* worker) { return !worker->is_here(); });
  if (idle.empty()) return *new Worker;
  Worker& worker = *idle.back();
  idle.pop_back();
  return worker;
}

// Whether work on another thread has ended, and how.
class Ending {
 public:
  void reached(std::exception_ptr thrown) {
    const std::lock_guard lock(mutex_);
    thrown_ = std::move(thrown);
    ended_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLookEvery, [this] { return ended_; });
  }
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::exception_ptr thrown_;
};

}  // namespace

void run_aside(const std::function<void()>& work, const std::function<void()>& look,
               const std::function<void()>& stop) {
  Ending ending;
  std::optional<py::error_already_set> raised;
  const auto look_out = [&] {
    if (raised) return;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      look();
    } catch (const py::error_already_set& error) {
      raised.emplace(error);
      stop();
    }
  };
  Worker& worker = idle_worker();
  worker.take([&] {
    try {
      work();
      ending.reached(nullptr);
    } catch (...) {
      ending.reached(std::current_exception());
    }
  });
  for (bool ended = false; !ended;) {
    {
      const py::gil_scoped_release release;
      ended = ending.wait();
    }
    look_out();
  }
  idle_workers().push_back(&worker);
  if (raised) throw py::error_already_set(*raised);
  ending.rethrow();
}

}  // namespace cube::python
