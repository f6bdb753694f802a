// CRS texts, boxes across systems and descriptions of rasters.
#include <gdal_priv.h>

#include <cmath>

#include "engine/beside.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/raster_info.h"
#include "tests/support.h"

using namespace cube;

TEST_CASE("a CRS is named by its code when its WKT says no more than the code") {
  CHECK(canonical_crs("EPSG:3857", "/srs") == "EPSG:3857");
  CHECK(canonical_crs(crs_wkt("EPSG:32631"), "/srs") == "EPSG:32631");
  const std::string odd = canonical_crs("+proj=utm +zone=31 +k=0.9 +lat_0=3 +ellps=GRS80", "/srs");
  CHECK(odd.find("PROJCRS") == 0);
  CHECK(test::error_of([] { canonical_crs("EPSG:nope", "/space/srs"); }) ==
        "/space/srs: 'EPSG:nope' is no coordinate reference system (such as EPSG:32631, WKT or a "
        "PROJ string)");
}

TEST_CASE("grids do not lie in systems without a plane") {
  const auto error = [](std::string_view text) {
    return test::error_of([&] { canonical_plane_crs(text, "/space/srs"); });
  };
  CHECK(error("EPSG:4978") ==
        "/space/srs: 'EPSG:4978' has X, Y and Z (a projected CRS, or one of "
        "longitude and latitude)");
  CHECK(error("EPSG:5773") ==
        "/space/srs: 'EPSG:5773' has heights only (a projected CRS, or one of "
        "longitude and latitude)");
  CHECK(
      error("EPSG:nope").starts_with("/space/srs: 'EPSG:nope' is no coordinate reference system"));
  for (const char* text : {"EPSG:32631", "EPSG:2056", "EPSG:4258", "EPSG:9518"}) {  // one of them
    CHECK(canonical_plane_crs(text, "") == text);                                   // with heights
  }
  CHECK(canonical_plane_crs("LOCAL_CS[\"site\",UNIT[\"metre\",1]]", "").starts_with("ENGCRS"));
}

TEST_CASE("places that are points in the other system are told") {
  const Grid cube{
      .crs = "EPSG:3857", .left = 0, .top = 0, .dx = 0, .dy = 0, .width = 1, .height = 1};
  CHECK(places_text("it", {1, 2, 1, 2}, "EPSG:3857", cube) ==
        "it spans x 1, y 2, the cube x 0, y 0 in EPSG:3857");
}

TEST_CASE("codes that are known without PROJ's database are what it says they are") {
  std::vector<int> codes = {4326, 3857};
  for (int zone = 1; zone <= 60; ++zone) codes.insert(codes.end(), {32600 + zone, 32700 + zone});
  for (const int code : codes) {
    const std::string text = "EPSG:" + std::to_string(code);
    CAPTURE(text);
    const std::string wkt = crs_wkt(text);
    CHECK(canonical_crs(text, "") == text);
    CHECK(canonical_crs(wkt, "") == text);
    CHECK(is_geographic(text) == is_geographic(wkt));
    CHECK(same_crs(text, wkt));
    CHECK(same_crs(text, "EPSG:32631") == (code == 32631));
    CHECK(same_crs(wkt, "EPSG:32631") == (code == 32631));
  }
  for (const char* text : {"EPSG:", "EPSG:3263100", "EPSG:-32631"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(canonical_crs(text, ""), Error);
  }
  CHECK(canonical_crs("epsg:32631", "") == "EPSG:32631");
}

TEST_CASE("the same system in two writings is the same") {
  CHECK(same_crs("EPSG:4326", crs_wkt("EPSG:4326")));
  CHECK(same_crs("EPSG:4326", "OGC:CRS84"));  // axis order is not ours to tell apart
  CHECK_FALSE(same_crs("EPSG:32631", "EPSG:32632"));
  CHECK_FALSE(same_crs("EPSG:4326", ""));
  CHECK(same_crs("", ""));
}

TEST_CASE("x is easting or longitude whatever the authority's axis order") {
  // 3 degrees east on the equator is the false origin of UTM zone 31.
  std::vector<double> x = {3};
  std::vector<double> y = {0};
  CrsTransform("EPSG:4326", "EPSG:32631").apply(x, y);
  CHECK(x[0] == doctest::Approx(500000));
  CHECK(std::abs(y[0]) < 1e-6);
  x = {std::nan("")};
  CrsTransform("EPSG:4326", "EPSG:32631").apply(x, y);
  CHECK(std::isnan(x[0]));
}

TEST_CASE("edges are densified: a UTM box bulges beyond its corners") {
  // The northern edge of a wide box in UTM has its highest latitude at the central meridian.
  const auto boxes = transform_box({200000, 5000000, 800000, 6000000}, "EPSG:32631", "EPSG:4326");
  REQUIRE(boxes.size() == 1);
  std::vector<double> x = {200000, 500000};
  std::vector<double> y = {6000000, 6000000};
  CrsTransform("EPSG:32631", "EPSG:4326").apply(x, y);
  CHECK(y[1] > y[0] + 0.05);
  CHECK(boxes[0].top == doctest::Approx(y[1]).epsilon(1e-6));
}

TEST_CASE("a box across the antimeridian becomes two") {
  const auto boxes = transform_box({600000, 7000000, 900000, 7100000}, "EPSG:32660", "EPSG:4326");
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0].right == 180);
  CHECK(boxes[1].left == -180);
  CHECK(boxes[0].left > 170);
  CHECK(boxes[1].right < -170);
}

