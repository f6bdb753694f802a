// Arguments of window_space and the windows that they ask for.
// Thread rule: values; makers of windows may be called by any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/padding.h"
#include "engine/reducer_bands.h"
#include "engine/space_window.h"

namespace cube {

struct WindowParams : ReducerBands {
  std::vector<std::vector<double>> kernel;
  std::optional<std::array<std::int64_t, 2>> kernel_size;
  bool skip_missing = false;
  std::optional<std::string> preset;
  std::optional<double> sigma, z_factor, scale, azimuth, altitude;
  std::optional<bool> percent;
  std::optional<std::int64_t> win_size_y, win_size_x;
  bool keep_bands = false;
  std::optional<std::string> pad;
  std::optional<double> pad_fill;

  void fields(FieldVisitor& v);

 private:
  void fields_of_presets(FieldVisitor& v);
};

// One band of the result: its source as it is, or a window over it.
struct WindowBand {
  std::size_t source;
  BandInfo info;
  std::function<std::unique_ptr<SpaceWindow>()> window;  // none: the source as it is
  std::int64_t scratch_bytes = 0;                        // of the window, besides
  std::int64_t column_bytes = 0;                         // what a column takes
};

struct SpaceWindows {
  SpaceReach reach;
  std::vector<WindowBand> bands;
};

// Both throw Error(kInvalid or kNotFound) with the argument's place.
Padding padding_of(const WindowParams& params);
SpaceWindows windows_of(const WindowParams& params, const CubeInfo& in);

}  // namespace cube
