// Counts what a program allocates with operator new, which is replaced.
// REQUIRES: one source file of a program alone includes it. Thread rule: any thread.
#pragma once

#include <malloc.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <new>

namespace cube::test {

inline std::atomic<std::int64_t> held{0};
inline std::atomic<std::int64_t> most{0};

inline void* counted(void* memory) {
  if (!memory) throw std::bad_alloc();
  const std::int64_t now = held += static_cast<std::int64_t>(malloc_usable_size(memory));
  if (now > most) most = now;
  return memory;
}

inline void forget(void* memory) noexcept {
  if (memory) held -= static_cast<std::int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

// Bytes held at most while something runs, besides what was held before.
inline std::int64_t peak_of(const std::function<void()>& run) {
  const std::int64_t before = held;
  most = before;
  run();
  return most - before;
}

}  // namespace cube::test

void* operator new(std::size_t size) {
  return cube::test::counted(std::malloc(size == 0 ? 1 : size));
}
void* operator new[](std::size_t size) {
  return cube::test::counted(std::malloc(size == 0 ? 1 : size));
}
// What sanitizers have of their own, which would not go with these operators delete.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { cube::test::forget(memory); }
void operator delete[](void* memory) noexcept { cube::test::forget(memory); }
void operator delete(void* memory, std::size_t) noexcept { cube::test::forget(memory); }
void operator delete[](void* memory, std::size_t) noexcept { cube::test::forget(memory); }
