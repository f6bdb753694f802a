#include "engine/formula_syntax.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "engine/cube_info.h"
#include "engine/error.h"
#include "engine/limits.h"
#include "engine/text.h"

namespace cube::formula {

namespace {

constexpr const char* kNameChars =
    "0123456789_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr const char* kSignChars = "+-*/^%<>=!&|~?:";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(char c) { return is_letter(c) || is_digit(c) || c == '.'; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Length of the number at the start of `text` (decimal, or hexadecimal after 0x); 0 = none.
// Independent of the locale, which muParser's own reading is not.
std::size_t read_number(std::string_view text, double& value) {
  if (text.empty() || !(is_digit(text[0]) || text[0] == '.')) return 0;
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    std::uint64_t bits = 0;
    const auto hex = std::from_chars(begin + 2, end, bits, 16);
    if (hex.ec != std::errc() || hex.ptr == begin + 2) return 0;
    value = static_cast<double>(bits);
    return static_cast<std::size_t>(hex.ptr - begin);
  }
  const auto result = std::from_chars(begin, end, value);
  return result.ec == std::errc() ? static_cast<std::size_t>(result.ptr - begin) : 0;
}

int identify_number(const char* text, int* position, double* value) {
  const std::size_t length = read_number(text, *value);
  *position += static_cast<int>(length);
  return length > 0 ? 1 : 0;
}

// Errors of one formula: `WHAT at position N of "FORMULA"`.
struct Reporter {
  std::string_view expression;
  std::string_view where;

  // The formula, or of a long one what stands around `position`.
  std::string excerpt(std::size_t position) const {
    constexpr std::size_t kShownWhole = 80;
    constexpr std::size_t kAround = 30;
    if (expression.size() <= kShownWhole) return std::string(expression);
    const std::size_t begin = position > kAround ? position - kAround : 0;
    const std::size_t end = std::min(expression.size(), position + kAround);
    return (begin > 0 ? "..." : "") + std::string(expression.substr(begin, end - begin)) +
           (end < expression.size() ? "..." : "");
  }

  // `position` counts from 0.
  [[noreturn]] void fail(const std::string& what, std::size_t position,
                         const std::string& hint = {}) const {
    throw Error(
        ErrorCode::kInvalid,
        what + " at position " + std::to_string(position + 1) + " of \"" + excerpt(position) + "\"",
        std::string(where), hint);
  }
};

struct NameToken {
  std::string_view text;
  std::size_t position;  // from 0
  bool called;           // followed by a parenthesis
};

class Scanner {
 public:
  Scanner(std::string_view expression, const Reporter& report)
      : text_(expression), report_(report) {}

  std::vector<NameToken> scan() {
    while (at_ < text_.size()) step();
    if (!open_.empty()) report_.fail("the parenthesis is not closed", open_.back().position);
    return std::move(names_);
  }

 private:
  struct Parenthesis {
    std::size_t position;
    bool call;
  };

  void step() {
    const char c = text_[at_];
    double ignored = 0;
    if (is_space(c)) {
      ++at_;
    } else if (const std::size_t length = read_number(text_.substr(at_), ignored)) {
      at_ += length;
    } else if (is_letter(c)) {
      name();
    } else {
      sign(c);
      ++at_;
    }
  }

  void name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    const bool called = at_ < text_.size() && text_[at_] == '(';
    names_.push_back({text_.substr(begin, at_ - begin), begin, called});
  }

  void sign(char c) {
    if (c == '(') {
      const bool call = !names_.empty() && names_.back().called &&
                        names_.back().position + names_.back().text.size() == at_;
      open_.push_back({at_, call});
    } else if (c == ')') {
      if (open_.empty()) report_.fail("the parenthesis was never opened", at_);
      open_.pop_back();
    } else if (c == ',') {
      if (open_.empty() || !open_.back().call) {
        report_.fail("',' outside of a function's arguments", at_,
                     "the decimal point is '.', further formulas are further elements");
      }
    } else if (c == '"' || c == '\'') {
      report_.fail("formulas have no texts: a quotation mark", at_);
    } else if (c == '=') {
      equals();
    } else if (is_digit(c)) {
      report_.fail("the number has no value in double precision", at_);
    } else if (std::string_view(kSignChars).find(c) == std::string_view::npos) {
      report_.fail("unexpected character '" + character() + "'", at_);
    }
  }

