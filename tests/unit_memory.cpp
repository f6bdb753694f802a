// What parts say that they take is at least what they allocate, and not much more: every allocation
// of the program is counted here. And what a machine or container lets a process have.
#include <array>
#include <cmath>
#include <functional>
#include <random>

#include "engine/composite.h"
#include "engine/host_limits.h"
#include "engine/space_statistic.h"
#include "engine/weighted_cells.h"
#include "engine/weighted_select.h"
#include "tests/counted_allocations.h"
#include "tests/support.h"

using namespace cube;
using cube::test::peak_of;

namespace {

constexpr std::int64_t kSmall = 4096;  // objects and what malloc adds

Reducer reducer(const std::string& text) {
  ReducerSpec spec;
  spec.set_short_form(text);
  return Reducer::make(spec, "");
}

}  // namespace

TEST_CASE("states of order statistics hold what they say") {
  for (const std::string name : {"median", "mode", "mad", "mean", "var"}) {
    static constexpr std::array<std::array<std::int64_t, 2>, 5> kShapes = {
        {{1, 3}, {7, 100}, {512, 365}, {40, 512}, {40, 3000}}};
    for (const auto& shape : kShapes) {
      const std::int64_t series = shape[0];
      const std::int64_t length = shape[1];
      const std::string title =
          name + " of " + std::to_string(series) + " x " + std::to_string(length);
      CAPTURE(title);
      const Reducer what = reducer(name);
      const auto n = static_cast<std::size_t>(series);
      std::vector<double> row(n, 1.5);
      const std::int64_t peak = peak_of([&] {
        const auto state = what.state(length);
        for (int again = 0; again < 2; ++again) {
          state->begin(n);
          for (std::int64_t i = 0; i < length; ++i) state->add(row, 0);
          state->finish(row);
        }
      });
      CHECK(peak <= what.state_bytes(series, length) + kSmall);
      CHECK(peak >= what.state_bytes(series, length) / 3);
    }
  }
}

TEST_CASE("cells of zones and slices that are held or selected take what they say") {
  constexpr std::int64_t kCells = 1'500'000;
  constexpr std::int64_t kParts = 1000;
  std::mt19937 dice(7);
  std::normal_distribution<double> normal(0.3, 0.1);
  std::vector<double> values(5000);
  std::vector<double> weights(values.size(), 1.0);
  const auto add = [&](auto&& take) {
    std::mt19937 again(11);
    for (std::int64_t i = 0; i < kCells; i += static_cast<std::int64_t>(values.size())) {
      for (double& value : values) value = normal(again);
      take();
    }
  };
  ReducerSpec spec;
  for (const std::string name : {"median", "p90", "mad"}) {
    CAPTURE(name);
    spec.set_short_form(name);
    const WeightedReducer what = WeightedReducer::make(spec, "");
    const Storage storage{DType::kFloat32, std::nan("")};
    CHECK(peak_of([&] {
            WeightedSelect select(what);
            select.begin(kParts);
            do {
              add([&] { select.add(values, weights); });
            } while (select.wants_again());
          }) <= WeightedSelect::bytes(kParts) + kSmall);
    const std::int64_t peak = peak_of([&] {
      WeightedCells cells(storage);
      cells.begin(kCells, kParts);
      add([&] { cells.add(values, weights); });
      what.of(cells);
    });
    CHECK(peak <= WeightedCells::bytes(storage, kCells, kParts) + kSmall);
    CHECK(peak >= kCells * 8);
  }
}

TEST_CASE("statistics of whole slices take what they say") {
  constexpr std::int64_t kRows = 100;
  constexpr std::int64_t kColumns = 1000;
  for (const DType type : {DType::kUInt8, DType::kFloat32}) {
    Block block({{0, 1}, {0, kRows}, {0, kColumns}}, with_missing(type, {}));
    std::vector<double> row(kColumns);
    for (std::int64_t y = 0; y < kRows; ++y) {
      for (std::size_t x = 0; x < row.size(); ++x) row[x] = static_cast<double>((x * 7 + 3) % 200);
      block.set_row(0, y, row);
    }
    for (const std::string name : {"median", "mode", "mad", "mean"}) {
      for (const std::int64_t cells : {kRows * kColumns, SpaceStatistic::kHeldCells * 2}) {
        CAPTURE(name);
        CAPTURE(cells);
        const std::int64_t peak = peak_of([&] {
          const auto statistic =
              make_space_statistic(reducer(name), block.storage(), cells, kColumns);
          statistic->begin();
          do {
            statistic->add(block, 0);
          } while (statistic->wants_again());
        });
        CHECK(peak <=
              space_statistic_bytes(reducer(name), block.storage(), cells) + kSmall + kColumns * 8);
      }
    }
  }
}

namespace {

// A made-up machine of 8 GiB whose process is in the control groups that `groups` says.
class Host {
 public:
  explicit Host(const std::string& groups) {
    file("proc/self/cgroup", groups);
    file("proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\n");
  }
  Host& file(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    test::write_text(folder_.path() / name, text);
    return *this;
  }
  HostLimits limits() const { return host_limits(folder_.path()); }

 private:
  test::TempDir folder_;
};

constexpr std::int64_t kGiga = std::int64_t{1} << 30;

}  // namespace

TEST_CASE("memory and cores of a machine, a container and groups within groups") {
  const HostLimits bare = Host("0::/\n").limits();
  CHECK(bare.memory_bytes == 8 * kGiga);
  CHECK_FALSE(bare.cores.has_value());

  Host container("0::/\n");  // its own group is the root that it sees
  container.file("sys/fs/cgroup/memory.max", "1073741824\n")
      .file("sys/fs/cgroup/cpu.max", "150000 100000\n");
  CHECK(container.limits().memory_bytes == kGiga);
  CHECK(container.limits().cores == 1.5);
  CHECK(usable_cores({.memory_bytes = {}, .cores = 0.2}) == 1);
  CHECK(default_memory_bytes(container.limits()) == kGiga / 4 * 3);
  CHECK(default_memory_bytes(bare) == 2 * kGiga);
  CHECK(default_memory_bytes({}) == 2 * kGiga);

  Host nested("0::/user.slice/job.scope\n");
  nested.file("sys/fs/cgroup/user.slice/memory.max", "3221225472\n")
      .file("sys/fs/cgroup/user.slice/job.scope/memory.max", "max\n")
      .file("sys/fs/cgroup/user.slice/job.scope/cpu.max", "max 100000\n");
  CHECK(nested.limits().memory_bytes == 3 * kGiga);
  CHECK_FALSE(nested.limits().cores.has_value());
}

TEST_CASE("control groups of version 1, whose own path a container does not show") {
  Host host("5:memory:/docker/0123\n4:cpu,cpuacct:/docker/0123\n1:name=systemd:/\n0::/\n");
  host.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n")
      .file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n")
      .file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  CHECK(host.limits().memory_bytes == kGiga / 2);
  CHECK(host.limits().cores == 0.5);

  Host unlimited("5:memory:/\n4:cpu:/\n");
  unlimited.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
      .file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
      .file("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CHECK(unlimited.limits().memory_bytes == 8 * kGiga);
  CHECK_FALSE(unlimited.limits().cores.has_value());
}
