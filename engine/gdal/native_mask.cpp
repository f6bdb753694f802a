#include "engine/gdal/native_mask.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/mask_rule.h"

namespace cube {

namespace {

// Cells of a mask band that are looked at in one go.
constexpr std::int64_t kMaxCells = std::int64_t{1} << 20;

using Transform = std::array<double, 6>;

Transform geotransform(const OpenImage& image) {
  Transform g{};
  if (GDALGetGeoTransform(image.dataset(), g.data()) == CE_None) return g;
  throw Error(ErrorCode::kUnreadable, "has no geotransform, so that masks cannot be placed",
              image.descriptor(), "use \"mask_stage\": \"target\"");
}

// x = a[0] + a[1] column + a[2] row, y = a[3] + a[4] column + a[5] row: cells of one image in
// another of the same CRS.
Transform between(const Transform& from, const Transform& to) {
  const double det = to[1] * to[5] - to[2] * to[4];
  const auto column = [&](double x, double y) { return (to[5] * x - to[2] * y) / det; };
  const auto row = [&](double x, double y) { return (to[1] * y - to[4] * x) / det; };
  const double x = from[0] - to[0];
  const double y = from[3] - to[3];
  return {column(x, y), column(from[1], from[4]), column(from[2], from[5]),
          row(x, y),    row(from[1], from[4]),    row(from[2], from[5])};
}

// A mask band at the resolution that is read.
struct MaskBand {
  GDALRasterBandH band;
  std::int64_t width, height;
  double shrink_x, shrink_y;  // full-resolution cells a cell
  TileDecoder* tiles = nullptr;
  std::int64_t round = 0;  // as ImageSize has it
};

MaskBand choose_level(GDALRasterBandH full, double cell_x, double cell_y) {
  const auto level = [&](GDALRasterBandH band) {
    const auto width = static_cast<double>(GDALGetRasterBandXSize(band));
    const auto height = static_cast<double>(GDALGetRasterBandYSize(band));
    return MaskBand{band, static_cast<std::int64_t>(width), static_cast<std::int64_t>(height),
                    GDALGetRasterBandXSize(full) / width, GDALGetRasterBandYSize(full) / height};
  };
  constexpr double kSlack = 1.001;
  MaskBand best = level(full);
  for (int i = 0; i < GDALGetOverviewCount(full); ++i) {
    const MaskBand next = level(GDALGetOverview(full, i));
    const bool fine = next.shrink_x <= cell_x * kSlack && next.shrink_y <= cell_y * kSlack;
    if (fine && next.width < best.width) best = next;
  }
  return best;
}

// Grows ones by `reach` cells along each axis, one axis after the other.
void dilate(std::vector<std::uint8_t>& cells, std::int64_t height, std::int64_t width,
            std::int64_t reach) {
  const auto grow = [&](std::int64_t lines, std::int64_t length, std::int64_t line_step,
                        std::int64_t step) {
    std::vector<std::uint8_t> line(static_cast<std::size_t>(length));
    for (std::int64_t l = 0; l < lines; ++l) {
      std::fill(line.begin(), line.end(), std::uint8_t{0});
      for (std::int64_t i = 0; i < length; ++i) {
        if (!cells[static_cast<std::size_t>(l * line_step + i * step)]) continue;
        const auto first = static_cast<std::size_t>(std::max<std::int64_t>(0, i - reach));
        const auto last = static_cast<std::size_t>(std::min(length, i + reach + 1));
        std::fill(line.begin() + static_cast<std::ptrdiff_t>(first),
                  line.begin() + static_cast<std::ptrdiff_t>(last), std::uint8_t{1});
      }
      for (std::int64_t i = 0; i < length; ++i) {
        cells[static_cast<std::size_t>(l * line_step + i * step)] =
            line[static_cast<std::size_t>(i)];
      }
    }
  };
  grow(height, width, width, 1);
  grow(width, height, 1, width);
}

// One layer over a window.
class Hider {
 public:
  // Adds to `hidden`, which holds the cells of `rows` and `columns`. `test(cells, out)` says which
  // cells of the mask band hide.
  template <class Test>
  Hider(std::vector<std::uint8_t>& hidden, const Range& rows, const Range& columns,
        const Transform& to_mask, const MaskBand& mask, const NativeMask::Layer& layer, Test test)
      : out_(hidden),
        rows_(rows),
        columns_(columns),
        to_mask_(to_mask),
        mask_(mask),
        layer_(layer) {
    const double shrink = std::max(1.0, std::min(mask.shrink_x, mask.shrink_y));
    reach_ = static_cast<std::int64_t>(std::ceil(static_cast<double>(layer.rule.dilate) / shrink));
    run(rows, test);
  }

