// Catalogs of tiny files made here: what is stored, what is found, what is left out and why.
#include <gdal_priv.h>
#include <ogr_spatialref.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "catalog/catalog.h"
#include "catalog/descriptor.h"
#include "catalog/footprint.h"
#include "catalog/sqlite.h"
#include "engine/gdal/raster_info.h"
#include "tests/support.h"

using namespace cube;

namespace {

namespace fs = std::filesystem;

struct Tiff {
  GDALDataType type = GDT_UInt16;
  std::optional<double> nodata;
  double left = 500000;  // 10 cells of 10 m in UTM 31 N, or what is given here
  double top = 5000000;
  double cell = 10;
  int epsg = 32631;  // 0 = no CRS
  int bands = 1;
};

void write_tiff(const fs::path& file, const Tiff& tiff) {
  register_gdal();
  fs::create_directories(file.parent_path());
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  GDALDataset* data = driver->Create(file.c_str(), 10, 10, tiff.bands, tiff.type, nullptr);
  REQUIRE(data != nullptr);
  double transform[6] = {tiff.left, tiff.cell, 0, tiff.top, 0, -tiff.cell};
  data->SetGeoTransform(transform);
  if (tiff.epsg > 0) {
    OGRSpatialReference crs;
    crs.importFromEPSG(tiff.epsg);
    crs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
    data->SetSpatialRef(&crs);
  }
  if (tiff.nodata) data->GetRasterBand(1)->SetNoDataValue(*tiff.nodata);
  GDALClose(data);
}

// IMAGE_DATE_BAND.tif
CollectionFormat format() {
  return CollectionFormat::parse(R"({
    "images": {"pattern": ".*/([a-z]+_[0-9]{8})_[^/]+\\.tif"},
    "datetime": {"pattern": ".*/[a-z]+_([0-9]{8})_[^/]+\\.tif", "format": "%Y%m%d"},
    "bands": {"red": {"pattern": ".+_red\\.tif", "scale": 0.5},
              "nir": {"pattern": ".+_nir\\.tif", "nodata": 9},
              "two": {"pattern": ".+_red\\.tif", "band": 2},
              "never": {"pattern": ".+_never\\.tif"}}})",
                                 "tiny");
}

CollectionFormat one_band_format() {
  std::string text = format().json();
  const std::size_t at = text.find("\"two\"");
  text.erase(at, text.find("\"never\"") - at);
  return CollectionFormat::parse(text, "tiny");
}

ImageQuery everything() { return {Instant::min(), Instant::max(), {}, {}}; }

