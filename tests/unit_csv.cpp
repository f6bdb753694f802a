// The CSV reader: what programs write, and what is no table.
#include <sstream>

#include "catalog/csv.h"
#include "tests/support.h"

using namespace cube;

namespace {

using Rows = std::vector<std::vector<std::string>>;

// All rows, the header first; blocks of any size.
Rows read(const std::string& text, std::vector<std::int64_t>* lines = nullptr) {
  std::istringstream in(text);
  CsvReader reader(in, "t.csv");
  Rows out = {reader.header()};
  CsvBlock block;
  while (reader.next(block)) {
    for (std::size_t i = 0; i < block.rows(); ++i) {
      out.emplace_back(block.row(i).begin(), block.row(i).end());
      if (lines) lines->push_back(block.lines[i]);
    }
  }
  return out;
}

std::string rejected(const std::string& text) {
  return test::error_of([&] { read(text); });
}

}  // namespace

TEST_CASE("cells, quotes, delimiters, line ends, blanks and the byte order mark") {
  const Rows plain = {{"a", "b"}, {"1", "2"}, {"3", ""}};
  CHECK(read("a,b\n1,2\n3,\n") == plain);
  CHECK(read("a,b\r\n1,2\r\n3,") == plain);  // CRLF; the last line has no end
  CHECK(read("\xEF\xBB\xBF"
             "a;b\n1;2\n3;\n") == plain);
  CHECK(read("\n\r\na\tb\n\n1\t2\n   \n3\t\n\n") == plain);  // empty lines
  CHECK(read(" a , b\n 1,2 \n3 , \n") == plain);
  CHECK(read("\"a\",\"b\"\n\"1\",\"2\"\n\"3\",\"\"\n") == plain);
  const Rows quoted = {{"a", "b,c"}, {"say \"hi\"", "two\nlines"}, {"", " kept "}};
  CHECK(read("a,\"b,c\"\n\"say \"\"hi\"\"\",\"two\nlines\"\n\"\", \" kept \" \n") == quoted);
  CHECK(read("a,b;c\n\"1\",2;3\n") == Rows{{"a", "b;c"}, {"1", "2;3"}});  // most of "," and ";"
  CHECK(read("a,b\n") == Rows{{"a", "b"}});
}

TEST_CASE("lines are counted through quoted line ends and empty lines") {
  std::vector<std::int64_t> lines;
  read("a,b\n1,2\n\n\"x\ny\nz\",2\r\n3,4\n", &lines);
  CHECK(lines == std::vector<std::int64_t>{2, 4, 7});
}

TEST_CASE("rows do not depend on where blocks end") {
  std::string text = "number,\"quoted\",text\n";
  Rows expected = {{"number", "quoted", "text"}};
  std::vector<std::int64_t> expected_lines;
  std::int64_t line = 2;
  for (int i = 0; i < 60000; ++i) {  // 4 MB
    const std::string padding(static_cast<std::size_t>(i % 83), 'x');
    text += std::to_string(i) + ",\"a \"\"b\"\"\n" + padding + "\"," + padding + "\n";
    expected.push_back({std::to_string(i), "a \"b\"\n" + padding, padding});
    expected_lines.push_back(line);
    line += 2;
  }
  std::vector<std::int64_t> lines;
  CHECK(read(text, &lines) == expected);
  CHECK(lines == expected_lines);
}

TEST_CASE("what is no table") {
  CHECK(rejected("") == "t.csv: is empty (its first row names the columns)");
  CHECK(rejected("\n \n") == "t.csv: is empty (its first row names the columns)");
  CHECK(rejected(std::string("\xFF\xFE"
                             "a\0,\0",
                             6)) == "t.csv: is UTF-16 (save it as UTF-8)");
  CHECK(
      rejected("a,b\n1,2\n1,2,3\n") ==
      "t.csv, line 3: has 3 cells, the header 2 (a cell with a delimiter in it stands in quotes)");
  CHECK(rejected("a,b\n1\n") ==
        "t.csv, line 2: has 1 cell, the header 2 (a cell with a delimiter in it stands in quotes)");
  CHECK(rejected("a,b\n1,\"2\n3,4\n") ==
        "t.csv, line 2, column 'b': a quoted cell is not closed (a quote within it is doubled)");
  CHECK(rejected("a,b\n\"1\"x,2\n") ==
        "t.csv, line 2, column 'a': text follows the closing quote of a cell (a quote within it is "
        "doubled)");
  CHECK(rejected("a,b\n1,5\" pipe\n2,\"\n") ==
        "t.csv, line 2, column 'b': a quote stands in a cell that does not begin with one (put the "
        "whole cell in quotes and double the quote)");
  CHECK(rejected("a,b\n\"" + std::string(18 << 20, 'x')) ==
        "t.csv, line 2: the row is longer than 16 MB (a closing quote may be missing)");
}
