// RecentlyUsed: values by key within a bound of bytes, the least recently used first out.
//
// For few and large values: keys are compared one by one and need nothing but ==.
// Thread rule: one a thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <list>
#include <utility>

namespace cube {

template <class Key, class Value>
class RecentlyUsed {
 public:
  // Keeps up to `bytes` and `entries`, or one value.
  RecentlyUsed(std::size_t bytes, std::size_t entries) : bytes_(bytes), entries_most_(entries) {}

  // Null when it is not there. Valid until the next put().
  const Value* find(const Key& key) {
    const auto entry = std::ranges::find(entries_, key, &Entry::key);
    if (entry == entries_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, entry);
    return &entries_.front().value;
  }

  // `bytes`: what the value counts for.
  const Value& put(Key key, Value value, std::size_t bytes) {
    while (!entries_.empty() && (held_ + bytes > bytes_ || entries_.size() == entries_most_)) {
      held_ -= entries_.back().bytes;
      entries_.pop_back();
    }
    held_ += bytes;
    entries_.push_front({std::move(key), std::move(value), bytes});
    return entries_.front().value;
  }

 private:
  struct Entry {
    Key key;
    Value value;
    std::size_t bytes;
  };
  std::size_t bytes_;
  std::size_t entries_most_;
  std::size_t held_ = 0;
  std::list<Entry> entries_;  // the last used first
};

}  // namespace cube
