// CSV: a header and a line a row, as RFC 4180 says; numbers with as many digits as they need.
#include <array>
#include <charconv>

#include "engine/gdal/table_writer.h"
#include "engine/text.h"

namespace cube {

namespace {

std::string quoted(const std::string& text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += c;
    out += c;
  }
  return out + "\"";
}

std::string single_text(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), static_cast<float>(value));
  return {text.data(), end.ptr};
}

class CsvWriter final : public TableWriter {
 public:
  explicit CsvWriter(const FilePart& part) : TableWriter(part, "CSV") {}

 private:
  void start() override {
    out_.open(path(), part().file);
    std::vector<std::string> names;
    for (const TableColumn& column : columns()) names.push_back(quoted(column.name));
    out_ << join(names, ",") << "\n";
  }

  void row(const Place&, const std::vector<FieldValue>& values) override {
    std::string line;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) line += ',';
      line += text_of(values[i], columns()[i].type);
    }
    line += '\n';
    out_ << line;
  }

  void close() override { out_.close(); }

  static std::string text_of(const FieldValue& value, TableColumn::Type type) {
    if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
    const auto* real = std::get_if<double>(&value);
    if (!real) return {};
    return type == TableColumn::Type::kSingle ? single_text(*real) : number_text(*real);
  }

  TextFile out_;
};

}  // namespace

std::unique_ptr<FileWriter> make_csv_writer(const FilePart& part, const OutputOptions&) {
  return std::make_unique<CsvWriter>(part);
}

std::string table_options() { return "<Options/>"; }

}  // namespace cube
