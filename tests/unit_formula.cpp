// Formulas: meaning, missing values, errors with positions, and that the column program and
// muParser's own evaluation give the same cells.
#include <muParser.h>

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <iostream>
#include <limits>
#include <random>

#include "engine/formula.h"
#include "tests/support.h"

using namespace cube;
using test::error_of;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

const std::vector<std::string> kBands = {"B04", "B05", "x1.B8A", "min"};

CubeInfo sample_cube() {
  CubeInfo cube;
  cube.grid = {"EPSG:32618", 1000, 5000, 10, 20, 600, 4};
  cube.time = TimeAxis::regular(parse_time("2020-02")->start, {.months = 1}, 3);
  return cube;
}

using Cells = std::vector<double>;

// Columns of the bands a formula uses -> result, both ways, which must agree.
Cells evaluate(const std::string& text, const std::vector<Cells>& columns,
               const CellContext& context = {}) {
  const Formula formula(text, kBands, "/expr/0");
  CHECK(formula.vectorised());
  std::vector<std::span<const double>> used;
  for (const std::size_t band : formula.bands()) used.emplace_back(columns[band]);
  Cells fast(columns[0].size());
  Cells slow(columns[0].size());
  FormulaRunner(formula).run(used, context, fast);
  FormulaRunner(formula, Evaluation::kCellByCell).run(used, context, slow);
  for (std::size_t i = 0; i < fast.size(); ++i) {
    INFO(text << " in cell " << i << ": " << fast[i] << " and " << slow[i]);
    const bool same = std::isnan(fast[i]) ? std::isnan(slow[i])
                                          : std::bit_cast<std::uint64_t>(fast[i]) ==
                                                std::bit_cast<std::uint64_t>(slow[i]);
    CHECK(same);
  }
  return fast;
}

// The value of a formula of B04 = a and B05 = b.
double value(const std::string& text, double a = 3, double b = 5) {
  return evaluate(text, {{a}, {b}, {7}, {11}})[0];
}

std::string error(const std::string& text) {
  return error_of([&] { Formula(text, kBands, "/expr/0"); });
}

}  // namespace

TEST_CASE("operators bind and associate as in mathematics") {
  CHECK(value("1+2*3") == 7);
  CHECK(value("10-3-2") == 5);
  CHECK(value("2^3^2") == 512);
  CHECK(value("-B04^2") == -9);
  CHECK(value("2^-1") == 0.5);
  CHECK(value("B04--1") == 4);
  CHECK(value("-B04%2") == -1);
  CHECK(value("7%-4") == 3);
  CHECK(value("5.5%2") == 1.5);
  CHECK(value("2==B04-1") == 1);
  CHECK(value("B04<=3 && B05>5") == 0);
  CHECK(value("B04!=3 || B05>=5") == 1);
  CHECK(value("!B04==0") == 1);  // (!B04) == 0
  CHECK(value("B04 & 1 == 1") == 1);
  CHECK(value("B04 | 4 & 6") == 7);
  CHECK(value("1 << 2 + 1") == 8);
  CHECK(value("~0 & 0xFF") == 255);
  CHECK(value("B04 ? 1 : 2") == 1);
  CHECK(value("B04>3 ? 1 : B05>4 ? 2 : 3") == 2);
  CHECK(value("(B04>3 ? 1 : 2) + min(B05<1 ? 9 : 8, 20)") == 10);
}

TEST_CASE("functions give what their help says") {
  CHECK(value("log(exp(2))") == doctest::Approx(2));
  CHECK(value("log10(1000)") == doctest::Approx(3));
  CHECK(value("log2(8)") == 3);
  CHECK(value("min(B04, B05, 4)") == 3);
  CHECK(value("max(B04, B05, 4)") == 5);
  CHECK(value("sum(B04, B05, 4)") == 12);
  CHECK(value("avg(B04, B05, 4)") == 4);
  CHECK(value("round(-2.5)") == -3);
  CHECK(value("rint(2.5)") == 2);
  CHECK(value("floor(-0.5) + ceil(0.5)") == 0);
  CHECK(value("clamp(B05, 0, 4)") == 4);
  CHECK(value("clamp(-B05, 0, 4)") == 0);
  CHECK(value("nd(B05, B04)") == 0.25);
  CHECK(value("sign(-B05) + sign(0)") == -1);
  CHECK(value("bit(6, 0)*100 + bit(6, 1)*10 + bit(6, 2)") == 11);
  CHECK(value("bit(-1, 40)") == 1);
  CHECK(value("22280 >> 3 & 1") == 1);
  CHECK(value("iif(B04 < B05, 1, 2)") == 1);
  CHECK(value("pi - _pi + e - _e") == 0);
  CHECK(value("0x1F + .5 + 1e2") == 131.5);
}