std::vector<std::string> names(const std::vector<Image>& images) {
  std::vector<std::string> out;
  for (const Image& image : images) out.push_back(image.name);
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("images, bands and files go in and come out") {
  const test::TempDir dir;
  write_tiff(dir.path() / "b_20200102_red.tif", {.nodata = 3, .bands = 2});
  write_tiff(dir.path() / "sub/a_20200101_nir.tif", {.type = GDT_Byte, .nodata = 3});
  write_tiff(dir.path() / "a_20200102_nir.tif", {.type = GDT_Byte});
  const auto report =
      create_catalog(dir.file("c.db"), format(), expand_files({dir.path().string()}).files, {});
  CHECK(report.images == 3);
  CHECK(report.files == 3);
  const auto index = open_catalog(dir.file("c.db"));
  REQUIRE(index->bands().size() == 3);  // "never" has no file
  CHECK(index->bands()[0].name == "nir");
  CHECK(index->bands()[0].dtype == DType::kUInt8);
  CHECK(*index->bands()[0].nodata == 9);  // the format's word counts
  CHECK(index->bands()[1].name == "red");
  CHECK(*index->bands()[1].nodata == 3);  // else the file's
  CHECK(index->bands()[1].scale == 0.5);
  const auto images = index->find(everything());
  CHECK(names(images) == Names{"a_20200101", "a_20200102", "b_20200102"});
  CHECK(images[0].crs == "EPSG:32631");
  CHECK(images[0].bands[0].descriptor == dir.file("sub/a_20200101_nir.tif"));
  REQUIRE(images[2].bands.size() == 2);
  CHECK(images[2].bands[0].band == 1);
  CHECK(images[2].bands[1].raster_band == 2);
  const Box& box = images[0].footprint.at(0);
  CHECK(box.left == doctest::Approx(3.0).epsilon(1e-9));
  CHECK(box.top == doctest::Approx(45.1533).epsilon(1e-5));
  CHECK(box.top - box.bottom == doctest::Approx(0.0009).epsilon(0.01));
}

TEST_CASE("a catalog moves with the files below it; others stand with their whole path") {
  const test::TempDir dir;
  const test::TempDir other;
  write_tiff(dir.path() / "old/x/a_20200101_nir.tif", {});
  write_tiff(other.path() / "b_20200101_nir.tif", {});
  create_catalog(dir.file("old/c.db"), one_band_format(),
                 {dir.file("old/x/a_20200101_nir.tif"), other.file("b_20200101_nir.tif")}, {});
  fs::rename(dir.path() / "old", dir.path() / "new");
  const auto images = open_catalog(dir.file("new/c.db"))->find(everything());
  CHECK(images.at(0).bands.at(0).descriptor == dir.file("new/x/a_20200101_nir.tif"));
  CHECK(images.at(1).bands.at(0).descriptor == other.file("b_20200101_nir.tif"));
}

TEST_CASE("descriptors without a file of this machine are never touched") {
  for (const char* name :
       {"https://host/a.tif", "<VRTDataset/>", "/vsicurl/https://host/a.tif", "/vsis3/b/a.tif",
        "/vsizip//vsicurl/https://host/a.zip/b.tif", "NETCDF:\"https://host/a.nc\":v", "NETCDF:a:b",
        "/vsizip/", "HDF5:\"", "NETCDF:\"\":v", "/vsizip/{a.zip"}) {
    CAPTURE(name);
    CHECK(resolve_descriptor(name, "/data") == name);
    CHECK(stored_descriptor(name, "/data") == name);
    CHECK(absolute_name(name) == name);
    CHECK(file_of(name) == "");
  }
}

TEST_CASE("the files of archives and subdatasets move with the catalog, as other files do") {
  const auto here = fs::current_path().string();
  for (const auto& [before, after] :
       {std::pair{"/vsizip/", "/b.tif"}, std::pair{"/vsitar/", "/b c/d.tif"},
        std::pair{"/vsizip/{", "}/b.tif"}, std::pair{"/vsigzip/", ""},
        std::pair{"NETCDF:\"", "\":v"}, std::pair{"HDF5:\"", "\"://g/v"},
        std::pair{"HDF4_EOS:EOS_GRID:\"", "\":g:\"1 km NDVI\""},
        std::pair{"HDF5:\"/vsizip/", "/a.h5\"://g"}}) {
    const auto named = [a = std::string(before), z = std::string(after)](const std::string& file) {
      return a + file + z;
    };
    CAPTURE(named("x"));
    CHECK(stored_descriptor(named("/data/c/x/a.zip"), "/data/c") == named("x/a.zip"));
    CHECK(stored_descriptor(named("/data/d/a.zip"), "/data/c") == named("/data/d/a.zip"));
    CHECK(resolve_descriptor(named("x/a.zip"), "/data/c") == named("/data/c/x/a.zip"));
    CHECK(resolve_descriptor(named("/x/a.zip"), "/data/c") == named("/x/a.zip"));
    CHECK(absolute_name(named("x/a.zip")) == named(here + "/x/a.zip"));
  }
  const test::TempDir dir;
  test::write_text(dir.file("a.zip"), "");
  CHECK(file_of(dir.file("a.zip")) == dir.file("a.zip"));
  CHECK(file_of("/vsizip/" + dir.file("a.zip") + "/b/c.tif") == dir.file("a.zip"));
  CHECK(file_of("/vsizip/{" + dir.file("a.zip") + "}/b/c.tif") == dir.file("a.zip"));
  CHECK(file_of("NETCDF:\"" + dir.file("a.zip") + "\":v") == dir.file("a.zip"));
  CHECK(file_of("NETCDF:\"" + dir.file("b.zip") + "\":v") == "");
}

TEST_CASE("names of files are stored relative to the catalog's folder where they lie below it") {
  CHECK(resolve_descriptor("../x/a.tif", "/data/c") == "/data/x/a.tif");
  CHECK(resolve_descriptor("/x/a.tif", "/data/c") == "/x/a.tif");
  CHECK(stored_descriptor("/data/c/x/a.tif", "/data/c") == "x/a.tif");
  CHECK(stored_descriptor("/data/cc/a.tif", "/data/c") == "/data/cc/a.tif");
  CHECK(stored_descriptor("/data/c/NETCDF:a.tif", "/data/c") == "/data/c/NETCDF:a.tif");
}

TEST_CASE("the same catalog, byte for byte, from any order of files and number of threads") {
  const test::TempDir dir;
  std::vector<std::string> files;
  for (int day = 10; day < 25; ++day) {
    for (const char* image : {"b", "a"}) {
      files.push_back(dir.file(std::string(image) + "_202001" + std::to_string(day) + "_nir.tif"));
      write_tiff(files.back(), {.left = 500000.0 + 1000 * day});
    }
  }
  create_catalog(dir.file("c.db"), one_band_format(), files, {.threads = 1});
  std::reverse(files.begin(), files.end());
  files.push_back(files.front());
  create_catalog(dir.file("d.db"), one_band_format(), files, {.threads = 4});
  CHECK(test::read_text(dir.file("c.db")) == test::read_text(dir.file("d.db")));
}

TEST_CASE("images are found by half-open time, touching area and any of the bands") {
  const test::TempDir dir;
  for (const char* name :
       {"a_20191231_nir", "a_20200101_nir", "a_20200101_red", "b_20200131_nir", "c_20200201_red"}) {
    write_tiff(dir.file(std::string(name) + ".tif"),
               {.left = name[0] == 'b' ? 600000.0 : 500000.0});
  }
  create_catalog(dir.file("c.db"), one_band_format(), expand_files({dir.path().string()}).files,
                 {});
  const auto index = open_catalog(dir.file("c.db"));
  const auto at = [](const char* text) { return parse_time(text)->start; };
  const auto find = [&](ImageQuery query) { return names(index->find(query)); };
  CHECK(find({at("2020-01-01"), at("2020-02-01"), {}, {}}) == Names{"a_20200101", "b_20200131"});
  CHECK(find({at("2019-12-31"), at("2020-01-01"), {}, {}}) == Names{"a_20191231"});
  CHECK(find({at("2021"), at("2022"), {}, {}}).empty());
  ImageQuery few{at("2019"), at("2022"), {}, {}};
  few.most = 2;
  CHECK(test::error_of([&] { find(few); })
            .find("more than 2 images are wanted (a smaller area or a "
                  "shorter time)") != std::string::npos);
  ImageQuery query = everything();
  query.bands = {1};
  CHECK(find(query) == Names{"a_20200101", "c_20200201"});
  CHECK(index->find(query)[0].bands.size() == 1);
  query.bands.clear();
  const Box b = index->find({at("2020-01-31"), at("2020-02-01"), {}, {}})[0].footprint[0];
  query.area = {b};
  CHECK(find(query) == Names{"b_20200131"});
  query.area = {{b.right, b.top, b.right + 1, b.top + 1}};  // a corner touches
  CHECK(find(query) == Names{"b_20200131"});
  // Nearer than a 32-bit float can tell, so that the R*Tree alone would not do.
  query.area = {{b.right + 1e-9, b.bottom, b.right + 1e-3, b.top}};
  CHECK(find(query).empty());
  query.area = {{3, 40, 3.0001, 50}, b};
  CHECK(find(query).size() == 4);
}

TEST_CASE("an image across the antimeridian is found from both sides and only there") {
  const test::TempDir dir;
  write_tiff(dir.path() / "a_20200101_nir.tif",
             {.left = 179.5, .top = 10, .cell = 0.1, .epsg = 4326});
  write_tiff(dir.path() / "b_20200101_nir.tif", {.left = 10, .top = 10, .cell = 0.1, .epsg = 4326});
  create_catalog(dir.file("c.db"), one_band_format(), expand_files({dir.path().string()}).files,
                 {});
  const auto index = open_catalog(dir.file("c.db"));
  const auto find = [&](std::vector<Box> area) {
    ImageQuery query = everything();
    query.area = std::move(area);
    return names(index->find(query));
  };
  CHECK(find({{179.6, 9, 179.7, 9.5}}) == Names{"a_20200101"});
  CHECK(find({{-179.9, 9, -179.8, 9.5}}) == Names{"a_20200101"});
  CHECK(find({{-179.9, 9, -179.8, 9.5}, {179.6, 9, 179.7, 9.5}}) == Names{"a_20200101"});
  CHECK(find({{-10, 9, 9, 9.5}}).empty());
  CHECK(find({{180.2, 9, 181, 9.5}}) == Names{"a_20200101"});
  CHECK(find({{0, 9, 360, 9.5}}) == Names{"a_20200101", "b_20200101"});
  CHECK(find({{5, 9, 15, 9.5}}) == Names{"b_20200101"});
  const auto images = index->find(everything());
  REQUIRE(images[0].footprint.size() == 2);
  CHECK(images[0].footprint[0].left == doctest::Approx(179.5));
  CHECK(images[0].footprint[0].right == 180);
  CHECK(images[0].footprint[1].left == -180);
  CHECK(images[0].footprint[1].right == doctest::Approx(-179.5));
  CHECK(index->summary().extent->left == -180);
  CHECK(index->summary().extent->right == 180);
}

TEST_CASE("files that cannot be indexed are left out with the reason") {
  const test::TempDir dir;
  write_tiff(dir.path() / "a_20200101_nir.tif", {});
  test::write_text(dir.file("b_20200101_nir.tif"), "this is no raster");
  write_tiff(dir.path() / "c_20200101_nir.tif", {.epsg = 0});
  write_tiff(dir.path() / "d_20200101_red.tif", {});
  write_tiff(dir.path() / "x/a_20200101_nir.tif", {});
  write_tiff(dir.path() / "a_20200101_red.tif", {.epsg = 32632, .bands = 2});
  test::write_text(dir.file("readme.txt"), "");
  const auto files = expand_files({dir.path().string()}).files;
  const auto report = create_catalog(dir.file("c.db"), format(), files, {});
  CHECK(report.images == 1);
  CHECK(report.files == 1);
  REQUIRE(report.left_out.size() == 6);
  const auto reason = [&](const std::string& name) {
    for (const auto& left : report.left_out) {
      if (left.file == dir.file(name)) return (left.failed ? "! " : "") + left.reason;
    }
    return std::string("indexed");
  };
  CHECK(reason("readme.txt").starts_with("no image name: /images/pattern"));
  CHECK(reason("b_20200101_nir.tif").starts_with("! "));
  CHECK(reason("c_20200101_nir.tif") == "! has no coordinate reference system");
  CHECK(reason("d_20200101_red.tif") == "! has 1 band, and 'two' is band 2");
  CHECK(reason("x/a_20200101_nir.tif") ==
        "! the image 'a_20200101' has its band 'nir' already from " +
            dir.file("a_20200101_nir.tif"));
  CHECK(reason("a_20200101_red.tif") ==
        "! is in EPSG:32632, other files of its image 'a_20200101' are in EPSG:32631");
}

TEST_CASE("bands whose files differ are widened, and the catalog says so") {
  const test::TempDir dir;
  write_tiff(dir.path() / "a_20200101_red.tif", {.type = GDT_Byte, .nodata = 0});
  write_tiff(dir.path() / "b_20200101_red.tif", {.type = GDT_Int16, .nodata = -1});
  create_catalog(dir.file("c.db"), one_band_format(), expand_files({dir.path().string()}).files,
                 {});
  const BandInfo band = open_catalog(dir.file("c.db"))->bands().at(0);
  CHECK(band.dtype == DType::kInt16);
  CHECK_FALSE(band.nodata.has_value());
  CHECK(band.note == "files have uint8 and int16; files differ in nodata");
}

TEST_CASE("when nothing can be indexed nothing is written") {
  const test::TempDir dir;
  const auto error = [&](const std::vector<std::string>& files) {
    return test::error_of([&] { create_catalog(dir.file("c.db"), format(), files, {}); });
  };
  CHECK(error({}) == "no files are given to index");
  CHECK(
      error({"/d/S2A_28QCH_20200714_0_L2A/B8A.tif", "/d/readme.txt"}) ==
      "/d/S2A_28QCH_20200714_0_L2A/B8A.tif: none of 2 files is of the format tiny: no image name: "
      "/images/pattern '.*/([a-z]+_[0-9]{8})_[^/]+\\.tif' does not match (the format "
      "Sentinel2_L2A_COG fits)");
  test::write_text(dir.file("b_20200101_nir.tif"), "this is no raster");
  CHECK(error({dir.file("b_20200101_nir.tif")})
            .starts_with(dir.file("b_20200101_nir.tif") +
                         ": none of 1 file of the format can be indexed: "));
  CHECK(std::distance(fs::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("a catalog is not replaced unasked, and never left half-written") {
  const test::TempDir dir;
  write_tiff(dir.path() / "a_20200101_nir.tif", {});
  const std::vector<std::string> files = {dir.file("a_20200101_nir.tif")};
  const auto make = [&](const std::string& file, bool overwrite) {
    return test::error_of(
        [&] { create_catalog(file, one_band_format(), files, {.overwrite = overwrite}); });
  };
  test::write_text(dir.file("c.db"), "mine");
  CHECK(make(dir.file("c.db"), false) ==
        dir.file("c.db") + ": exists already (--overwrite replaces it)");
  CHECK(test::read_text(dir.file("c.db")) == "mine");
  CHECK(make(dir.file("c.db"), true) == "");
  CHECK(open_catalog(dir.file("c.db"))->summary().images == 1);
  CHECK(make(dir.path().string(), true) ==
        dir.path().string() + ": is a folder (give a file name)");
  CHECK(make(dir.file("no/c.db"), false) == dir.file("no") + ": there is no such folder");
  CHECK(make("/proc/c.db", false).starts_with("/proc"));
  CHECK(std::distance(fs::directory_iterator(dir.path()), {}) == 2);
}

// What is asked of a catalog, or why it cannot be.
std::string asked(const std::string& file) {
  try {
    const auto index = open_catalog(file);
    std::string out = std::to_string(index->summary().images);
    out += ' ' + std::to_string(index->bands().size());
    for (const Image& image : index->find(everything())) out += ' ' + image.name;
    ImageQuery query = everything();
    query.area = {{3, 45, 4, 46}};
    for (const Image& image : index->find(query)) out += ' ' + image.name;
    return out;
  } catch (const Error& error) {
    CHECK(std::string_view(error.what()).find(file) != std::string_view::npos);
    return "!";
  }
}

TEST_CASE("a damaged catalog is told, or answers; it never crashes") {
  const test::TempDir dir;
  for (int day = 1; day <= 9; ++day) {
    write_tiff(dir.path() / ("a_2020010" + std::to_string(day) + "_nir.tif"), {.type = GDT_Byte});
  }
  const std::string file = dir.file("c.db");
  create_catalog(file, format(), expand_files({dir.path().string()}).files, {});
  const std::string right = asked(file);
  const std::string whole = test::read_text(file);
  REQUIRE(whole.size() > 10000);
  int told = 0;
  for (std::size_t size = 0; size < whole.size(); size += 3001) {
    test::write_text(file, whole.substr(0, size));
    const std::string answer = asked(file);
    told += answer == "!";
    CHECK((answer == "!" || answer == right));
  }
  CHECK(told > 10);
  std::uint64_t state = 1;
  const auto random = [&](std::size_t below) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state >> 33) % below;
  };
  for (int i = 0; i < 300; ++i) {
    std::string damaged = whole;
    for (int k = 0; k < 8; ++k) damaged[random(whole.size())] = static_cast<char>(random(256));
    test::write_text(file, damaged);
    asked(file);
  }
  // Tables that others have made.
  for (const char* change :
       {"DROP TABLE gdalrefs", "DROP TABLE images", "ALTER TABLE images DROP COLUMN proj",
        "ALTER TABLE images RENAME COLUMN name TO title", "UPDATE images SET datetime = 'soon'",
        "UPDATE bands SET type = 'complex'", "DROP TABLE image_extents", "DELETE FROM bands"}) {
    CAPTURE(change);
    test::write_text(file, whole);
    Database(file, Database::Mode::kCreate).execute(change);
    const bool harmless = std::string_view(change).find("extents") != std::string_view::npos;
    if (!harmless) CHECK(asked(file) != right);
  }
}

TEST_CASE("what is no catalog is told so") {
  const test::TempDir dir;
  const auto error = [](const std::string& file) {
    return test::error_of([&] { open_catalog(file); });
  };
  const std::string hint = " (made by 'cube catalog create' or gdalcubes)";
  CHECK(error(dir.file("c.db")) == dir.file("c.db") + ": there is no such collection" + hint);
  CHECK(error(dir.path().string()) ==
        dir.path().string() + ": is a folder, not an image collection" + hint);
  test::write_text(dir.file("text.db"), std::string(2000, 'x'));
  CHECK(error(dir.file("text.db")) ==
        dir.file("text.db") + ": is not an image collection: SQLite: file is not a database" +
            hint);
  Database(dir.file("other.db"), Database::Mode::kCreate).execute("CREATE TABLE bands(id)");
  CHECK(error(dir.file("other.db")) ==
        dir.file("other.db") + ": is not an image collection: it has no table 'images'" + hint);
}

TEST_CASE("a collection with times of any precision, as gdalcubes' may be") {
  const test::TempDir dir;
  {
    Database database(dir.file("c.db"), Database::Mode::kCreate);
    database.execute(
        "CREATE TABLE bands(id INTEGER PRIMARY KEY, name, type, offset, scale, unit, nodata);"
        "CREATE TABLE images(id INTEGER PRIMARY KEY, name, left, top, bottom, right, datetime, "
        "proj);"
        "CREATE TABLE gdalrefs(image_id, band_id, descriptor, band_num);"
        "INSERT INTO bands VALUES (4, 'v', 'float32', 1, 2, 'mm', '-9999.000000'),"
        " (7, 'w', 'uint8', 0, 1, '', '-1');"
        "INSERT INTO images VALUES (1, 'year', 0, 1, 0, 1, '2018', 'EPSG:4326'),"
        " (2, 'month', 0, 1, 0, 1, '2018-02', 'EPSG:4326'),"
        " (3, 'day', 0, 1, 0, 1, '2018-01-05', 'EPSG:4326');"
        "INSERT INTO gdalrefs VALUES (1, 4, 'a.tif', 1), (2, 4, '/x/a.tif', 2),"
        " (3, 7, 'NETCDF:\"a.nc\":v', NULL)");
  }
  const auto index = open_catalog(dir.file("c.db"));
  CHECK(*index->bands()[0].nodata == -9999);
  CHECK(index->bands()[0].offset == 1);
  CHECK(index->bands()[0].scale == 2);
  CHECK(index->bands()[0].unit == "mm");
  CHECK_FALSE(index->bands()[1].nodata.has_value());
  CHECK(index->bands()[1].note == "nodata -1 is no uint8, ignored");
  const auto images = index->find(everything());
  CHECK(names(images) == Names{"year", "day", "month"});
  CHECK(images[0].bands[0].descriptor == dir.file("a.tif"));
  CHECK(images[1].bands[0].descriptor == "NETCDF:\"" + dir.file("a.nc") + "\":v");
  CHECK(images[1].bands[0].band == 1);
  CHECK(images[1].bands[0].raster_band == 1);
  CHECK(images[2].bands[0].descriptor == "/x/a.tif");
  const auto january = *parse_time("2018-01");
  CHECK(names(index->find({january.start, january.end, {}, {}})) == Names{"year", "day"});

  Database broken(dir.file("c.db"), Database::Mode::kCreate);
  broken.execute("UPDATE images SET datetime = 'soon' WHERE id = 1");
  CHECK(test::error_of([&] { index->summary(); }) == dir.file("c.db") + ": 'soon' is not a time");
  broken.execute("UPDATE bands SET type = 'complex' WHERE id = 4");
  CHECK(test::error_of([&] { open_catalog(dir.file("c.db")); }) ==
        dir.file("c.db") + ": band 'v' has the unknown type 'complex'");
}

TEST_CASE("queries from several threads") {
  const test::TempDir dir;
  write_tiff(dir.path() / "a_20200101_nir.tif", {});
  create_catalog(dir.file("c.db"), one_band_format(), expand_files({dir.path().string()}).files,
                 {});
  const auto index = open_catalog(dir.file("c.db"));
  std::atomic<int> found = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 50; ++n) found += static_cast<int>(index->find(everything()).size());
      });
    }
  }
  CHECK(found == 200);
}

