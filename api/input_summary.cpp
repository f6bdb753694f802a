#include "api/input_summary.h"

#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "engine/hash.h"
#include "engine/text.h"
#include "graphs/json_text.h"

namespace cube {

namespace {

constexpr std::size_t kMostBytes = 16384;

// Mixed, as sums of it are taken.
std::uint64_t hash_of(std::string_view text) { return mixed(fnv1a(text)); }

std::string hex(std::uint64_t number) {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  return text.data();
}

// As it is kept: seen from the folder, and with a digest for a state that is long.
Ingredient seen_from(const std::string& folder, const Ingredient& ingredient) {
  constexpr std::size_t kLongest = 64;
  const std::string prefix = folder + "/";
  const auto cut = [&](std::string text) {
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at)) {
      text.erase(at, prefix.size());
    }
    return text;
  };
  Ingredient out{cut(relative_path(ingredient.name, folder)), cut(ingredient.state)};
  if (out.state.size() > kLongest) out.state = "entry " + hex(hash_of(out.state));
  return out;
}

// When a file was changed, of "1234 bytes of 2023-05-01T10:20:30.500000000"; such times compare as
// texts. "" for other states.
std::string change_of(const std::string& state) {
  constexpr std::string_view kOf = " of ";
  const std::size_t at = state.find(kOf);
  const bool file = at != std::string::npos && state.find(" byte") < at;
  return file ? state.substr(at + kOf.size()) : "";
}

}  // namespace

InputSummary::InputSummary(std::filesystem::path folder) : folder_(std::move(folder)) {}

void InputSummary::take(const Ingredient& ingredient) {
  const Ingredient seen = seen_from(folder_.string(), ingredient);
  newest_ = std::max(newest_, change_of(seen.state));
  ++count_;
  digest_ += hash_of(seen.name + "\n" + seen.state);
  if (bytes_ > kMostBytes) return;
  if (!states_.emplace(seen.name, seen.state).second) return;
  constexpr std::size_t kMarks = 8;
  bytes_ += seen.name.size() + seen.state.size() + kMarks;
  if (bytes_ > kMostBytes) states_.clear();
}

nlohmann::ordered_json InputSummary::json() const {
  nlohmann::ordered_json out = {{"count", count_}, {"digest", hex(digest_)}};
  if (!newest_.empty()) out["newest"] = newest_;
  if (count_ > 0 && bytes_ <= kMostBytes) out["states"] = states_;
  return out;
}

std::string changed_inputs(const nlohmann::json& before, const RunIdentity& now,
                           const std::filesystem::path& folder) {
  InputSummary summary(folder);
  IdentityCheck check;
  const nlohmann::json states = before.value("states", nlohmann::json());
  for (const auto& [name, state] : states.items()) check.was({name, state.get<std::string>()});
  const std::string newest = before.value("newest", "");
  std::string newer;  // the first file that was changed later than all had been
  now([&](const Ingredient& ingredient) {
    summary.take(ingredient);
    const Ingredient seen = seen_from(folder.string(), ingredient);
    if (states.is_object()) check.is(seen);
    if (newer.empty() && change_of(seen.state) > newest) newer = seen.name;
  });
  if (states.is_object()) return check.difference();
  if (summary.json()["digest"] == before.value("digest", "")) return {};
  const std::string all = counted(before.value("count", std::int64_t{0}), "input");
  if (!newer.empty()) return newer + " is newer than all of the " + all + " were";
  return "some of the " + all + " are others, or in another state";
}

}  // namespace cube
