// Catalogs from tables of images: the shapes of tables, what is opened, what is rejected and where.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>
#include <tuple>

#include "catalog/catalog.h"
#include "catalog/descriptor.h"
#include "catalog/image_names.h"
#include "catalog/schema.h"
#include "catalog/sqlite.h"
#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;

namespace {

namespace fs = std::filesystem;

constexpr const char* kTypes = R"({"bands": {"B04": {"dtype": "uint16", "nodata": 0, "scale": 0.5},
  "B08": {"dtype": "uint16"}, "SCL": {"dtype": "uint8", "unit": "class"}}})";
constexpr const char* kWide = "name,datetime,left,bottom,right,top,srs,B04,B08,SCL\n";

ImageQuery everything() { return {Instant::min(), Instant::max(), {}, {}}; }

struct Made {
  IndexReport report;
  std::shared_ptr<const ImageIndex> index;
  std::vector<Image> images;
};

// A catalog of a table in `dir`, whose bands have the types above.
Made make(const test::TempDir& dir, const std::string& csv, std::vector<std::string> bands = {},
          const char* format = kTypes) {
  fs::create_directories(dir.path() / "tables");
  test::write_text(dir.path() / "tables/t.csv", csv);
  TableOptions table{dir.file("tables/t.csv"), std::move(bands), {}};
  if (format) {
    table.format = CollectionFormat::parse(format, "types", CollectionFormat::Use::kBands);
  }
  Made made{create_catalog_from_table(dir.file("c.db"), table, {.threads = 2, .overwrite = true}),
            open_catalog(dir.file("c.db")),
            {}};
  made.images = made.index->find(everything());
  return made;
}

std::string rejected(const std::string& csv, std::vector<std::string> bands = {},
                     const char* format = kTypes) {
  const test::TempDir dir;
  std::string error = test::error_of([&] { make(dir, csv, std::move(bands), format); });
  CHECK_MESSAGE(!fs::exists(dir.path() / "c.db"), error);
  for (const auto& entry : fs::directory_iterator(dir.path())) {
    CHECK_MESSAGE(entry.path().filename() == "tables", "left behind: ", entry.path());
  }
  const std::string folder = dir.file("tables/");
  for (std::size_t at; (at = error.find(folder)) != std::string::npos;) {
    error.erase(at, folder.size());
  }
  return error;
}

// Rows of the wide shape with one cell replaced.
std::string with_cell(std::size_t column, const std::string& cell) {
  std::vector<std::string> cells = {"b", "2020-01-02", "3",      "4",      "5",
                                    "6", "EPSG:32631", "b4.tif", "b8.tif", "scl.tif"};
  cells[column] = cell;
  std::string out = std::string(kWide) + "a,2020-01-01,3,4,5,6,EPSG:32631,a4.tif,a8.tif,\n";
  for (std::size_t i = 0; i < cells.size(); ++i) out += (i > 0 ? "," : "") + cells[i];
  return out + "\n";
}

// Bytes that this process has read from files, caches or not.
std::int64_t bytes_read() {
  std::ifstream in("/proc/self/io");
  std::string key;
  std::int64_t value = 0;
  while (in >> key >> value && key != "rchar:") {
  }
  return value;
}

}  // namespace

