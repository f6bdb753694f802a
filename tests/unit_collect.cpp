// What a format can say beside names: subdatasets, bands that are times, the files' reference
// system, metadata to keep. On tiny files made here.
#include <algorithm>
#include <cmath>

#include "catalog/catalog.h"
#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

ImageQuery everything() { return {Instant::min(), Instant::max(), {}, {}}; }

// A format with `more` beside its patterns, of names such as a_20200101.tif.
CollectionFormat format(const std::string& more, const std::string& bands,
                        const std::string& times = "") {
  return CollectionFormat::parse(R"({)" + more +
                                     R"("images": {"pattern": ".*/([a-z]+)_[0-9]{8}\\..+"},
    "datetime": {"pattern": ".*/[a-z]+_([0-9]{8})\\..+", "format": "%Y%m%d")" +
                                     times + R"(}, "bands": {)" + bands + "}}",
                                 "f.json");
}

// Two variables, "Band1" and "Band2", of 2 x 2 cells in degrees.
void write_netcdf(const std::string& file, int bands = 2) {
  register_gdal();
  auto* driver = GetGDALDriverManager()->GetDriverByName("netCDF");
  REQUIRE(driver != nullptr);
  GDALDatasetUniquePtr data(driver->Create(file.c_str(), 2, 2, bands, GDT_Float32, nullptr));
  REQUIRE(data);
  std::array<double, 6> transform = {10, 0.5, 0, 50, 0, -0.5};
  data->SetGeoTransform(transform.data());
  data->SetProjection(crs_wkt("EPSG:4326").c_str());
  for (int band = 1; band <= bands; ++band) {
    std::vector<float> cells(4, static_cast<float>(band));
    REQUIRE(data->GetRasterBand(band)->RasterIO(GF_Write, 0, 0, 2, 2, cells.data(), 2, 2,
                                                GDT_Float32, 0, 0, nullptr) == CE_None);
  }
}

std::vector<Image> index(const test::TempDir& dir, const CollectionFormat& format,
                         const std::vector<std::string>& files) {
  create_catalog(dir.file("c.db"), format, files, {.threads = 2, .overwrite = true});
  return open_catalog(dir.file("c.db"))->find(everything());
}

constexpr const char* kTwo = R"("one": {"pattern": ".+:Band1"}, "two": {"pattern": ".+:Band2"})";

}  // namespace

TEST_CASE("the subdatasets of files are images' bands, whatever their folder is called") {
  const test::TempDir dir;
  fs::create_directories(dir.path() / "it's: a b");
  const std::string file = dir.file("it's: a b/a_20200101.nc");
  write_netcdf(file);
  const auto images = index(dir, format(R"("subdatasets": true, )", kTwo), {file});
  REQUIRE(images.size() == 1);
  CHECK(images[0].name == "a");
  REQUIRE(images[0].bands.size() == 2);
  CHECK(images[0].bands[1].descriptor == "NETCDF:\"" + file + "\":Band2");
  CHECK(images[0].bands[1].raster_band == 1);
  CHECK(images[0].footprint.at(0).right == doctest::Approx(11));
  const auto reader = make_image_reader();
  const Grid grid{"EPSG:4326", 10, 50, 0.5, 0.5, 2, 2};
  CHECK(test::read_cells(*reader, {images[0].bands[1].descriptor}, grid, Resampling::kNearest) ==
        std::vector<double>(4, 2));
}

TEST_CASE("the only variable of a netCDF file is a subdataset too") {
  const test::TempDir dir;
  write_netcdf(dir.file("a_20200101.nc"), 1);
  const auto images =
      index(dir, format(R"("subdatasets": true, )", kTwo), {dir.file("a_20200101.nc")});
  REQUIRE(images.size() == 1);
  CHECK(images[0].bands.at(0).descriptor == "NETCDF:\"" + dir.file("a_20200101.nc") + "\":Band1");
}

TEST_CASE("subdatasets that are no band, and files that hold none, are left out with the reason") {
  const test::TempDir dir;
  write_netcdf(dir.file("a_20200101.nc"));
  test::write_text(dir.file("b_20200101.nc"), "no netCDF");
  test::write_text(dir.file("readme.txt"), "");
  const auto one =
      format(R"("subdatasets": true, "files": ".+\\.nc", )", R"("one": {"pattern": ".+:Band1"})");
  const auto report = create_catalog(
      dir.file("c.db"), one,
      {dir.file("a_20200101.nc"), dir.file("b_20200101.nc"), dir.file("readme.txt")}, {});
  CHECK(report.images == 1);
  std::string left;
  for (const auto& file : report.left_out) {
    left.append(file.failed ? "! " : "").append(file.other ? "other " : "");
    left.append(fs::path(file.file).filename().string()).append(": ");
    left.append(file.reason.substr(0, 30)).append("\n");
  }
  CHECK(left ==
        "other readme.txt: the name does not match /files\n"
        "! b_20200101.nc: cannot be opened as a raster: \n"
        "other a_20200101.nc\":Band2: no band: none of the patterns \n");
}

