#include "tests/differential/archive.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <gdal_priv.h>

#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>

#include "catalog/catalog.h"
#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/gdal_types.h"
#include "engine/gdal/raster_info.h"
#include "engine/run.h"
#include "graphs/document.h"

namespace cube::fuzz {

namespace {

// Where archives lie, and reference systems that suit.
struct Place {
  double longitude, latitude;
  std::vector<std::string> systems;
};

const std::vector<Place>& places() {
  static const std::vector<Place> kPlaces = {
      {3, 45, {"EPSG:32631", "EPSG:32632", "EPSG:3857", "EPSG:4326", "EPSG:2154"}},
      {3, 45, {"EPSG:32631", "EPSG:32631", "EPSG:3035"}},
      {179.9995, -17, {"EPSG:4326", "EPSG:32760", "EPSG:32701", "EPSG:3832"}},
      {10, 79, {"EPSG:32633", "EPSG:3995", "EPSG:4326"}}};
  return kPlaces;
}

constexpr double kMetresOfDegree = 111320;

Json random_band(Dice& dice, std::size_t number) {
  static const std::vector<std::string> kTypes = {"uint8",  "int16",   "uint16", "int32",
                                                  "uint32", "float32", "float64"};
  Json band = {{"name", std::string(1, static_cast<char>('a' + number))},
               {"dtype", dice.one_of(kTypes)}};
  // wide: all of the type; narrow: a hundred values; classes: a few.
  band["kind"] = dice.one_of(std::vector<std::string>{"wide", "narrow", "narrow", "classes"});
  if (dice.chance(0.7)) band["nodata"] = dice.one_of(std::vector<int>{0, 1, 7, 100, 255});
  if (dice.chance(0.25)) {
    band["scale"] = dice.one_of(std::vector<double>{0.1, 0.0001, 2, -0.5});
    band["offset"] = dice.one_of(std::vector<double>{0, -0.1, 100});
  }
  return band;
}

// North-up as a rule, on common cells as often as not.
std::vector<double> random_transform(Dice& dice, const Json& archive, std::size_t system,
                                     std::int64_t width, std::int64_t height) {
  const double unit = archive.at("unit").at(system);
  const double cell = dice.one_of(std::vector<double>{5, 10, 10, 10, 15, 20, 30, 60}) * unit;
  const bool aligned = dice.chance(0.5);
  const auto edge = [&](double centre, double sign, std::int64_t cells) {
    const double reach = static_cast<double>(cells) * cell;
    const double from = centre + sign * reach * dice.real(0.1, 0.9);
    return aligned ? std::round(from / cell) * cell : from;
  };
  std::vector<double> transform = {edge(archive.at("x").at(system), -1, width), cell, 0,
                                   edge(archive.at("y").at(system), 1, height), 0,    -cell};
  if (dice.chance(0.06)) {
    transform[2] = cell * dice.real(-0.5, 0.5);
    transform[4] = cell * dice.real(-0.5, 0.5);
  } else if (dice.chance(0.05)) {  // rows from south to north
    transform[3] -= cell * static_cast<double>(height);
    transform[5] = cell;
  }
  return transform;
}

Json random_image(Dice& dice, const Json& archive, std::int64_t number, std::size_t system) {
  const std::int64_t width = dice.chance(0.15) ? dice.number(1, 12) : dice.number(12, 70);
  const std::int64_t height = dice.chance(0.15) ? dice.number(1, 12) : dice.number(12, 70);
  const std::int64_t day = dice.number(1, 28);
  const std::int64_t month = dice.number(1, 3);
  const std::string date = std::to_string(20200000 + month * 100 + day);
  Json image = {{"name", "i" + std::to_string(number) + "_" + date},
                {"date", date},
                {"srs", system},
                {"width", width},
                {"height", height},
                {"transform", random_transform(dice, archive, system, width, height)},
                {"seed", dice.number(0, 1 << 30)},
                {"missing", dice.one_of(std::vector<double>{0, 0, 0.02, 0.3})}};
  if (dice.chance(0.6)) image["tile"] = dice.one_of(std::vector<int>{16, 32, 64});
  if (dice.chance(0.5)) image["compress"] = dice.one_of(std::vector<std::string>{"DEFLATE", "LZW"});
  if (dice.chance(0.3)) image["overviews"] = Json::array({2, 4});
  if (dice.chance(0.1)) image["validity"] = dice.one_of(std::vector<std::string>{"alpha", "mask"});
  if (dice.chance(0.1)) image["without"] = archive.at("bands").at(0).at("name");
  return image;
}

// A cube of the archive's own images, stored as an array file.
Json random_array(Dice& dice, const Json& archive, const std::string& extension) {
  const Json image = dice.one_of(archive.at("images").get<std::vector<Json>>());
  const std::size_t system = image.at("srs");
  const double unit = archive.at("unit").at(system);
  const double reach = unit * dice.real(60, 250);
  const double x = archive.at("x").at(system);
  const double y = archive.at("y").at(system);
  Json view = {{"space",
                {{"left", x - reach},
                 {"right", x + reach},
                 {"top", y + reach},
                 {"bottom", y - reach},
                 {"nx", dice.number(3, 40)},
                 {"ny", dice.number(3, 40)},
                 {"srs", archive.at("srs").at(system)}}},
               {"time",
                {{"t0", "2020-01"},
                 {"t1", "2020-03"},
                 {"dt", dice.one_of(std::vector<std::string>{"P1M", "P16D", "P5D"})}}},
               {"aggregation", "first"}};
  return {{"file", "c" + extension},
          {"chunk", {dice.number(1, 3), dice.number(3, 20), dice.number(3, 20)}},
          {"graph", {{"cube_type", "image_collection"}, {"file", "images.db"}, {"view", view}}}};
}

// Cells of one band of one image: a slope with noise, gaps and, of floating point, odd values.
class Cells {
 public:
  Cells(const Json& band, const Json& image, std::uint64_t seed)
      : image_(image),
        dtype_(parse_dtype(band.at("dtype").get<std::string>()).value()),
        kind_(band.at("kind")),
        nodata_(band.value("nodata", 0.0)),
        gaps_(band.contains("nodata") || is_float(dtype_)),
        seed_(mixed(seed)) {
    Dice dice(seed_);
    width_ = image.at("width");
    height_ = image.at("height");
    gap_x_ = dice.number(0, width_ - 1);
    gap_y_ = dice.number(0, height_ - 1);
  }

