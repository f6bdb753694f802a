#include "engine/error.h"

#include <utility>

#include "engine/limits.h"
#include "engine/text.h"

namespace cube {

namespace {

// Without what is secret, and not so long that nobody could read it.
std::string shown(std::string text) {
  const bool is_long = text.size() > limits::kMessageBytes;
  if (is_long) text.resize(limits::kMessageBytes);
  text = without_queries(text);
  if (is_long) text += "...";
  return text;
}

}  // namespace

Error::Error(ErrorCode code, std::string message, std::string where, std::string hint)
    : code_(code),
      message_(shown(std::move(message))),
      where_(shown(std::move(where))),
      hint_(shown(std::move(hint))) {
  if (!where_.empty()) what_ = where_ + ": ";
  what_ += message_;
  if (!hint_.empty()) what_ += " (" + hint_ + ")";
}

Error Error::within(std::string_view prefix) const {
  return Error(code_, message_, std::string(prefix) + where_, hint_);
}

Error invalid(std::string message, std::string where, std::string hint) {
  return Error(ErrorCode::kInvalid, std::move(message), std::move(where), std::move(hint));
}

}  // namespace cube
