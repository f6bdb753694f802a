#include "cli/catalog_text.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kShownLeftOut = 10;  // files named on standard error; the rest is counted

// "2018-01-06", with the time of day only where there is one.
std::string short_time(Instant instant) {
  const std::string text = to_text(instant);
  return text.ends_with("T00:00:00") ? text.substr(0, 10) : text;
}

std::string degrees(double value) { return number_text(std::round(value * 1e4) / 1e4); }

std::string box_text(const Box& box) {
  return degrees(box.left) + "," + degrees(box.bottom) + "," + degrees(box.right) + "," +
         degrees(box.top);
}

ordered_json box_json(const Box& box) { return {box.left, box.bottom, box.right, box.top}; }

// Characters, as far as each takes one place.
std::size_t width_of(const std::string& text) {
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return static_cast<std::size_t>(std::ranges::count_if(text, begins));
}

// Left-aligned columns, two spaces apart, at least as wide as `widths`, which grow.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows,
                 std::vector<std::size_t>& widths) {
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - width_of(row[i]) + 2, ' ');
    }
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  print_table(out, rows, widths);
}

ordered_json band_json(const BandInfo& band) {
  ordered_json out = {{"name", band.name},   {"dtype", name(band.dtype)}, {"nodata", nullptr},
                      {"scale", band.scale}, {"offset", band.offset},     {"unit", band.unit}};
  if (band.nodata) out["nodata"] = *band.nodata;
  if (band.nodata && std::isnan(*band.nodata)) out["nodata"] = "nan";
  if (!band.note.empty()) out["note"] = band.note;
  return out;
}

// "EPSG:32631 (12 images), EPSG:32632 (12 images)": what a view may be given in.
std::string crs_text(const CollectionSummary& summary) {
  std::vector<std::string> parts;
  for (const auto& [crs, count] : summary.crs) {
    parts.push_back((crs.empty() ? "not known" : crs.substr(0, crs.find('\n'))) + " (" +
                    counted(count, "image") + ")");
  }
  return join(parts);
}

// The keys of all images' metadata, each with how many images have it.
std::map<std::string, std::int64_t> counted_keys(const ImageMetadata& metadata) {
  std::map<std::string, std::int64_t> out;
  for (const auto& [image, values] : metadata) {
    for (const auto& [key, value] : values) ++out[key];
  }
  return out;
}

void print_info_json(std::ostream& out, const std::string& file, const ImageIndex& index,
                     const ImageMetadata& metadata) {
  const CollectionSummary summary = index.summary();
  ordered_json document = {{"file", file}, {"images", summary.images}, {"files", summary.files}};
  if (summary.first) document["first"] = to_text(*summary.first);
  if (summary.last) document["last"] = to_text(*summary.last);
  if (summary.extent) document["extent"] = box_json(*summary.extent);
  document["dates"] = summary.dates;
  document["bands"] = ordered_json::array();
  for (const BandInfo& band : index.bands()) document["bands"].push_back(band_json(band));
  if (const std::string note = catalog_note(file); !note.empty()) document["note"] = note;
  if (!metadata.empty()) document["metadata"] = counted_keys(metadata);
  out << document.dump(2) << '\n';
}

}  // namespace

Instant time_option(const std::string& text, const char* option, bool end) {
  const auto span = parse_time(text);
  if (!span) {
    throw Error(ErrorCode::kInvalid, "'" + text + "' is not a time", option,
                "such as 2018, 2018-07 or 2018-07-10T12:00");
  }
  return end ? span->end : span->start;
}

std::vector<Box> bbox_option(const std::vector<double>& values, const char* option) {
  if (values.empty()) return {};
  const Box box{values[0], values[1], values[2], values[3]};
  if (box.bottom > box.top) {
    throw Error(ErrorCode::kInvalid, "bottom is above top", option, "left,bottom,right,top");
  }
  if (box.left <= box.right) return {box};
  // West of it east: across the antimeridian.
  return {{box.left, box.bottom, 180, box.top}, {-180, box.bottom, box.right, box.top}};
}

void print_left_out(const IndexReport& report, const FileList& given, bool explain) {
  std::size_t shown = 0;
  std::int64_t more = 0;
  std::int64_t others = 0;
  for (const IndexReport::Left& left : report.left_out) {
    if (!explain && left.other && !given.named.contains(left.file)) {
      ++others;
    } else if (!explain && shown == kShownLeftOut) {
      ++more;
    } else {
      ++shown;
      std::cerr << (left.failed ? "failed: " : "skipped: ") << without_queries(left.file) << ": "
                << without_queries(left.reason) << '\n';
    }
  }
  if (more > 0) std::cerr << "... and " << counted(more, "file") << " more (--explain names all)\n";
  if (others > 0) {
    std::cerr << counted(others, "other file") << " skipped (--explain names "
              << (others == 1 ? "it" : "them") << ")\n";
  }
}

