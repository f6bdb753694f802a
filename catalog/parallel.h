// for_each_parallel: many small independent jobs, such as opening files, on a few threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/host_limits.h"

namespace cube {

// Calls work(i) once for every i in [0, count), from `threads` threads (0 = one a core). The first
// exception stops the rest and is thrown again here.
// REQUIRES: work(i) and work(j) may run at the same time.
template <class Work>
void for_each_parallel(std::size_t count, int threads, const Work& work) {
  const auto wanted = static_cast<std::size_t>(threads > 0 ? threads : usable_cores(host_limits()));
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto loop = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 1; i < std::min(wanted, count); ++i) workers.emplace_back(loop);
    loop();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace cube
