// Catalogs of the real Landsat archive: the one that gdalcubes wrote and ours of the same files.
#include <algorithm>
#include <map>

#include "catalog/catalog.h"
#include "tests/support.h"

using namespace cube;

namespace {

const Instant kStart = parse_time("2018")->start;
const Instant kEnd = parse_time("2018")->end;

std::string reference() { return (test::shared_dir() / "reference/l8_gdalcubes.db").string(); }

}  // namespace

TEST_CASE("a collection that gdalcubes wrote opens as it is") {
  const auto index = open_catalog(reference());
  REQUIRE(index->bands().size() == 12);
  CHECK(index->bands()[0].name == "B01");
  CHECK(index->bands()[0].dtype == DType::kUInt16);
  CHECK(index->bands()[0].nodata == 0.0);
  CHECK(index->bands()[11].name == "BQA");
  CHECK_FALSE(index->bands()[11].nodata.has_value());

  const CollectionSummary summary = index->summary();
  CHECK(summary.images == 19);
  CHECK(summary.files == 228);
  CHECK(to_text(*summary.first) == "2018-01-06T00:00:00");
  CHECK(to_text(*summary.last) == "2018-12-17T00:00:00");
  CHECK(summary.extent->left < -76);

  const auto images = index->find({.start = kStart, .end = kEnd, .area = {}, .bands = {}});
  REQUIRE(images.size() == 19);
  for (std::size_t i = 1; i < images.size(); ++i) {
    CHECK(images[i - 1].datetime <= images[i].datetime);
  }
  for (const Image& image : images) {
    CHECK(image.crs == "EPSG:32618");
    REQUIRE(image.bands.size() == 12);
    for (std::size_t band = 0; band < 12; ++band) {
      CHECK(image.bands[band].band == band);
      CHECK(image.bands[band].raster_band == 1);
      CHECK(std::filesystem::exists(image.bands[band].descriptor));
    }
  }
}

TEST_CASE("images are found by time, area and band") {
  const auto index = open_catalog(reference());
  const auto count = [&](const ImageQuery& query) { return index->find(query).size(); };
  const auto july = *parse_time("2018-07");
  CHECK(count({july.start, july.end, {}, {}}) == 1);
  // A day is [start, end): the image of 2018-07-10 is not in a query that ends on it.
  const auto day = *parse_time("2018-07-10");
  CHECK(count({day.start, day.end, {}, {}}) == 1);
  CHECK(count({july.start, day.start, {}, {}}) == 0);
  // Only path 013 reaches east of 72.5 W: 8 images.
  CHECK(count({kStart, kEnd, {{-72.5, 40, -72, 41}}, {}}) == 8);
  // Two boxes, one of which touches nothing.
  CHECK(count({kStart, kEnd, {{10, 40, 11, 41}, {-72.5, 40, -72, 41}}, {}}) == 8);
  CHECK(count({kStart, kEnd, {{10, 40, 11, 41}}, {}}) == 0);
  const auto images = index->find({kStart, kEnd, {}, {11, 3}});
  REQUIRE(images.size() == 19);
  REQUIRE(images[0].bands.size() == 2);
  CHECK(images[0].bands[0].band == 3);
  CHECK(images[0].bands[1].band == 11);
}
