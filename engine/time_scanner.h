// TimeScanner: what texts of dates and durations are read with.
// Thread rule: one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cube {

// A cursor over a text; whatever fails to read leaves it where it was. REQUIRES: the text outlives
// it.
class TimeScanner {
 public:
  explicit TimeScanner(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  std::string_view rest() const { return text_; }

  bool take(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
    taken_ = text_.front();
    text_.remove_prefix(1);
    return true;
  }
  char taken() const { return taken_; }

  // How many digits come next.
  std::size_t digits() const {
    std::size_t n = 0;
    while (n < text_.size() && text_[n] >= '0' && text_[n] <= '9') ++n;
    return n;
  }

  // A number of `least` to `most` digits.
  std::optional<std::int64_t> number(std::size_t least, std::size_t most) {
    const std::size_t n = std::min(digits(), most);
    if (n < least || n == 0) return std::nullopt;
    std::int64_t value = 0;
    for (std::size_t i = 0; i < n; ++i) value = value * 10 + (text_[i] - '0');
    text_.remove_prefix(n);
    return value;
  }

  // Stores a number of exactly two digits.
  bool two_digits(std::int64_t& out) {
    const auto value = number(2, 2);
    if (value) out = *value;
    return value.has_value();
  }

  void skip_digits() { text_.remove_prefix(digits()); }
  void skip_spaces() {
    while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
  }

  // The English name of a month, whole or its first three letters.
  std::optional<std::int64_t> month_name() {
    static constexpr std::array<std::string_view, 12> kNames = {
        "january", "february", "march",     "april",   "may",      "june",
        "july",    "august",   "september", "october", "november", "december"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      for (const std::size_t length : {kNames[i].size(), std::size_t{3}}) {
        if (!starts_with(kNames[i].substr(0, length))) continue;
        text_.remove_prefix(length);
        return static_cast<std::int64_t>(i + 1);
      }
    }
    return std::nullopt;
  }

 private:
  // `name` is in lower case; the case of the text is ignored.
  bool starts_with(std::string_view name) const {
    if (text_.size() < name.size()) return false;
    return std::equal(name.begin(), name.end(), text_.begin(),
                      [](char a, char b) { return a == b || a == b - 'A' + 'a'; });
  }

  std::string_view text_;
  char taken_ = 0;
};

}  // namespace cube