ImageQuery all_images() { return {Instant::min(), Instant::max(), {}, {}}; }

std::string time_span_text(const CollectionSummary& summary) {
  if (!summary.first || !summary.last) return {};
  return short_time(*summary.first) + " .. " + short_time(*summary.last);
}

void print_catalog_info(std::ostream& out, const std::string& file, const ImageIndex& index,
                        const ImageMetadata& metadata, bool json) {
  if (json) return print_info_json(out, file, index, metadata);
  const CollectionSummary summary = index.summary();
  out << file << ": image collection\n"
      << "images  " << summary.images << " (" << summary.files << " files)\n";
  if (summary.first) {
    out << "time    " << time_span_text(summary) << " (" << counted(summary.dates.size(), "date")
        << ")\n";
  }
  if (summary.extent) {
    out << "extent  " << box_text(*summary.extent) << " (left,bottom,right,top, degrees)\n";
  }
  out << "crs     " << crs_text(summary) << '\n';
  if (const std::string note = catalog_note(file); !note.empty()) out << "note    " << note << '\n';
  std::vector<std::vector<std::string>> rows = {
      {"band", "type", "nodata", "scale", "offset", "unit", ""}};
  for (const BandInfo& band : index.bands()) {
    rows.push_back({band.name, std::string(name(band.dtype)),
                    band.nodata ? number_text(*band.nodata) : "-", number_text(band.scale),
                    number_text(band.offset), band.unit.empty() ? "-" : band.unit, band.note});
  }
  for (const auto& [key, count] : counted_keys(metadata)) {
    out << "image metadata " << key << " (of " << counted(count, "image") << ")\n";
  }
  out << '\n';
  print_table(out, rows);
}

ImageList::ImageList(std::ostream& out, const ImageIndex& index, ImageMetadata metadata, bool json)
    : out_(out),
      index_(index),
      metadata_(std::move(metadata)),
      json_(json),
      rows_(1, {"time", "name", "crs", "files", "left,bottom,right,top"}) {
  for (const auto& [key, count] : counted_keys(metadata_)) keys_.push_back(key);
  rows_[0].insert(rows_[0].end(), keys_.begin(), keys_.end());
}

void ImageList::add(const Image& image) {
  constexpr std::size_t kAtATime = 1000;  // rows
  if (json_) return add_json(image);
  std::vector<std::string> boxes;
  for (const Box& box : image.footprint) boxes.push_back(box_text(box));
  rows_.push_back({short_time(image.datetime), without_queries(image.name), image.crs,
                   std::to_string(image.bands.size()), join(boxes, " and ")});
  const auto known = metadata_.find(image.name);
  for (const std::string& key : keys_) {
    const bool has = known != metadata_.end() && known->second.contains(key);
    rows_.back().push_back(has ? known->second.at(key) : "-");
  }
  if (rows_.size() >= kAtATime) flush();
}

void ImageList::add_json(const Image& image) {
  ordered_json entry = {{"name", without_queries(image.name)},
                        {"datetime", to_text(image.datetime)},
                        {"crs", image.crs},
                        {"footprint", ordered_json::array()},
                        {"bands", ordered_json::object()}};
  for (const Box& box : image.footprint) entry["footprint"].push_back(box_json(box));
  for (const ImageBand& band : image.bands) {
    entry["bands"][index_.bands()[band.band].name] = {{"file", without_queries(band.descriptor)},
                                                      {"band", band.raster_band}};
  }
  const auto known = metadata_.find(image.name);
  if (known != metadata_.end()) entry["metadata"] = known->second;
  std::istringstream lines(entry.dump(2));
  out_ << (any_ ? ",\n" : "[\n");
  any_ = true;
  bool first = true;
  for (std::string line; std::getline(lines, line); first = false) {
    out_ << (first ? "  " : "\n  ") << line;
  }
}

void ImageList::flush() {
  print_table(out_, rows_, widths_);
  rows_.clear();
}

void ImageList::finish() {
  if (!json_) return flush();
  out_ << (any_ ? "\n]\n" : "[]\n");
}

}  // namespace cube
