#include "engine/error.h"

#include "engine/text.h"

namespace cube {

Error::Error(ErrorCode code, std::string message, std::string where, std::string hint)
    : code_(code),
      message_(without_queries(message)),
      where_(without_queries(where)),
      hint_(without_queries(hint)) {
  if (!where_.empty()) what_ = where_ + ": ";
  what_ += message_;
  if (!hint_.empty()) what_ += " (" + hint_ + ")";
}

Error Error::within(std::string_view prefix) const {
  return Error(code_, message_, std::string(prefix) + where_, hint_);
}

}  // namespace cube