 private:
  // Halves the rows until the part of the mask band under them is small enough.
  template <class Test>
  void run(const Range& rows, Test test) {
    under(rows);
    const bool large = mask_rows_.size() * mask_columns_.size() > kMaxCells;
    if (large && rows.size() > 1) {
      const std::int64_t half = rows.begin + rows.size() / 2;
      run({rows.begin, half}, test);
      run({half, rows.end}, test);
      return;
    }
    read_mask(test);
    const bool straight = to_mask_[2] == 0 && to_mask_[4] == 0;
    straight ? apply_straight(rows) : apply(rows);
  }

  double mask_x(std::int64_t row, std::int64_t column) const {
    return to_mask_[0] + to_mask_[1] * (static_cast<double>(column) + 0.5) +
           to_mask_[2] * (static_cast<double>(row) + 0.5);
  }
  double mask_y(std::int64_t row, std::int64_t column) const {
    return to_mask_[3] + to_mask_[4] * (static_cast<double>(column) + 0.5) +
           to_mask_[5] * (static_cast<double>(row) + 0.5);
  }

  // The mask's cells under some rows of the window, with the reach of the dilation.
  void under(const Range& rows) {
    constexpr double kFar = std::numeric_limits<double>::infinity();
    double left = kFar, right = -kFar, top = kFar, bottom = -kFar;
    for (const std::int64_t row : {rows.begin, rows.end - 1}) {
      for (const std::int64_t column : {columns_.begin, columns_.end - 1}) {
        const double x = mask_x(row, column);
        const double y = mask_y(row, column);
        left = std::min(left, x);
        right = std::max(right, x);
        top = std::min(top, y);
        bottom = std::max(bottom, y);
      }
    }
    const auto range = [&](double low, double high, std::int64_t size) {
      const auto limit = static_cast<double>(size);
      const auto first = static_cast<std::int64_t>(std::floor(std::clamp(low, -limit, limit)));
      const auto last = static_cast<std::int64_t>(std::floor(std::clamp(high, -limit, limit)));
      return Range{first - reach_, last + 2 + reach_};
    };
    constexpr std::int64_t kTurns = 8;  // more than longitudes go round, and no overflow
    mask_rows_ = intersect(range(top, bottom, mask_.height + reach_), Range{0, mask_.height});
    mask_columns_ = mask_.round > 0
                        ? range(left, right, kTurns * mask_.width)
                        : intersect(range(left, right, mask_.width + reach_), {0, mask_.width});
  }

  template <class Test>
  void read_mask(Test test) {
    hidden_.assign(static_cast<std::size_t>(mask_rows_.size() * mask_columns_.size()), 0);
    if (hidden_.empty()) return;
    read_window({mask_.band, layer_.band.descriptor, false, mask_.tiles, mask_.round}, mask_rows_,
                mask_columns_, layer_.band.nodata, {}, cells_);
    test(cells_, hidden_);
    if (reach_ > 0) dilate(hidden_, mask_rows_.size(), mask_columns_.size(), reach_);
  }

  std::uint8_t* row_of(std::int64_t row) {
    return out_.data() + static_cast<std::size_t>((row - rows_.begin) * columns_.size());
  }

