#include "engine/gdal/eos_grid.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/handles.h"
#include "engine/text.h"

namespace cube {

namespace {

// By GCTP's numbers from 0; those that GDAL knows by number.
constexpr std::array<std::string_view, 31> kProjections = {
    "GEO",    "UTM",    "SPCS",   "ALBERS", "LAMCC",  "MERCAT", "PS",    "POLYC",
    "EQUIDC", "TM",     "STEREO", "LAMAZ",  "AZMEQD", "GNOMON", "ORTHO", "GVNSP",
    "SNSOID", "EQRECT", "MILLER", "VGRINT", "HOM",    "ROBIN",  "SOM",   "ALASKA",
    "GOOD",   "MOLL",   "IMOLL",  "HAMMER", "WAGIV",  "WAGVII", "OBLEQA"};
constexpr std::size_t kParameters = 15;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::string unquoted(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

// The parts of "(a,b,c)".
std::vector<std::string> listed(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  std::vector<std::string> out;
  for (const std::string& part : split(text, ',')) out.push_back(unquoted(part));
  return out;
}

std::string entry_of(const EosGrid& grid, const std::string& key) {
  const auto found = grid.entries.find(key);
  return found == grid.entries.end() ? std::string() : found->second;
}

[[noreturn]] void reject(const EosGrid& grid, const std::string& key) {
  const std::string value = entry_of(grid, key);
  throw Error(ErrorCode::kInvalid, "StructMetadata says of the grid '" + grid.name + "' " +
                                       (value.empty() ? "no " + key : key + "=" + value));
}

std::vector<double> numbers_of(const EosGrid& grid, const std::string& key) {
  std::vector<double> out;
  for (const std::string& part : listed(entry_of(grid, key))) {
    const auto number = parse_number(part);
    if (!number) reject(grid, key);
    out.push_back(*number);
  }
  return out;
}

int code_of(const EosGrid& grid, const std::string& key) {
  constexpr int kNone = -1;
  const auto number = parse_number(entry_of(grid, key));
  return number ? static_cast<int>(*number) : kNone;
}

// Angles stand as DDDMMMSSS.SS; some producers write millionths of a degree, which are told by
// minutes or seconds that there are not.
void to_degrees(std::span<double> angles) {
  constexpr double kMillion = 1e6;
  const auto is_packed = [](double angle) {
    constexpr double kSixty = 60;
    const double minutes = std::fmod(std::abs(angle), kMillion);
    return minutes < kSixty * 1000 && std::fmod(minutes, 1000) < kSixty;
  };
  const bool packed = std::ranges::all_of(angles, is_packed);
  for (double& angle : angles) angle = packed ? CPLPackedDMSToDec(angle) : angle / kMillion;
}

// Equal-area cylindrical, which GCTP knows by no number that GDAL takes.
std::string equal_area(const std::vector<double>& parameters) {
  std::array<double, 2> angles = {parameters[4], parameters[5]};
  to_degrees(angles);
  std::string text = "+proj=cea +units=m +no_defs +lon_0=" + number_text(angles[0]) +
                     " +lat_ts=" + number_text(angles[1]) + " +x_0=" + number_text(parameters[6]) +
                     " +y_0=" + number_text(parameters[7]);
  if (parameters[0] <= 0) return text + " +datum=WGS84";
  return text + " +a=" + number_text(parameters[0]) +
         " +b=" + number_text(parameters[1] > 1 ? parameters[1] : parameters[0]);
}

std::string crs_of(const EosGrid& grid) {
  std::string name = entry_of(grid, "Projection");
  for (const std::string_view prefix : {"HE5_", "GCTP_"}) {
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
  }
  // GCTP's default is an ellipsoid of 1866, which no producer means.
  const int sphere = code_of(grid, "SphereCode");
  if (name == "GEO" && sphere <= 0) return canonical_crs("EPSG:4326", "");
  std::vector<double> parameters;
  if (grid.entries.contains("ProjParams")) parameters = numbers_of(grid, "ProjParams");
  parameters.resize(kParameters, 0);
  if (name == "CEA" || name == "BCEA") return canonical_crs(equal_area(parameters), "");
  const auto known = std::ranges::find(kProjections, name);
  const Srs srs(OSRNewSpatialReference(nullptr));
  const GdalErrors errors;
  if (known == kProjections.end() ||
      OSRImportFromUSGS(srs.get(), static_cast<long>(known - kProjections.begin()),
                        code_of(grid, "ZoneCode"), parameters.data(), sphere) != OGRERR_NONE) {
    reject(grid, "Projection");
  }
  static constexpr const char* kOptions[] = {"FORMAT=WKT2_2019", nullptr};
  char* wkt = nullptr;
  OSRExportToWktEx(srs.get(), &wkt, kOptions);
  const std::string text = wkt ? wkt : "";
  CPLFree(wkt);
  return canonical_crs(text, "");
}

// The corners that are called the upper left and the lower right: x, y, x, y.
std::array<double, 4> corners_of(const EosGrid& grid, bool in_degrees) {
  constexpr std::array<double, 4> kWorld = {-180, 90, 180, -90};
  const auto is_default = [&](const char* key) { return entry_of(grid, key) == "DEFAULT"; };
  if (in_degrees && is_default("UpperLeftPointMtrs") && is_default("LowerRightMtrs")) return kWorld;
  std::array<double, 4> out{};
  std::size_t at = 0;
  for (const char* key : {"UpperLeftPointMtrs", "LowerRightMtrs"}) {
    const std::vector<double> point = numbers_of(grid, key);
    if (point.size() != 2) reject(grid, key);
    for (const double number : point) out[at++] = number;
  }
  if (in_degrees) to_degrees(out);
  return out;
}

}  // namespace

std::vector<EosGrid> parse_eos_grids(std::string_view metadata) {
  std::vector<EosGrid> out;
  bool in_grids = false;
  std::string field;
  for (const std::string& line : split(metadata, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key(trimmed(std::string_view(line).substr(0, equals)));
    const std::string value = unquoted(std::string_view(line).substr(equals + 1));
    if (value == "GridStructure") in_grids = key == "GROUP";
    if (!in_grids) continue;
    if (key == "GridName") {
      out.push_back({.name = value, .entries = {}, .fields = {}});
    } else if (out.empty() || key.ends_with("GROUP") || key.ends_with("OBJECT")) {
      continue;
    } else if (key == "DataFieldName") {
      field = value;
    } else if (key == "DimList") {
      out.back().fields[field] = listed(value);
    } else {
      out.back().entries.try_emplace(key, value);
    }
  }
  return out;
}

EosPlace place_of(const EosGrid& grid) {
  const bool in_degrees = entry_of(grid, "Projection").ends_with("GCTP_GEO");
  const auto [left, top, right, bottom] = corners_of(grid, in_degrees);
  const std::string origin = entry_of(grid, "GridOrigin");
  EosPlace out{.box = {std::min(left, right), std::min(bottom, top), std::max(left, right),
                       std::max(bottom, top)},
               .from_right = left > right,
               .from_bottom = bottom > top,
               .crs = crs_of(grid)};
  // Where the origin is stated it holds, whichever corners the points are.
  if (!origin.empty() && !origin.ends_with("GD_UL")) {
    out.from_right = origin.ends_with("R");
    out.from_bottom = origin.ends_with("LL") || origin.ends_with("LR");
  }
  if (!(out.box.right > out.box.left) || !(out.box.top > out.box.bottom)) {
    reject(grid, "LowerRightMtrs");
  }
  return out;
}

}  // namespace cube
