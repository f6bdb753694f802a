// PNG quick look: one slice, one band in a colour ramp or three bands as red, green and blue,
// stretched between their 2nd and 98th percentile, missing cells transparent.
//
// Large rasters are shrunk by a whole factor; the cell in the middle of each group stands for it,
// so that the picture does not depend on the order in which chunks come.
#include <cpl_string.h>
#include <gdal_priv.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/gdal/handles.h"
#include "engine/gdal/output_file.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr double kLowPercentile = 0.02;
constexpr double kHighPercentile = 0.98;
constexpr std::int64_t kDefaultSize = 1024;  // pixels, the longer side

using Colour = std::array<double, 3>;

// Evenly spaced colours, linear between them.
const std::vector<Colour>& ramp_of(const std::string& name) {
  static const std::vector<Colour> kViridis = {{68, 1, 84},    {72, 40, 120},  {62, 74, 137},
                                               {49, 104, 142}, {38, 130, 142}, {31, 158, 137},
                                               {53, 183, 121}, {109, 205, 89}, {253, 231, 37}};
  static const std::vector<Colour> kGray = {{0, 0, 0}, {255, 255, 255}};
  static const std::vector<Colour> kNdvi = {{120, 69, 25},   {178, 140, 80}, {236, 220, 170},
                                            {190, 210, 110}, {120, 175, 65}, {45, 125, 40},
                                            {5, 70, 20}};
  const std::string key = lower(name);
  return key == "gray" ? kGray : key == "ndvi" ? kNdvi : kViridis;
}

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

// `position` from 0 to 1.
std::array<std::uint8_t, 3> colour_at(const std::vector<Colour>& ramp, double position) {
  const double scaled = std::clamp(position, 0.0, 1.0) * static_cast<double>(ramp.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(scaled), ramp.size() - 2);
  const double part = scaled - static_cast<double>(low);
  std::array<std::uint8_t, 3> out{};
  for (std::size_t i = 0; i < 3; ++i) {
    out[i] = to_byte(ramp[low][i] + part * (ramp[low + 1][i] - ramp[low][i]));
  }
  return out;
}

class PngWriter final : public FileWriter {
 public:
  PngWriter(const FilePart& part, const OutputOptions& options)
      : part_(part),
        channels_(choose_bands(options)),
        slice_(choose_slice(options)),
        ramp_(ramp_of(option(options, "RAMP", "viridis"))),
        min_(parse_number(option(options, "MIN", ""))),
        max_(parse_number(option(options, "MAX", ""))),
        zlevel_(option(options, "ZLEVEL", "6")) {
    if (min_ && max_ && *min_ >= *max_) {
      throw Error(ErrorCode::kInvalid, "option MIN must be below MAX", part.file);
    }
    const auto size = parse_number(option(options, "SIZE", ""));
    const std::int64_t longest = size ? static_cast<std::int64_t>(*size) : kDefaultSize;
    const Grid& grid = part.info.grid;
    factor_ = (std::max(grid.width, grid.height) + longest - 1) / longest;
    width_ = (grid.width + factor_ - 1) / factor_;
    height_ = (grid.height + factor_ - 1) / factor_;
  }

  void begin(const std::string& path, const ChunkShape&, const Provenance& provenance) override {
    path_ = path;
    provenance_ = provenance;
    const auto pixels = static_cast<std::size_t>(width_ * height_);
    samples_.assign(channels_.size(),
                    std::vector<float>(pixels, std::numeric_limits<float>::quiet_NaN()));
  }

