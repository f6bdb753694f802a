// SVG: a chart of a table, one panel a band, one line a feature or cell, over time.
#include <cmath>
#include <cstring>
#include <fstream>

#include "engine/gdal/run_record.h"
#include "engine/gdal/table_writer.h"
#include "engine/missing.h"
#include "engine/svg_chart.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kMostLines = 32;  // colours and dashes that are told apart
constexpr std::int64_t kMostPanels = 50;
constexpr std::int64_t kMostSlices = 100'000;

class SvgWriter final : public TableWriter {
 public:
  SvgWriter(const FilePart& cells, const OutputOptions& options) : TableWriter(cells, "SVG") {
    style_.title = option(options, "TITLE", "");
    style_.width = static_cast<std::int64_t>(*parse_number(option(options, "WIDTH", "900")));
    style_.height = static_cast<std::int64_t>(*parse_number(option(options, "HEIGHT", "260")));
    check_size();
  }

  std::int64_t resident_bytes() const override {
    constexpr std::int64_t kBytesAPoint = 200;  // numbers, and their text twice
    const auto bands = static_cast<std::int64_t>(part().info.bands.size());
    return TableWriter::resident_bytes() + part().info.extent().cells() * bands * kBytesAPoint;
  }

 private:
  bool has_own_times() const { return has_features() && !part().info.grid.features->times.empty(); }

  void check_size() const {
    const Region extent = part().info.extent();
    const std::int64_t lines = extent.y.size() * extent.x.size();
    const auto too_many = [&](const std::string& what, std::int64_t most, const std::string& hint) {
      throw Error(ErrorCode::kInvalid,
                  "the chart would have " + what + ", of which it can show " + std::to_string(most),
                  part().file, hint);
    };
    if (lines > kMostLines && !has_own_times()) {
      too_many(counted(lines, "line"), kMostLines,
               "fewer features or cells, or a table: .csv, .gpkg or .geojson");
    }
    if (extent.t.size() > kMostSlices) {
      too_many(counted(extent.t.size(), "slice"), kMostSlices,
               "aggregate_time makes fewer of them");
    }
    if (part().info.bands.size() > static_cast<std::size_t>(kMostPanels)) {
      too_many(counted(part().info.bands.size(), "panel"), kMostPanels,
               "select_bands keeps some bands");
    }
  }

  void start() override {
    panels_.clear();
    for (const BandInfo& band : part().info.bands) {
      const bool plain = band.unit.empty() || band.unit == "1";
      panels_.push_back({band.name + (plain ? "" : " [" + band.unit + "]"), {}});
    }
    rows_ = 0;
  }

  void row(const Place& place, const std::vector<FieldValue>& values) override {
    const std::size_t bands = panels_.size();
    const std::size_t line = line_of(place, values);
    const std::size_t first = values.size() - bands;
    const std::size_t time_column = has_features() ? first - 1 : 0;
    ++rows_;
    const auto* text = std::get_if<std::string>(&values[time_column]);
    const auto time = text ? parse_time(*text) : std::nullopt;
    if (!time) return;  // a feature without a time
    for (std::size_t band = 0; band < bands; ++band) {
      ChartLine& target = panels_[band].lines[line];
      target.times.push_back(epoch_seconds(time->start));
      target.values.push_back(number_of(values[first + band]));
      // Features with times of their own, in any order, are dots.
      if (!has_own_times()) continue;
      target.times.push_back(target.times.back());
      target.values.push_back(kMissing);
    }
  }

  // The line that the row goes on; it is begun when there is none.
  std::size_t line_of(const Place& place, const std::vector<FieldValue>& values) {
    std::size_t line = 0;
    if (!has_features()) {
      const Region extent = part().info.extent();
      line = static_cast<std::size_t>(rows_ % (extent.y.size() * extent.x.size()));
    } else if (!has_own_times()) {
      if (place.feature != feature_) ++features_;
      feature_ = place.feature;
      line = features_ - 1;
    }
    for (LinePanel& panel : panels_) {
      if (line == panel.lines.size()) panel.lines.push_back({name_of(place, values), {}, {}});
    }
    return line;
  }

  // The first attribute that is a text, else the number in the layer; of a cell its place.
  std::string name_of(const Place& place, const std::vector<FieldValue>& values) const {
    if (!has_features()) return number_text(place.x) + ", " + number_text(place.y);
    const std::size_t fields = part().info.grid.features->fields.size();
    for (std::size_t i = 1; i <= fields; ++i) {
      const auto* text = std::get_if<std::string>(&values[i]);
      if (text && !text->empty()) return *text;
    }
    return "feature " + std::to_string(place.feature->id);
  }

  static double number_of(const FieldValue& value) {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
    const auto* real = std::get_if<double>(&value);
    return real ? *real : kMissing;
  }

  void close() override {
    style_.about = one_text(provenance());
    write_file(path(), draw_lines(panels_, style_), part().file);
  }

  ChartStyle style_;
  std::vector<LinePanel> panels_;     // one a band
  std::int64_t rows_ = 0;             // so far
  const Feature* feature_ = nullptr;  // of the row before
  std::size_t features_ = 0;          // so far
};

}  // namespace

std::unique_ptr<FileWriter> make_svg_writer(const FilePart& part, const OutputOptions& options) {
  return std::make_unique<SvgWriter>(part, options);
}

std::string svg_options() {
  return "<Options><Option name='TITLE' type='string'/>"
         "<Option name='WIDTH' type='int' min='300' max='5000'/>"
         "<Option name='HEIGHT' type='int' min='120' max='2000'/></Options>";
}

}  // namespace cube
