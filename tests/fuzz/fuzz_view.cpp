// Texts of views: times, periods, formats of times, tiles, sizes; lines of them. The axes that come
// out of them are what axes are.
#include <array>

#include "engine/error.h"
#include "engine/gdal/network.h"
#include "engine/text.h"
#include "engine/view.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace cube;

void check_axis(const TimeAxis& axis) {
  fuzz::require(axis.size() > 0, "an axis has slices");
  for (const std::int64_t i : {std::int64_t{0}, axis.size() / 2, axis.size() - 1}) {
    fuzz::require(axis.index(axis.start(i)) == i, "a slice begins in itself");
    fuzz::require(axis.start(i) < axis.end(i), "a slice ends after it begins");
    fuzz::require(!axis.label(i).empty(), "a slice has a label");
  }
}

void check_period(std::string_view text) {
  const auto period = Period::parse(text);
  if (!period) return;
  fuzz::require(Period::parse(period->text()) == period, "a period is what its text says");
}

void check_grid(const std::array<std::optional<double>, 6>& numbers, const std::string& tile,
                bool snap) {
  SpaceView space{.left = numbers[0],
                  .right = numbers[1],
                  .top = numbers[2],
                  .bottom = numbers[3],
                  .srs = "EPSG:3857",
                  .snap = snap};
  if (numbers[4]) space.dx = numbers[4];
  if (numbers[5] && *numbers[5] > -1e18 && *numbers[5] < 1e18) {
    (snap ? space.ny : space.nx) = static_cast<std::int64_t>(*numbers[5]);
  }
  if (!tile.empty()) space = {.nx = space.nx, .ny = space.ny, .tile = tile};
  const Grid grid = make_grid(space, "/space");
  fuzz::require(grid.width > 0 && grid.height > 0, "a grid has cells");
  fuzz::require(grid.dx > 0 && grid.dy > 0, "cells have a size");
}

}  // namespace

CUBE_FUZZ_TARGET(view) {
  std::array<std::string, 12> lines;
  for (std::string& line : lines) line = fuzz::take_line(bytes);
  TimeView time{.t0 = lines[0], .t1 = lines[1]};
  if (!lines[2].empty()) time.dt = lines[2];
  const auto count = parse_number(lines[3]);
  if (count && *count > -1e18 && *count < 1e18) time.nt = static_cast<std::int64_t>(*count);
  fuzz::attempt([&] { check_axis(make_time_axis(time, "/time")); });
  check_period(lines[2]);
  parse_time(lines[0], lines[4]);
  std::array<std::optional<double>, 6> numbers;
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = parse_number(lines[5 + i]);
  fuzz::attempt([&] { check_grid(numbers, "", false); });
  fuzz::attempt([&] { check_grid(numbers, "", true); });
  if (!lines[11].empty()) fuzz::attempt([&] { check_grid(numbers, lines[11], false); });
  parse_bytes(lines[11]);
  const std::string shown = without_queries(lines[11]);
  fuzz::require(without_queries(shown) == shown, "nothing is hidden twice");
  fuzz::require(without_network_names(network_name(lines[11])).size() < lines[11].size() + 100,
                "names stay names");
}