TEST_CASE("dates are calendar dates in UTC") {
  // 2024-12-31T23:58:59Z, a Tuesday, day 366 of a leap year
  const double t = epoch_seconds(parse_time("2024-12-31T23:58:59Z")->start);
  const auto at = [&](const std::string& f) { return value(f + "(B04)", t); };
  CHECK(at("year") == 2024);
  CHECK(at("month") == 12);
  CHECK(at("day") == 31);
  CHECK(at("dayofyear") == 366);
  CHECK(at("weekday") == 2);
  CHECK(at("hours") == 23);
  CHECK(at("minutes") == 58);
  CHECK(at("seconds") == 59);
  CHECK(value("year(B04)*10000+month(B04)*100+day(B04)", -1) == 19691231);
  CHECK(std::isnan(value("year(B04)", 1e300)));
}

TEST_CASE("missing in an operand gives missing, except through isnan, isfinite and iif") {
  for (const char* text : {"B04+1",
                           "B04*0",
                           "B04==B04",
                           "B04!=1",
                           "B04<1",
                           "B04>=1",
                           "B04 && 0",
                           "B04 || 1",
                           "0 && B04",
                           "1 || B04",
                           "!B04",
                           "~B04",
                           "B04 & 1",
                           "B04 | 1",
                           "1 << B04",
                           "B04 >> 1",
                           "B04 % 2",
                           "B04^0",
                           "1^B04",
                           "B04^2",
                           "min(B04, 1)",
                           "max(1, B04)",
                           "sum(1, B04)",
                           "avg(B04)",
                           "abs(B04)",
                           "sign(B04)",
                           "round(B04)",
                           "clamp(1, B04, 2)",
                           "clamp(B04, 0, 1)",
                           "nd(B04, 1)",
                           "bit(B04, 1)",
                           "year(B04)",
                           "iif(B04, 1, 2)",
                           "B04 ? 1 : 2",
                           "B05>1 ? B04 : 1",
                           "isnan(B05)+B04",
                           "sqrt(B04)",
                           "atan2(B04, 1)"}) {
    INFO(text);
    CHECK(std::isnan(value(text, kNaN)));
  }
  CHECK(value("isnan(B04)", kNaN) == 1);
  CHECK(value("isnan(B04)", 1) == 0);
  CHECK(value("isfinite(B04)", kNaN) == 0);
  CHECK(value("isfinite(B04)", kInf) == 0);
  CHECK(value("isfinite(B04)", -1) == 1);
  CHECK(value("iif(isnan(B04), -1, B04)", kNaN) == -1);
  CHECK(value("B05>1 ? 7 : B04", kNaN) == 7);
}

TEST_CASE("division follows IEEE, so that 0/0 is missing") {
  CHECK(value("1/(B04-3)") == kInf);
  CHECK(value("-1/(B04-3)") == -kInf);
  CHECK(std::isnan(value("0/(B04-3)")));
  CHECK(std::isnan(value("B04 % 0")));
  CHECK(std::isnan(value("bit(1e300, 1)")));
  CHECK(std::isnan(value("1 << -1")));
}

TEST_CASE("variables are those of the cell") {
  const CubeInfo cube = sample_cube();
  const CellContext context{&cube, 1, 2, {300, 303}};
  const std::vector<Cells> columns(4, Cells(3, 1));
  const auto at = [&](const std::string& text) { return evaluate(text, columns, context); };
  CHECK(at("ix") == Cells{300, 301, 302});
  CHECK(at("iy") == Cells{2, 2, 2});
  CHECK(at("it*10+B04") == Cells{11, 11, 11});
  CHECK(at("x") == Cells{4005, 4015, 4025});
  CHECK(at("left") == Cells{4000, 4010, 4020});
  CHECK(at("right") == Cells{4010, 4020, 4030});
  CHECK(at("y") == Cells(3, 4950));
  CHECK(at("top") == Cells(3, 4960));
  CHECK(at("bottom") == Cells(3, 4940));
  CHECK(at("(t1-t0)/86400") == Cells(3, 31));
  CHECK(at("month(t0)*100+month(t1)") == Cells(3, 304));
}

TEST_CASE("a formula says which bands and variables it uses") {
  const Formula formula("B05 + x1.B8A*ix + B05 + pi", kBands, "");
  CHECK(formula.bands() == std::vector<std::size_t>{1, 2});
  CHECK(formula.variables() == std::vector<std::string>{"ix"});
  CHECK_FALSE(formula.needs_float64());
  CHECK(Formula("year(t0)", kBands, "").needs_float64());
}

