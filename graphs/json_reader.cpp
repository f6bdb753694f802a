#include "graphs/json_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "engine/error.h"
#include "engine/text.h"
#include "graphs/json_text.h"

namespace cube {

namespace {

using nlohmann::json;

// 2^53: beyond, doubles skip integers, and sums of a few integers would overflow.
constexpr std::int64_t kMostInteger = 9'007'199'254'740'992;

// A whole number that JSON may also write as 3.0 or 3e2.
std::optional<std::int64_t> as_integer(const json& value) {
  const auto checked = [](auto v) -> std::optional<std::int64_t> {
    using T = decltype(v);
    const bool low = std::is_signed_v<T> && v < static_cast<T>(-kMostInteger);
    if (low || v > static_cast<T>(kMostInteger)) return {};
    return static_cast<std::int64_t>(v);
  };
  if (value.is_number_unsigned()) return checked(value.get<std::uint64_t>());
  if (value.is_number_integer()) return checked(value.get<std::int64_t>());
  if (!value.is_number_float() || std::floor(value.get<double>()) != value.get<double>()) return {};
  return checked(value.get<double>());
}

std::optional<double> as_special_number(const json& value) {
  if (!value.is_string()) return {};
  const auto& text = value.get_ref<const std::string&>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  return {};
}

std::string list_or(std::size_t size, const std::vector<std::string>& choices) {
  return "a list of " + std::to_string(size) + " or \"" + join(choices, "\", \"") + "\"";
}

// What is to be done with a number that stands as a text.
std::string quotes_hint(const json& value) {
  const bool is_number =
      value.is_string() && parse_number(value.get_ref<const std::string&>()).has_value();
  return is_number ? "without the quotes" : "";
}

}  // namespace

std::string MovedPlaces::of(const std::string& declared) const {
  std::string out = declared;
  std::size_t longest = 0;
  for (const auto& [from, to] : pairs) {
    const bool inside = declared.starts_with(from) &&
                        (declared.size() == from.size() || declared[from.size()] == '/');
    if (!inside || from.size() < longest) continue;
    longest = from.size();
    out = to + declared.substr(from.size());
  }
  return out;
}

JsonReader::JsonReader(const json& object, std::filesystem::path base)
    : places_{{&object, "", "", nullptr, false}}, base_(std::move(base)) {}

// Places are left on the stack when something throws, so they say where it happened.
void JsonReader::guarded(const std::function<void()>& work) const {
  try {
    work();
  } catch (const Error& error) {
    throw error.within(pointer());
  }
}

std::string JsonReader::pointer() const {
  std::string text;
  for (const Place& place : places_) text += place.step;
  return text;
}

void JsonReader::step_into(const json& value, std::string step, std::string declared) {
  places_.push_back({&value, std::move(step), std::move(declared), places_.back().field, false});
  note_place();
}

// Remembers where the place that was just stepped into stands, if that is not where it is declared.
void JsonReader::note_place() {
  if (places_.back().step == places_.back().declared) return;
  std::string declared;
  for (const Place& place : places_) declared += place.declared;
  moved_.pairs.emplace_back(std::move(declared), pointer());
}

void JsonReader::expected(const std::string& what, const std::string& hint) const {
  const bool lone = places_.size() > 1 && places_[places_.size() - 2].lone_element;
  throw invalid("expected " + what + (lone ? " or a list" : "") + ", found " + found(here()), "",
                hint);
}

bool JsonReader::enter(const Field& field, bool has_value) {
  std::vector<std::string> names = {std::string(field.name)};
  names.insert(names.end(), field.aliases.begin(), field.aliases.end());
  known_.back().insert(known_.back().end(), names.begin(), names.end());
  const std::string* given = nullptr;
  for (const std::string& name : names) {
    if (!here().contains(name)) continue;
    if (given) {
      throw invalid("'" + *given + "' and '" + name + "' are the same argument", "",
                    "leave one of them away");
    }
    given = &name;
  }
  if (!given) {
    if (field.required) missing_.back().push_back({names[0], std::string(field.help)});
    return false;
  }
  const json& value = here().at(*given);
  if (value.is_null() && !has_value && !field.required) return false;
  places_.push_back({&value, pointer_step(*given), pointer_step(names[0]), &field, true});
  note_place();
  return true;
}

void JsonReader::leave() { places_.pop_back(); }

void JsonReader::value(bool& v) {
  if (!here().is_boolean()) expected("true or false");
  v = here().get<bool>();
}

void JsonReader::value(std::int64_t& v) {
  const auto integer = as_integer(here());
  if (!integer) {
    const std::string limit = std::to_string(kMostInteger);
    const bool whole =
        here().is_number() && std::floor(here().get<double>()) == here().get<double>();
    expected(whole ? "a whole number from -" + limit + " to " + limit : "a whole number",
             quotes_hint(here()));
  }
  v = *integer;
}

void JsonReader::value(double& v) {
  if (here().is_number()) {
    v = here().get<double>();
  } else if (const auto special = as_special_number(here())) {
    v = *special;
  } else {
    expected("a number", quotes_hint(here()));
  }
}

void JsonReader::value(std::string& v) {
  const Field* field = places_.back().field;
  if (!here().is_string()) {
    if (!field || field->choices.empty()) expected("a text");
    const std::vector<std::string> choices(field->choices.begin(), field->choices.end());
    expected("one of " + join(choices));
  }
  const auto& text = here().get_ref<const std::string&>();
  if (field && !field->choices.empty() &&
      std::find(field->choices.begin(), field->choices.end(), text) == field->choices.end()) {
    const std::vector<std::string> choices(field->choices.begin(), field->choices.end());
    const auto near = nearest_name(choices, text);
    throw invalid("'" + text + "' is none of " + join(choices), "",
                  near ? "did you mean '" + *near + "'?" : "");
  }
  const bool path = field && field->path;
  if (path && text.empty()) expected("a file name");
  v = path ? resolve_path(text, base_) : text;
}

void JsonReader::value(NumberOrText& v) {
  if (here().is_number()) {
    v = here().get<double>();
  } else if (here().is_string()) {
    v = here().get<std::string>();
  } else {
    expected("a number or a text");
  }
}

void JsonReader::value(FreeValue& v) {
  const json& given = here();
  if (given.is_boolean()) {
    v = given.get<bool>();
  } else if (given.is_number()) {
    v = given.get<double>();
  } else if (given.is_string()) {
    v = given.get<std::string>();
  } else if (given.is_array()) {
    std::vector<double> numbers;
    for (std::size_t i = 0; i < given.size(); ++i) {
      begin_item(i);
      value(numbers.emplace_back());
      end_item();
    }
    v = std::move(numbers);
  } else {
    expected("a number, a text, true, false or a list of numbers");
  }
}

// Of a list that can also be one of the field's choices; those are told with the list.
bool JsonReader::is_choice_not_list(std::size_t list_size) const {
  if (here().is_array() && here().size() == list_size) return false;
  const auto& allowed = places_.back().field->choices;
  const std::vector<std::string> choices(allowed.begin(), allowed.end());
  if (!here().is_string()) expected(list_or(list_size, choices));
  const auto& text = here().get_ref<const std::string&>();
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return true;
  const auto near = nearest_name(choices, text);
  expected(list_or(list_size, choices), near ? "did you mean '" + *near + "'?" : "");
}

std::size_t JsonReader::begin_list(std::size_t, std::ptrdiff_t fixed_size) {
  Place& place = places_.back();
  if (fixed_size >= 0) {
    const auto size = static_cast<std::size_t>(fixed_size);
    if (!here().is_array() || here().size() != size) {
      // ["mean", "a"] where [["mean", "a"]] is meant.
      const json* outer = places_.size() > 1 ? places_[places_.size() - 2].value : nullptr;
      const bool flat = outer && outer->is_array() && outer->size() == size && !here().is_array();
      expected("a list of " + std::to_string(size),
               flat ? "one more pair of brackets: [" + outer->dump() + "]" : "");
    }
    return size;
  }
  if (here().is_array()) return here().size();
  // Of a list of lists too: a flat list of numbers is one of lists of one number each.
  const bool lone = place.whole_field || here().is_number();
  if (!place.field || !place.field->one_or_many || !lone) expected("a list");
  place.lone_element = true;
  return 1;
}

void JsonReader::begin_item(std::size_t index) {
  const Place& place = places_.back();
  if (place.lone_element) {
    step_into(here(), "", pointer_step(index));
  } else {
    step_into(here().at(index), pointer_step(index), pointer_step(index));
  }
}

void JsonReader::end_item() { places_.pop_back(); }

void JsonReader::end_list() {}

void JsonReader::begin_record() {
  if (!here().is_object()) expected("an object");
  known_.emplace_back();
  missing_.emplace_back();
}

void JsonReader::end_record() {
  const std::vector<std::string> known = std::move(known_.back());
  const std::vector<Missing> missing = std::move(missing_.back());
  known_.pop_back();
  missing_.pop_back();
  const auto is_missing = [&](const std::string& name) {
    return std::ranges::any_of(missing, [&](const Missing& m) { return m.name == name; });
  };
  const auto fail_missing = [&] {
    throw invalid("the argument '" + missing[0].name + "' is missing", "", missing[0].help);
  };
  for (const auto& [key, unused] : here().items()) {
    if (is_annotation(key) || std::find(known.begin(), known.end(), key) != known.end()) continue;
    // What is missing counts more, unless this is how it is spelt.
    const auto near = nearest_name(known, key);
    if (!missing.empty() && !(near && is_missing(*near))) fail_missing();
    throw invalid("there is no argument '" + key + "'", pointer_step(key), suggest(known, key));
  }
  if (!missing.empty()) fail_missing();
}

std::vector<std::string> JsonReader::begin_map(std::vector<std::string>) {
  if (!here().is_object()) expected("an object");
  std::vector<std::string> keys;
  for (const auto& [key, unused] : here().items()) keys.push_back(key);
  return keys;
}

void JsonReader::begin_key(const std::string& key) {
  step_into(here().at(key), pointer_step(key), pointer_step(key));
}

void JsonReader::end_key() { places_.pop_back(); }

void JsonReader::end_map() {}

bool JsonReader::short_form(const std::optional<std::string>&, std::ptrdiff_t list_size) {
  if (list_size >= 0) return is_choice_not_list(static_cast<std::size_t>(list_size));
  if (!here().is_string() && !here().is_object()) expected("a text or an object");
  return here().is_string();
}

}  // namespace cube