  // `==`, or the end of `<=`, `>=`, `!=`; muParser would take a lone `=` for an assignment.
  void equals() {
    if (at_ + 1 < text_.size() && text_[at_ + 1] == '=') {
      ++at_;
      return;
    }
    const char before = at_ > 0 ? text_[at_ - 1] : ' ';
    if (before == '<' || before == '>' || before == '!') return;
    report_.fail("formulas cannot assign: '='", at_, "'==' compares");
  }

  // The whole UTF-8 sequence at the current place.
  std::string character() const {
    std::size_t end = at_ + 1;
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) ++end;
    return std::string(text_.substr(at_, end - at_));
  }

  std::string_view text_;
  const Reporter& report_;
  std::size_t at_ = 0;
  std::vector<Parenthesis> open_;
  std::vector<NameToken> names_;
};

template <class Table>
auto find_entry(const Table& table, std::string_view name) {
  return std::find_if(table.begin(), table.end(), [&](const auto& e) { return e.name == name; });
}

void check_function(const NameToken& token, const Reporter& report) {
  if (find_entry(functions(), token.text) != functions().end()) return;
  std::vector<std::string> known;
  for (const Function& function : functions()) known.emplace_back(function.name);
  report.fail("unknown function '" + std::string(token.text) + "'", token.position,
              suggest(known, token.text));
}

// Of names that other languages have for signs.
std::string sign_for(std::string_view name) {
  const std::string folded = lower(name);
  return folded == "and"   ? "&& is the sign for and"
         : folded == "or"  ? "|| is the sign for or"
         : folded == "not" ? "! is the sign for not"
                           : "";
}

// A band whose name is no word, of which `token` may be a part; null = none.
const std::string* unspeakable_band(const NameToken& token, std::span<const std::string> bands) {
  const auto found = std::find_if(bands.begin(), bands.end(), [&](const std::string& band) {
    const bool word =
        !band.empty() && is_letter(band[0]) && std::all_of(band.begin(), band.end(), is_name_char);
    return !word && band.find(token.text) != std::string::npos;
  });
  return found == bands.end() ? nullptr : &*found;
}

[[noreturn]] void fail_unknown(const NameToken& token, std::span<const std::string> bands,
                               const Reporter& report) {
  const std::string name(token.text);
  std::vector<std::string> known(bands.begin(), bands.end());
  std::vector<std::string> folded;
  for (const std::string& band : bands) {
    if (lower(band) == lower(name)) folded.push_back(band);
  }
  if (folded.size() > 1) {
    report.fail("'" + name + "' could be any of the bands " + join(folded), token.position,
                "write it in the right case");
  }
  if (const std::string* band = unspeakable_band(token, bands)) {
    report.fail(
        "unknown name '" + name + "'", token.position,
        "formulas cannot name the band '" + *band + "': rename_bands gives it another name");
  }
  if (const std::string sign = sign_for(name); !sign.empty()) {
    report.fail("unknown name '" + name + "'", token.position, sign);
  }
  for (const VariableInfo& variable : variables()) known.emplace_back(variable.name);
  const bool near = nearest_name(known, name).has_value();
  report.fail("unknown name '" + name + "'", token.position,
              near ? suggest(known, name)
                   : "the bands are " + join(std::vector<std::string>(bands.begin(), bands.end())));
}

// The band that a name means: exact, or (unless a variable has that name) ignoring case.
std::optional<std::size_t> band_of(const NameToken& token, std::span<const std::string> bands) {
  const auto band = find_name(bands, token.text);
  if (band && bands[*band] == token.text) return band;
  const bool taken = find_entry(variables(), token.text) != variables().end() ||
                     find_entry(constants(), token.text) != constants().end();
  return taken ? std::nullopt : band;
}