  // Where the mask's rows and columns run along those of the window, each is placed once.
  void apply_straight(const Range& rows) {
    const auto width = static_cast<std::size_t>(columns_.size());
    places_.resize(width);
    for (std::size_t k = 0; k < width; ++k) {
      const double x = mask_x(rows.begin, columns_.begin + static_cast<std::int64_t>(k));
      const auto place = static_cast<std::int64_t>(std::floor(x + kTie));
      places_[k] = mask_columns_.contains(place) ? place - mask_columns_.begin : -1;
    }
    const auto outside = static_cast<std::uint8_t>(layer_.rule.invert);
    std::int64_t line_row = -1;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const auto my = static_cast<std::int64_t>(std::floor(mask_y(row, columns_.begin) + kTie));
      if (!mask_rows_.contains(my)) {
        line_.assign(width, outside);
        line_row = -1;
      } else if (my != line_row) {
        line_.resize(width);
        const std::uint8_t* from = hidden_.data() + (my - mask_rows_.begin) * mask_columns_.size();
        for (std::size_t k = 0; k < width; ++k) {
          line_[k] = places_[k] < 0 ? outside : from[places_[k]];
        }
        line_row = my;
      }
      std::uint8_t* to = row_of(row);
      for (std::size_t k = 0; k < width; ++k) to[k] |= line_[k];
    }
  }

  void apply(const Range& rows) {
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      std::uint8_t* to = row_of(row);
      for (std::int64_t column = columns_.begin; column < columns_.end; ++column, ++to) {
        const auto mx = static_cast<std::int64_t>(std::floor(mask_x(row, column) + kTie));
        const auto my = static_cast<std::int64_t>(std::floor(mask_y(row, column) + kTie));
        if (!mask_columns_.contains(mx) || !mask_rows_.contains(my)) {
          *to |= static_cast<std::uint8_t>(layer_.rule.invert);
          continue;
        }
        *to |= hidden_[static_cast<std::size_t>((my - mask_rows_.begin) * mask_columns_.size() +
                                                mx - mask_columns_.begin)];
      }
    }
  }

  std::vector<std::uint8_t>& out_;
  Range rows_;  // of the window
  Range columns_;
  const Transform& to_mask_;
  const MaskBand& mask_;
  const NativeMask::Layer& layer_;
  std::int64_t reach_ = 0;
  Range mask_rows_;  // what is read of the mask
  Range mask_columns_;
  SourceWindow cells_;
  std::vector<std::uint8_t> hidden_;  // of the mask's cells
  std::vector<std::int64_t> places_;  // the mask's column of each column of the window, -1 = none
  std::vector<std::uint8_t> line_;    // hidden cells of a row of the window
};

}  // namespace

// A rule over cells of any type. What values of up to 16 bits say is looked up in a table that
// fills as they come.
class NativeMasker::ValueTest {
 public:
  explicit ValueTest(const MaskRule& rule) : rule_(rule), test_(rule) {}

  const MaskRule& rule() const { return rule_; }

  void run(const SourceWindow& window, std::vector<std::uint8_t>& out) {
    dispatch(window.dtype, [&]<class T>(std::type_identity<T>) {
      if constexpr (sizeof(T) <= 2) {
        look_up<T>(window, out);
      } else {
        to_doubles(window, values_);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = test_.hides(values_[i]);
      }
    });
  }

 private:
  static constexpr std::uint8_t kUnknown = 2;

  template <class T>
  void look_up(const SourceWindow& window, std::vector<std::uint8_t>& out) {
    using Index = std::make_unsigned_t<T>;
    if (table_.empty() || dtype_ != window.dtype || nodata_ != window.nodata) {
      table_.assign(std::size_t{1} << (8 * sizeof(T)), kUnknown);
      dtype_ = window.dtype;
      nodata_ = window.nodata;
      if (nodata_) table_[static_cast<Index>(static_cast<T>(*nodata_))] = rule_.invert;
    }
    const T* cells = window.as<T>();
    for (std::size_t i = 0; i < out.size(); ++i) {
      std::uint8_t& known = table_[static_cast<Index>(cells[i])];
      if (known == kUnknown) known = test_.hides(static_cast<double>(cells[i]));
      out[i] = known;
    }
    for (std::size_t i = 0; i < window.hidden.size(); ++i) {
      if (window.hidden[i]) out[i] = rule_.invert;
    }
  }