TEST_CASE("a column a band, located: no file is opened") {
  const test::TempDir dir;
  const Made made =
      make(dir, std::string(kWide) +
                    "second,2020-01-02T10:00:00.5Z,179,4,-179,6,EPSG:32601,/abs/x.tif,,s3/scl.tif\n"
                    "first,2020-01-01,3.25,4,5,6,32631.0,../b4.tif,/vsis3/b/x.tif,scl.tif\n");
  CHECK(made.report.images == 2);
  CHECK(made.report.files == 5);
  CHECK(made.report.layout == "a row an image, a column a band; bands B04, B08, SCL");
  REQUIRE(made.images.size() == 2);
  const Image& first = made.images[0];
  CHECK(first.name == "first");
  CHECK(to_text(first.datetime) == "2020-01-01T00:00:00");
  CHECK(first.crs == "EPSG:32631");
  CHECK(first.footprint == std::vector<Box>{{3.25, 4, 5, 6}});
  REQUIRE(first.bands.size() == 3);
  CHECK(first.bands[0].descriptor == dir.file("b4.tif"));
  CHECK(first.bands[1].descriptor == "/vsis3/b/x.tif");
  CHECK(first.bands[2].descriptor == dir.file("tables/scl.tif"));
  const Image& second = made.images[1];
  CHECK(to_text(second.datetime) == "2020-01-02T10:00:00");
  CHECK(second.footprint == std::vector<Box>{{179, 4, 180, 6}, {-180, 4, -179, 6}});
  REQUIRE(second.bands.size() == 2);
  CHECK(second.bands[0].descriptor == "/abs/x.tif");
  CHECK(second.bands[1].band == 2);
  const BandInfo& red = made.index->bands()[0];
  CHECK((red.dtype == DType::kUInt16 && red.nodata == 0.0 && red.scale == 0.5));
  CHECK(!made.index->bands()[1].nodata);
  CHECK((made.index->bands()[2].dtype == DType::kUInt8 && made.index->bands()[2].unit == "class"));
  const CollectionSummary summary = made.index->summary();
  CHECK((summary.images == 2 && summary.files == 5));
  CHECK(summary.crs == std::map<std::string, std::int64_t>{{"EPSG:32601", 1}, {"EPSG:32631", 1}});
  CHECK(summary.dates == std::vector<std::string>{"2020-01-01", "2020-01-02"});
  CHECK(*summary.extent == Box{-180, 4, 180, 6});
}

TEST_CASE("columns by other names, in any order, case and delimiter") {
  const test::TempDir dir;
  const Made made = make(dir,
                         "\xEF\xBB\xBF;cloud;NORTH;South;East;WEST;epsg;b04;SCL;Date;ID;thumb\r\n"
                         "0;1,5;6;4;5;3;4326;x.tif;y.tif;2020-01-01;one;t.png\r\n",
                         {}, kTypes);
  REQUIRE(made.images.size() == 1);
  CHECK(made.images[0].name == "one");
  CHECK(made.images[0].crs == "EPSG:4326");
  CHECK(made.images[0].footprint == std::vector<Box>{{3, 4, 5, 6}});
  CHECK(made.index->bands()[0].name == "B04");  // as the format spells it
  CHECK(made.report.layout ==
        "a row an image, a column a band; bands B04, SCL; columns not used: cloud, thumb");
}

TEST_CASE("a row a file: rows of one image in any order, with what they say of bands") {
  const test::TempDir dir;
  const Made made = make(dir,
                         "image,datetime,band,file,band_num,left,bottom,right,top,crs,dtype,nodata,"
                         "scale,offset,unit\n"
                         "a,2020-01-01,red,a.nc,1,3,4,5,6,EPSG:4326,int16,-999,0.1,5,K\n"
                         "b,2020-01-01,red,b.nc,1,3,4,5,6,EPSG:4326,int16,-999.0,0.1,5,K\n"
                         "a,2020-01-01,nir,a.nc,2,3,4,5,6,EPSG:4326,Float32,nan,,,\n",
                         {}, nullptr);
  CHECK((made.report.images == 2 && made.report.files == 2));
  CHECK(made.report.layout == "a row a file; bands red, nir");
  REQUIRE(made.images[0].bands.size() == 2);
  CHECK(made.images[0].bands[1].raster_band == 2);
  CHECK(made.images[1].bands.size() == 1);
  const BandInfo& red = made.index->bands()[0];
  CHECK((red.dtype == DType::kInt16 && red.nodata == -999.0));
  CHECK((red.scale == 0.1 && red.offset == 5 && red.unit == "K"));
  CHECK(made.index->bands()[1].dtype == DType::kFloat32);
  const Made asked = make(dir,
                          "image,datetime,band,file,left,bottom,right,top,crs,dtype\n"
                          "a,2020-01-01,red,a.tif,3,4,5,6,EPSG:4326,int16\n"
                          "a,2020-01-01,nir,b.tif,3,4,5,6,EPSG:4326,int16\n",
                          {"nir"}, nullptr);
  CHECK(asked.index->bands().size() == 1);
  CHECK(asked.images[0].bands[0].descriptor == dir.file("tables/b.tif"));
}

