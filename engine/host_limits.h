// What the machine, or the container that the process runs in, lets it use: control groups of
// Linux, version 2 (memory.max, cpu.max) and version 1 (memory.limit_in_bytes, cpu.cfs_quota_us),
// of which the tightest from the process' own group up to the root holds, and memory that is built
// in. A container mostly shows its own group as the root. Thread rule: pure functions of the files
// of the system.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace cube {

struct HostLimits {
  std::optional<std::int64_t> memory_bytes;  // nullopt where nothing is known
  std::optional<double> cores;               // of time a second, as 1.5; nullopt = not limited
};

// `root` is where proc and sys are, for tests.
HostLimits host_limits(const std::filesystem::path& root = "/");

// Worker threads that find a core: those that the process may run on, and no more than its share
// of their time. At least 1.
int usable_cores(const HostLimits& limits);

// The budget of a run that is given none: 2 GiB, or three quarters of what there is where that is
// less, as libraries and the page tables take from it too.
std::int64_t default_memory_bytes(const HostLimits& limits);

}  // namespace cube
