#include "catalog/json_pieces.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace cube {

namespace {

constexpr const char* kFeatures = "features";

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_open(char c) { return c == '{' || c == '['; }
bool is_close(char c) { return c == '}' || c == ']'; }

// Characters that count outside of strings.
constexpr auto kStructure = [] {
  std::array<bool, 256> out{};
  for (const char c : std::string_view("\"{}[]")) out[static_cast<unsigned char>(c)] = true;
  return out;
}();

const char* next_structure(const char* at, const char* end) {
  while (at != end && !kStructure[static_cast<unsigned char>(*at)]) ++at;
  return at;
}

// The end of a string or its next escape.
const char* next_in_string(const char* at, const char* end) {
  while (at != end && *at != '"' && *at != '\\') ++at;
  return at;
}

}  // namespace

void JsonPieces::count_lines(const char* to) {
  lines_ += std::count(counted_, to, '\n');
  counted_ = to;
}

bool JsonPieces::fill() {
  if (end_) count_lines(end_);
  in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  at_ = counted_ = buffer_.data();
  end_ = at_ + in_.gcount();
  return at_ != end_;
}

// White space says nothing but where a number ends.
void JsonPieces::append(char c) {
  if (!is_space(c)) {
    rest_ += c;
  } else if (!rest_.empty() && rest_.back() != ' ') {
    rest_ += ' ';
  }
}

// Before a value, or in one that is neither an object nor an array.
void JsonPieces::outside() {
  const char c = *at_++;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (marked_ < kByteOrderMark.size()) {
    if (c == kByteOrderMark[marked_]) return void(++marked_);
    marked_ = kByteOrderMark.size();
  }
  if (bare_) {
    if (c == '\n') {
      done_ = true;
    } else {
      rest_ += c;
    }
    return;
  }
  if (is_space(c)) return;
  count_lines(at_);
  line_ = lines_;
  rest_ += c;
  object_ = c == '{';
  bare_ = !object_ && c != '[';
  if (!bare_) state_ = object_ ? State::kObject : State::kElements;
}

void JsonPieces::begin_string(State after) {
  state_ = State::kString;
  after_ = after;
  escaped_ = false;
  key_.clear();
}

void JsonPieces::in_object() {
  const char c = *at_;
  const bool elements = c == '[' && key_ends_ && key_ == kFeatures;
  if (!is_space(c)) key_ends_ = c == ':';
  if (is_open(c) && !elements) {
    after_ = State::kObject;
    state_ = State::kNested;
    return;
  }
  ++at_;
  append(c);
  if (elements) state_ = State::kElements;
  if (c == '"') begin_string(State::kObject);
  done_ = is_close(c);
}

void JsonPieces::in_elements() {
  const char c = *at_;
  if (is_open(c)) {
    after_ = State::kElements;
    state_ = c == '{' ? State::kElement : State::kNested;
    return;
  }
  ++at_;
  append(c);
  if (c == '"') begin_string(State::kElements);
  if (!is_close(c)) return;
  state_ = State::kObject;
  done_ = !object_;
}

// Appends a string up to its end; true when that is reached.
bool JsonPieces::quoted(std::string& out) {
  const char* from = at_;
  bool ended = false;
  while (at_ != end_ && !ended) {
    if (std::exchange(escaped_, false)) {
      ++at_;
      continue;
    }
    at_ = next_in_string(at_, end_);
    if (at_ == end_) break;
    escaped_ = *at_ == '\\';
    ended = !escaped_;
    ++at_;
  }
  out.append(from, at_);
  return ended;
}

// Appends a nested object or array up to its end; true when that is reached.
bool JsonPieces::nested(std::string& out) {
  while (at_ != end_) {
    if (in_string_) {
      in_string_ = !quoted(out);
      continue;
    }
    const char* from = at_;
    at_ = next_structure(at_, end_);
    if (at_ == end_) {
      out.append(from, at_);
      break;
    }
    const char c = *at_++;
    out.append(from, at_);
    in_string_ = c == '"';
    if (is_open(c)) ++depth_;
    if (is_close(c) && --depth_ == 0) return true;
  }
  return false;
}

// The value is complete, or the stream ends in it.
bool JsonPieces::finish(Piece& piece) {
  while (at_ != end_ || fill()) {
    if (!is_space(*at_)) break;
    ++at_;
  }
  piece.element = false;
  piece.followed = at_ != end_;
  piece.line = line_;
  piece.text = std::exchange(rest_, {});
  state_ = State::kOutside;
  bare_ = done_ = key_ends_ = in_string_ = false;
  depth_ = 0;
  return true;
}

bool JsonPieces::next(Piece& piece) {
  while (at_ != end_ || fill()) {
    switch (state_) {
      case State::kOutside:
        outside();
        break;
      case State::kObject:
        in_object();
        break;
      case State::kElements:
        in_elements();
        break;
      case State::kString: {
        const std::size_t begin = rest_.size();
        if (quoted(rest_)) state_ = after_;
        key_.append(rest_, begin);
        if (state_ == after_ && !key_.empty()) key_.pop_back();  // the quote
        break;
      }
      case State::kNested:
        if (nested(rest_)) state_ = after_;
        break;
      case State::kElement:
        if (!nested(element_)) break;
        state_ = after_;
        rest_ += '0';
        piece.text.swap(element_);
        element_.clear();
        piece.element = piece.followed = true;
        piece.in_features = object_;
        piece.line = line_;
        return true;
    }
    if (done_) return finish(piece);
  }
  if (!rest_.empty()) return finish(piece);
  return false;
}

}  // namespace cube
