#include "engine/window_params.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

#include "engine/error.h"
#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

void WindowParams::fields(FieldVisitor& v) {
  ReducerBands::fields(v, false);
  v.field({.name = "win_size_y",
           .help = "Rows of a window, odd; with a flat kernel the same as kernel_size."},
          win_size_y);
  v.field({.name = "win_size_x", .help = "Columns of a window, odd."}, win_size_x);
  v.field({.name = "kernel",
           .help = "Instead of reducers: rows of weights from the top left, odd in number, or "
                   "a flat list with its size. All bands become weighted sums; the kernel is "
                   "not mirrored.",
           .one_or_many = true},
          kernel);
  v.field({.name = "kernel_size",
           .help = "[rows, columns] of a flat kernel, or of one with a single column."},
          kernel_size);
  v.field({.name = "skip_missing",
           .help = "Kernel and gaussian: leave missing values out and scale the weights of the "
                   "others up to the same sum; default: missing where any is."},
          skip_missing);
  fields_of_presets(v);
  v.field({.name = "keep_bands",
           .help = "Keep the cube's bands besides the new ones; ignored with a kernel, which "
                   "does not name new ones, as in gdalcubes."},
          keep_bands);
  v.field({.name = "pad",
           .help = "What stands beyond the cube's edges: constant (pad_fill, or missing), "
                   "replicate (aaa|abcd), reflect (cba|abcd), reflect_pixel (dcb|abcd) or wrap "
                   "(bcd|abcd); default: missing.",
           .aliases = {"pad_str"}},
          pad);
  v.field({.name = "pad_fill", .help = "The value of constant padding; default: missing."},
          pad_fill);
}

void WindowParams::fields_of_presets(FieldVisitor& v) {
  v.field({.name = "preset",
           .help = "Instead of reducers or a kernel: a filter for all bands, named "
                   "BAND_PRESET. sobel is the gradient's length in Sobel's weights, laplacian "
                   "0 1 0, 1 -4 1, 0 1 0; slope, aspect and hillshade are of heights, as "
                   "gdaldem makes them.",
           .choices = {"gaussian", "sobel", "laplacian", "slope", "aspect", "hillshade"}},
          preset);
  v.field({.name = "sigma",
           .help = "gaussian: standard deviation in cells (1); weights reach 4 "
                   "of them far."},
          sigma);
  v.field({.name = "z_factor",
           .help = "slope, aspect, hillshade: heights are multiplied by it "
                   "(1)."},
          z_factor);
  v.field({.name = "scale",
           .help = "slope, hillshade: vertical units in a horizontal one (1); 111120 for metres "
                   "on degrees."},
          scale);
  v.field({.name = "percent", .help = "slope: in percent instead of degrees."}, percent);
  v.field({.name = "azimuth",
           .help = "hillshade: where the light comes from, degrees clockwise from north (315)."},
          azimuth);
  v.field({.name = "altitude", .help = "hillshade: degrees of the light above the horizon (45)."},
          altitude);
}

Padding padding_of(const WindowParams& params) {
  Padding out;
  // gdalcubes writes "" for none, and a fill with every padding, of which only constant takes it.
  if (params.pad && params.pad->empty()) return out;
  if (params.pad) out.mode = Padding::parse(*params.pad, "/pad");
  if (out.mode == Padding::Mode::kConstant) out.fill = params.pad_fill.value_or(kMissing);
  return out;
}

