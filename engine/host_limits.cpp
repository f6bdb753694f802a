#include "engine/host_limits.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/text.h"

namespace cube {

namespace {

using Path = std::filesystem::path;

// The words of a file's first line; none where it cannot be read.
std::vector<std::string> first_words(const Path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line.empty() ? std::vector<std::string>() : split(line, ' ');
}

std::optional<double> number_in(const Path& file) {
  const std::vector<std::string> words = first_words(file);
  return words.empty() ? std::nullopt : parse_number(words[0]);
}

template <typename T>
void tighten(std::optional<T>& limit, T value) {
  limit = limit ? std::min(*limit, value) : value;
}

void take_memory(HostLimits& limits, std::optional<double> bytes) {
  // Version 1 writes "no limit" as the largest multiple of a page.
  constexpr double kNone = 0x1p62;
  if (bytes && *bytes >= 0 && *bytes < kNone) {
    tighten(limits.memory_bytes, static_cast<std::int64_t>(*bytes));
  }
}

void take_cores(HostLimits& limits, std::optional<double> quota, std::optional<double> period) {
  if (quota && period && *quota > 0 && *period > 0) tighten(limits.cores, *quota / *period);
}

// Each group from `group` up to the root, below `mount`.
void walk_up(const Path& mount, const Path& group, const std::function<void(const Path&)>& visit) {
  for (Path path = group.relative_path(); !path.empty(); path = path.parent_path()) {
    visit(mount / path);
  }
  visit(mount);
}

void read_version_2(HostLimits& limits, const Path& mount, const Path& group) {
  walk_up(mount, group, [&](const Path& folder) {
    take_memory(limits, number_in(folder / "memory.max"));
    const std::vector<std::string> words = first_words(folder / "cpu.max");
    if (words.size() == 2) take_cores(limits, parse_number(words[0]), parse_number(words[1]));
  });
}

}  // namespace

HostLimits host_limits(const Path& root) {
  HostLimits limits;
  const Path mounts = root / "sys/fs/cgroup";
  std::ifstream groups(root / "proc/self/cgroup");  // NUMBER:CONTROLLERS:GROUP
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> parts = split(line, ':');
    if (parts.size() < 3) continue;
    const Path group = line.substr(parts[0].size() + parts[1].size() + 2);
    if (parts[1].empty()) {
      read_version_2(limits, mounts, group);
      read_version_2(limits, mounts / "unified", group);
      continue;
    }
    for (const std::string& controller : split(parts[1], ',')) {
      if (controller != "memory" && controller != "cpu") continue;
      for (const Path& mount : {mounts / parts[1], mounts / controller}) {
        walk_up(mount, group, [&](const Path& folder) {
          take_memory(limits, number_in(folder / "memory.limit_in_bytes"));
          take_cores(limits, number_in(folder / "cpu.cfs_quota_us"),
                     number_in(folder / "cpu.cfs_period_us"));
        });
      }
    }
  }
  std::ifstream memory(root / "proc/meminfo");
  std::string name;
  double kilobytes = 0;
  constexpr double kKilobyte = 1024;
  if (memory >> name >> kilobytes && name == "MemTotal:") {
    take_memory(limits, kilobytes * kKilobyte);
  }
  return limits;
}

int usable_cores(const HostLimits& limits) {
  const double cores = std::max(1U, std::thread::hardware_concurrency());
  return static_cast<int>(std::max(1.0, std::min(cores, std::ceil(limits.cores.value_or(cores)))));
}

std::int64_t default_memory_bytes(const HostLimits& limits) {
  constexpr std::int64_t kUsual = std::int64_t{2} << 30;
  return limits.memory_bytes ? std::min(kUsual, *limits.memory_bytes / 4 * 3) : kUsual;
}

}  // namespace cube
