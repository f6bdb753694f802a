// JsonWriter: writes parameters as a JSON object.
//
// Keys stand in the order in which the fields are declared; every value is written, defaults too,
// except optionals that are absent. Numbers are in the shortest form that reads back as the same
// number; NaN and infinities, which JSON lacks, are the texts "nan", "inf", "-inf".
//
// Thread rule: one thread.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/params.h"

namespace cube {

class JsonWriter final : public FieldVisitor {
 public:
  // Paths are written relative to `folder` where they can be; left as they are without one.
  explicit JsonWriter(std::optional<std::filesystem::path> folder = {})
      : folder_(std::move(folder)) {}

  template <class T>
  nlohmann::ordered_json write(T& params) {
    open_ = {nlohmann::ordered_json::object()};
    params.fields(*this);
    return std::move(open_.front());
  }

 protected:
  bool enter(const Field& field, bool has_value) override;
  void leave() override;
  void value(bool& v) override { open_.back() = v; }
  void value(std::int64_t& v) override { open_.back() = v; }
  void value(double& v) override;
  void value(std::string& v) override;
  void value(NumberOrText& v) override;
  void value(FreeValue& v) override;
  std::size_t begin_list(std::size_t current, std::ptrdiff_t fixed_size) override;
  void begin_item(std::size_t index) override;
  void end_item() override;
  void end_list() override {}
  void begin_record() override;
  void end_record() override {}
  std::vector<std::string> begin_map(std::vector<std::string> current) override;
  void begin_key(const std::string& key) override;
  void end_key() override;
  void end_map() override {}
  bool short_form(const std::optional<std::string>& current, std::ptrdiff_t list_size) override;

 private:
  std::optional<std::filesystem::path> folder_;
  std::vector<nlohmann::ordered_json> open_;  // values being made, the root first
  std::vector<const Field*> fields_;
  std::vector<std::string> keys_;
};

}  // namespace cube
