// Params: how an operator declares its arguments, once.
//
//   struct Params {
//     std::vector<std::string> bands;
//     void fields(FieldVisitor& v) {
//       v.field({.name = "bands", .help = "Bands to keep, in output order.", .required = true},
//       bands);
//     }
//   };
//
// One walk over fields() reads JSON, writes JSON, makes the JSON Schema, and prints the help; the
// engine knows none of them. A field may be bool, std::int64_t, double, std::string (an enum is one
// with `choices`), std::vector, std::array, std::pair, std::optional, std::map<std::string, T>,
// a NumberOrText, a FreeValue, or a Record, ShortRecord, ShortMap or ShortList, as below.
//
// The value a field has in a default-constructed Params is its default.
//
// Thread rule: a visitor and the object it visits belong to one thread.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cube {

// What is said about one argument.
struct Field {
  std::string_view name;  // the JSON key
  std::string_view help;  // one or two sentences
  bool required = false;
  std::vector<std::string_view> choices = {};  // allowed texts; empty = any
  std::vector<std::string_view> aliases = {};  // other accepted keys, e.g. those of gdalcubes
  bool one_or_many = false;  // for a vector: a lone element is accepted for a list of one
  bool path = false;         // a file name, relative to the document it stands in
};

class FieldVisitor;

// Two ways to say the same, such as an index and a time.
using NumberOrText = std::variant<double, std::string>;

// A value that only the user's own code understands.
using FreeValue = std::variant<std::string, double, bool, std::vector<double>>;

// A type with its own fields.
template <class T>
concept Record = requires(T value, FieldVisitor& v) {
  value.fields(v);
};

// A record that can also be written as a lone text, e.g. "p90" for {"quantile": 0.9}.
template <class T>
concept ShortRecord = Record<T> && requires(T value, std::string text) {
  { value.short_form() } -> std::convertible_to<std::optional<std::string>>;
  value.set_short_form(text);  // throws Error
};

// A map from free keys that can also be written as a lone text, e.g. "bilinear" for
// {"*": "bilinear"}. entries() gives the std::map.
template <class T>
concept ShortMap = !Record<T> && requires(T value, std::string text) {
  value.entries();
  { value.short_form() } -> std::convertible_to<std::optional<std::string>>;
  value.set_short_form(text);  // throws Error
};

// A list of fixed length that can also be written as one of the field's `choices`, e.g. "auto" for
// a list that the program finds itself. items() gives the std::array.
template <class T>
concept ShortList = !Record<T> && requires(T value, std::string text) {
  value.items();
  { value.short_form() } -> std::convertible_to<std::optional<std::string>>;
  value.set_short_form(text);
};

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;

  // Declares one argument bound to `value`.
  template <class T>
  void field(const Field& f, T& value) {
    if (!enter(f, has_value(value))) return;
    visit(value);
    leave();
  }

 protected:
  // Steps into a field. False when there is nothing to visit: the document lacks the key (reading)
  // or the optional is empty (writing). A reader throws when a required key is lacking.
  virtual bool enter(const Field& field, bool has_value) = 0;
  virtual void leave() = 0;

  // Leaves of the document.
  virtual void value(bool& v) = 0;
  virtual void value(std::int64_t& v) = 0;
  virtual void value(double& v) = 0;
  virtual void value(std::string& v) = 0;
  virtual void value(NumberOrText& v) = 0;
  virtual void value(FreeValue& v) = 0;

  // Structure. A list of `size` elements (-1 = any length): returns how many to visit.
  virtual std::size_t begin_list(std::size_t current, std::ptrdiff_t fixed_size) = 0;
  virtual void begin_item(std::size_t index) = 0;
  virtual void end_item() = 0;
  virtual void end_list() = 0;

  virtual void begin_record() = 0;
  virtual void end_record() = 0;  // a reader throws here on keys that no field asked for

  // A map from free keys: returns the keys to visit.
  virtual std::vector<std::string> begin_map(std::vector<std::string> current) = 0;
  virtual void begin_key(const std::string& key) = 0;
  virtual void end_key() = 0;
  virtual void end_map() = 0;

  // True when the value is (to be) written as a lone text. `current` is the text, if it has one.
  // Written out in full it is a list of `list_size` elements, or (-1) an object.
  virtual bool short_form(const std::optional<std::string>& current, std::ptrdiff_t list_size) = 0;

 private:
  template <class T>
  static bool has_value(const T&) {
    return true;
  }
  template <class T>
  static bool has_value(const std::optional<T>& value) {
    return value.has_value();
  }

  void visit(bool& v) { value(v); }
  void visit(std::int64_t& v) { value(v); }
  void visit(double& v) { value(v); }
  void visit(std::string& v) { value(v); }
  void visit(NumberOrText& v) { value(v); }
  void visit(FreeValue& v) { value(v); }

  template <class T>
  void visit(std::optional<T>& v) {
    if (!v) v.emplace();
    visit(*v);
  }

  template <class T>
  void visit_item(std::size_t index, T& item) {
    begin_item(index);
    visit(item);
    end_item();
  }

  template <class T>
  void visit(std::vector<T>& v) {
    v.resize(begin_list(v.size(), -1));
    for (std::size_t i = 0; i < v.size(); ++i) visit_item(i, v[i]);
    end_list();
  }

  template <class T, std::size_t N>
  void visit(std::array<T, N>& v) {
    begin_list(N, static_cast<std::ptrdiff_t>(N));
    for (std::size_t i = 0; i < N; ++i) visit_item(i, v[i]);
    end_list();
  }

  template <class A, class B>
  void visit(std::pair<A, B>& v) {
    begin_list(2, 2);
    visit_item(0, v.first);
    visit_item(1, v.second);
    end_list();
  }

  template <class T>
  void visit(std::map<std::string, T>& v) {
    std::vector<std::string> keys;
    for (const auto& [key, unused] : v) keys.push_back(key);
    for (const std::string& key : begin_map(keys)) {
      begin_key(key);
      visit(v[key]);
      end_key();
    }
    end_map();
  }

  template <Record T>
  void visit(T& v) {
    if constexpr (ShortRecord<T>) {
      if (visit_short_form(v)) return;
    }
    begin_record();
    v.fields(*this);
    end_record();
  }

  template <ShortMap T>
  void visit(T& v) {
    if (!visit_short_form(v)) visit(v.entries());
  }

  template <ShortList T>
  void visit(T& v) {
    const auto size = static_cast<std::ptrdiff_t>(v.items().size());
    if (!visit_short_form(v, size)) visit(v.items());
  }

  // False when the value is (to be) written out in full.
  template <class T>
  bool visit_short_form(T& v, std::ptrdiff_t list_size = -1) {
    const auto current = v.short_form();
    if (!short_form(current, list_size)) return false;
    std::string text = current.value_or("");
    value(text);
    v.set_short_form(text);
    return true;
  }
};

}  // namespace cube
