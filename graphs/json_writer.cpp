#include "graphs/json_writer.h"

#include <algorithm>
#include <cmath>

#include "engine/text.h"
#include "graphs/json_text.h"

namespace cube {

bool JsonWriter::enter(const Field& field, bool has_value) {
  if (!has_value) return false;
  fields_.push_back(&field);
  open_.emplace_back();
  return true;
}

void JsonWriter::leave() {
  const Field& field = *fields_.back();
  fields_.pop_back();
  nlohmann::ordered_json value = std::move(open_.back());
  open_.pop_back();
  // An empty text where only some texts are allowed means "not given".
  const bool not_given =
      value.is_string() && value.get_ref<const std::string&>().empty() && !field.choices.empty() &&
      std::find(field.choices.begin(), field.choices.end(), "") == field.choices.end();
  if (!not_given) open_.back()[std::string(field.name)] = std::move(value);
}

void JsonWriter::value(double& v) {
  static constexpr double kLimit = 9007199254740992;  // 2^53
  if (!std::isfinite(v)) {
    open_.back() = number_text(v);
  } else if (std::floor(v) == v && std::abs(v) < kLimit && !(v == 0 && std::signbit(v))) {
    open_.back() = static_cast<std::int64_t>(v);
  } else {
    open_.back() = v;
  }
}

void JsonWriter::value(std::string& v) {
  const bool path = !fields_.empty() && fields_.back()->path && folder_;
  open_.back() = path ? relative_path(v, *folder_) : v;
}

void JsonWriter::value(NumberOrText& v) {
  std::visit([&](auto& each) { value(each); }, v);
}

void JsonWriter::value(FreeValue& v) {
  if (auto* text = std::get_if<std::string>(&v)) {
    open_.back() = *text;
  } else if (auto* number = std::get_if<double>(&v)) {
    value(*number);
  } else if (const auto* flag = std::get_if<bool>(&v)) {
    open_.back() = *flag;
  } else {
    begin_list(0, -1);
    for (double& each : std::get<std::vector<double>>(v)) {
      begin_item(0);
      value(each);
      end_item();
    }
  }
}

std::size_t JsonWriter::begin_list(std::size_t current, std::ptrdiff_t) {
  open_.back() = nlohmann::ordered_json::array();
  return current;
}

void JsonWriter::begin_item(std::size_t) { open_.emplace_back(); }

void JsonWriter::end_item() {
  nlohmann::ordered_json value = std::move(open_.back());
  open_.pop_back();
  open_.back().push_back(std::move(value));
}

void JsonWriter::begin_record() { open_.back() = nlohmann::ordered_json::object(); }

std::vector<std::string> JsonWriter::begin_map(std::vector<std::string> current) {
  open_.back() = nlohmann::ordered_json::object();
  return current;
}

void JsonWriter::begin_key(const std::string& key) {
  keys_.push_back(key);
  open_.emplace_back();
}

void JsonWriter::end_key() {
  nlohmann::ordered_json value = std::move(open_.back());
  open_.pop_back();
  open_.back()[keys_.back()] = std::move(value);
  keys_.pop_back();
}

bool JsonWriter::short_form(const std::optional<std::string>& current, std::ptrdiff_t) {
  return current.has_value();
}

}  // namespace cube