TEST_CASE("bands of unknown type: the first file of each is opened") {
  const test::TempDir dir;
  fs::create_directories(dir.path() / "tables");
  test::write_raster(dir.file("tables/r.tif"),
                     {.width = 2, .height = 1, .type = GDT_Int16, .nodata = -1, .bands = 2},
                     {1, 2});
  const std::string head = "datetime,left,bottom,right,top,srs,file\n";
  const std::string row = "2020-01-01,3,4,5,6,EPSG:32631,r.tif\n";
  const Made named = make(dir, head + row, {"red", "nir"}, nullptr);
  CHECK(named.report.layout == "a row an image, of one file; bands red, nir");
  CHECK(named.images[0].name == "r");
  CHECK(named.images[0].bands[1].raster_band == 2);
  CHECK(named.index->bands()[1].dtype == DType::kInt16);
  CHECK(named.index->bands()[0].nodata == -1.0);
  const Made found = make(dir, head + row, {}, nullptr);
  CHECK(found.index->bands().size() == 2);
  CHECK(rejected(head + "2020-01-01,3,4,5,6,EPSG:32631,none.tif\n", {"red"}, nullptr)
            .find("t.csv, line 2: the band 'red' is not known: its first file none.tif: ") == 0);
}

TEST_CASE("without extents all files are opened") {
  const test::TempDir dir;
  fs::create_directories(dir.path() / "tables");
  test::write_raster(dir.file("tables/a.tif"), {.width = 2, .height = 1, .type = GDT_Int16},
                     {1, 2});
  test::write_raster(dir.file("tables/b.tif"), {.width = 2, .height = 1, .type = GDT_Byte}, {1, 2});
  const Made made = make(dir,
                         "name,datetime,red,nir\n"
                         "one,2020-01-01,a.tif,b.tif\n"
                         "two,2020-01-02,,./b.tif\n"
                         "three,2020-01-03,lost.tif,\n"
                         "four,2020-01-04,,\n",
                         {}, nullptr);
  CHECK(made.report.images == 2);
  REQUIRE(made.report.left_out.size() == 2);
  CHECK(made.report.left_out[0].file == "lost.tif");
  CHECK(made.report.left_out[0].failed);
  CHECK(made.report.left_out[1].file.ends_with("t.csv, line 5"));
  CHECK(made.report.left_out[1].reason == "names no file");
  CHECK(made.images[0].crs == "EPSG:32631");
  CHECK(made.images[0].footprint[0].left == doctest::Approx(3.0));
  CHECK(made.index->bands()[0].dtype == DType::kInt16);
}

TEST_CASE("what is wrong with the columns") {
  const auto columns = [](const std::string& header, std::vector<std::string> bands = {},
                          const char* format = nullptr) {
    std::string row = header;
    for (char& c : row) c = c == ',' ? c : '1';
    return rejected(header + "\n" + row + "\n", std::move(bands), format);
  };
  CHECK(columns("name,file") ==
        "t.csv: has no column of times (one of datetime, date_time, "
        "properties.datetime, timestamp, time, date)");
  CHECK(columns("name,datetime,cloud") ==
        "t.csv: has no column of files (a column 'file', or a column a band with the files in it "
        "(--bands names them))");
  CHECK(columns("name,datetime,B99", {}, kTypes)
            .find("t.csv: has no column of a band of the format") == 0);
  CHECK(columns("name,datetime,B4,B8", {"B4", "B9"}) ==
        "--bands: there is no column 'B9' in t.csv (did you mean 'B4'?)");
  CHECK(columns("datetime,band,file") ==
        "t.csv: has a row a file, but no column that says which rows make an image (one of image, "
        "image_name, name, scene_id, product_id, id)");
  CHECK(columns("name,datetime,file,left,right,top,srs") ==
        "t.csv: has no column of the bottom (left, bottom, right and top are given together, in "
        "degrees)");
  CHECK(columns("name,datetime,file,left,right,top,bottom") ==
        "t.csv: has extents, but no column of the files' reference systems (one of srs, crs, proj, "
        "proj:code, proj:epsg, epsg; or leave the extents out and the files are opened)");
  CHECK(columns("name,datetime,file,name") == "t.csv: two columns are named 'name'");
  CHECK(rejected("name,datetime,file\n") == "t.csv: has no rows below its header");
  CHECK(rejected(std::string(kWide) + "a,2020-01-01,3,4,5,6,EPSG:4326,,,\n") ==
        "t.csv: no row has a file of the band 'B04'");
  CHECK(rejected("name,datetime,left,bottom,right,top,srs,band,file,dtype\n"
                 "a,2020-01-01,3,4,5,6,4326,red,a.tif,uint8\n",
                 {"red", "nir"}, nullptr) == "t.csv: no row has a file of the band 'nir'");
}

