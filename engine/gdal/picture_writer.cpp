#include "engine/gdal/picture_writer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "engine/bitmap_font.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kDefaultSize = 1024;  // pixels, the longer side
constexpr std::int64_t kPixelsAScale = 300;  // of the shorter side, for a pixel of the font
constexpr double kMostPercent = 100;

constexpr const char* kSpool = ".samples";  // behind the name of the file

bool is_yes(const OutputOptions& options, const std::string& name, bool otherwise) {
  const std::string value = lower(option(options, name, otherwise ? "yes" : "no"));
  return value == "yes" || value == "true" || value == "on";
}

std::uint8_t to_byte(double position) {
  constexpr double kMost = 255;
  return static_cast<std::uint8_t>(std::lround(std::clamp(position * kMost, 0.0, kMost)));
}

}  // namespace

PictureWriter::PictureWriter(const FilePart& part, const OutputOptions& options,
                             const Format& format)
    : part_(part), format_(format) {
  choose_bands(options);
  choose_slices(options);
  choose_colours(options);
  choose_stretch(options);
  choose_size(options);
  choose_texts(options);
}

void PictureWriter::choose_bands(const OutputOptions& options) {
  const CubeInfo& info = part_.info;
  const std::string one = option(options, "BAND", "");
  const std::string three = option(options, "BANDS", "");
  if (!one.empty() && !three.empty()) {
    throw Error(ErrorCode::kInvalid, "options BAND and BANDS exclude each other", part_.file);
  }
  if (!one.empty()) {
    channels_ = {info.band(one, part_.file)};
  } else if (three.empty()) {
    channels_ =
        info.bands.size() < 3 ? std::vector<std::size_t>{0} : std::vector<std::size_t>{0, 1, 2};
  } else {
    for (const std::string& name : split(three, ',')) {
      channels_.push_back(info.band(name, part_.file));
    }
    if (channels_.size() == 3) return;
    throw Error(ErrorCode::kInvalid, "option BANDS names " + counted(channels_.size(), "band"),
                part_.file, "three, e.g. BANDS=red,green,blue");
  }
}

void PictureWriter::choose_slices(const OutputOptions& options) {
  const TimeAxis& time = part_.info.time;
  slices_ = {0, format_.animated ? time.size() : 1};
  const std::string wanted = option(options, "T", "");
  if (wanted.empty()) return;
  for (std::int64_t i = 0; i < time.size(); ++i) {
    if (time.label(i) != wanted) continue;
    slices_ = {i, i + 1};
    return;
  }
  const auto index = parse_number(wanted);
  if (!index || *index < 0 || *index >= static_cast<double>(time.size()) ||
      *index != std::floor(*index)) {
    throw Error(ErrorCode::kInvalid, "there is no slice '" + wanted + "'", part_.file,
                time.label(0) + " to " + time.label(time.size() - 1) + ", or an index from 0");
  }
  const auto slice = static_cast<std::int64_t>(*index);
  slices_ = {slice, slice + 1};
}

void PictureWriter::choose_colours(const OutputOptions& options) {
  const std::string classes = option(options, "CLASSES", "");
  map_ = ColourMap::ramp(option(options, "RAMP", ramp_names().front()));
  if (classes.empty()) {
    const BandClasses& own = part_.info.bands[channels_.front()].classes;
    const std::vector<const char*> asks_for_ramp = {"RAMP", "MIN", "MAX", "PERCENTILES", "STRETCH"};
    const bool ramp = std::ranges::any_of(asks_for_ramp,
                                          [&](const char* name) { return options.contains(name); });
    if (channels_.size() > 1 || ramp || !have_colours(own)) return;
    map_ = ColourMap::classes(own);
    for (const BandClass& one : own) {
      const Rgb* colour = map_.of_class(one.value);
      if (colour)
        classes_.push_back({one.name.empty() ? number_text(one.value) : one.name, *colour});
    }
    return;
  }
  if (options.contains("RAMP")) {
    throw Error(ErrorCode::kInvalid, "options RAMP and CLASSES exclude each other", part_.file);
  }
  if (channels_.size() == 3) {
    throw Error(ErrorCode::kInvalid, "option CLASSES colours one band, and three are shown",
                part_.file, "BAND=NAME chooses one");
  }
  map_ = ColourMap::classes(classes, part_.file);
}