void bind(const NameToken& token, std::span<const std::string> bands,
          std::span<const std::string> aliases, const Reporter& report, Names& names) {
  const auto same = [&](const Names::Binding& b) { return b.name == token.text; };
  if (std::any_of(names.bindings.begin(), names.bindings.end(), same)) return;
  const auto bind_band = [&](std::size_t band) {
    names.bands.push_back(band);
    names.bindings.push_back({std::string(token.text), band, true});
  };
  if (const auto band = band_of(token, bands)) return bind_band(*band);
  const auto variable = find_entry(variables(), token.text);
  if (variable != variables().end()) {
    names.bindings.push_back({std::string(token.text), names.variables.size(), false});
    names.variables.push_back(*variable);
    return;
  }
  if (find_entry(constants(), token.text) != constants().end()) return;
  if (const auto band = find_alias(aliases, token.text)) return bind_band(*band);
  fail_unknown(token, bands, report);
}

// From indices of bands and of variables to one numbering of the inputs.
void number_inputs(Names& names) {
  std::sort(names.bands.begin(), names.bands.end());
  names.bands.erase(std::unique(names.bands.begin(), names.bands.end()), names.bands.end());
  for (Names::Binding& binding : names.bindings) {
    if (binding.is_band) {
      const auto place = std::find(names.bands.begin(), names.bands.end(), binding.input);
      binding.input = static_cast<std::size_t>(place - names.bands.begin());
    } else {
      binding.input += names.bands.size();
    }
  }
}

std::string describe(const mu::ParserError& error) {
  const std::string token = error.GetToken().empty() ? "" : " '" + error.GetToken() + "'";
  switch (error.GetCode()) {
    case mu::ecUNEXPECTED_EOF:
      return "the formula ends where an operand is expected,";
    case mu::ecTOO_FEW_PARAMS:
      return "too few arguments for" + token;
    case mu::ecTOO_MANY_PARAMS:
      return "too many arguments for" + token;
    case mu::ecUNEXPECTED_VAL:
    case mu::ecUNEXPECTED_VAR:
    case mu::ecUNEXPECTED_FUN:
      return "an operator is missing before" + token;
    case mu::ecMISSING_ELSE_CLAUSE:
      return "'?' without ':'";
    case mu::ecMISPLACED_COLON:
      return "':' without '?'";
    case mu::ecUNASSIGNABLE_TOKEN:  // muParser gives all the rest of the formula
      return "unexpected '" + error.GetToken().substr(0, 1) + "'";
    default:
      return "unexpected" + token;
  }
}

static_assert(limits::kFormulaBytes <= static_cast<std::size_t>(mu::MaxLenExpression));

[[noreturn]] void fail_too_long(std::string_view where) {
  throw Error(ErrorCode::kInvalid, "the formula is too long", std::string(where),
              "at most " + std::to_string(limits::kFormulaBytes) + " characters");
}

[[noreturn]] void fail(const mu::ParserError& error, const Reporter& report) {
  const std::string_view text = report.expression;
  if (error.GetCode() == mu::ecEXPRESSION_TOO_LONG) fail_too_long(report.where);
  if (error.GetCode() == mu::ecMISSING_ELSE_CLAUSE) {
    report.fail(describe(error), std::min(text.find('?'), text.size()));
  }
  // muParser gives the start or the end of the token, depending on its kind.
  const std::string& token = error.GetToken();
  auto position = std::min(static_cast<std::size_t>(std::max(error.GetPos(), 0)), text.size());
  if (error.GetCode() == mu::ecMISPLACED_COLON && position > 0) --position;
  if (!token.empty() && position >= token.size() && text.substr(position, token.size()) != token &&
      text.substr(position - token.size(), token.size()) == token) {
    position -= token.size();
  }
  const bool twice = position > 0 && text.substr(position - 1, 2) == "**";
  report.fail(describe(error), position, twice ? "a ^ b is a to the power of b" : "");
}