  DType dtype() const { return dtype_; }

  std::vector<double> all() const {
    std::vector<double> cells;
    for (std::int64_t y = 0; y < height_; ++y) {
      for (std::int64_t x = 0; x < width_; ++x) cells.push_back(cell(y, x));
    }
    return cells;
  }

 private:
  double cell(std::int64_t y, std::int64_t x) const {
    Dice dice(seed_ + static_cast<std::uint64_t>(y * width_ + x) * 2654435761U);
    const double missing = image_.value("missing", 0.0);
    const bool in_gap = missing > 0.1 && x >= gap_x_ && y >= gap_y_;
    if (gaps_ && (in_gap || dice.chance(missing))) return nodata();
    if (is_float(dtype_) && dice.chance(0.01)) return odd(dice);
    const double slope = (static_cast<double>(x) / static_cast<double>(width_) +
                          static_cast<double>(y) / static_cast<double>(height_)) /
                         2;
    const double part = 0.8 * slope + 0.2 * dice.real(0, 1);
    if (kind_ == "classes") return std::floor(dice.real(0, 6));
    if (kind_ == "narrow") return is_float(dtype_) ? part * 2 - 0.7 : std::floor(20 + part * 100);
    if (is_float(dtype_)) return (part - 0.4) * 1e7;
    return std::floor(lowest(dtype_) + part * (highest(dtype_) - lowest(dtype_)));
  }

  double nodata() const {
    return is_float(dtype_) ? std::numeric_limits<double>::quiet_NaN() : nodata_;
  }

  static double odd(Dice& dice) {
    return dice.one_of(std::vector<double>{-0.0, 0.0, 1e-30, -1e30, 3e38,
                                           std::numeric_limits<double>::infinity()});
  }

  const Json& image_;
  DType dtype_;
  std::string kind_;
  double nodata_;
  bool gaps_;
  std::uint64_t seed_;
  std::int64_t width_ = 0, height_ = 0, gap_x_ = 0, gap_y_ = 0;
};

void need(CPLErr status, const std::string& file) {
  if (status != CE_None) throw Error(ErrorCode::kUnwritable, "not written", file);
}

CPLStringList creation_options(const Json& image) {
  CPLStringList options;
  if (image.contains("tile")) {
    const std::string side = std::to_string(image.at("tile").get<int>());
    options.SetNameValue("TILED", "YES");
    options.SetNameValue("BLOCKXSIZE", side.c_str());
    options.SetNameValue("BLOCKYSIZE", side.c_str());
  }
  if (image.contains("compress")) {
    options.SetNameValue("COMPRESS", image.at("compress").get<std::string>().c_str());
  }
  if (image.value("validity", "") == "alpha") options.SetNameValue("ALPHA", "YES");
  return options;
}

// Shown but for a stripe: 0 hides.
void write_validity(GDALRasterBand& band, double shown) {
  const int width = band.GetXSize();
  const int height = band.GetYSize();
  std::vector<double> cells(static_cast<std::size_t>(width) * static_cast<std::size_t>(height),
                            shown);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i % static_cast<std::size_t>(width) % 7 == 3) cells[i] = 0;
  }
  need(band.RasterIO(GF_Write, 0, 0, width, height, cells.data(), width, height, GDT_Float64, 0, 0,
                     nullptr),
       "validity");
}

