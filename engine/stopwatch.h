// Stopwatch: seconds since it was made, by the steady clock. Thread rule: a value.
// SharedSeconds: a sum that several threads add to. Thread rule: any thread; copies share the sum.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

namespace cube {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

class SharedSeconds {
 public:
  void add(double seconds) const { sum_->fetch_add(seconds); }
  double total() const { return *sum_; }

 private:
  std::shared_ptr<std::atomic<double>> sum_ = std::make_shared<std::atomic<double>>(0.0);
};

}  // namespace cube