TEST_CASE("a raster is described without its cells") {
  const test::TempDir dir;
  const std::string file = dir.file("a.tif");
  {
    register_gdal();
    auto* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
    GDALDatasetUniquePtr dataset(driver->Create(file.c_str(), 40, 30, 2, GDT_UInt16, nullptr));
    double transform[6] = {500000, 10, 0, 5000000, 0, -20};
    dataset->SetGeoTransform(transform);
    dataset->SetProjection(crs_wkt("EPSG:32631").c_str());
    dataset->GetRasterBand(1)->SetNoDataValue(0);
    dataset->GetRasterBand(2)->SetDescription("nir");
    dataset->GetRasterBand(2)->SetScale(0.1);
    dataset->SetMetadataItem("TIFFTAG_DATETIME", "2023:06:15 10:50:31");
  }
  const RasterInfo info = describe_raster(file);
  CHECK(info.driver == "GTiff");
  CHECK(info.crs == "EPSG:32631");
  CHECK(info.north_up);
  CHECK(info.grid.dy == 20);
  CHECK(info.grid.bottom() == 5000000 - 600);
  CHECK(info.bands[0].name == "band1");
  CHECK(*info.bands[0].nodata == 0);
  CHECK(info.bands[1].name == "nir");
  CHECK(info.bands[1].scale == 0.1);
  CHECK(info.bands[1].dtype == DType::kUInt16);
  CHECK(info.overviews.empty());
  CHECK_FALSE(info.extras[0].named);
  CHECK(info.extras[1].named);
  CHECK_FALSE(info.extras[0].masked);
  REQUIRE(info.acquired.has_value());
  CHECK(to_text(*info.acquired) == "2023-06-15T10:50:31");
  REQUIRE(info.lonlat.size() == 1);
  CHECK(info.lonlat[0].left == doctest::Approx(3));
}

TEST_CASE("missing files and files that are no raster are told apart") {
  const test::TempDir dir;
  const std::string missing = dir.file("no.tif");
  CHECK(test::error_of([&] { describe_raster(missing); }) == missing + ": there is no such file");
  const std::string text = dir.file("text.tif");
  test::write_text(text, "hello");
  CHECK(test::error_of([&] {
          describe_raster(text);
        }).starts_with(text + ": cannot be opened as a raster: "));
}

TEST_CASE("a box round a pole takes all longitudes up to it") {
  const auto north = transform_box({-1e6, -1e6, 1e6, 1e6}, "EPSG:3995", "EPSG:4326");
  REQUIRE(north.size() == 1);
  CHECK(north[0].left == -180);
  CHECK(north[0].right == 180);
  CHECK(north[0].top == 90);
  CHECK(north[0].bottom < 80);
  const auto south = transform_box({-1e6, -1e6, 1e6, 1e6}, "EPSG:3031", "EPSG:4326");
  REQUIRE(south.size() == 1);
  CHECK(south[0].bottom == -90);
}

TEST_CASE("longitudes beyond 180 degrees come back on the other side") {
  const auto boxes = transform_box({170, -10, 190, 10}, "EPSG:4326", "EPSG:4326");
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0].left == 170);
  CHECK(boxes[0].right == 180);
  CHECK(boxes[1].left == -180);
  CHECK(boxes[1].right == -170);
  CHECK(transform_box({-180, -90, 180, 90}, "EPSG:4326", "EPSG:4326")[0].right == 180);
}

TEST_CASE("points all over an area are covered by the longitudes that they have") {
  const auto cover = [](std::vector<double> longitudes, double low, double high) {
    std::vector<double> latitudes(longitudes.size(), low);
    latitudes.back() = high;
    return lonlat_cover(longitudes, latitudes);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(cover({10, nan, 12, 11}, 1, 2) == std::vector<Box>{{10, 1, 12, 2}});
  CHECK(cover({179, -178, 180}, 1, 2) == std::vector<Box>{{179, 1, 180, 2}, {-180, 1, -178, 2}});
  CHECK(cover({170, 180}, 1, 2) == std::vector<Box>{{170, 1, 180, 2}});
  CHECK(cover({350, 5}, 1, 2) == std::vector<Box>{{-10, 1, 5, 2}});
  // Across the antimeridian and the prime meridian, as half an orbit does.
  CHECK(cover({170, -170, -120, -60, 0, 20}, 1, 2) ==
        std::vector<Box>{{170, 1, 180, 2}, {-180, 1, 20, 2}});
  std::vector<double> all;
  for (int i = -180; i < 180; i += 10) all.push_back(i);
  CHECK(cover(all, -50, 80) == std::vector<Box>{{-180, -50, 180, 90}});
  CHECK(cover(all, -61, 50) == std::vector<Box>{{-180, -90, 180, 50}});
  CHECK(lonlat_cover({}, {}).empty());
}