TEST_CASE("arguments are expanded to sorted names without duplicates") {
  const test::TempDir dir;
  for (const char* name :
       {"a/1.tif", "a/2.txt", "a/b/3.tif", "a/b/c/4.tif", "5.tif", ".hid/6.tif"}) {
    fs::create_directories((dir.path() / name).parent_path());
    test::write_text(dir.path() / name, "");
  }
  const auto expand = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> full;
    for (const auto& argument : arguments) full.push_back(dir.file(argument));
    std::vector<std::string> out;
    for (const auto& name : expand_files(full).files) {
      out.push_back(fs::path(name).lexically_relative(dir.path()).string());
    }
    return out;
  };
  CHECK(expand({"5.tif", "a/1.tif", "a/../5.tif"}) == Names{"5.tif", "a/1.tif"});
  CHECK(expand({"a"}) == Names{"a/1.tif", "a/2.txt", "a/b/3.tif", "a/b/c/4.tif"});
  CHECK(expand({"a/*.tif"}) == Names{"a/1.tif"});
  CHECK(expand({"a/[12].*"}) == Names{"a/1.tif", "a/2.txt"});
  CHECK(expand({"*/b/?.tif"}) == Names{"a/b/3.tif"});
  CHECK(expand({"**/*.tif"}) ==
        Names{".hid/6.tif", "5.tif", "a/1.tif", "a/b/3.tif", "a/b/c/4.tif"});
  CHECK(expand({"a/**/b/**"}) == Names{"a/b/3.tif", "a/b/c/4.tif"});
  CHECK(expand({"a/b*"}) == Names{"a/b/3.tif", "a/b/c/4.tif"});
  CHECK(test::error_of([&] { expand({"no.tif"}); }) ==
        dir.file("no.tif") + ": no such file or folder");
  CHECK(test::error_of([&] { expand({"*.jp2"}); }) == dir.file("*.jp2") + ": gives no files");
  CHECK(expand_files({"/vsizip/no.zip/a.tif"}).files == Names{"/vsizip/no.zip/a.tif"});
}

