#include "engine/gdal/resampler.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/geo_map.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/paste.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/sampling.h"

namespace cube {

namespace {

// An image of the grid's size and place without bands: the map from it is the one that an image
// file on that grid has.
std::unique_ptr<GeoMap> make_map(const Grid& source, const Grid& target) {
  register_gdal();
  const GdalErrors errors;
  const Dataset image(GDALCreate(GDALGetDriverByName("MEM"), "", static_cast<int>(source.width),
                                 static_cast<int>(source.height), 0, GDT_Byte, nullptr));
  if (!image) throw Error(ErrorCode::kInternal, "cannot make a grid: " + errors.first());
  std::array<double, 6> transform = {source.left, source.dx, 0, source.top, 0, -source.dy};
  GDALSetGeoTransform(image.get(), transform.data());
  if (!source.crs.empty()) GDALSetProjection(image.get(), crs_wkt(source.crs).c_str());
  return make_geo_map(image.get(), source.crs, target, "the cube");
}

}  // namespace

struct Resampler::State {
  std::unique_ptr<GeoMap> map;
  Grid source;
  Resampling method;
  Range rows, columns;  // placed last
  Positions positions;
  Stencil stencil;
  SourceWindow window;
  Sampler sampler;
};

Resampler::Resampler(const Grid& source, const Grid& target, Resampling method)
    : state_(std::make_unique<State>()) {
  state_->map = make_map(source, target);
  state_->source = source;
  state_->method = method;
}

Resampler::~Resampler() = default;
Resampler::Resampler(Resampler&&) noexcept = default;

bool Resampler::separable() const { return state_->map->separable(); }

Footprint Resampler::place(const Range& rows, const Range& columns) {
  State& s = *state_;
  s.rows = rows;
  s.columns = columns;
  locate(*s.map, rows, columns, s.method, s.positions);
  return footprint_of(s.positions, {s.source.height, s.source.width}, s.method);
}

void Resampler::prepare(const Footprint& under) {
  State& s = *state_;
  const Resampling method = is_paste(s.positions, s.method) ? Resampling::kNearest : s.method;
  s.stencil =
      make_stencil(std::move(s.positions), under, {s.source.height, s.source.width}, method);
}

void Resampler::sample(const Block& in, std::int64_t t, bool avoid_nodata, Block& out) {
  State& s = *state_;
  s.stencil.avoid_nodata = avoid_nodata;
  assert(in.region().y == s.stencil.under.rows && in.region().x == s.stencil.under.columns);
  s.window.rows = in.region().y;
  s.window.columns = in.region().x;
  s.window.dtype = in.dtype();
  s.window.nodata = in.nodata();
  s.window.borrowed = in.raw().data() +
                      in.offset(t, in.region().y.begin, in.region().x.begin) * size_of(in.dtype());
  s.sampler.sample(s.window, s.stencil, s.rows, s.columns, out);
}

void Resampler::fill_outside(double value, Block& out) const {
  const State& s = *state_;
  cube::fill_outside(value, s.stencil, s.rows, s.columns, out);
}

std::int64_t Resampler::reach() const {
  State& s = *state_;
  Positions one;
  s.map->locate({0, 1}, {0, 1}, one);
  if (s.method == Resampling::kNearest || is_area_method(s.method)) return 1;
  const double scale =
      std::max(kernel_scale(s.method, one.scale_x), kernel_scale(s.method, one.scale_y));
  return tap_count(s.method, scale) / 2 + 1;
}

}  // namespace cube