TEST_CASE("bands that are times are images, a period apart") {
  const test::TempDir dir;
  test::write_raster(dir.file("a_20200130.tif"), {.width = 1, .height = 1, .bands = 3}, {1});
  const auto months =
      format("", R"("p": {"pattern": ".+", "nodata": 9})", R"(, "bands": {"dt": "P1M"})");
  const auto images = index(dir, months, {dir.file("a_20200130.tif")});
  REQUIRE(images.size() == 3);
  // From the start, so that February's end does not stay.
  for (const auto& [i, day] :
       {std::pair{0U, "2020-01-30"}, std::pair{1U, "2020-02-29"}, std::pair{2U, "2020-03-30"}}) {
    CHECK(to_text(images[i].datetime) == std::string(day) + "T00:00:00");
    CHECK(images[i].bands.at(0).raster_band == static_cast<int>(i) + 1);
    CHECK(images[i].bands[0].descriptor == dir.file("a_20200130.tif"));
  }
  const auto all = open_catalog(dir.file("c.db"));
  CHECK(all->summary().files == 1);
  CHECK(all->bands().at(0).nodata == 9);
  // A name each, as gdalcubes gives them.
  const auto days = format("", R"("p": {"pattern": ".+"})", R"(, "bands": {"dt": "P1D"})");
  CHECK(index(dir, days, {dir.file("a_20200130.tif")})[2].name == "a_2020-02-01");
}

TEST_CASE("the format's reference system is taken instead of the files'") {
  const test::TempDir dir;
  // Says UTM 31 N and lies in zone 32; another says nothing.
  test::write_raster(dir.file("a_20200101.tif"), {.width = 2, .height = 2}, {1, 2, 3, 4});
  test::write_raster(dir.file("b_20200102.tif"), {.crs = "", .width = 2, .height = 2},
                     {5, 6, 7, 8});
  const auto forced = format(R"("srs": "EPSG:32632", )", R"("p": {"pattern": ".+"})");
  const auto images = index(dir, forced, {dir.file("a_20200101.tif"), dir.file("b_20200102.tif")});
  REQUIRE(images.size() == 2);
  const auto reader = make_image_reader();
  const Grid grid{"EPSG:32632", 500000, 5000000, 10, 10, 2, 2};
  for (const Image& image : images) {
    CHECK(image.crs == "EPSG:32632");
    CHECK(image.footprint.at(0).left == doctest::Approx(9));  // zone 32's central meridian
    const RasterBand band{image.bands[0].descriptor, 1, {}, {}, image.bands[0].crs};
    CHECK(band.crs == "EPSG:32632");
    const auto cells = test::read_cells(*reader, band, grid, Resampling::kNearest);
    CHECK(cells[3] == (image.name == "a" ? 4 : 8));
    // The same on a grid that needs a warp.
    const Box box = transform_box(grid.extent(), grid.crs, "EPSG:4326").at(0);
    const Grid degrees{
        "EPSG:4326", box.left, box.top, (box.right - box.left) / 2, (box.top - box.bottom) / 2,
        2,           2};
    CHECK(test::read_cells(*reader, band, degrees, Resampling::kNearest) == cells);
  }
  // The same reader still takes the file at its word where nothing else is said.
  CHECK(std::isnan(
      test::read_cells(*reader, {images[0].bands[0].descriptor}, grid, Resampling::kNearest)[0]));
}

TEST_CASE("a table's files are taken to be in the format's reference system too") {
  const test::TempDir dir;
  test::write_raster(dir.file("a.tif"), {.crs = "", .width = 2, .height = 2}, {5, 6, 7, 8});
  test::write_text(dir.file("t.csv"), "name,datetime,p\na,2020-01-01,a.tif\n");
  const auto bands = CollectionFormat::parse(R"({"srs": "EPSG:32632", "bands": {"p": {}}})", "f",
                                             CollectionFormat::Use::kBands);
  create_catalog_from_table(dir.file("c.db"), {dir.file("t.csv"), {}, bands}, {});
  const auto images = open_catalog(dir.file("c.db"))->find(everything());
  CHECK(images.at(0).crs == "EPSG:32632");
  CHECK(images[0].footprint.at(0).left == doctest::Approx(9));
  CHECK(images[0].bands.at(0).crs == "EPSG:32632");
}

TEST_CASE("metadata that the format names are kept of each image") {
  const test::TempDir dir;
  for (const char* name : {"a_20200101.tif", "b_20200102.tif"}) {
    test::write_raster(dir.file(name), {.width = 1, .height = 1}, {1});
  }
  {
    GDALDatasetUniquePtr data(
        GDALDataset::Open(dir.file("a_20200101.tif").c_str(), GDAL_OF_UPDATE));
    data->SetMetadataItem("QUALITY", "good");
    data->SetMetadataItem("CLOUDS", "12", "MORE");
  }
  index(dir,
        format(R"("image_md_fields": ["QUALITY", "MORE:CLOUDS", "NONE"], )",
               R"("p": {"pattern": ".+"})"),
        {dir.file("a_20200101.tif"), dir.file("b_20200102.tif")});
  const auto known = image_metadata(dir.file("c.db"));
  CHECK(known.size() == 1);
  CHECK(known.at("a") ==
        std::map<std::string, std::string>{{"MORE:CLOUDS", "12"}, {"QUALITY", "good"}});
}