TEST_CASE("what is wrong with a cell is named with its line and column") {
  const std::string place = "t.csv, line 3, column '";
  CHECK(rejected(with_cell(0, "")) == place + "name': is empty");
  CHECK(rejected(with_cell(0, "a")) == place + "name': the image 'a' stands in line 2 too");
  const std::string iso = " (ISO 8601, such as 2018-07-10 or 2018-07-10T10:30:00Z)";
  CHECK(rejected(with_cell(1, "")) == place + "datetime': is empty" + iso);
  CHECK(rejected(with_cell(1, "2020-02-30")) ==
        place + "datetime': '2020-02-30' is not a time" + iso);
  CHECK(rejected(with_cell(2, "")) == place + "left': is empty (degrees)");
  CHECK(rejected(with_cell(2, "x3")) == place + "left': 'x3' is no number (degrees)");
  CHECK(rejected(with_cell(3, "nan")) == place + "bottom': 'nan' is no number (degrees)");
  CHECK(rejected(with_cell(4, "\"5,5\"")) ==
        place + "right': '5,5' is no number (decimals follow a point)");
  const std::string degrees =
      " (extents are in degrees (EPSG:4326), not in the file's reference system)";
  CHECK(rejected(with_cell(4, "500000")) == place + "right': 500000 is no longitude" + degrees);
  CHECK(rejected(with_cell(5, "91")) == place + "top': 91 is no latitude" + degrees);
  CHECK(rejected(with_cell(3, "7")) == place + "bottom': is above the top");
  CHECK(rejected(with_cell(2, "200")) ==
        place +
            "right': is left of the left side (across the antimeridian both are within -180 "
            "and 180)");
  CHECK(rejected(with_cell(6, "")) == place + "srs': is empty");
  CHECK(rejected(with_cell(6, "EPSG:0")).find(place + "srs': ") == 0);
}

TEST_CASE("what is wrong with a row a file") {
  const std::string head =
      "image,datetime,band,file,band_num,left,bottom,right,top,crs,dtype,nodata\n"
      "a,2020-01-01,red,a.tif,1,3,4,5,6,EPSG:4326,int16,0\n";
  const auto row = [&](const std::string& text) { return rejected(head + text, {}, nullptr); };
  const std::string place = "t.csv, line 3, column '";
  CHECK(row("a,2020-01-01,,a.tif,1,3,4,5,6,EPSG:4326,int16,0\n") == place + "band': is empty");
  CHECK(row("a,2020-01-01,nir,,1,3,4,5,6,EPSG:4326,int16,0\n") == place + "file': is empty");
  CHECK(row("a,2020-01-01,nir,a.tif,0,3,4,5,6,EPSG:4326,int16,0\n") ==
        place + "band_num': '0' is not a band number (bands count from 1)");
  CHECK(row("a,2020-01-01,red,b.tif,1,3,4,5,6,EPSG:4326,int16,0\n") ==
        place + "band': the image 'a' has this band already");
  CHECK(row("a,2020-01-02,nir,b.tif,1,3,4,5,6,EPSG:4326,int16,0\n") ==
        place + "image': the image 'a' has another time, extent or srs in line 2");
  CHECK(row("b,2020-01-02,red,b.tif,1,3,4,5,6,EPSG:4326,uint8,0\n") ==
        place + "dtype': 'uint8', but 'int16' in another row of the band 'red'");
  CHECK(row("b,2020-01-02,red,b.tif,1,3,4,5,6,EPSG:4326,int16,1\n") ==
        place + "nodata': '1', but '0' in another row of the band 'red'");
  CHECK(row("b,2020-01-02,nir,b.tif,1,3,4,5,6,EPSG:4326,int15,1\n")
            .find(place + "dtype': 'int15' is no type of cells (uint8, ") == 0);
  CHECK(row("b,2020-01-02,nir,b.tif,1,3,4,5,6,EPSG:4326,int16,none\n") ==
        place + "nodata': 'none' is no number");
}

