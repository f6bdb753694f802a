// JsonPieces: a stream of JSON values, cut so that collections of any size are parsed in little
// memory.
//
// The objects in the member "features" of a top-level object, or in a top-level array, come one by
// one; then the value itself, with the number 0 in their places, so that what parses it sees all
// that is wrong between them. Values may follow one another, as in lines of JSON. Nothing is
// checked here: what is no JSON comes as text that does not parse.
// Memory: one element, or the value without its elements, and 1 MiB.
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace cube {

class JsonPieces {
 public:
  // `buffer`: bytes that are read at a time.
  explicit JsonPieces(std::istream& in, std::size_t buffer = std::size_t{1} << 20)
      : in_(in), buffer_(buffer) {}

  struct Piece {
    std::string text;
    bool element = false;      // else a value
    bool in_features = false;  // of an element: else in a top-level array
    std::int64_t line = 1;     // on which the value begins
    bool followed = false;     // of a value: another comes after it
  };
  // Fills the next piece; false at the end.
  bool next(Piece& piece);

 private:
  enum class State : std::uint8_t { kOutside, kObject, kElements, kNested, kElement, kString };

  bool fill();
  void count_lines(const char* to);
  void outside();
  void in_object();
  void in_elements();
  bool nested(std::string& out);
  bool quoted(std::string& out);
  void begin_string(State after);
  void append(char c);
  bool finish(Piece& piece);

  std::istream& in_;
  std::vector<char> buffer_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  const char* counted_ = nullptr;  // lines up to here are
  std::int64_t lines_ = 1;

  State state_ = State::kOutside;
  State after_ = State::kOutside;  // a string or nested value
  std::size_t marked_ = 0;         // bytes of a byte order mark seen
  bool bare_ = false;              // a value that is neither object nor array, up to the line's end
  bool done_ = false;              // the value is complete
  std::int64_t line_ = 1;
  std::string rest_;     // of the value
  std::string element_;  // or nested value
  std::string key_;      // the last string of the top-level object
  bool key_ends_ = false;
  bool object_ = false;     // the value is one
  std::int64_t depth_ = 0;  // of a nested value
  bool in_string_ = false;  // of it
  bool escaped_ = false;
};

}  // namespace cube
