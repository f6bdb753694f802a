// Pipe: one thread makes items, another uses them, a few at a time.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

namespace cube {

// Items are made by a thread of its own and used again, so that memory stays flat.
// Thread rule: take() from one thread; the maker runs at the same time.
template <class T>
class Pipe {
 public:
  // `make(item)` fills an item; false = there are no more. Its exception is thrown by take() where
  // the item would have come.
  template <class Make>
  explicit Pipe(Make make, std::size_t most = 4) : most_(most) {
    maker_ = std::jthread([this, make = std::move(make)] { run(make); });
  }
  ~Pipe() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // The next item, good until the next call; null at the end.
  T* take() {
    std::unique_lock lock(mutex_);
    if (taken_) free_.push_back(std::move(taken_));
    changed_.notify_all();
    changed_.wait(lock, [&] { return !ready_.empty() || ended_; });
    if (ready_.empty()) {
      if (failure_) std::rethrow_exception(failure_);
      return nullptr;
    }
    taken_ = std::move(ready_.front());
    ready_.pop_front();
    return taken_.get();
  }

 private:
  template <class Make>
  void run(const Make& make) {
    std::exception_ptr failure;
    try {
      while (auto item = empty_item()) {
        if (!make(*item)) break;
        const std::lock_guard lock(mutex_);
        ready_.push_back(std::move(item));
        changed_.notify_all();
      }
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    ended_ = true;
    changed_.notify_all();
  }

  // Null when nobody takes items any more.
  std::unique_ptr<T> empty_item() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stop_ || ready_.size() < most_; });
    if (stop_) return nullptr;
    if (free_.empty()) return std::make_unique<T>();
    auto item = std::move(free_.front());
    free_.pop_front();
    return item;
  }

  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<T>> ready_;
  std::deque<std::unique_ptr<T>> free_;
  std::unique_ptr<T> taken_;
  std::exception_ptr failure_;
  bool ended_ = false;
  bool stop_ = false;
  std::jthread maker_;  // last: joined before the rest goes
};

}  // namespace cube