TEST_CASE("a file whose latitudes are no latitudes is left out with the reason") {
  // As GDAL shows arrays [longitude][latitude]; the other's cells reach over the poles.
  const test::TempDir dir;
  test::write_raster(
      dir.file("a_20200101.tif"),
      {.crs = "EPSG:4326", .transform = {-90, 90, 0, 180, 0, -90}, .width = 2, .height = 4},
      std::vector<double>(8));
  test::write_raster(
      dir.file("b_20200101.tif"),
      {.crs = "EPSG:4326", .transform = {-180, 120, 0, 91, 0, -91}, .width = 3, .height = 2},
      std::vector<double>(6));
  const auto report = create_catalog(dir.file("c.db"), format("", R"("p": {"pattern": ".+"})"),
                                     {dir.file("a_20200101.tif"), dir.file("b_20200101.tif")}, {});
  CHECK(report.images == 1);
  REQUIRE(report.left_out.size() == 1);
  CHECK(report.left_out[0].reason == "has latitudes from -180 to 180: its axes seem to be swapped");
}

TEST_CASE("products of Sentinel-2 have the offset that they say, by their metadata or name") {
  const test::TempDir dir;
  // A product of one band and SCL; `metadata` is its MTD_MSIL2A.xml.
  const auto product = [&](const char* baseline, const char* day,
                           const std::optional<std::string>& metadata) {
    const std::string name = std::string("S2A_MSIL2A_") + day + "T103421_" + baseline +
                             "_R108_T32UNB_20230101T124000.SAFE";
    const fs::path bands = dir.path() / name / "GRANULE/L2A_T32UNB/IMG_DATA/R20m";
    fs::create_directories(bands);
    for (const char* band : {"B05_20m", "SCL_20m"}) {
      const std::string file =
          (bands / (std::string("T32UNB_") + day + "T103421_" + band + ".jp2"));
      // What the format looks at is the name; GDAL tells a file by its content.
      test::write_raster(file, {.width = 2, .height = 2, .type = GDT_UInt16}, {1, 2, 3, 4});
    }
    if (metadata) test::write_text(dir.path() / name / "MTD_MSIL2A.xml", *metadata);
    return name.substr(0, name.size() - 5);
  };
  const std::string list =
      "<n1:General_Info><BOA_ADD_OFFSET_VALUES_LIST>"
      "<BOA_ADD_OFFSET band_id=\"4\">-500</BOA_ADD_OFFSET>"
      "<BOA_ADD_OFFSET band_id=\"5\">-1000</BOA_ADD_OFFSET></BOA_ADD_OFFSET_VALUES_LIST>";
  const std::string old = product("N0214", "20200101", std::nullopt);
  const std::string named = product("N0509", "20200102", std::nullopt);
  const std::string said = product("N9999", "20200103", list);
  const std::string none = product("N0500", "20200104", "<n1:General_Info/>");
  const std::string at_once = product("N0400", "20200105", std::nullopt);
  const auto format = CollectionFormat::load("Sentinel2_L2A");
  create_catalog(dir.file("c.db"), format, expand_files({dir.file("")}).files, {.overwrite = true});
  const auto catalog = open_catalog(dir.file("c.db"));
  REQUIRE(catalog->bands().size() == 2);
  const BandInfo& b05 = catalog->bands()[0];
  CHECK((b05.name == "B05" && b05.scale == 0.0001 && b05.offset == 0));
  CHECK(b05.note == "some images have scale 1e-04, offset -0.05; scale 1e-04, offset -0.1");
  CHECK((catalog->bands()[1].scale == 1 && catalog->bands()[1].note.empty()));
  const auto images = catalog->find(everything());
  REQUIRE(images.size() == 5);
  const auto offset = [&](std::size_t image) {
    const auto& packing = images[image].bands[0].packing;
    return packing ? packing->offset : 0;
  };
  CHECK((images[0].name == old && offset(0) == 0));
  CHECK((images[1].name == named && offset(1) == doctest::Approx(-0.1)));
  CHECK((images[2].name == said && offset(2) == doctest::Approx(-0.05)));
  CHECK((images[3].name == none && offset(3) == 0));  // the file is there and says nothing
  CHECK((images[4].name == at_once && offset(4) == doctest::Approx(-0.1)));
  CHECK(std::ranges::none_of(images, [](const Image& image) {
    return image.bands[1].packing.has_value();  // SCL
  }));
  // Those that stay keep theirs when others go.
  remove_from_catalog(dir.file("c.db"), {{old, none}, {}, false}, {});
  const auto rest = open_catalog(dir.file("c.db"))->find(everything());
  REQUIRE(rest.size() == 3);
  CHECK(rest[0].bands[0].packing->offset == doctest::Approx(-0.1));
  CHECK(rest[1].bands[0].packing->offset == doctest::Approx(-0.05));
}
