#include "graphs/json_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <vector>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

using nlohmann::json;

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
                  place());
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
                line_and_column(position));
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

bool is_remote(std::string_view path) {
  return path.starts_with("/vsi") || path.find("://") != std::string_view::npos ||
         has_driver_prefix(path);
}

}  // namespace

json parse_json(std::string_view text, std::string_view name) {
  Builder builder(text, name);
  json::sax_parse(text, &builder);
  return builder.take();
}

std::string read_document(const std::string& file) {
  std::ostringstream text;
  if (file == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    throw Error(ErrorCode::kNotFound, "there is no such file", file);
  }
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file, ignored)) {
    throw Error(ErrorCode::kUnreadable, "the file cannot be read", file, "a JSON document");
  }
  text << in.rdbuf();
  return text.str();
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
  if (path.empty() || is_remote(path)) return path;
  const std::filesystem::path file(path);
  if (file.is_absolute()) return path;
  return (base / file).lexically_normal().string();
}

std::string relative_path(const std::string& path, const std::filesystem::path& folder) {
  if (path.empty() || is_remote(path)) return path;
  const std::filesystem::path file(path);
  if (!file.is_absolute()) return path;
  const auto from = std::filesystem::absolute(folder).lexically_normal();
  const auto relative = file.lexically_normal().lexically_relative(from);
  return relative.empty() ? path : relative.generic_string();
}

}  // namespace cube
