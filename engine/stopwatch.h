// Stopwatch: seconds since it was made, by the steady clock. Thread rule: a value.
#pragma once

#include <chrono>

namespace cube {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace cube