namespace {

// Arguments that what is asked for does not take.
void check_stray(const WindowParams& params) {
  const std::string preset = params.preset.value_or("");
  const bool kernel = !params.kernel.empty();
  const bool terrain = preset == "slope" || preset == "aspect" || preset == "hillshade";
  const auto check = [](bool given, bool taken, const char* key, const char* who) {
    if (!given || taken) return;
    throw Error(ErrorCode::kInvalid, std::string("nothing here takes '") + key + "'",
                std::string("/") + key, std::string("it belongs to ") + who);
  };
  const bool sized = kernel || !params.reducer_bands.empty();
  check(params.win_size_y.has_value(), sized, "win_size_y", "reducer_bands or a flat kernel");
  check(params.win_size_x.has_value(), sized, "win_size_x", "reducer_bands or a flat kernel");
  check(params.kernel_size.has_value(), kernel, "kernel_size", "kernel");
  check(params.skip_missing, kernel || preset == "gaussian", "skip_missing",
        "kernel or the preset gaussian; reducers always skip missing values");
  check(!params.names.empty(), !params.reducer_bands.empty(), "names", "reducer_bands");
  check(params.sigma.has_value(), preset == "gaussian", "sigma", "the preset gaussian");
  check(params.z_factor.has_value(), terrain, "z_factor",
        "the presets slope, aspect and hillshade");
  check(params.scale.has_value(), terrain && preset != "aspect", "scale",
        "the presets slope and hillshade");
  check(params.percent.has_value(), preset == "slope", "percent", "the preset slope");
  check(params.azimuth.has_value(), preset == "hillshade", "azimuth", "the preset hillshade");
  check(params.altitude.has_value(), preset == "hillshade", "altitude", "the preset hillshade");
}

std::int64_t odd(const std::optional<std::int64_t>& size, const char* where) {
  constexpr std::int64_t kLargest = 9999;  // its square is far from overflow
  if (!size) {
    throw Error(ErrorCode::kInvalid, "the window's size is not given", "",
                "win_size_y and win_size_x, odd numbers");
  }
  if (*size >= 1 && *size <= kLargest && *size % 2 == 1) return *size;
  throw Error(ErrorCode::kInvalid, "a window cannot be " + counted(*size, "cell") + " wide", where,
              "an odd number from 1 to " + std::to_string(kLargest));
}

// A padded value comes out again where a reducer gives one of the values.
void check_fill(const WindowParams& params, const Reducer& reducer, const BandInfo& band) {
  const double fill = padding_of(params).fill;
  if (reducer.picks() && !std::isnan(fill)) check_holds(band, fill, "/pad_fill");
}

SpaceWindows windows_of_reducers(const WindowParams& params, const CubeInfo& in) {
  const SpaceReach reach{odd(params.win_size_y, "/win_size_y") / 2,
                         odd(params.win_size_x, "/win_size_x") / 2};
  SpaceWindows out{reach, {}};
  for (ReducedBand& band : reduced_bands(params, in, reach.cells())) {
    const BandInfo& source = in.bands[band.source];
    BandInfo info = band.reducer.result_band(source, reach.cells(), reach.cells());
    info.name = band.info.name;
    check_fill(params, band.reducer, source);
    const Reducer reducer = band.reducer;
    out.bands.push_back(
        {band.source, std::move(info), [reducer, reach] { return reducer_window(reducer, reach); },
         reducer_window_bytes(reducer, reach), reducer_window_column_bytes(reducer, reach)});
  }
  return out;
}

// What a kernel or filter makes of a band: a number of the same unit.
BandInfo filtered(BandInfo band, double sum_of_weights) {
  set_computed(band);
  band.offset *= sum_of_weights;  // of a weighted sum of physical values
  band.alias.clear();
  return band;
}

std::optional<std::array<std::int64_t, 2>> size_of_kernel(const WindowParams& params, bool needed) {
  const bool sides = params.win_size_y || params.win_size_x;
  if (params.kernel_size && sides) {
    throw Error(ErrorCode::kInvalid, "the kernel's size is given twice", "/kernel_size",
                "kernel_size, or win_size_y and win_size_x");
  }
  if (params.kernel_size) return params.kernel_size;
  if (params.win_size_y && params.win_size_x) {
    return std::array{*params.win_size_y, *params.win_size_x};
  }
  if (!needed && !sides) return std::nullopt;
  throw Error(ErrorCode::kInvalid, "the size of a flat kernel is not given", "/kernel",
              "\"kernel_size\": [rows, columns], or rows of weights");
}

SpaceKernel kernel_of(const WindowParams& params) {
  const auto& rows = params.kernel;
  const bool flat =
      std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row.size() == 1; });
  SpaceKernel out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() != rows[0].size()) {
      throw Error(ErrorCode::kInvalid,
                  "the row has " + counted(rows[i].size(), "weight") + ", the first " +
                      std::to_string(rows[0].size()),
                  "/kernel" + pointer_step(i), "as many in each row");
    }
    out.weights.insert(out.weights.end(), rows[i].begin(), rows[i].end());
  }
  for (const double weight : out.weights) {
    if (std::isfinite(weight)) continue;
    throw Error(ErrorCode::kInvalid, "a weight is not a finite number", "/kernel");
  }
  const auto count = static_cast<std::int64_t>(out.weights.size());
  const auto size = size_of_kernel(params, flat && count > 1);
  if (!size) {
    out.rows = odd(static_cast<std::int64_t>(rows.size()), "/kernel");
    out.columns = odd(static_cast<std::int64_t>(rows[0].size()), "/kernel");
    return out;
  }
  out.rows = odd((*size)[0], params.kernel_size ? "/kernel_size/0" : "/win_size_y");
  out.columns = odd((*size)[1], params.kernel_size ? "/kernel_size/1" : "/win_size_x");
  const bool fits = flat ? out.rows * out.columns == count
                         : out.rows == static_cast<std::int64_t>(rows.size()) &&
                               out.columns == static_cast<std::int64_t>(rows[0].size());
  if (fits) return out;
  throw Error(ErrorCode::kInvalid,
              counted(count, "weight") + " cannot make " + std::to_string(out.rows) + " x " +
                  std::to_string(out.columns),
              "/kernel");
}

SpaceWindows windows_of_kernel(const WindowParams& params, const CubeInfo& in) {
  const SpaceKernel kernel = kernel_of(params);
  const double sum = std::accumulate(kernel.weights.begin(), kernel.weights.end(), 0.0);
  if (params.skip_missing && sum == 0) {
    throw Error(ErrorCode::kInvalid, "weights that sum up to 0 cannot be scaled up",
                "/skip_missing", "leave it out");
  }
  const bool skip = params.skip_missing;
  SpaceWindows out{{kernel.rows / 2, kernel.columns / 2}, {}};
  for (std::size_t i = 0; i < in.bands.size(); ++i) {
    out.bands.push_back({i, filtered(in.bands[i], sum),
                         [kernel, skip] { return kernel_window(kernel, skip); }, 0,
                         static_cast<std::int64_t>(sizeof(double))});
  }
  return out;
}

