// Error: the one exception that leaves the library.
//
// Thrown only for what ends the work: wrong input, unreadable data, an unwritable output. An
// expected miss is a std::optional, a bug is an assert. Wrappers of GDAL, SQLite, muParser and
// JSON turn the errors of those libraries into this one, so callers catch one type.
//
// Thread rule: a value; copy it freely.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace cube {

enum class ErrorCode {
  kInvalid,     // the user's graph, argument or value is wrong; nothing has been read
  kNotFound,    // a file, band, operator or layer that does not exist
  kUnreadable,  // a file exists but cannot be opened, is truncated or is not what it should be
  kUnwritable,  // an output cannot be created, written or renamed (out of disk too)
  kCancelled,   // the caller asked to stop
  kInternal,    // a broken promise of ours or of a library
};

class Error : public std::exception {
 public:
  // `message` says what was found; `where` is a JSON pointer ("/in_cube/expr/0"), a file name or
  // an option; `hint` says what would be accepted. What may be secret in URLs is not kept (see
  // without_queries()). Printed as `WHERE: MESSAGE (HINT)`.
  explicit Error(ErrorCode code, std::string message, std::string where = {},
                 std::string hint = {});

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& where() const { return where_; }
  const std::string& hint() const { return hint_; }

  // The same error seen from further out: `prefix` is put before where().
  Error within(std::string_view prefix) const;

  // `WHERE: MESSAGE (HINT)`, without the parts that are empty.
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
  std::string where_;
  std::string hint_;
  std::string what_;
};

// Of the kind that is told most.
Error invalid(std::string message, std::string where = {}, std::string hint = {});

}  // namespace cube
