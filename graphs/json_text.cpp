#include "graphs/json_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include "engine/error.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

using nlohmann::json;

// Of the characters before `end`, the last that is no space; npos = none.
std::size_t last_before(std::string_view text, std::size_t end) {
  return text.substr(0, end).find_last_not_of(" \t\r\n");
}

// What to do about a word that JSON has not, such as Python's True.
std::string word_hint(std::string_view text, std::size_t place) {
  const auto is_letter = [&](std::size_t i) {
    return i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])) != 0;
  };
  std::size_t begin = place;
  std::size_t end = place;
  while (begin > 0 && is_letter(begin - 1)) --begin;
  while (is_letter(end)) ++end;
  const std::string word = lower(text.substr(begin, end - begin));
  if (word == "nan" || word == "inf" || word == "infinity") {
    return "numbers that are none stand in quotes: \"nan\", \"inf\" or \"-inf\"";
  }
  if (word == "true" || word == "false" || word == "none") {
    return "it is written true, false or null";
  }
  const bool quoted = place < text.size() && text[place] == '\'';
  return quoted || !word.empty() ? "keys and texts stand in double quotes" : "";
}

// How to mend what the parser says of a text that is no JSON: often it comes from JavaScript,
// Python or YAML. `position` counts the characters that were read.
std::string json_hint(std::string_view text, std::size_t position, const std::string& what) {
  const auto says = [&](std::string_view part) { return what.find(part) != std::string::npos; };
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "the document is empty; a graph begins with {";
  if (text[first] != '{' && text[first] != '[' && position <= first + 1) {
    return "a graph is JSON and begins with {";
  }
  if (says("unexpected end of input")) return "a brace or bracket is not closed";
  if (says("expected end of input")) return "a document is one object";
  if (says("after backslash")) return "a backslash is written \\\\; file names may have / instead";
  if (says("ill-formed UTF-8")) return "the document has to be UTF-8";
  const std::size_t place = std::min(position > 0 ? position - 1 : 0, text.size());
  const char read = place < text.size() ? text[place] : '\0';
  const std::size_t before = last_before(text, place);
  const char previous = before == std::string_view::npos ? '\0' : text[before];
  if ((read == '}' || read == ']') && previous == ',') {
    return "no comma stands before a closing } or ]";
  }
  const bool hash_or_slash = read == '#' || read == '/' || previous == '/';
  if (says("invalid literal") && hash_or_slash) {
    return "JSON has no comments; a \"description\" may stand in any node";
  }
  if (says("expected '}'") || says("expected ']'")) return "a comma is missing before it";
  return says("invalid literal") || says("invalid number") ? word_hint(text, place) : "";
}

// Builds the document from the parser's events. nlohmann's own builder keeps the last of several
// equal keys without a word and nests without limit.
class Builder final : public json::json_sax_t {
 public:
  explicit Builder(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool v) override { return add(v); }
  bool number_integer(json::number_integer_t v) override { return add(v); }
  bool number_unsigned(json::number_unsigned_t v) override { return add(v); }
  bool number_float(json::number_float_t v, const std::string&) override { return add(v); }
  bool string(std::string& v) override { return add(std::move(v)); }
  bool binary(json::binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }

  bool key(std::string& key) override {
    if (open_.back()->contains(key)) {
      throw Error(ErrorCode::kInvalid, "the key \"" + key + "\" stands twice in one object",
                  place(), "leave one of them out");
    }
    keys_.back() = key;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const json::exception& error) override {
    // The library's text is "[json.exception...] parse error at line 1, column 2: WHAT".
    const std::string what = error.what();
    const std::size_t start = what.find(": ");
    throw Error(ErrorCode::kInvalid, start == std::string::npos ? what : what.substr(start + 2),
                line_and_column(position), json_hint(text_, position, what));
  }

 private:
  template <class T>
  bool add(T&& value) {
    insert(json(std::forward<T>(value)));
    return true;
  }

