#include "catalog/csv.h"

#include <algorithm>
#include <array>

#include "engine/text.h"

namespace cube {

namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 18;
constexpr std::size_t kLongestRow = std::size_t{16} << 20;  // bytes; beyond it a quote is missing

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(const char* begin, const char* end) {
  while (begin < end && (is_blank(*begin) || *begin == '\r')) ++begin;
  while (end > begin && (is_blank(end[-1]) || end[-1] == '\r')) --end;
  return {begin, end};
}

// What the first line is cut by most often.
char find_delimiter(std::string_view text) {
  std::array<std::size_t, 3> counts{};
  constexpr std::string_view kDelimiters = ",;\t";
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') break;
    const std::size_t which = kDelimiters.find(c);
    if (which != std::string_view::npos) ++counts[which];
  }
  return kDelimiters[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())];
}

// A quoted cell: from its opening quote at `at` to behind its closing one, its text moved together
// where quotes are doubled.
struct QuotedCell {
  std::string_view text;
  char* behind;
  std::int64_t lines;  // line ends within
};

// False where it is not closed.
bool read_quoted(char* at, char* end, QuotedCell& out) {
  char* write = at + 1;
  out.lines = 0;
  for (char* read = at + 1; read < end; ++read) {
    if (*read == '"') {
      const bool doubled = read + 1 < end && read[1] == '"';
      if (!doubled) {
        out.text = {at + 1, write};
        out.behind = read + 1;
        return true;
      }
      ++read;
    }
    if (*read == '\n') ++out.lines;
    *write++ = *read;
  }
  return false;
}

}  // namespace

std::string csv_place(const std::string& table, std::int64_t line, const std::string& column) {
  return table + ", line " + std::to_string(line) +
         (column.empty() ? "" : ", column '" + column + "'");
}

CsvReader::CsvReader(std::istream& in, std::string name) : in_(in), name_(std::move(name)) {
  fill(rest_);
  if (rest_.starts_with("\xFF\xFE") || rest_.starts_with("\xFE\xFF")) {
    throw Error(ErrorCode::kInvalid, "is UTF-16", name_, "save it as UTF-8");
  }
  if (rest_.starts_with("\xEF\xBB\xBF")) rest_.erase(0, 3);
  CsvBlock block;
  read_header(block);
}

// The first row that is not empty; what follows it is read again by next().
void CsvReader::read_header(CsvBlock& block) {
  std::size_t begin = 0;
  for (;; ++line_) {
    const std::size_t end = rest_.find('\n', begin);
    const std::size_t stop = end == std::string::npos ? rest_.size() : end;
    if (!trimmed(rest_.data() + begin, rest_.data() + stop).empty()) break;
    if (end == std::string::npos) {
      throw Error(ErrorCode::kInvalid, "is empty", name_, "its first row names the columns");
    }
    begin = end + 1;
  }
  delimiter_ = find_delimiter(std::string_view(rest_).substr(begin));
  std::size_t end = begin;
  for (bool quoted = false; end < rest_.size() && (quoted || rest_[end] != '\n'); ++end) {
    if (rest_[end] == '"') quoted = !quoted;
  }
  block.text = rest_.substr(begin, end - begin);
  rest_.erase(0, std::min(end + 1, rest_.size()));
  block.text += '\n';
  parse(block);
  for (const std::string_view cell : block.cells) header_.emplace_back(cell);
}

void CsvReader::fill(std::string& text) {
  const std::size_t before = text.size();
  text.resize(before + kBlockBytes);
  in_.read(text.data() + before, static_cast<std::streamsize>(kBlockBytes));
  text.resize(before + static_cast<std::size_t>(in_.gcount()));
  if (in_.bad()) throw Error(ErrorCode::kUnreadable, "cannot be read", name_);
}

// Bytes of the rows in `text` that are whole; reads on until there is one.
std::size_t CsvReader::whole_rows(std::string& text) {
  std::size_t scanned = 0;
  std::size_t whole = 0;
  bool quoted = false;
  for (;;) {
    if (!quoted && text.find('"', scanned) == std::string::npos) {
      const std::size_t last = text.rfind('\n');
      if (last != std::string::npos && last >= scanned) whole = last + 1;
    } else {
      for (std::size_t i = scanned; i < text.size(); ++i) {
        if (text[i] == '"') quoted = !quoted;
        if (text[i] == '\n' && !quoted) whole = i + 1;
      }
    }
    scanned = text.size();
    if (whole > 0) return whole;
    if (scanned > kLongestRow) {
      throw Error(ErrorCode::kInvalid, "the row is longer than 16 MB", csv_place(name_, line_, {}),
                  "a closing quote may be missing");
    }
    fill(text);
    if (text.size() > scanned) continue;
    if (!text.empty()) text += '\n';  // the last line may have no end
    return text.size();
  }
}

void CsvReader::end_row(CsvBlock& block, std::int64_t line) {
  const std::size_t found = block.cells.size() - block.rows() * block.columns;
  if (found == 1 && block.cells.back().empty() && block.columns != 1) {
    block.cells.pop_back();  // an empty line
    return;
  }
  if (block.columns == 0) block.columns = found;
  if (found != block.columns) {
    throw Error(ErrorCode::kInvalid,
                "has " + counted(found, "cell") + ", the header " + std::to_string(block.columns),
                csv_place(name_, line, {}), "a cell with a delimiter in it stands in quotes");
  }
  block.lines.push_back(line);
}

// Cuts block.text, which holds whole rows, into cells.
void CsvReader::parse(CsvBlock& block) {
  char* at = block.text.data();
  char* const end = at + block.text.size();
  std::int64_t row_line = line_;
  const auto reject = [&](const char* what, const char* hint) {
    const std::size_t cell = block.cells.size() - block.rows() * block.columns;
    throw Error(ErrorCode::kInvalid, what,
                csv_place(name_, line_, cell < header_.size() ? header_[cell] : ""), hint);
  };
  while (at < end) {
    char* start = at;
    while (start < end && *start == ' ') ++start;
    if (start < end && *start == '"') {
      QuotedCell cell{};
      if (!read_quoted(start, end, cell)) {
        reject("a quoted cell is not closed", "a quote within it is doubled");
      }
      at = cell.behind;
      while (at < end && (*at == ' ' || *at == '\r')) ++at;
      if (at < end && *at != delimiter_ && *at != '\n') {
        reject("text follows the closing quote of a cell", "a quote within it is doubled");
      }
      block.cells.push_back(cell.text);
      line_ += cell.lines;
    } else {
      while (*at != delimiter_ && *at != '\n' && *at != '"') ++at;
      if (*at == '"')
        reject("a quote stands in a cell that does not begin with one",
               "put the whole cell in quotes and double the quote");
      block.cells.push_back(trimmed(start, at));
    }
    const bool row_ends = *at == '\n';
    ++at;
    if (!row_ends) continue;
    end_row(block, row_line);
    row_line = ++line_;
  }
}

bool CsvReader::next(CsvBlock& block) {
  block.columns = header_.size();
  for (;;) {
    block.text.swap(rest_);
    rest_.clear();
    block.cells.clear();
    block.lines.clear();
    if (block.text.size() < kBlockBytes) fill(block.text);
    const std::size_t whole = whole_rows(block.text);
    if (whole == 0) return false;
    rest_.assign(block.text, whole, std::string::npos);
    block.text.resize(whole);
    parse(block);
    if (block.rows() > 0) return true;
  }
}

}  // namespace cube
