#include "cli/catalog_text.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>

#include "engine/text.h"

namespace cube {

namespace {

using nlohmann::ordered_json;

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

// Left-aligned columns, two spaces apart.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
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
                    std::to_string(count) + (count == 1 ? " image)" : " images)"));
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
  if (!metadata.empty()) document["metadata"] = counted_keys(metadata);
  out << document.dump(2) << '\n';
}

void print_images_json(std::ostream& out, const std::vector<Image>& images, const ImageIndex& index,
                       const ImageMetadata& metadata) {
  ordered_json document = ordered_json::array();
  for (const Image& image : images) {
    ordered_json entry = {{"name", image.name},
                          {"datetime", to_text(image.datetime)},
                          {"crs", image.crs},
                          {"footprint", ordered_json::array()},
                          {"bands", ordered_json::object()}};
    for (const Box& box : image.footprint) entry["footprint"].push_back(box_json(box));
    for (const ImageBand& band : image.bands) {
      entry["bands"][index.bands()[band.band].name] = {{"file", without_queries(band.descriptor)},
                                                       {"band", band.raster_band}};
    }
    const auto known = metadata.find(image.name);
    if (known != metadata.end()) entry["metadata"] = known->second;
    document.push_back(std::move(entry));
  }
  out << document.dump(2) << '\n';
}

}  // namespace

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
    out << "time    " << time_span_text(summary) << " (" << summary.dates.size() << " dates)\n";
  }
  if (summary.extent) {
    out << "extent  " << box_text(*summary.extent) << " (left,bottom,right,top, degrees)\n";
  }
  out << "crs     " << crs_text(summary) << '\n';
  std::vector<std::vector<std::string>> rows = {
      {"band", "type", "nodata", "scale", "offset", "unit", ""}};
  for (const BandInfo& band : index.bands()) {
    rows.push_back({band.name, std::string(name(band.dtype)),
                    band.nodata ? number_text(*band.nodata) : "-", number_text(band.scale),
                    number_text(band.offset), band.unit.empty() ? "-" : band.unit, band.note});
  }
  for (const auto& [key, count] : counted_keys(metadata)) {
    out << "image metadata " << key << " (of " << count
        << (count == 1 ? " image)\n" : " images)\n");
  }
  out << '\n';
  print_table(out, rows);
}

void print_images(std::ostream& out, const std::vector<Image>& images, const ImageIndex& index,
                  const ImageMetadata& metadata, bool json) {
  if (json) return print_images_json(out, images, index, metadata);
  std::vector<std::vector<std::string>> rows = {
      {"time", "name", "crs", "files", "left,bottom,right,top"}};
  const auto keys = counted_keys(metadata);
  for (const auto& [key, count] : keys) rows[0].push_back(key);
  for (const Image& image : images) {
    std::vector<std::string> boxes;
    for (const Box& box : image.footprint) boxes.push_back(box_text(box));
    rows.push_back({short_time(image.datetime), image.name, image.crs,
                    std::to_string(image.bands.size()), join(boxes, " and ")});
    const auto known = metadata.find(image.name);
    for (const auto& [key, count] : keys) {
      const bool has = known != metadata.end() && known->second.contains(key);
      rows.back().push_back(has ? known->second.at(key) : "-");
    }
  }
  print_table(out, rows);
}

}  // namespace cube