TEST_CASE("a formula says whether it can be something where every band is missing") {
  for (const char* text : {"B04", "B04+1", "iif(B04, 1, 2)", "B05>1 ? 1 : 2", "B04*isnan(B05)",
                           "iif(1, B04, B05)", "0/0", "min(B04, 1)"}) {
    INFO(text);
    CHECK_FALSE(Formula(text, kBands, "").survives_missing());
  }
  for (const char* text : {"1", "ix", "isnan(B04)", "iif(isnan(B04), 0, B04)", "isfinite(B04)"}) {
    INFO(text);
    CHECK(Formula(text, kBands, "").survives_missing());
  }
}

TEST_CASE("a band wins over a variable and is told from a function by the parenthesis") {
  const std::vector<std::string> bands = {"x", "E", "min"};
  CHECK(Formula("x", bands, "").bands() == std::vector<std::size_t>{0});
  CHECK(Formula("e", bands, "").bands().empty());  // the constant, exactly, before a folded band
  CHECK(Formula("MIN + min(1, 2)", bands, "").bands() == std::vector<std::size_t>{2});
}

TEST_CASE("a band is found ignoring case when that is unambiguous") {
  CHECK(Formula("(b05-b04)/(b05+b04)", kBands, "").bands() == std::vector<std::size_t>{0, 1});
  const std::vector<std::string> clash = {"Ab", "aB"};
  CHECK(error_of([&] { Formula("1+ab", clash, "/expr/0"); }) ==
        "/expr/0: 'ab' could be any of the bands Ab, aB at position 3 of \"1+ab\" (write it in "
        "the right case)");
}

TEST_CASE("a band answers to its alias where nothing else has that name") {
  CubeInfo cube;
  for (const auto& [band, alias] :
       std::vector<std::pair<std::string, std::string>>{{"red", "im1b1"},
                                                        {"nir", "im1b2"},
                                                        {"im1b1", "im2b1"},
                                                        {"a", "im3b1"},
                                                        {"b", "im3b1"}}) {
    BandInfo info;
    info.name = band;
    info.alias = alias;
    cube.bands.push_back(info);
  }
  const auto used = [&](const char* text) { return Formula(text, cube, "/expr").bands(); };
  CHECK(used("im1b2 / red") == std::vector<std::size_t>{0, 1});
  CHECK(used("im1b1") == std::vector<std::size_t>{2});  // the name goes before the alias
  CHECK(used("im2b1") == std::vector<std::size_t>{2});
  CHECK(error_of([&] { used("im3b1"); }).starts_with("/expr: unknown name 'im3b1'"));
  CHECK(cube.band("im1b2", "") == 1);
  CHECK(cube.band("IM1B1", "") == 2);
  CHECK(error_of([&] {
          static_cast<void>(cube.band("im3b1", "/bands/0"));
        }).starts_with("/bands/0: there is no band 'im3b1'"));
}