TEST_CASE("tables and catalogs that are not there") {
  const test::TempDir dir;
  const auto create = [&](const std::string& table, const std::string& catalog) {
    return test::error_of([&] {
      create_catalog_from_table(dir.file(catalog), {dir.file(table), {}, {}}, {});
    });
  };
  CHECK(create("t.csv", "c.db") == dir.file("t.csv") + ": there is no such table");
  CHECK(create("", "c.db").ends_with(": there is no such table"));
  CHECK(create("t.csv", "no/c.db") == dir.file("no") + ": there is no such folder");
  CHECK(test::error_of([] {
          CollectionFormat::parse(R"({"bands": {"B1": {"dtype": "int15"}}})", "f",
                                  CollectionFormat::Use::kBands);
        }).find("f#/bands/B1/dtype: 'int15' is no type of cells") == 0);
}

TEST_CASE("a table on standard input: names are relative to the current folder") {
  const test::TempDir dir;
  std::istringstream text(std::string(kWide) +
                          "a,2020-01-01,3,4,5,6,EPSG:32631,a4.tif,a8.tif,scl.tif\n");
  std::streambuf* const before = std::cin.rdbuf(text.rdbuf());
  const auto types = CollectionFormat::parse(kTypes, "t", CollectionFormat::Use::kBands);
  create_catalog_from_table(dir.file("c.db"), {"-", {}, types}, {});
  std::cin.rdbuf(before);
  const auto images = open_catalog(dir.file("c.db"))->find(everything());
  CHECK(images.at(0).bands[0].descriptor == (fs::current_path() / "a4.tif").string());
}

TEST_CASE("descriptors of a table are those of files named one by one") {
  for (const char* folder : {"/x", "/x/y", "/x/y/z", "/other", "/"}) {
    TableDescriptors table("/x/y", folder);
    for (const char* name : {"a.tif", "sub/a.tif", "./a.tif", "../a.tif", "a//b.tif", "a/../b.tif",
                             "/x/y/a.tif", "/x/a.tif", "/vsizip/a.zip/b.tif", "s3://b/k.tif",
                             "NETCDF:\"a.nc\":v", "<VRTDataset/>", "odd:name.tif", "x/.", ".."}) {
      CAPTURE(folder);
      CAPTURE(name);
      const std::string plain = is_file_name(name) && name[0] != '/'
                                    ? (fs::path("/x/y") / name).lexically_normal().string()
                                    : resolve_descriptor(name, "/x/y");
      CHECK(table.stored(name) == stored_descriptor(plain, folder));
    }
  }
}

TEST_CASE("names of images get numbers") {
  ImageNames names;
  for (std::uint32_t round = 0; round < 2; ++round) {
    for (std::uint32_t i = 0; i < 20000; ++i) {
      const std::string name = "image" + std::to_string(i) + std::string(i % 100, 'x');
      const auto found = names.add(name, i, i + 7);
      REQUIRE(found.id == i + 1);
      REQUIRE(found.fresh == (round == 0));
      REQUIRE(names.name(found.id) == name);
      REQUIRE((names.facts(found.id) == i && names.line(found.id) == i + 7));
    }
  }
}

