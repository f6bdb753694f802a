#include "cli/part_option.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>
#include <vector>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

using Variable = std::function<const char*(const char* name)>;

constexpr std::int64_t kMostParts = 1'000'000;

// What launchers tell a process of its place. Those that start processes within the job of another
// stand before it. Of an array of jobs the first index and the step may be any.
struct Launcher {
  const char* index;
  const char* count;  // nullptr = it does not say
  const char* first = nullptr;
  const char* last = nullptr;
  const char* step = nullptr;
};
constexpr std::array kLaunchers = {
    Launcher{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    Launcher{"PMI_RANK", "PMI_SIZE"},
    Launcher{"PMIX_RANK", nullptr},
    Launcher{"SLURM_PROCID", "SLURM_NTASKS"},
    Launcher{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN",
             "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP"},
    Launcher{"JOB_COMPLETION_INDEX", nullptr},
    Launcher{"AWS_BATCH_JOB_ARRAY_INDEX", nullptr},
};

Error refused(const std::string& what, const std::string& hint) {
  return Error(ErrorCode::kInvalid, what, "--part", hint);
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Part checked(const Part& part, const std::string& text) {
  if (part.count < 1 || part.count > kMostParts) {
    throw refused("there are " + std::to_string(part.count) + " parts in '" + text + "'",
                  "1 to " + std::to_string(kMostParts));
  }
  if (part.index < 0 || part.index >= part.count) {
    const std::string n = std::to_string(part.count);
    throw refused(
        "there is no part " + to_text(part),
        "they are counted from 0: 0/" + n + " to " + std::to_string(part.count - 1) + "/" + n);
  }
  return part;
}

// A variable that is set and is a number.
std::optional<std::int64_t> value_of(const char* name, const Variable& variable) {
  const char* text = name ? variable(name) : nullptr;
  if (!text || !*text) return std::nullopt;
  if (const auto number = number_of(text)) return number;
  throw refused(std::string(name) + " is '" + text + "'", "a whole number");
}

// The place of the process; the count is 0 where the launcher does not say it.
std::optional<Part> place_by(const Launcher& launcher, const Variable& variable) {
  const auto index = value_of(launcher.index, variable);
  if (!index) return std::nullopt;
  const auto count = value_of(launcher.count, variable);
  if (!launcher.first) return Part{*index, count.value_or(0)};
  const auto first = value_of(launcher.first, variable);
  const auto last = value_of(launcher.last, variable);
  const std::int64_t step = value_of(launcher.step, variable).value_or(1);
  if (!first || !last || step < 1) return Part{*index, 0};
  // Of a list like 1,3,7 the place of an index is not known.
  const std::int64_t all = (*last - *first) / step + 1;
  if (count && *count != all) return Part{*index, 0};
  return Part{(*index - *first) / step, all};
}

struct Found {
  const Launcher* launcher;
  Part part;
};

PartChoice by_environment(std::optional<std::int64_t> count, const Variable& variable) {
  std::vector<Found> found;
  for (const Launcher& launcher : kLaunchers) {
    if (const auto part = place_by(launcher, variable)) found.push_back({&launcher, *part});
  }
  if (found.empty()) throw refused("no launcher says which part this is", part_variables());
  // A launcher of one process says nothing, as the one of a job of an array; of an array one task
  // may have been started again.
  std::vector<Found> telling;
  std::ranges::copy_if(found, std::back_inserter(telling),
                       [](const Found& one) { return one.part.count != 1 || one.launcher->first; });
  if (telling.empty()) telling.push_back(found.front());
  const Launcher& chosen = *telling.front().launcher;
  PartChoice out{telling.front().part, ""};
  if (count) {
    out.part = {value_of(chosen.index, variable).value_or(0), *count};
  } else if (out.part.count == 0) {
    throw refused(std::string(chosen.index) + " does not say how many parts there are",
                  "env/8 for 8 parts");
  }
  std::vector<std::string> others;
  for (std::size_t i = 1; i < telling.size(); ++i) others.emplace_back(telling[i].launcher->index);
  if (!others.empty()) {
    out.note =
        "part " + to_text(out.part) + " by " + chosen.index + "; " + join(others) + " is set too";
  }
  return out;
}

}  // namespace

PartChoice parse_part(const std::string& text, const Variable& variable) {
  const std::size_t slash = text.find('/');
  const std::string first = text.substr(0, slash);
  const auto count = slash == std::string::npos
                         ? std::nullopt
                         : number_of(std::string_view(text).substr(slash + 1));
  const bool whole = count || slash == std::string::npos;
  PartChoice out;
  if (first == "env" && whole) {
    out = by_environment(count, variable);
  } else {
    const auto index = number_of(first);
    if (!index || !count) {
      throw refused("'" + text + "' is no part",
                    "as in 0/8, env or env/8; they are counted from 0");
    }
    out.part = {*index, *count};
  }
  out.part = checked(out.part, text);
  return out;
}

std::string part_variables() {
  std::vector<std::string> names;
  for (const Launcher& launcher : kLaunchers) {
    names.push_back(launcher.count ? std::string(launcher.index) + " with " + launcher.count
                                   : launcher.index);
  }
  return join(names);
}

}  // namespace cube