TEST_CASE("errors say where and what would be right") {
  CHECK(error("(b05-b0x)") ==
        "/expr/0: unknown name 'b0x' at position 6 of \"(b05-b0x)\" (did you mean 'B04'?)");
  CHECK(error("B04 + ndvi") ==
        "/expr/0: unknown name 'ndvi' at position 7 of \"B04 + ndvi\" (the bands are B04, B05, "
        "x1.B8A, min)");
  CHECK(error("sqr(B04)") ==
        "/expr/0: unknown function 'sqr' at position 1 of \"sqr(B04)\" (did you mean 'sqrt'?)");
  CHECK(error("B04(2)").starts_with("/expr/0: unknown function 'B04' at position 1"));
  CHECK(error("") == "/expr/0: the formula is empty (e.g. \"(B08 - B04) / (B08 + B04)\")");
  CHECK(error(" \t").starts_with("/expr/0: the formula is empty"));
  CHECK(error("((B04)+1") ==
        "/expr/0: the parenthesis is not closed at position 1 of \"((B04)+1\"");
  CHECK(error("B04)") == "/expr/0: the parenthesis was never opened at position 4 of \"B04)\"");
  CHECK(error("B04=1") ==
        "/expr/0: formulas cannot assign: '=' at position 4 of \"B04=1\" ('==' compares)");
  CHECK(error("B04 == \"a\"") ==
        "/expr/0: formulas have no texts: a quotation mark at position 8 of \"B04 == \"a\"\"");
  CHECK(error("B04 @ 2") == "/expr/0: unexpected character '@' at position 5 of \"B04 @ 2\"");
  CHECK(error("B04+\xC3\xA4") ==
        "/expr/0: unexpected character '\xC3\xA4' at position 5 of \"B04+\xC3\xA4\"");
  CHECK(error("B04,B05") ==
        "/expr/0: ',' outside of a function's arguments at position 4 of \"B04,B05\" (the decimal "
        "point is '.', further formulas are further elements)");
  CHECK(error("B04 B05") ==
        "/expr/0: an operator is missing before 'B05' at position 5 of \"B04 B05\"");
  CHECK(error("2 B05") ==
        "/expr/0: an operator is missing before 'B05' at position 3 of \"2 B05\"");
  CHECK(error("B05 3") == "/expr/0: an operator is missing before '3' at position 5 of \"B05 3\"");
  CHECK(error("B04+") ==
        "/expr/0: the formula ends where an operand is expected, at position 5 of \"B04+\"");
  CHECK(error("clamp(B04,1)") ==
        "/expr/0: too few arguments for 'clamp' at position 12 of \"clamp(B04,1)\"");
  CHECK(error("sqrt(B04,1)") ==
        "/expr/0: too many arguments for 'sqrt' at position 11 of \"sqrt(B04,1)\"");
  CHECK(error("B04 ? 1") == "/expr/0: '?' without ':' at position 5 of \"B04 ? 1\"");
  CHECK(error("B04 : 1") == "/expr/0: ':' without '?' at position 5 of \"B04 : 1\"");
  CHECK(error("--B04") == "/expr/0: unexpected '-' at position 2 of \"--B04\"");
  CHECK(error("(B04)(B05)") == "/expr/0: unexpected '(' at position 6 of \"(B04)(B05)\"");
  CHECK(error("*B04") == "/expr/0: unexpected '*' at position 1 of \"*B04\"");
  CHECK(error("1+*2") == "/expr/0: unexpected '*' at position 3 of \"1+*2\"");
  CHECK(error("B04+1e999") ==
        "/expr/0: the number has no value in double precision at position 5 of \"B04+1e999\"");
  std::string sum = "B04";
  for (int i = 0; i < 40; ++i) sum += " + B05";
  CHECK(error(sum + " + B09 + 1") == "/expr/0: unknown name 'B09' at position 247 of \"..." +
                                         std::string("B05 + B05 + B05 + B05 + B05 + B09 + 1") +
                                         "\" (did you mean 'B04'?)");
  for (int i = 0; i < 4000; ++i) sum += " + B05";
  CHECK(error(sum) == "/expr/0: the formula is too long (at most 20000 characters)");
}

namespace {

// A random formula over B04, B05 and constants.
class RandomFormula {
 public:
  explicit RandomFormula(unsigned seed) : random_(seed) {}

  std::string expression(int depth) {
    if (depth == 0) return leaf();
    switch (pick(8)) {
      case 0:
        return leaf();
      case 1:
        return call(choose(kSigns), 1, depth);
      case 2: {
        std::string text = call("", 1, depth) + " ? ";
        text += expression(depth - 1) + " : ";
        return enclosed(text + expression(depth - 1));
      }
      case 3:
        return call(choose(kOne), 1, depth);
      case 4:
        return call(choose(kTwo), 2, depth);
      case 5:
        return call(choose(kThree), 3, depth);
      default:
        return enclosed(expression(depth - 1) + choose(kInfix) + expression(depth - 1));
    }
  }

  std::size_t pick(std::size_t n) { return random_() % n; }

 private:
  static constexpr std::array kSigns = {"-", "+", "!", "~"};
  static constexpr std::array kOne = {"abs",   "sqrt",    "isnan", "isfinite", "sign", "floor",
                                      "round", "exp",     "log",   "rint",     "ceil", "sin",
                                      "year",  "weekday", "hours", "avg",      "log2", "atan"};
  static constexpr std::array kTwo = {"min", "max", "nd", "bit", "sum", "atan2"};
  static constexpr std::array kThree = {"iif", "clamp", "min", "max", "avg", "ifelse"};
  static constexpr std::array kInfix = {"+",  "-",  "*",  "/",  "^",  "%", "<", ">",  "<=",
                                        ">=", "==", "!=", "&&", "||", "&", "|", "<<", ">>"};
  static constexpr std::array kLeaves = {"B04", "B05", "b04", "2",  "0",
                                         "1",   "0.5", "pi",  "ix", "iy"};

