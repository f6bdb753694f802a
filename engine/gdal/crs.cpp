#include "engine/gdal/crs.h"

#include <ogr_spatialref.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <system_error>

#include "engine/error.h"
#include "engine/gdal/handles.h"

namespace cube {

namespace {

// Points an edge of a box is cut into before it is transformed.
constexpr int kEdgePoints = 64;

constexpr int kWgs84 = 4326;
constexpr int kWebMercator = 3857;

// GDAL would also read a file, or ask a server, that the text names: graphs, catalogs and images
// come from anywhere.
bool set_from(OGRSpatialReferenceH srs, const std::string& text) {
  return OGRSpatialReference::FromHandle(srs)->SetFromUserInput(
             text.c_str(), OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get()) ==
         OGRERR_NONE;
}

Srs make_srs(const std::string& text) {
  const GdalErrors errors;
  Srs srs(OSRNewSpatialReference(nullptr));
  if (text.empty() || !set_from(srs.get(), text)) return nullptr;
  OSRSetAxisMappingStrategy(srs.get(), OAMS_TRADITIONAL_GIS_ORDER);
  return srs;
}

Srs need_srs(const std::string& text, const std::string& where) {
  Srs srs = make_srs(text);
  if (srs) return srs;
  throw Error(ErrorCode::kInvalid, "'" + text + "' is no coordinate reference system", where,
              "such as EPSG:32631, WKT or a PROJ string");
}

bool same(const Srs& a, const Srs& b) {
  static constexpr const char* kOptions[] = {"IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES",
                                             "CRITERION=EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS",
                                             nullptr};
  return OSRIsSameEx(a.get(), b.get(), kOptions) != 0;
}

std::string wkt_of(const Srs& srs) {
  static constexpr const char* kOptions[] = {"FORMAT=WKT2_2019", nullptr};
  char* text = nullptr;
  OSRExportToWktEx(srs.get(), &text, kOptions);
  std::string out = text ? text : "";
  CPLFree(text);
  return out;
}

// An edge-densified outline; the first and last point coincide with corners.
void outline(const Box& box, std::vector<double>& x, std::vector<double>& y) {
  for (int i = 0; i <= kEdgePoints; ++i) {
    const double f = static_cast<double>(i) / kEdgePoints;
    const double across = box.left + f * (box.right - box.left);
    const double up = box.bottom + f * (box.top - box.bottom);
    for (const double edge : {box.bottom, box.top}) {
      x.push_back(across);
      y.push_back(edge);
    }
    for (const double edge : {box.left, box.right}) {
      x.push_back(edge);
      y.push_back(up);
    }
  }
}

struct Bounds {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool empty() const { return low > high; }
  // NaN leaves both as they are.
  void add(double value) {
    low = std::fmin(low, value);
    high = std::fmax(high, value);
  }
};

constexpr double kHalfCircle = 180;
constexpr double kCircle = 360;
constexpr double kPole = 90;

// A box whose longitudes may lie beyond 180 degrees, as boxes within -180..180.
std::vector<Box> within_circle(Box box) {
  if (box.right - box.left >= kCircle) return {{-kHalfCircle, box.bottom, kHalfCircle, box.top}};
  const double shift = kCircle * std::floor((box.left + kHalfCircle) / kCircle);
  box.left -= shift;
  box.right -= shift;
  if (box.right <= kHalfCircle) return {box};
  return {{box.left, box.bottom, kHalfCircle, box.top},
          {-kHalfCircle, box.bottom, box.right - kCircle, box.top}};
}

// A pole inside a box is not on its outline: all longitudes up to it are in the box.
void add_poles(const Box& box, const std::string& from, const std::string& to,
               std::vector<Box>& lonlat) {
  if (lonlat.empty()) return;
  for (const double pole : {kPole, -kPole}) {
    std::array<double, 1> x = {0};
    std::array<double, 1> y = {pole};
    CrsTransform(to, from).apply(x, y);
    const bool inside = x[0] > box.left && x[0] < box.right && y[0] > box.bottom && y[0] < box.top;
    if (!inside) continue;
    Box all{-kHalfCircle, lonlat[0].bottom, kHalfCircle, lonlat[0].top};
    (pole > 0 ? all.top : all.bottom) = pole;
    lonlat = {all};
  }
}

// The codes of WGS 84, of its UTM zones and of the web's Mercator, which most images are in and any
// PROJ knows. For these its database need not be opened, which takes as long as opening ten files.
std::optional<int> plain_code(std::string_view text) {
  constexpr std::string_view kAuthority = "EPSG:";
  if (!text.starts_with(kAuthority)) return std::nullopt;
  text.remove_prefix(kAuthority.size());
  int code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || text.front() == '0') return std::nullopt;
  const bool utm = (code > 32600 && code <= 32660) || (code > 32700 && code <= 32760);
  if (utm || code == kWgs84 || code == kWebMercator) return code;
  return std::nullopt;
}

}  // namespace