void write_image(const std::string& file, const Json& image, const Json& band,
                 const std::string& srs, std::uint64_t seed) {
  const Cells cells(band, image, seed);
  auto* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  const std::string validity = image.value("validity", "");
  const int width = image.at("width");
  const int height = image.at("height");
  GDALDatasetUniquePtr dataset(driver->Create(file.c_str(), width, height,
                                              validity == "alpha" ? 2 : 1, gdal_type(cells.dtype()),
                                              creation_options(image).List()));
  if (!dataset) throw Error(ErrorCode::kUnwritable, "not created", file);
  std::array<double, 6> transform{};
  for (std::size_t i = 0; i < 6; ++i) transform[i] = image.at("transform").at(i);
  need(dataset->SetGeoTransform(transform.data()), file);
  need(dataset->SetProjection(crs_wkt(srs).c_str()), file);
  std::string date = image.at("date");
  date = date.substr(0, 4) + ":" + date.substr(4, 2) + ":" + date.substr(6) + " 10:00:00";
  need(dataset->SetMetadataItem("TIFFTAG_DATETIME", date.c_str()), file);
  GDALRasterBand* raster = dataset->GetRasterBand(1);
  if (band.contains("nodata")) need(raster->SetNoDataValue(band.at("nodata")), file);
  if (band.contains("scale")) {
    need(raster->SetScale(band.at("scale")), file);
    need(raster->SetOffset(band.at("offset")), file);
  }
  std::vector<double> values = cells.all();
  need(raster->RasterIO(GF_Write, 0, 0, width, height, values.data(), width, height, GDT_Float64, 0,
                        0, nullptr),
       file);
  if (validity == "alpha") write_validity(*dataset->GetRasterBand(2), highest(cells.dtype()));
  if (validity == "mask") {
    need(dataset->CreateMaskBand(GMF_PER_DATASET), file);
    write_validity(*raster->GetMaskBand(), 255);
  }
  if (image.contains("overviews") && std::min(width, height) > 8) {
    std::vector<int> levels = image.at("overviews");
    need(dataset->BuildOverviews("NEAREST", static_cast<int>(levels.size()), levels.data(), 0,
                                 nullptr, nullptr, nullptr),
         file);
  }
}

std::string feature(const std::string& geometry, std::size_t id) {
  return R"({"type": "Feature", "properties": {"id": )" + std::to_string(id) + R"(, "name": "f)" +
         std::to_string(id % 3) + R"(", "seen": "2020-0)" + std::to_string(1 + id % 3) +
         R"(-11"}, "geometry": )" + geometry + "}";
}

void write_features(const std::filesystem::path& file, const std::vector<std::string>& features) {
  std::ofstream out(file);
  out << R"({"type": "FeatureCollection", "features": [)";
  for (std::size_t i = 0; i < features.size(); ++i) out << (i ? ",\n" : "") << features[i];
  out << "]}\n";
}

}  // namespace

Json random_archive(Dice& dice) {
  const Place place = dice.chance(0.6) ? places().front() : dice.one_of(places());
  Json archive;
  for (const std::string& system : place.systems) {
    double x = place.longitude;
    double y = place.latitude;
    CrsTransform("EPSG:4326", system).apply({&x, 1}, {&y, 1});
    archive["srs"].push_back(system);
    archive["x"].push_back(x);
    archive["y"].push_back(y);
    archive["unit"].push_back(is_geographic(system) ? 1 / kMetresOfDegree : 1.0);
  }
  archive["longitude"] = place.longitude;
  archive["latitude"] = place.latitude;
  const std::int64_t bands = dice.number(1, 3);
  for (std::int64_t b = 0; b < bands; ++b) {
    archive["bands"].push_back(random_band(dice, static_cast<std::size_t>(b)));
  }
  archive["bands"].push_back({{"name", "q"}, {"dtype", "uint8"}, {"kind", "classes"}});
  const std::int64_t images = dice.number(2, 9);
  std::size_t system = 0;
  for (std::int64_t i = 0; i < images; ++i) {
    if (dice.chance(0.5)) system = dice.index(archive["srs"].size());
    Json image = random_image(dice, archive, i, system);
    if (i > 0 && dice.chance(0.35)) {  // on the cells of the one before, as of a series
      for (const char* key : {"srs", "transform", "width", "height"}) {
        image[key] = archive["images"].back()[key];
      }
    }
    archive["images"].push_back(image);
  }
  archive["arrays"] = Json::array();
  for (const char* extension : {".nc", ".zarr"}) {
    archive["arrays"].push_back(random_array(dice, archive, extension));
  }
  return archive;
}

