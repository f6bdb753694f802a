#include "graphs/gdalcubes_formulas.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <set>

#include "engine/text.h"

namespace cube {

namespace {

enum class TokenKind : std::uint8_t { kNumber, kName, kSign, kOpen, kClose, kComma };

struct Token {
  TokenKind kind = TokenKind::kNumber;
  std::string text;
};

bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

// Enough of a scanner for formulas that have been found right already. An exponent's sign, 1e-4, is
// taken for a minus between two numbers, which changes nothing here.
std::vector<Token> tokens_of(std::string_view formula) {
  static constexpr std::array<std::string_view, 8> kPairs = {
      "||", "&&", "<=", ">=", "==", "!=", "<<", ">>"};
  std::vector<Token> out;
  for (std::size_t at = 0; at < formula.size();) {
    const char c = formula[at];
    std::size_t length = 1;
    if (is_name_char(c)) {
      while (at + length < formula.size() && is_name_char(formula[at + length])) ++length;
      const bool number = std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.';
      out.push_back(
          {number ? TokenKind::kNumber : TokenKind::kName, lower(formula.substr(at, length))});
    } else if (c == '(' || c == ')' || c == ',') {
      out.push_back({c == '('   ? TokenKind::kOpen
                     : c == ')' ? TokenKind::kClose
                                : TokenKind::kComma,
                     {c}});
    } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
      if (std::ranges::find(kPairs, formula.substr(at, 2)) != kPairs.end()) length = 2;
      out.push_back({TokenKind::kSign, std::string(formula.substr(at, length))});
    }
    at += length;
  }
  return out;
}

// How tight a sign binds here, of those that all bind alike in gdalcubes; nullopt = another.
std::optional<int> precedence(const std::string& sign) {
  static const std::map<std::string, int> kPrecedence = {
      {"||", 1}, {"&&", 2}, {"<", 3}, {"<=", 3}, {">", 3},  {">=", 3}, {"==", 3},
      {"!=", 3}, {"|", 4},  {"&", 5}, {"<<", 6}, {">>", 6}, {"+", 7},  {"-", 7}};
  const auto found = kPrecedence.find(sign);
  return found == kPrecedence.end() ? std::nullopt : std::optional(found->second);
}

// One pair of parentheses, or one argument of a function.
struct Level {
  std::string weakest;   // the sign before, of those that bind alike in gdalcubes
  bool power = false;    // the operand before is a power's exponent
  bool signed_ = false;  // there was a minus before the operand, which is no exponent
};

class Walk {
 public:
  explicit Walk(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  void run() {
    std::vector<Level> levels(1);
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const Token& token = tokens_[i];
      if (token.kind == TokenKind::kOpen) levels.emplace_back();
      if (token.kind == TokenKind::kClose && levels.size() > 1) levels.pop_back();
      if (token.kind == TokenKind::kComma) levels.back() = {};
      if (token.kind == TokenKind::kName && i + 1 < tokens_.size() &&
          tokens_[i + 1].kind == TokenKind::kOpen) {
        called.insert(token.text);
      }
      if (token.kind == TokenKind::kSign) sign(i, levels.back());
    }
  }

  std::set<std::string> called;
  std::set<std::string> signs;
  bool powers_of_powers = false;
  bool power_of_signed = false;
  std::string order;  // "&& before >", the first such place

 private:
  bool is_prefix(std::size_t i) const {
    if (i == 0) return true;
    const TokenKind before = tokens_[i - 1].kind;
    return before == TokenKind::kSign || before == TokenKind::kOpen || before == TokenKind::kComma;
  }

  void sign(std::size_t i, Level& level) {
    const std::string& text = tokens_[i].text;
    if (is_prefix(i)) {
      signs.insert("prefix " + text);
      if (text == "-" && !level.power) level.signed_ = true;
      return;
    }
    signs.insert(text);
    if (text == "^") {
      powers_of_powers = powers_of_powers || level.power;
      power_of_signed = power_of_signed || level.signed_;
      level.power = true;
      return;
    }
    level.power = false;
    level.signed_ = false;
    const auto binds = precedence(text);
    if (!binds) return;
    const auto before = precedence(level.weakest);
    if (order.empty() && before && *binds > *before) order = level.weakest + " and " + text;
    level.weakest = text;
  }

  std::vector<Token> tokens_;
};

void add_calls(const Walk& walk, std::vector<std::string>& notes) {
  static const std::map<std::string, std::string> kChanged = {
      {"log", "log is the natural logarithm here, and to base 10 in gdalcubes (that is log10)"},
      {"month", "month counts from 1 here, and from 0 in gdalcubes"},
      {"dayofyear", "dayofyear counts from 1 here, and from 0 in gdalcubes"},
      {"weekday", "weekday is 7 on Sundays here, and 0 in gdalcubes"}};
  for (const auto& [name, text] : kChanged) {
    if (walk.called.contains(name)) notes.push_back(text);
  }
}

std::vector<std::string> common_notes(const Walk& walk) {
  std::vector<std::string> notes;
  add_calls(walk, notes);
  if (walk.powers_of_powers) {
    notes.emplace_back("a ^ b ^ c is a ^ (b ^ c) here, and (a ^ b) ^ c in gdalcubes");
  }
  if (walk.power_of_signed) {
    notes.emplace_back("-a ^ b is -(a ^ b) here, and (-a) ^ b in gdalcubes");
  }
  if (!walk.order.empty()) {
    notes.push_back("of " + walk.order +
                    " the second binds tighter here, while gdalcubes goes from left to right "
                    "(parentheses make them the same)");
  }
  for (const char* sign : {"!", "~"}) {
    if (walk.signs.contains(std::string("prefix ") + sign)) {
      notes.push_back(std::string(sign) +
                      "a has no effect in gdalcubes, and does what it says here");
    }
  }
  return notes;
}

Walk walked(std::string_view formula) {
  Walk walk(tokens_of(formula));
  walk.run();
  return walk;
}

}  // namespace

std::vector<std::string> gdalcubes_formula_notes(std::string_view formula) {
  const Walk walk = walked(formula);
  std::vector<std::string> notes = common_notes(walk);
  static constexpr std::array<const char*, 6> kComparisons = {"<", "<=", ">", ">=", "==", "!="};
  if (std::ranges::any_of(kComparisons, [&](const char* s) { return walk.signs.contains(s); })) {
    notes.emplace_back(
        "a comparison with a missing value is missing here, and 0 (of !=: 1) in gdalcubes");
  }
  return notes;
}

std::vector<std::string> gdalcubes_predicate_notes(std::string_view formula) {
  const Walk walk = walked(formula);
  std::vector<std::string> notes = common_notes(walk);
  if (walk.signs.contains("!=")) {
    notes.emplace_back("a != b is missing here where one of them is, and 1 in gdalcubes");
  }
  return notes;
}

}  // namespace cube
