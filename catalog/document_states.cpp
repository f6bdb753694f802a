#include "catalog/document_states.h"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "catalog/descriptor.h"

namespace cube {

namespace {

constexpr std::size_t kMostDocuments = 10000;

// A digest of the bytes, eight at a time: multiplied and turned, as in MurmurHash. Nobody is to be
// kept from making two files of one digest.
std::optional<std::uint64_t> digest_of(const std::string& file) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  constexpr int kTurn = 29;
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  std::ifstream in(file, std::ios::binary);
  std::vector<char> buffer(kBytes);
  std::uint64_t out = 0;
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto count = static_cast<std::size_t>(in.gcount());
    std::fill(buffer.end() - static_cast<std::ptrdiff_t>(kBytes - count), buffer.end(), '\0');
    for (std::size_t i = 0; i < count; i += sizeof out) {
      std::uint64_t word = 0;
      std::memcpy(&word, buffer.data() + i, sizeof word);
      out = std::rotl((out ^ word) * kOdd, kTurn);
    }
  }
  return in.eof() ? std::optional(out) : std::nullopt;
}

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * std::nano::den + time.tv_nsec;
}

}  // namespace

DocumentStates::State DocumentStates::state_of_document(const std::string& file) {
  State out;
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return out;
  out.size = status.st_size;
  out.changed = nanoseconds(status.st_mtim);
  out.entered = nanoseconds(status.st_ctim);
  return out;
}

void DocumentStates::note(const std::string& file) {
  states_.try_emplace(file, state_of_document(file));
}

void DocumentStates::settle() {
  constexpr std::int64_t kCoarse = 2 * std::nano::den;  // as file systems tell times at worst
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t present = std::chrono::nanoseconds(now).count();
  for (auto& [file, state] : states_) {
    const auto digest = state.size < 0 ? 0 : digest_of(file);
    const State after = state_of_document(file);
    state.known = digest && after.size == state.size && after.changed == state.changed &&
                  after.entered == state.entered;
    state.digest = digest.value_or(0);
    if (std::max(state.changed, state.entered) > present - kCoarse) state.entered = 0;
  }
}

bool DocumentStates::same(const std::string& file, const State& then) {
  if (!then.known) return false;
  const State now = state_of_document(file);
  if (now.size != then.size) return false;
  const bool untouched =
      then.entered != 0 && now.changed == then.changed && now.entered == then.entered;
  return now.size < 0 || untouched || digest_of(file) == then.digest;
}

bool DocumentStates::all_same() const {
  const auto is_same = [](const auto& entry) { return same(entry.first, entry.second); };
  return !states_.empty() && std::ranges::all_of(states_, is_same);
}

void DocumentStates::add(const DocumentStates& more) {
  states_.insert(more.states_.begin(), more.states_.end());
}

std::string DocumentStates::json(const std::filesystem::path& folder) const {
  if (states_.size() > kMostDocuments) return {};
  auto out = nlohmann::ordered_json::object();
  for (const auto& [file, state] : states_) {
    if (!state.known) return {};
    out[stored_descriptor(file, folder)] = {state.size, state.changed, state.entered, state.digest};
  }
  return out.dump();
}

DocumentStates DocumentStates::parse(const std::string& text, const std::filesystem::path& folder) {
  DocumentStates out;
  try {
    const auto document = nlohmann::json::parse(text.empty() ? "{}" : text);
    for (const auto& [file, state] : document.items()) {
      out.states_[resolve_descriptor(file, folder)] = {state.at(0), state.at(1), state.at(2),
                                                       state.at(3), true};
    }
  } catch (const nlohmann::json::exception&) {  // not as we write it: as if nothing were said
    out.states_.clear();
  }
  return out;
}

}  // namespace cube
