// Catalogs of the real Landsat archive: the one that gdalcubes wrote and ours of the same files.
#include <cmath>

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

TEST_CASE("indexing the archive gives what gdalcubes' collection holds") {
  const test::TempDir dir;
  const auto archive = test::shared_dir() / "data/landsat8_new_york_2018";
  const std::string file = dir.file("l8.db");
  std::int64_t done = 0;
  IndexOptions options;
  options.threads = 4;
  options.progress = [&](std::int64_t n, std::int64_t total) {
    CHECK(n == ++done);
    CHECK(total == 228);
  };
  const IndexReport report =
      create_catalog(file, CollectionFormat::load("L8_L1TP"),
                     expand_files({(archive / "**" / "*.TIF").string()}).files, options);
  CHECK(report.images == 19);
  CHECK(report.files == 228);
  CHECK(done == 228);
  CHECK(report.left_out.empty());

  const auto ours = open_catalog(file);
  const auto theirs = open_catalog(reference());
  REQUIRE(ours->bands().size() == 12);
  for (std::size_t i = 0; i < 12; ++i) {
    const BandInfo& a = ours->bands()[i];
    const BandInfo& b = theirs->bands()[i];
    CHECK(a.name == b.name);
    CHECK(a.dtype == b.dtype);
    CHECK(a.nodata == b.nodata);
    CHECK(a.scale == b.scale);
    CHECK(a.offset == b.offset);
    CHECK(a.unit == b.unit);
  }
  const auto a = ours->find({kStart, kEnd, {}, {}});
  const auto b = theirs->find({kStart, kEnd, {}, {}});
  REQUIRE(a.size() == 19);
  for (std::size_t i = 0; i < 19; ++i) {
    CAPTURE(a[i].name);
    CHECK(a[i].name == b[i].name);
    CHECK(a[i].datetime == b[i].datetime);
    CHECK(a[i].crs == b[i].crs);
    REQUIRE(a[i].bands.size() == 12);
    for (std::size_t band = 0; band < 12; ++band) {
      const std::filesystem::path descriptor = a[i].bands[band].descriptor;
      CHECK(a[i].bands[band].band == b[i].bands[band].band);
      CHECK(a[i].bands[band].raster_band == b[i].bands[band].raster_band);
      CHECK(std::filesystem::equivalent(descriptor, b[i].bands[band].descriptor));
    }
    REQUIRE(a[i].footprint.size() == 1);
    const Box& box = a[i].footprint[0];
    const Box& corners = b[i].footprint[0];
    // gdalcubes writes six decimals and transforms corners only: on path 014 the top edge of the
    // images crosses the central meridian, where it lies further north than its corners.
    CHECK(std::abs(box.left - corners.left) < 1e-6);
    CHECK(std::abs(box.bottom - corners.bottom) < 1e-6);
    CHECK(std::abs(box.right - corners.right) < 1e-6);
    const bool bulges = a[i].name.find("_014") != std::string::npos;
    CHECK(box.top - corners.top > -1e-6);
    CHECK(box.top - corners.top < (bulges ? 0.01 : 1e-6));
  }
}

TEST_CASE("our catalog answers as gdalcubes' does") {
  const test::TempDir dir;
  const auto archive = test::shared_dir() / "data/landsat8_new_york_2018";
  create_catalog(dir.file("l8.db"), CollectionFormat::load("L8_L1TP"),
                 expand_files({(archive / "**" / "*.TIF").string()}).files, {});
  const auto ours = open_catalog(dir.file("l8.db"));
  const auto theirs = open_catalog(reference());
  const auto names = [](const ImageIndex& index, const ImageQuery& query) {
    std::string out;
    for (const Image& image : index.find(query)) {
      out += image.name + " " + std::to_string(image.bands.size()) + "\n";
    }
    return out;
  };
  for (const char* time : {"2018", "2018-04", "2018-04-28", "2018-12-17", "2019"}) {
    for (const Box& box : {Box{-80, 30, -70, 50}, Box{-72.5, 40, -72, 41}, Box{-73.6, 42, -73, 43},
                           Box{0, 0, 1, 1}}) {
      const ImageQuery query{parse_time(time)->start, parse_time(time)->end, {box}, {0, 11}};
      CHECK(names(*ours, query) == names(*theirs, query));
    }
  }
}