Archive::Archive(Json document, std::filesystem::path folder, const Registry& registry)
    : document_(std::move(document)), folder_(std::move(folder)) {
  register_gdal();
  resources_.open_index = open_catalog;
  resources_.make_reader = [] { return make_image_reader(); };
  resources_.allow_exec = true;
  std::filesystem::create_symlink(std::filesystem::path(CUBE_PLUGINS) / "local_range.so",
                                  folder_ / "local_range.so");
  write_images();
  write_layers();
  write_catalog();
  write_arrays(registry);
}

const std::vector<std::string>& Archive::arrays(const std::string& extension) const {
  return extension == "zarr" ? zarr_ : extension == "nc" ? netcdf_ : none_;
}

void Archive::write_images() {
  CPLConfigOptionSetter inside("GDAL_TIFF_INTERNAL_MASK", "YES", false);
  const Json& bands = document_.at("bands");
  std::map<std::string, std::vector<std::string>> on_same_cells;
  for (const Json& image : document_.at("images")) {
    for (std::size_t b = 0; b < bands.size(); ++b) {
      const std::string band = bands[b].at("name");
      if (image.value("without", "") == band) continue;
      const std::string name = image.at("name").get<std::string>() + "_" + band + ".tif";
      const std::string srs = document_.at("srs").at(image.at("srs").get<std::size_t>());
      write_image((folder_ / name).string(), image, bands[b], srs,
                  image.at("seed").get<std::uint64_t>() * 7 + b);
      rasters_.push_back(name);
      on_same_cells[srs + image.at("transform").dump() + image.at("width").dump() +
                    image.at("height").dump() + band]
          .push_back(name);
    }
  }
  for (const auto& [cells, names] : on_same_cells) stacks_.push_back(names);
}

void Archive::write_layers() const {
  const double longitude = document_.at("longitude");
  const double latitude = document_.at("latitude");
  const double wide = 500 / kMetresOfDegree;
  Dice dice(17);
  std::vector<std::string> points;
  std::vector<std::string> zones;
  const auto pair = [&](double x, double y) {
    return "[" + std::to_string(longitude + x * wide) + ", " + std::to_string(latitude + y * wide) +
           "]";
  };
  for (std::size_t i = 0; i < 7; ++i) {
    const double x = dice.real(-0.6, 0.6);
    const double y = dice.real(-0.6, 0.6);
    const double r = dice.real(0.02, 0.5);
    points.push_back(feature(R"({"type": "Point", "coordinates": )" + pair(x, y) + "}", i));
    zones.push_back(feature(R"({"type": "Polygon", "coordinates": [[)" + pair(x - r, y - r) + "," +
                                pair(x + r, y - r / 2) + "," + pair(x + r / 3, y + r) + "," +
                                pair(x - r, y - r) + "]]}",
                            i));
  }
  write_features(folder_ / "points.geojson", points);
  write_features(folder_ / "zones.geojson", zones);
}

void Archive::write_catalog() {
  Json format = {
      {"images", {{"pattern", R"(.*/(i[0-9]+_[0-9]{8})_[a-z]\.tif)"}}},
      {"datetime", {{"pattern", R"(.*/i[0-9]+_([0-9]{8})_[a-z]\.tif)"}, {"format", "%Y%m%d"}}}};
  for (const Json& band : document_.at("bands")) {
    const std::string name = band.at("name");
    format["bands"][name] = {{"pattern", ".*_" + name + R"(\.tif)"}};
  }
  std::vector<std::string> files;
  for (const std::string& name : rasters_) files.push_back((folder_ / name).string());
  if (files.empty()) return;
  create_catalog(folder_ / "images.db", CollectionFormat::parse(format.dump(), "fuzz"), files,
                 {.threads = 1});
  has_catalog_ = true;
}

void Archive::write_arrays(const Registry& registry) {
  for (const Json& array : document_.at("arrays")) {
    const std::string name = array.at("file");
    const Graph graph =
        compile(Document::parse(array.at("graph").dump(), folder_), registry, resources_);
    const Json& chunk = array.at("chunk");
    const Plan plan(graph, {.chunk = ChunkShape{chunk.at(0), chunk.at(1), chunk.at(2)}});
    std::vector<std::unique_ptr<Sink>> sinks;
    sinks.push_back(make_sink({.file = (folder_ / name).string()}, graph.info()));
    const Report report = run(plan, resources_, sinks, {}, {});
    if (!report.ok()) throw Error(ErrorCode::kInternal, "an array was not written", name);
    (name.ends_with(".nc") ? netcdf_ : zarr_).push_back(name);
  }
}

}  // namespace cube::fuzz
