#include "interrupt.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

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
  std::jthread worker([&] {
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
  {
    const py::gil_scoped_release release;
    worker.join();
  }
  if (raised) throw py::error_already_set(*raised);
  ending.rethrow();
}

}  // namespace cube::python