std::string canonical_crs(std::string_view text, std::string_view where) {
  if (plain_code(text)) return std::string(text);
  const Srs srs = need_srs(std::string(text), std::string(where));
  const GdalErrors errors;
  const char* authority = OSRGetAuthorityName(srs.get(), nullptr);
  const char* code = OSRGetAuthorityCode(srs.get(), nullptr);
  if (authority && code) {
    std::string id = std::string(authority) + ":" + code;
    if (id == text) return id;
    // A WKT may carry a code and yet say something else.
    const Srs official = make_srs(id);
    if (official && same(srs, official)) return id;
  }
  return wkt_of(srs);
}

std::string canonical_plane_crs(std::string_view text, std::string_view where) {
  if (plain_code(text)) return std::string(text);
  const Srs srs = need_srs(std::string(text), std::string(where));
  const bool heights = OSRIsVertical(srs.get()) && !OSRIsCompound(srs.get());
  if (heights || OSRIsGeocentric(srs.get())) {
    throw Error(ErrorCode::kInvalid,
                "'" + std::string(text) + "' has " + (heights ? "heights only" : "X, Y and Z"),
                std::string(where), "a projected CRS, or one of longitude and latitude");
  }
  return canonical_crs(text, where);
}

std::string crs_wkt(const std::string& crs) {
  return crs.empty() ? std::string() : wkt_of(need_srs(crs, {}));
}

bool same_crs(const std::string& a, const std::string& b) {
  if (a == b) return true;
  if (plain_code(a) && plain_code(b)) return false;
  const Srs p = make_srs(a);
  const Srs q = make_srs(b);
  return p && q && same(p, q);
}

bool is_geographic(const std::string& crs) {
  if (const auto code = plain_code(crs)) return *code == kWgs84;
  const Srs srs = make_srs(crs);
  return srs && OSRIsGeographic(srs.get());
}

bool is_rotated(const std::string& crs) {
  const Srs srs = make_srs(crs);
  return srs && OSRIsDerivedGeographic(srs.get());
}

struct CrsTransform::Impl {
  Transformation transformation;  // null = the same CRS
};

CrsTransform::CrsTransform(const std::string& from, const std::string& to)
    : impl_(std::make_unique<Impl>()) {
  if (from == to) return;
  const Srs source = need_srs(from, {});
  const Srs target = need_srs(to, {});
  if (same(source, target)) return;
  const GdalErrors errors;
  impl_->transformation.reset(OCTNewCoordinateTransformation(source.get(), target.get()));
  if (!impl_->transformation) {
    throw Error(ErrorCode::kInvalid,
                "there is no transformation from " + from + " to " + to + ": " + errors.first());
  }
}

CrsTransform::~CrsTransform() = default;
CrsTransform::CrsTransform(CrsTransform&&) noexcept = default;

