// JsonReader: fills parameters from a JSON object.
//
// Accepts integers written as 3.0, a lone element for a list of one where the field says so,
// aliases of keys, and "nan", "inf", "-inf" for numbers that JSON cannot write. Everything else
// that is not exactly what a field asks for is an Error(kInvalid) that says what was found and what
// is accepted, with the JSON pointer of the place inside the object.
//
// Thread rule: one thread.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/params.h"

namespace cube {

// Places of parameters that stand elsewhere in the document than their fields say: "/expr/0" of a
// lone formula is "/expr", "/file" is "/ogr_dataset".
struct MovedPlaces {
  std::vector<std::pair<std::string, std::string>> pairs;  // declared, given

  std::string of(const std::string& declared) const;
};

class JsonReader final : public FieldVisitor {
 public:
  // `base` is the folder that relative paths start from. REQUIRES: `object` outlives the reader.
  JsonReader(const nlohmann::json& object, std::filesystem::path base);

  // Visits `params` (anything with fields()); `other_keys` are keys of the object that are read
  // elsewhere and are no error.
  template <class T>
  void read(T& params, const std::vector<std::string>& other_keys = {}) {
    guarded([&] {
      begin_record();
      known_.back().insert(known_.back().end(), other_keys.begin(), other_keys.end());
      params.fields(*this);
      end_record();
    });
  }

  const MovedPlaces& moved() const { return moved_; }

 protected:
  bool enter(const Field& field, bool has_value) override;
  void leave() override;
  void value(bool& v) override;
  void value(std::int64_t& v) override;
  void value(double& v) override;
  void value(std::string& v) override;
  void value(NumberOrText& v) override;
  void value(FreeValue& v) override;
  std::size_t begin_list(std::size_t current, std::ptrdiff_t fixed_size) override;
  void begin_item(std::size_t index) override;
  void end_item() override;
  void end_list() override;
  void begin_record() override;
  void end_record() override;
  std::vector<std::string> begin_map(std::vector<std::string> current) override;
  void begin_key(const std::string& key) override;
  void end_key() override;
  void end_map() override;
  bool short_form(const std::optional<std::string>& current, std::ptrdiff_t list_size) override;

 private:
  struct Place {
    const nlohmann::json* value;
    std::string step;           // from the place before
    std::string declared;       // the same as fields declare it: no alias, "/0" of a lone element
    const Field* field;         // the innermost field, null at the top
    bool whole_field;           // the value of the field itself, not a part of it
    bool lone_element = false;  // stands for a list of one
  };

  struct Missing {
    std::string name;
    std::string help;
  };

  const nlohmann::json& here() const { return *places_.back().value; }
  void guarded(const std::function<void()>& work) const;
  std::string pointer() const;
  void step_into(const nlohmann::json& value, std::string step, std::string declared);
  void note_place();
  bool is_choice_not_list(std::size_t list_size) const;
  [[noreturn]] void expected(const std::string& what, const std::string& hint = {}) const;

  std::vector<Place> places_;
  std::vector<std::vector<std::string>> known_;  // keys asked for, one list an open record
  std::vector<std::vector<Missing>> missing_;    // required and not there, likewise
  MovedPlaces moved_;
  std::filesystem::path base_;
};

}  // namespace cube