void PictureWriter::choose_stretch(const OutputOptions& options) {
  rule_.min = parse_number(option(options, "MIN", ""));
  rule_.max = parse_number(option(options, "MAX", ""));
  if (rule_.min && rule_.max && *rule_.min >= *rule_.max) {
    throw Error(ErrorCode::kInvalid, "option MIN must be below MAX", part_.file);
  }
  by_slice_ = lower(option(options, "STRETCH", "all")) == "slice";
  const std::string percentiles = option(options, "PERCENTILES", "");
  if (percentiles.empty()) return;
  const std::vector<std::string> parts = split(percentiles, ',');
  const auto low = parse_number(parts.front());
  const auto high = parse_number(parts.back());
  if (parts.size() != 2 || !low || !high || *low < 0 || *high > kMostPercent || *low >= *high) {
    throw Error(ErrorCode::kInvalid, "option PERCENTILES cannot be '" + percentiles + "'",
                part_.file, "two rising numbers from 0 to 100: PERCENTILES=2,98");
  }
  rule_.low_percentile = *low;
  rule_.high_percentile = *high;
}

void PictureWriter::choose_size(const OutputOptions& options) {
  const auto size = parse_number(option(options, "SIZE", ""));
  const std::int64_t longest = size ? static_cast<std::int64_t>(*size) : kDefaultSize;
  const Grid& grid = part_.info.grid;
  const std::int64_t cells = std::max(grid.width, grid.height);
  factor_ = (cells + longest - 1) / longest;
  if (size) enlarge_ = std::max<std::int64_t>(1, longest / cells);
  width_ = (grid.width + factor_ - 1) / factor_;
  height_ = (grid.height + factor_ - 1) / factor_;
}

void PictureWriter::choose_texts(const OutputOptions& options) {
  legend_ = is_yes(options, "LEGEND", false);
  if (legend_ && (channels_.size() == 3 || (map_.has_classes() && classes_.empty()))) {
    throw Error(ErrorCode::kInvalid,
                "option LEGEND draws the ramp of one band, and the picture has none", part_.file,
                "BAND=NAME chooses a band");
  }
  if (legend_) check_fits("LEGEND", classes_.empty() ? largest_legend() : legend_size(classes_, 1));
  label_ = is_yes(options, "LABEL", format_.animated);
  const PixelSize box = text_size(label(frames() - 1), 1);
  if (label_ && options.contains("LABEL")) check_fits("LABEL", box);
  label_ = label_ && box.width <= width() && box.height <= height();
}

void PictureWriter::check_fits(const std::string& name, const PixelSize& box) const {
  if (box.width <= width() && box.height <= height()) return;
  const auto text = [](std::int64_t w, std::int64_t h) {
    return std::to_string(w) + " x " + std::to_string(h);
  };
  throw Error(ErrorCode::kInvalid,
              "option " + name + " needs " + text(box.width, box.height) +
                  " pixels, and the picture has " + text(width(), height()),
              part_.file, "SIZE=" + std::to_string(kDefaultSize) + " enlarges it");
}

void PictureWriter::begin(const std::string& path, const ChunkShape&,
                          const Provenance& provenance) {
  start_from(path, provenance);
  CellSpool spool;
  open_spool(spool, CellSpool::Mode::kNew);
}

void PictureWriter::resume(const std::string& path, const ChunkShape&, const Provenance& provenance,
                           const std::vector<WrittenPiece>&) {
  start_from(path, provenance);
  read_samples();
}

bool PictureWriter::holds(const std::string& path, const ChunkShape&, const WrittenPiece&) const {
  std::error_code error;
  return std::filesystem::exists(path + kSpool, error);
}

void PictureWriter::adopt(const std::string& path, const std::vector<WrittenPiece>&) {
  {
    CellSpool spool;
    open_spool(spool, CellSpool::Mode::kExisting);
    spool.add(path + kSpool);
  }
  read_samples();
}