  template <class T>
  const char* choose(const T& options) {
    return options[pick(options.size())];
  }
  static std::string enclosed(const std::string& text) {
    std::string out(1, '(');
    return out.append(text).append(1, ')');
  }
  std::string call(const char* name, int arguments, int depth) {
    std::string list = expression(depth - 1);
    for (int k = 1; k < arguments; ++k) list.append(1, ',').append(expression(depth - 1));
    return name + enclosed(list);
  }
  std::string leaf() { return choose(kLeaves); }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("the column program and muParser agree on random formulas, bit by bit") {
  const CubeInfo cube = sample_cube();
  RandomFormula random(20260101);
  const std::array values = {0.0,  1.0,  -1.0,  2.0,  3.5,  -7.25,  1000.0, 65535.0,
                             1e10, kInf, -kInf, kNaN, kNaN, 1e-300, 5.0,    63.0};
  for (int round = 0; round < 3000; ++round) {
    const std::size_t size = round % 10 == 0 ? 2 * 256 + 3 : 7;
    std::vector<Cells> columns(4, Cells(size));
    for (Cells& column : columns) {
      for (double& cell : column) cell = values[random.pick(values.size())];
    }
    const CellContext context{&cube, 1, 3, {5, 5 + static_cast<std::int64_t>(size)}};
    const std::string text = random.expression(1 + static_cast<int>(random.pick(4)));
    const Cells cells = evaluate(text, columns, context);
    // What is said to be missing where all bands are, is.
    const Formula formula(text, kBands, "");
    if (formula.survives_missing()) continue;
    const Cells gone = evaluate(text, std::vector<Cells>(4, Cells(size, kNaN)), context);
    INFO(text);
    CHECK(std::all_of(gone.begin(), gone.end(), [](double v) { return std::isnan(v); }));
  }
}

TEST_CASE("values do not depend on where a strip begins") {
  const CubeInfo cube = sample_cube();
  const std::string text = "iif(ix % 7 == 2, x, B04*ix + t0)";
  Cells band(600);
  for (std::size_t i = 0; i < band.size(); ++i) band[i] = static_cast<double>(i * i % 97);
  const std::vector<Cells> whole(4, band);
  const Cells expected = evaluate(text, whole, {&cube, 0, 0, {0, 600}});
  for (const std::int64_t begin : {1, 255, 256, 257, 599}) {
    const std::vector<Cells> part(4, Cells(band.begin() + begin, band.end()));
    CHECK(evaluate(text, part, {&cube, 0, 0, {begin, 600}}) ==
          Cells(expected.begin() + begin, expected.end()));
  }
}

namespace {

template <class F>
double nanoseconds_a_cell(std::size_t cells, F work) {
  double best = kInf;
  for (int round = 0; round < 7; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
    best = std::min(best, spent.count() / static_cast<double>(cells));
  }
  return best;
}

}  // namespace

TEST_CASE("speed, printed and not asserted") {
  constexpr std::size_t kCells = 1024;
  constexpr int kRows = 400;
  const Cells red(kCells, 500);
  const Cells infrared(kCells, 3000);
  Cells out(kCells);
  const std::vector<std::span<const double>> bands = {red, infrared};
  for (const char* text : {"(B05-B04)/(B05+B04)", "2.5*(B05-B04)/(B05+6*B04-7.5*2+1)",
                           "iif(B04 > 400 && B05 < 4000, (B05-B04)/(B05+B04), -1)"}) {
    const Formula formula(text, kBands, "");
    FormulaRunner runner(formula);
    const double columns = nanoseconds_a_cell(kCells * kRows, [&] {
      for (int row = 0; row < kRows; ++row) runner.run(bands, {}, out);
    });
    FormulaRunner cell_by_cell(formula, Evaluation::kCellByCell);
    const double cells = nanoseconds_a_cell(kCells * 40, [&] {
      for (int row = 0; row < 40; ++row) cell_by_cell.run(bands, {}, out);
    });
    std::cout << text << ": " << columns << " ns a cell by columns, " << cells
              << " by muParser with our operators\n";
  }
  mu::Parser plain;
  double a = 0;
  double b = 0;
  plain.DefineVar("B04", &a);
  plain.DefineVar("B05", &b);
  plain.SetExpr("(B05-B04)/(B05+B04)");
  plain.Eval();
  std::cout << "NDVI by plain muParser: " << nanoseconds_a_cell(kCells * 40, [&] {
    for (std::size_t i = 0; i < kCells * 40; ++i) {
      a = red[i % kCells];
      b = infrared[i % kCells];
      out[i % kCells] = plain.Eval();
    }
  }) << " ns a cell\n";
}