SpaceReach take_gaussian(const WindowParams& params, WindowBand& band) {
  constexpr double kLargest = 1000;
  constexpr double kFar = 4;  // standard deviations, as in scipy
  const double sigma = params.sigma.value_or(1);
  if (!(sigma > 0 && sigma <= kLargest)) {
    throw Error(ErrorCode::kInvalid, "there is no gaussian of sigma " + number_text(sigma),
                "/sigma", "cells, more than 0 and at most " + number_text(kLargest));
  }
  // NOLINTNEXTLINE(bugprone-incorrect-roundings): as scipy rounds
  const auto reach = static_cast<std::int64_t>(kFar * sigma + 0.5);
  std::vector<double> weights;
  for (std::int64_t i = -reach; i <= reach; ++i) {
    const double at = static_cast<double>(i) / sigma;
    weights.push_back(std::exp(-at * at / 2));
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  const bool skip = params.skip_missing;
  band.window = [weights, skip] { return separable_window(weights, skip); };
  band.column_bytes = separable_window_bytes({reach, reach});
  return {reach, reach};
}

void take_terrain(const WindowParams& params, const Grid& grid, WindowBand& band) {
  const std::string& preset = *params.preset;
  const auto number = [](const std::optional<double>& given, double otherwise, const char* where,
                         bool positive) {
    const double value = given.value_or(otherwise);
    if (std::isfinite(value) && (!positive || value > 0)) return value;
    throw Error(ErrorCode::kInvalid, number_text(value) + " is not possible", where,
                positive ? "a number larger than 0" : "a finite number");
  };
  Terrain terrain;
  const double scale = number(params.scale, 1, "/scale", true);
  terrain.dx = grid.dx * scale;
  terrain.dy = grid.dy * scale;
  terrain.z_factor = number(params.z_factor, 1, "/z_factor", true);
  terrain.percent = params.percent.value_or(false);
  terrain.azimuth = number(params.azimuth, terrain.azimuth, "/azimuth", false);
  terrain.altitude = number(params.altitude, terrain.altitude, "/altitude", false);
  band.info.unit = terrain.percent ? "%" : "degree";
  band.info.scale = 1;
  if (preset == "slope") {
    terrain.kind = Terrain::Kind::kSlope;
  } else if (preset == "aspect") {
    terrain.kind = Terrain::Kind::kAspect;
  } else if (preset == "hillshade") {
    terrain.kind = Terrain::Kind::kHillshade;
    band.info.dtype = DType::kUInt8;
    band.info.nodata = 0;
    band.info.unit.clear();
  } else {
    band.info.unit.clear();
  }
  band.window = [terrain] { return terrain_window(terrain); };
}

SpaceWindows windows_of_preset(const WindowParams& params, const CubeInfo& in) {
  const std::string& preset = *params.preset;
  SpaceWindows out{{1, 1}, {}};
  for (std::size_t i = 0; i < in.bands.size(); ++i) {
    WindowBand band{i, filtered(in.bands[i], 0), {}};
    band.info.name += "_" + preset;
    if (preset == "gaussian") {
      band.info.offset = in.bands[i].offset;
      out.reach = take_gaussian(params, band);
    } else if (preset == "laplacian") {
      static constexpr double kMiddle = -4;
      const SpaceKernel kernel{3, 3, {0, 1, 0, 1, kMiddle, 1, 0, 1, 0}};
      band.window = [kernel] { return kernel_window(kernel, false); };
    } else {
      take_terrain(params, in.grid, band);
    }
    out.bands.push_back(std::move(band));
  }
  return out;
}

}  // namespace

SpaceWindows windows_of(const WindowParams& params, const CubeInfo& in) {
  const int ways = static_cast<int>(!params.reducer_bands.empty()) +
                   static_cast<int>(!params.kernel.empty()) +
                   static_cast<int>(params.preset.has_value());
  if (ways != 1) {
    throw Error(ErrorCode::kInvalid,
                std::to_string(ways) + " of reducer_bands, kernel and preset are given", "",
                "give one of them");
  }
  check_stray(params);
  SpaceWindows out = !params.kernel.empty() ? windows_of_kernel(params, in)
                     : params.preset        ? windows_of_preset(params, in)
                                            : windows_of_reducers(params, in);
  if (params.keep_bands && params.kernel.empty()) {
    std::vector<WindowBand> all;
    for (std::size_t i = 0; i < in.bands.size(); ++i) all.push_back({i, in.bands[i], {}});
    std::move(out.bands.begin(), out.bands.end(), std::back_inserter(all));
    out.bands = std::move(all);
  }
  return out;
}

}  // namespace cube