void PictureWriter::read_samples() {
  CellSpool spool;
  open_spool(spool, CellSpool::Mode::kExisting);
  for (std::vector<float>& plane : samples_) {
    for (float& value : plane) value = static_cast<float>(spool.next(1)[0]);
  }
}

void PictureWriter::start_from(const std::string& path, const Provenance& provenance) {
  path_ = path;
  provenance_ = provenance;
  samples_.assign(static_cast<std::size_t>(frames()) * channels_.size(),
                  std::vector<float>(static_cast<std::size_t>(width_ * height_),
                                     std::numeric_limits<float>::quiet_NaN()));
}

void PictureWriter::open_spool(CellSpool& spool, CellSpool::Mode mode) const {
  const auto planes = static_cast<std::int64_t>(samples_.size());
  spool.open(path_ + kSpool, part_.file, planes * width_ * height_, mode);
}

void PictureWriter::forget() {
  std::error_code ignored;
  std::filesystem::remove(path_ + kSpool, ignored);
}

const std::vector<float>& PictureWriter::samples(std::int64_t frame, std::size_t channel) const {
  return samples_[static_cast<std::size_t>(frame) * channels_.size() + channel];
}

std::vector<float>& PictureWriter::samples(std::int64_t frame, std::size_t channel) {
  return samples_[static_cast<std::size_t>(frame) * channels_.size() + channel];
}

// No lock: a sample belongs to one cell, hence to one piece.
void PictureWriter::write(const Piece& piece, TileLog&) {
  const Range shown = intersect(piece.region.t, slices_);
  if (shown.empty()) return;
  CellSpool spool;  // opened for each piece: a picture a slice holds no file open
  open_spool(spool, CellSpool::Mode::kExisting);
  for (std::int64_t t = shown.begin; t < shown.end; ++t) {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      if (piece.bands[channels_[c]].empty()) continue;
      sample(piece, c, t);
      put(piece, c, t, spool);
    }
  }
}

// The cell that stands for sample i of an axis with n cells.
std::int64_t PictureWriter::cell(std::int64_t i, std::int64_t n) const {
  return std::min(i * factor_ + factor_ / 2, n - 1);
}

void PictureWriter::sample(const Piece& piece, std::size_t channel, std::int64_t slice) {
  const Region& region = piece.region;
  const Grid& grid = part_.info.grid;
  const Storage storage = part_.info.bands[channels_[channel]].storage();
  std::vector<float>& out = samples(slice - slices_.begin, channel);
  const std::int64_t slice_rows = (slice - region.t.begin) * region.y.size();
  dispatch(storage.dtype, [&]<class T>(std::type_identity<T>) {
    const auto* cells = reinterpret_cast<const T*>(piece.bands[channels_[channel]].data());
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

// The samples whose cells lie in a range.
Range PictureWriter::samples_in(const Range& cells, std::int64_t samples, std::int64_t size) const {
  Range in{cells.begin / factor_, 0};
  while (in.begin < samples && cell(in.begin, size) < cells.begin) ++in.begin;
  in.end = in.begin;
  while (in.end < samples && cell(in.end, size) < cells.end) ++in.end;
  return in;
}

// Puts the samples of a piece into the file.
void PictureWriter::put(const Piece& piece, std::size_t channel, std::int64_t slice,
                        const CellSpool& spool) const {
  const Range rows = samples_in(piece.region.y, height_, part_.info.grid.height);
  const Range columns = samples_in(piece.region.x, width_, part_.info.grid.width);
  if (columns.empty()) return;
  const std::int64_t frame = slice - slices_.begin;
  const std::vector<float>& all = samples(frame, channel);
  const auto plane =
      frame * static_cast<std::int64_t>(channels_.size()) + static_cast<std::int64_t>(channel);
  std::vector<double> row;
  for (std::int64_t j = rows.begin; j < rows.end; ++j) {
    const auto first = all.begin() + j * width_;
    row.assign(first + columns.begin, first + columns.end);
    spool.put((plane * height_ + j) * width_ + columns.begin, row);
  }
}

void PictureWriter::stretch_all() {
  stretches_.clear();
  if (map_.has_classes()) return;
  const std::int64_t groups = by_slice_ ? frames() : 1;
  const std::int64_t each = frames() / groups;
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      std::vector<std::span<const float>> runs;
      for (std::int64_t i = 0; i < each; ++i) runs.emplace_back(samples(group * each + i, c));
      stretches_.push_back(find_stretch(runs, rule_));
    }
  }
}

Stretch PictureWriter::stretch_of(std::int64_t frame, std::size_t channel) const {
  const auto first = by_slice_ ? static_cast<std::size_t>(frame) * channels_.size() : 0;
  return stretches_[first + channel];
}

void PictureWriter::paint(Picture& picture, std::int64_t frame) const {
  const auto pixel_of = [&](std::size_t i) -> std::optional<Rgb> {
    Rgb colour{};
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      const double value = samples(frame, c)[i];
      if (std::isnan(value)) return std::nullopt;
      if (map_.has_classes()) {
        const Rgb* known = map_.of_class(value);
        return known ? std::optional(*known) : std::nullopt;
      }
      const double position = stretch_of(frame, c).position(value);
      if (channels_.size() == 1) return map_.at(position, format_.ramp_levels);
      colour[c] = to_byte(position);
    }
    return colour;
  };
  for (std::int64_t y = 0; y < height_; ++y) {
    for (std::int64_t x = 0; x < width_; ++x) {
      const auto colour = pixel_of(static_cast<std::size_t>(y * width_ + x));
      if (!colour) continue;
      picture.fill(x * enlarge_, y * enlarge_, enlarge_, enlarge_, *colour);
    }
  }
}

