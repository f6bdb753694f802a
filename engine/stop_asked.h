// StopAsked: lets what waits for long on a thread, such as for a server, know that the caller has
// asked to stop, however deep below it is called.
//
// Thread rule: of the thread that made it.
#pragma once

#include <functional>

namespace cube {

class StopAsked {
 public:
  // While it lives now() asks `asked`, which may be empty and outlives it.
  explicit StopAsked(const std::function<bool()>& asked) : outer_(asked_) { asked_ = &asked; }
  ~StopAsked() { asked_ = outer_; }
  StopAsked(const StopAsked&) = delete;
  StopAsked& operator=(const StopAsked&) = delete;

  // Whether this thread should stop; false where nobody can ask it to.
  static bool now() { return asked_ && *asked_ && (*asked_)(); }

 private:
  static inline thread_local const std::function<bool()>* asked_ = nullptr;
  const std::function<bool()>* outer_;
};

}  // namespace cube