void define_functions(mu::Parser& parser) {
  parser.EnableBuiltInOprt(false);
  parser.ClearInfixOprt();
  parser.ClearFun();
  parser.ClearConst();
  parser.AddValIdent(identify_number);
  parser.DefineNameChars(kNameChars);
  parser.DefineOprtChars(kSignChars);
  parser.DefineInfixOprtChars(kSignChars);
  for (const Function& function : functions()) {
    std::visit([&](auto call) { parser.DefineFun(std::string(function.name), call); },
               function.scalar);
  }
  for (const OperatorSign& sign : operators()) {
    const std::string name(sign.name);
    if (sign.prefix()) {
      parser.DefineInfixOprt(name, std::get<Scalar1>(sign.scalar), sign.precedence);
    } else {
      parser.DefineOprt(name, std::get<Scalar2>(sign.scalar),
                        static_cast<unsigned>(sign.precedence),
                        sign.right_to_left ? mu::oaRIGHT : mu::oaLEFT, true);
    }
  }
}

}  // namespace

Names resolve_names(std::string_view expression, std::span<const std::string> bands,
                    std::string_view where, std::span<const std::string> aliases) {
  if (std::all_of(expression.begin(), expression.end(), is_space)) {
    throw Error(ErrorCode::kInvalid, "the formula is empty", std::string(where),
                "e.g. \"(B08 - B04) / (B08 + B04)\"");
  }
  if (expression.size() > limits::kFormulaBytes) fail_too_long(where);
  const Reporter report{expression, where};
  Names names;
  for (const NameToken& token : Scanner(expression, report).scan()) {
    if (token.called) {
      check_function(token, report);
    } else {
      bind(token, bands, aliases, report, names);
    }
  }
  number_inputs(names);
  return names;
}

std::unique_ptr<mu::Parser> make_parser(std::string_view expression, const Names& names,
                                        std::span<double> inputs, std::string_view where) {
  try {
    auto parser = std::make_unique<mu::Parser>();
    define_functions(*parser);
    for (const Names::Binding& binding : names.bindings) {
      parser->DefineVar(binding.name, &inputs[binding.input]);
    }
    for (const Constant& constant : constants()) {
      const std::string name(constant.name);
      if (!parser->GetVar().contains(name)) parser->DefineConst(name, constant.value);
    }
    parser->SetExpr(std::string(expression));
    parser->Eval();  // muParser reads the formula when it first evaluates it
    return parser;
  } catch (const mu::ParserError& error) {
    fail(error, {expression, where});
  }
}

namespace {

// Index of the first of `signs` in `text` that is in no parentheses; with `nested`, of the ':'
// that belongs to the '?' before `from`.
std::size_t find_outside(std::string_view text, std::string_view signs, std::size_t from = 0) {
  int depth = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (depth == 0 && signs.find(text[i]) != std::string_view::npos) return i;
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
  }
  return std::string_view::npos;
}

std::size_t matching_colon(std::string_view text, std::size_t from) {
  int open = 0;
  for (std::size_t at = find_outside(text, "?:", from); at != std::string_view::npos;
       at = find_outside(text, "?:", at + 1)) {
    if (text[at] == '?') ++open;
    if (text[at] == ':' && open-- == 0) return at;
  }
  return std::string_view::npos;
}

}  // namespace

std::string without_ternaries(std::string_view text) {
  if (text.find('?') == std::string_view::npos) return std::string(text);
  if (const std::size_t comma = find_outside(text, ","); comma != std::string_view::npos) {
    return without_ternaries(text.substr(0, comma)) + "," +
           without_ternaries(text.substr(comma + 1));
  }
  if (const std::size_t mark = find_outside(text, "?"); mark != std::string_view::npos) {
    const std::size_t colon = matching_colon(text, mark + 1);
    return "iif(" + without_ternaries(text.substr(0, mark)) + "," +
           without_ternaries(text.substr(mark + 1, colon - mark - 1)) + "," +
           without_ternaries(text.substr(colon + 1)) + ")";
  }
  std::string out;
  while (true) {
    const std::size_t open = find_outside(text, "(");
    if (open == std::string_view::npos) return out.append(text);
    const std::size_t close = find_outside(text, ")", open + 1);
    out.append(text.substr(0, open + 1));
    out += without_ternaries(text.substr(open + 1, close - open - 1)) + ")";
    text.remove_prefix(close + 1);
  }
}

}  // namespace cube::formula