  // No lock: a pixel belongs to one cell, hence to one piece.
  void write(const Piece& piece) override {
    if (!piece.region.t.contains(slice_)) return;
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      if (!piece.bands[channels_[c]].empty()) sample(piece, channels_[c], samples_[c]);
    }
  }

  void finish() override {
    const std::vector<std::uint8_t> pixels = render();
    encode(pixels);
    samples_.clear();
    samples_.shrink_to_fit();
  }

  // The samples, a sorted copy of one band, and the picture.
  std::int64_t resident_bytes() const override {
    const auto channels = static_cast<std::int64_t>(channels_.size());
    return width_ * height_ * (static_cast<std::int64_t>(sizeof(float)) * (channels + 1) + 4);
  }

 private:
  std::vector<std::size_t> choose_bands(const OutputOptions& options) const {
    const CubeInfo& info = part_.info;
    const std::string one = option(options, "BAND", "");
    const std::string three = option(options, "BANDS", "");
    if (!one.empty() && !three.empty()) {
      throw Error(ErrorCode::kInvalid, "options BAND and BANDS exclude each other", part_.file);
    }
    if (!one.empty()) return {info.band(one, part_.file)};
    if (three.empty()) {
      return info.bands.size() < 3 ? std::vector<std::size_t>{0}
                                   : std::vector<std::size_t>{0, 1, 2};
    }
    std::vector<std::size_t> bands;
    for (const std::string& name : split(three, ',')) bands.push_back(info.band(name, part_.file));
    if (bands.size() == 3) return bands;
    throw Error(ErrorCode::kInvalid, "option BANDS names " + counted(bands.size(), "band"),
                part_.file, "three, e.g. BANDS=red,green,blue");
  }

  std::int64_t choose_slice(const OutputOptions& options) const {
    const std::string wanted = option(options, "T", "");
    if (wanted.empty()) return 0;
    const TimeAxis& time = part_.info.time;
    std::vector<std::string> labels;
    for (std::int64_t i = 0; i < time.size(); ++i) {
      labels.push_back(time.label(i));
      if (labels.back() == wanted) return i;
    }
    const auto index = parse_number(wanted);
    if (index && *index >= 0 && *index < static_cast<double>(time.size()) &&
        *index == std::floor(*index)) {
      return static_cast<std::int64_t>(*index);
    }
    throw Error(ErrorCode::kInvalid, "there is no slice '" + wanted + "'", part_.file,
                labels.front() + " to " + labels.back() + ", or an index from 0");
  }

  // The cell that stands for output pixel i of an axis with n cells.
  std::int64_t cell(std::int64_t i, std::int64_t n) const {
    return std::min(i * factor_ + factor_ / 2, n - 1);
  }

  void sample(const Piece& piece, std::size_t band, std::vector<float>& out) const {
    const Region& region = piece.region;
    const Grid& grid = part_.info.grid;
    const Storage storage = part_.info.bands[band].storage();
    const std::int64_t slice_rows = (slice_ - region.t.begin) * region.y.size();
    dispatch(storage.dtype, [&]<class T>(std::type_identity<T>) {
      const auto* cells = reinterpret_cast<const T*>(piece.bands[band].data());
      for (std::int64_t j = region.y.begin / factor_; j < height_; ++j) {
        const std::int64_t y = cell(j, grid.height);
        if (y >= region.y.end) break;
        if (y < region.y.begin) continue;
        const T* row = cells + (slice_rows + y - region.y.begin) * region.x.size();
        for (std::int64_t i = region.x.begin / factor_; i < width_; ++i) {
          const std::int64_t x = cell(i, grid.width);
          if (x >= region.x.end) break;
          if (x < region.x.begin) continue;
          const auto value = static_cast<double>(row[x - region.x.begin]);
          if (storage.nodata && value == *storage.nodata) continue;
          out[static_cast<std::size_t>(j * width_ + i)] = static_cast<float>(value);
        }
      }
    });
  }

  // Values that become the darkest and the brightest.
  std::pair<double, double> stretch(const std::vector<float>& samples) const {
    std::vector<float> valid;
    valid.reserve(samples.size());
    std::copy_if(samples.begin(), samples.end(), std::back_inserter(valid),
                 [](float value) { return std::isfinite(value); });
    if (valid.empty()) return {min_.value_or(0), max_.value_or(1)};
    const auto percentile = [&](double p) {
      const auto rank = static_cast<std::ptrdiff_t>(p * static_cast<double>(valid.size() - 1));
      std::nth_element(valid.begin(), valid.begin() + rank, valid.end());
      return static_cast<double>(valid[static_cast<std::size_t>(rank)]);
    };
    const double low = min_ ? *min_ : percentile(kLowPercentile);
    const double high = max_ ? *max_ : percentile(kHighPercentile);
    if (high > low) return {low, high};
    return {low - 0.5, low + 0.5};  // one value only: the middle of the ramp
  }

  // Red, green, blue and alpha planes.
  std::vector<std::uint8_t> render() const {
    const auto pixels = static_cast<std::size_t>(width_ * height_);
    std::vector<std::uint8_t> out(4 * pixels, 0);
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(3 * pixels), out.end(), std::uint8_t{255});
    for (std::size_t c = 0; c < samples_.size(); ++c) {
      const auto [low, high] = stretch(samples_[c]);
      for (std::size_t i = 0; i < pixels; ++i) {
        const double value = samples_[c][i];
        if (std::isnan(value)) {
          out[3 * pixels + i] = 0;
          continue;
        }
        const double position = (value - low) / (high - low);
        if (samples_.size() == 3) {
          out[c * pixels + i] = to_byte(position * 255);
          continue;
        }
        const auto colour = colour_at(ramp_, position);
        for (std::size_t k = 0; k < 3; ++k) out[k * pixels + i] = colour[k];
      }
    }
    return out;
  }

  void encode(const std::vector<std::uint8_t>& pixels) const {
    const GdalErrors errors;
    const auto width = static_cast<int>(width_);
    const auto height = static_cast<int>(height_);
    GDALDriverManager& drivers = *GetGDALDriverManager();
    const GDALDatasetUniquePtr memory(
        drivers.GetDriverByName("MEM")->Create("", width, height, 4, GDT_Byte, nullptr));
    if (!memory ||
        memory->RasterIO(GF_Write, 0, 0, width, height, const_cast<std::uint8_t*>(pixels.data()),
                         width, height, GDT_Byte, 4, nullptr, 0, 0, 0, nullptr) != CE_None) {
      throw unwritable(part_.file, errors.first());
    }
    const std::string sources = join(provenance_.sources, "\n");
    CPLStringList options;
    options.SetNameValue("ZLEVEL", zlevel_.c_str());
    options.SetNameValue("TITLE", part_.info.time.label(slice_).c_str());
    options.SetNameValue("COMMENT", (provenance_.graph + "\n" + sources).c_str());
    GDALDatasetUniquePtr copy(drivers.GetDriverByName("PNG")->CreateCopy(
        path_.c_str(), memory.get(), TRUE, options.List(), nullptr, nullptr));
    const bool made = copy != nullptr;
    copy.reset();
    if (!made || errors.any()) throw unwritable(part_.file, errors.first());
  }

  FilePart part_;
  std::vector<std::size_t> channels_;  // bands shown
  std::int64_t slice_;
  const std::vector<Colour>& ramp_;
  std::optional<double> min_;
  std::optional<double> max_;
  std::string zlevel_;
  std::int64_t factor_ = 1;  // cells a pixel, both ways
  std::int64_t width_ = 0;   // pixels
  std::int64_t height_ = 0;
  std::string path_;
  Provenance provenance_;
  std::vector<std::vector<float>> samples_;  // [channel][row * width_ + column], NaN = missing
};

}  // namespace

std::unique_ptr<FileWriter> make_png_writer(const FilePart& part, const OutputOptions& options) {
  return std::make_unique<PngWriter>(part, options);
}

std::string png_options() {
  return "<Options><Option name='BAND' type='string'/><Option name='BANDS' type='string'/>"
         "<Option name='MIN' type='float'/><Option name='MAX' type='float'/>"
         "<Option name='RAMP' type='string-select'><Value>viridis</Value><Value>gray</Value>"
         "<Value>ndvi</Value></Option><Option name='SIZE' type='int' min='1' max='16384'/>"
         "<Option name='T' type='string'/><Option name='ZLEVEL' type='int' min='1' max='9'/>"
         "</Options>";
}

}  // namespace cube
