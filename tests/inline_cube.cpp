#include "tests/inline_cube.h"

#include <cmath>
#include <limits>
#include <utility>

#include "engine/error.h"
#include "engine/time_axis.h"
#include "graphs/document.h"

namespace cube::test {

namespace {

// Ordered, so that bands keep the order in which they are written.
using json = nlohmann::ordered_json;

Instant instant(const json& text) {
  const auto span = parse_time(text.get<std::string>());
  if (!span) throw Error(ErrorCode::kInvalid, "not a time: " + text.dump());
  return span->start;
}

TimeAxis time_axis(const json& time, std::int64_t n) {
  if (time.contains("labels")) {
    std::vector<Instant> labels;
    for (const json& label : time.at("labels")) labels.push_back(instant(label));
    return TimeAxis::labelled(std::move(labels));
  }
  const auto step = Period::parse(time.value("dt", "P1D"));
  return TimeAxis::regular(instant(time.value("t0", "2020-01-01")), step.value(), n);
}

Grid grid(const json& text, std::int64_t height, std::int64_t width) {
  Grid grid{text.value("srs", "EPSG:32618"),
            text.value("left", 0.0),
            text.value("top", 0.0),
            text.value("dx", 1.0),
            text.value("dy", 1.0),
            0,
            0};
  grid.height = height;
  grid.width = width;
  return grid;
}

BandInfo band_info(const std::string& name, const json& text) {
  BandInfo band;
  band.name = name;
  band.dtype = parse_dtype(text.value("dtype", "float64")).value();
  if (is_float(band.dtype)) band.nodata = std::numeric_limits<double>::quiet_NaN();
  if (text.contains("nodata")) band.nodata = text.at("nodata").get<double>();
  return band;
}

CubeInfo cube_info(const json& input) {
  CubeInfo info;
  const json& cells = input.at("bands").front().at("cells");
  const auto size = [](const json& list) { return static_cast<std::int64_t>(list.size()); };
  info.grid = grid(input.value("grid", json::object()), size(cells.at(0)), size(cells.at(0).at(0)));
  info.time = time_axis(input.value("time", json::object()), size(cells));
  for (const auto& [name, band] : input.at("bands").items()) {
    info.bands.push_back(band_info(name, band));
  }
  return info;
}

BlockPtr make_block(const CubeInfo& info, std::size_t band, const json& cells) {
  Block block(info.extent(), info.bands[band].storage());
  for (std::size_t t = 0; t < cells.size(); ++t) {
    for (std::size_t y = 0; y < cells[t].size(); ++y) {
      std::vector<double> row;
      for (const json& cell : cells[t][y]) {
        row.push_back(cell.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                     : cell.get<double>());
      }
      block.set_row(static_cast<std::int64_t>(t), static_cast<std::int64_t>(y), row);
    }
  }
  return share(std::move(block));
}

class InlineCube final : public Operator {
 public:
  struct Params {
    std::string json;
    void fields(FieldVisitor& v) {
      v.field({.name = "json", .help = "The cube as a JSON text.", .required = true}, json);
    }
  };

  InlineCube(const Params& params, std::span<const CubeInfo>)
      : InlineCube(json::parse(params.json)) {}

  Request demand(const Request&, std::size_t) const override { return {}; }

  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Source>(*this); }

 private:
  struct Source final : Kernel {
    explicit Source(const InlineCube& op) : op_(op) {}
    Chunk run(const Request& request, Inputs&) override {
      Chunk chunk{request.region, {}};
      for (const std::size_t band : request.bands) {
        chunk.bands.push_back(crop(op_.blocks_[band], request.region));
      }
      return chunk;
    }
    const InlineCube& op_;
  };

  explicit InlineCube(const json& input) : Operator(cube_info(input)) {
    std::size_t band = 0;
    for (const auto& [name, text] : input.at("bands").items()) {
      blocks_.push_back(make_block(info(), band++, text.at("cells")));
    }
  }

  std::vector<BlockPtr> blocks_;
};

}  // namespace

OperatorType inline_cube() {
  return operator_type<InlineCube>({
      .id = "inline",
      .summary = "A cube whose cells stand in the document.",
      .help = "",
      .example = R"({"cube_type": "inline", "json": "{\"bands\": {\"a\": {\"cells\": [[[1]]]}}}"})",
      .inputs = {},
  });
}

nlohmann::json inline_node(const json& input) {
  return {{"cube_type", "inline"}, {"json", input.dump()}};
}

Registry test_operators() {
  Registry registry = document_operators();
  registry.add(inline_cube());
  return registry;
}

}  // namespace cube::test
