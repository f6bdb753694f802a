#include "engine/warp_args.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "engine/error.h"
#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

namespace {

std::string place(std::size_t i) { return "/warp_args" + pointer_step(i); }

// Without a value, and with one.
constexpr std::array<std::string_view, 3> kFlags = {"-multi", "-q", "-overwrite"};
constexpr std::array<std::string_view, 4> kSettings = {"-et", "-wm", "-wo", "-dstnodata"};

bool is_in(std::span<const std::string_view> list, const std::string& argument) {
  return std::ranges::find(list, argument) != list.end();
}

[[noreturn]] void reject(const std::string& argument, std::size_t i) {
  static const std::map<std::string, std::string> kInstead = {
      {"-t_srs", "say it in view/space/srs"},
      {"-te", "say it in view/space"},
      {"-tr", "say it in view/space"},
      {"-ts", "say it in view/space"},
      {"-s_srs", "say it in the collection format"}};
  const auto instead = kInstead.find(argument);
  throw Error(ErrorCode::kInvalid,
              "'" + argument + "' is not supported: images are not resampled by gdalwarp", place(i),
              instead == kInstead.end() ? "leave it out" : instead->second);
}

double nodata_of(const std::string& value, std::size_t i) {
  if (lower(value) == "none") return kMissing;
  if (const auto number = parse_number(value)) return *number;
  throw Error(ErrorCode::kInvalid, "'" + value + "' is no nodata value", place(i),
              "one number for all bands, or None");
}

// AUTO, AUTO-n, n or NONE.
OverviewChoice overviews_of(const std::string& value, std::size_t i) {
  const std::string text = lower(value);
  if (text == "auto") return {};
  if (text == "none") return {.finer = OverviewChoice::kAllFiner, .level = {}};
  const bool finer = text.starts_with("auto-");
  const auto number = parse_number(finer ? text.substr(5) : text);
  if (!number || *number < 0 || *number > OverviewChoice::kAllFiner ||
      *number != std::floor(*number)) {
    throw Error(ErrorCode::kInvalid, "'" + value + "' names no overview", place(i),
                "AUTO, AUTO-1 (one finer), 0 (the finest) or another number, or NONE");
  }
  const int level = static_cast<int>(*number);
  if (finer) return {.finer = level, .level = {}};
  return {.finer = 0, .level = level};
}

}  // namespace

const char* const kWarpArgsHelp =
    "gdalwarp's arguments in graphs of gdalcubes. -r METHOD stands in for the view's resampling, "
    "-srcnodata VALUE for the nodata value of all bands (None: no value is one, whatever the files "
    "say), -ovr AUTO, AUTO-n, n or NONE for the overview that is read: the one that suits the "
    "view, "
    "n finer than that, number n from 0 or the coarsest there is, or the image itself; -et, "
    "-multi, "
    "-wm, -wo, -dstnodata, -q and -overwrite say nothing here and are passed over; others are an "
    "error.";

void WarpArgs::apply(std::vector<BandInfo>& bands) const {
  if (!nodata) return;
  for (BandInfo& band : bands) band.nodata = nodata;
}

WarpArgs parse_warp_args(std::span<const std::string> args) {
  WarpArgs out;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& argument = args[i];
    if (is_in(kFlags, argument)) continue;
    const bool known = argument == "-r" || argument == "-srcnodata" || argument == "-ovr" ||
                       is_in(kSettings, argument);
    if (!known) reject(argument, i);
    if (++i == args.size()) {
      throw Error(ErrorCode::kInvalid, "'" + argument + "' is given without a value", place(i - 1));
    }
    const std::string& value = args[i];
    if (argument == "-r") {
      parse_resampling(value, place(i));
      out.resampling = value;
    } else if (argument == "-srcnodata") {
      out.nodata = nodata_of(value, i);
    } else if (argument == "-ovr") {
      out.overviews = overviews_of(value, i);
    }
  }
  return out;
}

}  // namespace cube