// 100,000 images: 500 places of 200 dates each.
TEST_CASE("a large table: queries read the R*Tree and a few rows, and find what a scan finds") {
  const test::TempDir dir;
  std::ostringstream csv;
  csv << "name,datetime,left,bottom,right,top,srs,B04\n";
  const auto place = [](int i) { return Box{-170.0 + i % 25 * 13, -60.0 + i / 25 * 6, 0, 0}; };
  const Instant first = parse_time("2015-01-01")->start;
  for (int i = 0; i < 100000; ++i) {
    const Box at = place(i % 500);
    const double left = at.left + i % 7 * 0.01;
    const double right = i % 500 == 24 ? -179.5 : left + 2;  // one crosses the antimeridian
    csv << 'i' << i << ',' << to_text(first + std::chrono::days(i / 500 * 5)) << ',' << left << ','
        << at.bottom << ',' << right << ',' << at.bottom + 1 << ",EPSG:" << 32631 + i % 2 << ",f"
        << i << ".tif\n";
  }
  const Made made = make(dir, csv.str());
  CHECK((made.report.images == 100000 && made.report.files == 100000));
  CHECK(made.images.size() == 100000);
  const CollectionSummary summary = made.index->summary();
  CHECK((summary.images == 100000 && summary.dates.size() == 200 && summary.crs.size() == 2));

  Database database(dir.file("c.db"), Database::Mode::kRead);
  Statement check(database, "SELECT rtreecheck(?)");
  check.bind(kExtentTable).step();
  CHECK(check.text(0) == "ok");

  const auto lonlat = [&](int i) {
    const Box at = place(i);
    return Box{at.left + 0.5, at.bottom + 0.2, at.left + 0.7, at.bottom + 0.4};
  };
  const Box across{150, -60, 180, -50};
  for (const auto& [area, start, days] :
       {std::tuple{std::vector{lonlat(3)}, 0, 2000}, std::tuple{std::vector{lonlat(3)}, 10, 20},
        std::tuple{std::vector{lonlat(3), lonlat(203)}, 500, 1},
        std::tuple{std::vector{across}, 0, 9}, std::tuple{std::vector<Box>{}, 100, 7},
        std::tuple{std::vector{lonlat(499)}, 5000, 9}}) {
    const ImageQuery query{
        first + std::chrono::days(start), first + std::chrono::days(start + days), area, {}};
    std::vector<std::string> expected;
    for (const Image& image : made.images) {
      const bool touches =
          area.empty() || std::ranges::any_of(image.footprint, [&](const Box& box) {
            return std::ranges::any_of(query.area, [&](const Box& b) { return b.intersects(box); });
          });
      if (touches && image.datetime >= query.start && image.datetime < query.end) {
        expected.push_back(image.name);
      }
    }
    std::vector<std::string> found;
    for (const Image& image : made.index->find(query)) found.push_back(image.name);
    CHECK(found == expected);
  }

  const auto size = static_cast<std::int64_t>(fs::file_size(dir.file("c.db")));
  const std::int64_t before = bytes_read();
  const auto index = open_catalog(dir.file("c.db"));
  CHECK(index->find({first, first + std::chrono::days(100), {lonlat(77)}, {}}).size() == 20);
  const std::int64_t read = bytes_read() - before;
  CAPTURE(size);
  CHECK(read > 0);
  CHECK(read < size / 10);
}

TEST_CASE("rows that somebody else adds or removes are found, counted and gone") {
  const test::TempDir dir;
  make(dir, std::string(kWide) + "a,2020-01-01,3,4,5,6,EPSG:32631,a4.tif,a8.tif,scl.tif\n");
  Database database(dir.file("c.db"), Database::Mode::kCreate);
  database.execute(
      "INSERT INTO images VALUES (7, 'b', 170, 6, 5, -170, '2020-03', 'EPSG:4326');"
      "INSERT INTO gdalrefs VALUES (7, 0, 'b.tif', 1);");
  const auto in = [&](const Box& box) {
    std::vector<std::string> out;
    const ImageQuery query{parse_time("2020-02")->start, parse_time("2020-04")->end, {box}, {}};
    for (const Image& image : open_catalog(dir.file("c.db"))->find(query))
      out.push_back(image.name);
    return out;
  };
  CHECK(in({-175, 5, -171, 6}) == std::vector<std::string>{"b"});
  CHECK(in({171, 5, 172, 6}) == std::vector<std::string>{"b"});
  CHECK(in({3, 5, 4, 6}).empty());
  CHECK(open_catalog(dir.file("c.db"))->summary().images == 2);
  database.execute("UPDATE images SET left = 3, right = 4 WHERE id = 7");
  CHECK(in({3, 5, 4, 6}) == std::vector<std::string>{"b"});
  CHECK(in({171, 5, 172, 6}).empty());
  database.execute("DELETE FROM images WHERE id = 7; DELETE FROM gdalrefs WHERE image_id = 7");
  CHECK(in({3, 5, 4, 6}).empty());
  CHECK(open_catalog(dir.file("c.db"))->summary().files == 3);
}