  bool open(json value) {
    if (open_.size() >= static_cast<std::size_t>(kMaxNesting)) {
      throw Error(ErrorCode::kInvalid,
                  "the document is nested more than " + std::to_string(kMaxNesting) + " deep",
                  std::string(name_));
    }
    open_.push_back(insert(std::move(value)));
    keys_.emplace_back();
    return true;
  }

  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  json* insert(json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    json& parent = *open_.back();
    if (parent.is_object()) return &(parent[keys_.back()] = std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }

  std::string place() const {
    std::string pointer = std::string(name_) + "#";
    for (std::size_t i = 0; i + 1 < open_.size(); ++i) {
      pointer +=
          open_[i]->is_object() ? pointer_step(keys_[i]) : pointer_step(open_[i]->size() - 1);
    }
    return pointer;
  }

  // `position` counts the characters that were read, the offending one included.
  std::string line_and_column(std::size_t position) const {
    const std::string_view before =
        text_.substr(0, std::min(position > 0 ? position - 1 : 0, text_.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t last = before.rfind('\n');
    const std::size_t column = before.size() - (last == std::string_view::npos ? 0 : last + 1) + 1;
    return std::string(name_) + ":" + std::to_string(line) + ":" + std::to_string(column);
  }

  std::string_view text_;
  std::string_view name_;
  json root_;
  std::vector<json*> open_;        // containers from the root to the place
  std::vector<std::string> keys_;  // the last key of each, "" for lists
};

// "NETCDF:...", "HDF5:...": a GDAL driver's prefix.
bool has_driver_prefix(std::string_view path) {
  const std::size_t colon = path.find(':');
  return colon != std::string_view::npos && colon >= 2 &&
         std::all_of(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

// What is no path of this machine that could be relative to another.
bool is_no_path(std::string_view path) {
  return path.starts_with("/vsi") || path.find("://") != std::string_view::npos ||
         has_driver_prefix(path);
}

}  // namespace

json parse_json(std::string_view text, std::string_view name) {
  if (text.size() > limits::kDocumentBytes) {
    throw Error(ErrorCode::kInvalid, "the document is too long", std::string(name),
                "at most " + std::to_string(limits::kDocumentBytes >> 20) + " MiB");
  }
  Builder builder(text, name);
  json::sax_parse(text, &builder);
  return builder.take();
}

namespace {

// As much of a stream as a document may have, and a byte more.
std::string read_some(std::istream& in) {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  std::string out;
  while (in && out.size() <= limits::kDocumentBytes) {
    const std::size_t before = out.size();
    out.resize(before + std::min(kPiece, limits::kDocumentBytes + 1 - before));
    in.read(out.data() + before, static_cast<std::streamsize>(out.size() - before));
    out.resize(before + static_cast<std::size_t>(in.gcount()));
  }
  return out;
}

}  // namespace

std::string read_document(const std::string& file) {
  if (file == "-") return read_some(std::cin);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    throw Error(ErrorCode::kNotFound, "there is no such file", file,
                is_remote(file) ? "graphs are read from files of this machine" : "");
  }
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file, ignored)) {
    throw Error(ErrorCode::kUnreadable, "the file cannot be read", file, "a JSON document");
  }
  return read_some(in);
}

std::string found(const json& value) {
  static constexpr std::size_t kLongest = 60;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return "the text \"" + (text.size() > kLongest ? text.substr(0, kLongest) + "..." : text) +
           "\"";
  }
  if (value.is_number()) return "the number " + value.dump();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_array()) return "a list of " + std::to_string(value.size());
  return value.is_object() ? "an object" : "null";
}

bool is_annotation(std::string_view key) {
  return key == "$schema" || key == "title" || key == "description";
}

std::string resolve_path(const std::string& path, const std::filesystem::path& base) {
  if (path.empty() || is_no_path(path)) return path;
  const std::filesystem::path file(path);
  if (file.is_absolute()) return path;
  return (base / file).lexically_normal().string();
}

std::string relative_path(const std::string& path, const std::filesystem::path& folder) {
  if (path.empty() || is_no_path(path)) return path;
  const std::filesystem::path file(path);
  if (!file.is_absolute()) return path;
  const auto from = std::filesystem::absolute(folder).lexically_normal();
  const auto relative = file.lexically_normal().lexically_relative(from);
  return relative.empty() ? path : relative.generic_string();
}

}  // namespace cube