Picture PictureWriter::render(std::int64_t frame) const {
  Picture picture(width(), height());
  paint(picture, frame);
  const std::int64_t wanted =
      std::max<std::int64_t>(1, std::min(width(), height()) / kPixelsAScale);
  if (label_) {
    std::int64_t scale = wanted;
    while (scale > 1 && text_size(label(frame), scale).width > width()) --scale;
    draw_text(picture, 0, 0, label(frame), scale);
  }
  if (legend_ && !classes_.empty()) {
    std::int64_t scale = wanted;
    const auto fits = [&](const PixelSize& size) {
      return size.width <= width() && size.height <= height();
    };
    while (scale > 1 && !fits(legend_size(classes_, scale))) --scale;
    draw_legend(picture, classes_, scale);
  } else if (legend_) {
    const Stretch stretch = stretch_of(frame, 0);
    std::int64_t scale = wanted;
    while (scale > 1 && legend_size(stretch, scale).width > width()) --scale;
    draw_legend(picture, map_, stretch, scale, format_.ramp_levels);
  }
  return picture;
}

void PictureWriter::finish() {
  stretch_all();
  reserve_anew(path_, false, part_.file);  // GDAL would look into half a picture
  encode();
  samples_.clear();
  samples_.shrink_to_fit();
}

std::int64_t PictureWriter::resident_bytes() const {
  constexpr std::int64_t kPixel = 4;
  const auto planes = frames() * static_cast<std::int64_t>(channels_.size());
  return CellSpool::most_bytes() +
         width_ * height_ * planes * static_cast<std::int64_t>(sizeof(float)) +
         width() * height() * kPixel + kStretchBytes + encoder_bytes();
}

std::string picture_options(int most) {
  std::string ramps;
  for (const std::string& name : ramp_names()) ramps += "<Value>" + name + "</Value>";
  return "<Option name='BAND' type='string'/><Option name='BANDS' type='string'/>"
         "<Option name='MIN' type='float'/><Option name='MAX' type='float'/>"
         "<Option name='PERCENTILES' type='string'/>"
         "<Option name='STRETCH' type='string-select'><Value>all</Value><Value>slice</Value>"
         "</Option><Option name='RAMP' type='string-select'>" +
         ramps +
         "</Option><Option name='CLASSES' type='string'/>"
         "<Option name='SIZE' type='int' min='1' max='" +
         std::to_string(most) +
         "'/><Option name='T' type='string'/>"
         "<Option name='LABEL' type='boolean'/><Option name='LEGEND' type='boolean'/>";
}

std::string animation_options() {
  return "<Option name='FPS' type='float' min='0.1' max='50'/>"
         "<Option name='LOOP' type='int' min='0' max='65535'/>";
}

}  // namespace cube