  MaskRule rule_;
  MaskTest test_;
  DType dtype_ = DType::kUInt8;
  std::optional<double> nodata_;
  std::vector<std::uint8_t> table_;
  std::vector<double> values_;
};

NativeMasker::NativeMasker(DatasetPool& pool) : pool_(pool) {}

NativeMasker::~NativeMasker() = default;

const HiddenCells& NativeMasker::hidden(const RasterBand& source, const MaskedWindow& window,
                                        const NativeMask& mask) {
  const OpenImage& image = pool_.open(source);
  Key key{window.rows, window.columns, geotransform(image), image.crs(), mask.layers};
  for (const std::size_t i : {1U, 4U}) key.transform[i] *= window.scale_x;
  for (const std::size_t i : {2U, 5U}) key.transform[i] *= window.scale_y;
  if (const HiddenCells* known = kept_.find(key)) return *known;
  HiddenCells found = find_all(key, window);
  const std::size_t bytes = found.cells.size();
  return kept_.put(std::move(key), std::move(found), bytes);
}

HiddenCells NativeMasker::find_all(Key& key, const MaskedWindow& window) {
  HiddenCells found;
  if (window.round == 0) {
    find(key, found.cells);
  } else {
    // Cells are looked up where they are stored, so that the same one is hidden everywhere.
    const auto width = static_cast<std::size_t>(window.columns.size());
    found.cells.resize(static_cast<std::size_t>(window.rows.size()) * width);
    std::vector<std::uint8_t> run;
    for_runs(window.columns, window.width, window.round, [&](const Range& stored, std::int64_t at) {
      key.columns = stored;
      find(key, run);
      const auto length = static_cast<std::ptrdiff_t>(stored.size());
      auto to = found.cells.begin() + at;
      for (auto from = run.begin(); from < run.end(); from += length) {
        std::copy_n(from, length, to);
        if (from + length < run.end()) to += static_cast<std::ptrdiff_t>(width);
      }
    });
    key.columns = window.columns;
  }
  found.all = std::ranges::find(found.cells, std::uint8_t{0}) == found.cells.end();
  if (found.all || std::ranges::find(found.cells, std::uint8_t{1}) == found.cells.end()) {
    found.cells = {};
  }
  return found;
}

void NativeMasker::find(const Key& key, std::vector<std::uint8_t>& hidden) {
  hidden.assign(static_cast<std::size_t>(key.rows.size() * key.columns.size()), 0);
  for (const NativeMask::Layer& layer : key.layers) {
    OpenImage& mask = pool_.open(layer.band);
    if (!same_crs(key.crs, mask.crs())) {
      throw Error(ErrorCode::kUnreadable,
                  "is in another CRS than the image it masks: " + mask.crs() + " and " + key.crs,
                  layer.band.descriptor);
    }
    Transform to_mask = between(key.transform, geotransform(mask));
    MaskBand level = choose_level(mask.band(layer.band.band), std::hypot(to_mask[1], to_mask[4]),
                                  std::hypot(to_mask[2], to_mask[5]));
    level.tiles = mask.tiles(level.band);
    level.round = columns_at(mask.round(), level.shrink_x);
    for (std::size_t i = 0; i < 3; ++i) {
      to_mask[i] /= level.shrink_x;
      to_mask[i + 3] /= level.shrink_y;
    }
    ValueTest& test = test_of(layer.rule);
    Hider(hidden, key.rows, key.columns, to_mask, level, layer,
          [&](const SourceWindow& cells, std::vector<std::uint8_t>& out) { test.run(cells, out); });
  }
}

NativeMasker::ValueTest& NativeMasker::test_of(const MaskRule& rule) {
  for (const auto& test : tests_) {
    if (test->rule() == rule) return *test;
  }
  constexpr std::size_t kMostTests = 8;
  if (tests_.size() == kMostTests) tests_.erase(tests_.begin());
  return *tests_.emplace_back(std::make_unique<ValueTest>(rule));
}

}  // namespace cube