void CrsTransform::apply(std::span<double> x, std::span<double> y) const {
  if (!impl_->transformation || x.empty()) return;
  const GdalErrors errors;
  std::vector<int> good(x.size());
  OCTTransformEx(impl_->transformation.get(), static_cast<int>(x.size()), x.data(), y.data(),
                 nullptr, good.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (good[i] && std::isfinite(x[i]) && std::isfinite(y[i])) continue;
    x[i] = y[i] = std::numeric_limits<double>::quiet_NaN();
  }
}

std::vector<Box> transform_box(const Box& box, const std::string& from, const std::string& to) {
  std::vector<double> x;
  std::vector<double> y;
  const bool geographic = is_geographic(to);
  if (geographic && same_crs(from, to)) return within_circle(box);
  outline(box, x, y);
  CrsTransform(from, to).apply(x, y);
  if (geographic) {
    std::vector<Box> boxes = lonlat_bounds(x, y);
    add_poles(box, from, to, boxes);
    return boxes;
  }
  Bounds across;
  Bounds up;
  for (std::size_t i = 0; i < x.size(); ++i) {
    across.add(x[i]);
    up.add(y[i]);
  }
  if (across.empty()) return {};
  return {{across.low, up.low, across.high, up.high}};
}

std::vector<Box> lonlat_bounds(std::span<const double> longitude,
                               std::span<const double> latitude) {
  // Longitudes of a footprint that lie on both sides of 180 degrees span nearly the whole circle
  // when taken as they are, and little when the western ones are put beyond 180.
  Bounds plain;
  Bounds wrapped;
  Bounds lat;
  for (std::size_t i = 0; i < longitude.size(); ++i) {
    plain.add(longitude[i]);
    wrapped.add(longitude[i] < 0 ? longitude[i] + kCircle : longitude[i]);
    lat.add(latitude[i]);
  }
  if (plain.empty()) return {};
  const bool crosses =
      plain.high - plain.low > kHalfCircle && wrapped.high - wrapped.low < kHalfCircle;
  if (!crosses) return {{plain.low, lat.low, plain.high, lat.high}};
  return {{wrapped.low, lat.low, kHalfCircle, lat.high},
          {-kHalfCircle, lat.low, wrapped.high - kCircle, lat.high}};
}

std::vector<Box> lonlat_cover(std::span<const double> longitude, std::span<const double> latitude) {
  constexpr double kWide = 30;   // degrees without a point, though they are sparse
  constexpr double kPolar = 60;  // what goes all round beyond this has the pole in it
  std::vector<double> around;
  Bounds lat;
  for (std::size_t i = 0; i < longitude.size(); ++i) {
    if (!std::isfinite(longitude[i]) || !std::isfinite(latitude[i])) continue;
    around.push_back(longitude[i] - kCircle * std::floor((longitude[i] + kHalfCircle) / kCircle));
    lat.add(latitude[i]);
  }
  if (around.empty()) return {};
  std::sort(around.begin(), around.end());
  double first = around.front();
  double last = around.back();
  double widest = first + kCircle - last;
  for (std::size_t i = 1; i < around.size(); ++i) {
    if (around[i] - around[i - 1] <= widest) continue;
    widest = around[i] - around[i - 1];
    first = around[i];
    last = around[i - 1] + kCircle;
  }
  if (widest >= kWide) return within_circle({first, lat.low, last, lat.high});
  return {{-kHalfCircle, lat.low < -kPolar ? -kPole : lat.low, kHalfCircle,
           lat.high > kPolar ? kPole : lat.high}};
}

double once_round(const CrsTransform& from_lonlat) {
  constexpr double kNearly = 1e-6;
  const double almost = 180 - kNearly;
  std::array<double, 5> x = {-almost, almost, -90, 90, 90};
  std::array<double, 5> y = {0, 0, 0, 0, 45};
  from_lonlat.apply(x, y);
  const double turn = (x[1] - x[0]) * 180 / almost;
  const auto is = [&](double value, double wanted) {
    return std::abs(value - wanted) <= kNearly * turn;
  };
  const bool cylindrical = turn > 0 && is(x[3] - x[2], turn / 2) && is(x[4], x[3]);
  return cylindrical ? turn : 0;
}

}  // namespace cube