TEST_CASE("touching boxes become one") {
  std::vector<Box> boxes = {{0, 0, 1, 1}, {3, 0, 4, 1}, {-9, 0, -8, 1}, {1, 0, 3, 2}};
  merge_touching(boxes);
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0].left == 0);
  CHECK(boxes[0].right == 4);
  CHECK(boxes[0].top == 2);
}

TEST_CASE("footprints beyond 180 degrees are wrapped, and rows hold them in one box") {
  const auto wrapped = [](const Box& box) {
    std::string out;
    for (const Box& part : wrap_longitudes({box})) {
      out += std::to_string(std::lround(part.left)) + ".." +
             std::to_string(std::lround(part.right)) + " ";
    }
    return out;
  };
  CHECK(wrapped({-180, 0, 180, 1}) == "-180..180 ");
  CHECK(wrapped({170, 0, 190, 1}) == "170..180 -180..-170 ");
  CHECK(wrapped({-190, 0, -170, 1}) == "170..180 -180..-170 ");
  CHECK(wrapped({200, 0, 210, 1}) == "-160..-150 ");
  CHECK(wrapped({0, 0, 360, 1}) == "-180..180 ");
  CHECK(wrapped({-530, 0, -520, 1}) == "-170..-160 ");
  for (const bool west_first : {true, false}) {
    std::vector<Box> parts = {{-180, 0, -170, 1}, {170, 2, 180, 3}};
    if (!west_first) std::swap(parts[0], parts[1]);
    const Box row = to_row(parts);
    CHECK(row.left == 170);
    CHECK(row.right == -170);
    CHECK(row.top == 3);
    CHECK(from_row(row).size() == 2);
  }
  CHECK(to_row({{-10, 0, 0, 1}, {5, 0, 9, 1}}).right == 9);
}
