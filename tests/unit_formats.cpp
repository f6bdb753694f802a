// Collection formats: how names become images, bands and times, and what is said when they do not.
#include <algorithm>
#include <chrono>

#include "catalog/explain_match.h"
#include "catalog/formats.h"
#include "catalog/pattern.h"
#include "tests/support.h"

using namespace cube;

namespace {

std::string format_text(const std::string& replace, const std::string& with) {
  std::string text = R"({"pattern": ".+\\.tif",
 "images": {"pattern": ".*/([^/]+)_[^_/]+\\.tif"},
 "datetime": {"pattern": ".*/a([0-9]+)_.+", "format": "%Y%j"},
 "bands": {"red": {"pattern": ".+_(?:red|all)\\.tif", "nodata": 7, "scale": 0.5, "unit": "m"},
           "nir": {"pattern": ".+_all\\.tif", "band": 2}}})";
  const std::size_t at = text.find(replace);
  REQUIRE(at != std::string::npos);
  return text.replace(at, replace.size(), with);
}

CollectionFormat sample() { return CollectionFormat::parse(format_text("", ""), "f.json"); }

std::string rejected(const std::string& replace, const std::string& with) {
  return test::error_of([&] { CollectionFormat::parse(format_text(replace, with), "f.json"); });
}

std::string band_of(const CollectionFormat& format, const std::string& path) {
  const auto match = format.match(path);
  if (!match.reason.empty()) return match.reason;
  REQUIRE(match.bands.size() == 1);
  return match.image + " " + to_text(match.datetime) + " " + format.bands()[match.bands[0]].name;
}

}  // namespace

TEST_CASE("the captured group is the image's name and time; several bands may stand in one file") {
  const CollectionFormat format = sample();
  const auto match = format.match("/x/a2018032_all.tif");
  CHECK(match.reason == "");
  CHECK(match.image == "a2018032");
  CHECK(to_text(match.datetime) == "2018-02-01T00:00:00");
  REQUIRE(match.bands.size() == 2);
  CHECK(format.bands()[0].name == "nir");
  CHECK(format.bands()[0].raster_band == 2);
  CHECK_FALSE(format.bands()[0].nodata.has_value());
  CHECK(format.bands()[1].name == "red");
  CHECK(*format.bands()[1].nodata == 7);
  CHECK(format.bands()[1].scale == 0.5);
  CHECK(format.bands()[1].offset == 0);
  CHECK(format.bands()[1].unit == "m");
  CHECK(format.match("/x/a2018032_red.tif").bands == std::vector<std::size_t>{1});
}

TEST_CASE("a name that does not belong is told why") {
  const CollectionFormat format = sample();
  CHECK(format.match("/x/a2018032_red.png").reason ==
        "the name does not match /pattern '.+\\.tif'");
  CHECK(format.match("/x/red.tif").reason ==
        "no image name: /images/pattern '.*/([^/]+)_[^_/]+\\.tif' does not match");
  CHECK(format.match("/x/b2018032_red.tif").reason ==
        "no time: /datetime/pattern '.*/a([0-9]+)_.+' does not match");
  CHECK(format.match("/x/a2018999_red.tif").reason ==
        "no time: '2018999' is not of the form '%Y%j'");
  CHECK(format.match("/x/a2018032_blue.tif").reason ==
        "no band: none of the patterns in /bands matches");
  CHECK(format.match("/x/a2018032_" + std::string(5000, 'x') + "_red.tif").reason ==
        "the name is too long");
}

TEST_CASE("patterns match the whole path, whatever they end with") {
  const auto with = [](const std::string& pattern) {
    return CollectionFormat::parse(format_text(R"(".+_(?:red|all)\\.tif")", '"' + pattern + '"'),
                                   "f.json");
  };
  const std::string path = "/x/a2018032_red.tif";
  const auto has_red = [&](const std::string& pattern) {
    const auto match = with(pattern).match(path);
    return std::count(match.bands.begin(), match.bands.end(), 1U) == 1;
  };
  CHECK(has_red(R"(.+_red\\.tif)"));
  CHECK(has_red(R"(.+_re\\w\\.tif)"));
  CHECK(has_red(R"(.+\\x72ed.tif)"));
  CHECK(has_red(R"(.+_(blue|red)\\.ti?f)"));
  CHECK(has_red(R"(.+_blue\\.tif|.+_red\\.tif)"));
  CHECK_FALSE(has_red(R"(_red\\.tif)"));
  CHECK_FALSE(has_red(R"(.+_red\\.ti)"));
}

TEST_CASE("presets know the names that the providers use") {
  const auto with = [](const std::string& id, const std::string& path) {
    return band_of(CollectionFormat::load(id), path);
  };
  CHECK(with("L8_L1TP",
             "/d/LC08_L1TP_013032_20180131_20180207_01_T1/LC08_L1TP_013032_20180131_B10.TIF") ==
        "LC08_L1TP_013032_20180131_20180207_01_T1 2018-01-31T00:00:00 B10");
  CHECK(with("L8_L1TP", "/d/LC08_L1TP_013032_20180131_20180207_01_T1_BQA.TIF") ==
        "LC08_L1TP_013032_20180131_20180207_01_T1 2018-01-31T00:00:00 BQA");
  CHECK(with("L8_SR", "/d/LC08_L1TP_013032_20180131_20180207_01_T1_sr_band5.tif") ==
        "LC08_L1TP_013032_20180131_20180207_01_T1 2018-01-31T00:00:00 B05");
  CHECK(with("Landsat_C2_L2",
             "/d/LC08_L2SP_028030_20200114_20200824_02_T1/"
             "LC08_L2SP_028030_20200114_20200824_02_T1_SR_B4.TIF") ==
        "LC08_L2SP_028030_20200114_20200824_02_T1 2020-01-14T00:00:00 B04");
  CHECK(with("Landsat_C2_L2", "/d/LT05_L2SP_028030_20100114_20200824_02_T1_SR_B4.TIF")
            .starts_with("no image name"));
  CHECK(with("Sentinel2_L2A_COG", "/d/2020/S2A_28QCH_20200714_0_L2A/B8A.tif") ==
        "S2A_28QCH_20200714_0_L2A 2020-07-14T00:00:00 B8A");
  CHECK(
      with("Sentinel2_L2A_COG", "/d/2020/S2A_28QCH_20200714_0_L2A/TCI.tif").starts_with("no band"));
  CHECK(
      with("Sentinel2_L2A",
           "/d/S2B_MSIL2A_20190629T212529_N0212_R043_T06VVN_20201006T080531.SAFE/GRANULE/"
           "L2A_T06VVN_A012081_20190629T212530/IMG_DATA/R20m/T06VVN_20190629T212529_SCL_20m.jp2") ==
      "S2B_MSIL2A_20190629T212529_N0212_R043_T06VVN_20201006T080531 2019-06-29T21:25:29 SCL");
}

TEST_CASE("fields with spaces match with and without the quotes that GDAL puts round them") {
  const auto format = CollectionFormat::parse(R"({"subdatasets": true,
    "images": {"pattern": "HDF4_EOS:EOS_GRID:\"(.+)\\.hdf.*"},
    "datetime": {"pattern": ".*M[OY]D13Q1\\.A(.{7})[^/]*", "format": "%Y%j"},
    "bands": {"NDVI": {"pattern": ".+NDVI$"}, "EVI": {"pattern": ".+EVI\""}}})",
                                              "f");
  const std::string grid = "HDF4_EOS:EOS_GRID:\"/d/MOD13Q1.A2018001.x.hdf\":VI:";
  const std::string image = "/d/MOD13Q1.A2018001.x 2018-01-01T00:00:00 ";
  CHECK(band_of(format, grid + "\"250m 16 days NDVI\"") == image + "NDVI");
  CHECK(band_of(format, grid + "250m 16 days NDVI") == image + "NDVI");
  CHECK(band_of(format, grid + "\"250m 16 days EVI\"") == image + "EVI");
  CHECK(band_of(format, grid + "250m 16 days EVI").starts_with("no band"));
  CHECK(
      band_of(format, "HDF4_EOS:EOS_GRID:\"/d/MOD13Q1.A2018001.NDVI.hdf\"").starts_with("no band"));
}

TEST_CASE("the format is guessed from names") {
  CHECK(*CollectionFormat::guess({"/d/S2A_28QCH_20200714_0_L2A/B8A.tif", "/d/readme.txt"}) ==
        "Sentinel2_L2A_COG");
  CHECK(*CollectionFormat::guess({"/d/LC08_L1TP_013032_20180131_20180207_01_T1_B1.TIF"}) ==
        "L8_L1TP");
  CHECK_FALSE(CollectionFormat::guess({"/d/readme.txt"}).has_value());
  CHECK_FALSE(CollectionFormat::guess({}).has_value());
}

TEST_CASE("every preset is sound, has a description and is found by its name") {
  const auto presets = preset_formats();
  REQUIRE(presets.size() >= 5);
  for (const PresetFormat& preset : presets) {
    CAPTURE(preset.id);
    const CollectionFormat format = CollectionFormat::load(preset.id);
    CHECK(format.id() == preset.id);
    CHECK_FALSE(format.description().empty());
    CHECK(format.json() == preset.json);
  }
}

TEST_CASE("a wrong format file is told where") {
  CHECK(
      rejected("\"bands\": {", "\"bands\": {,") ==
      "f.json: is not JSON: line 4, column 12: syntax error while parsing object key - unexpected "
      "','; expected string literal");
  CHECK(
      rejected(".*/a([0-9]+)_.+", ".*/a([0-9+_.+")
          .starts_with("f.json#/datetime/pattern: '.*/a([0-9+_.+' is not a regular expression: "));
  CHECK(rejected("\"images\"", "\"image\"") ==
        "f.json#/image: unknown key (did you mean 'images'?)");
  CHECK(rejected("\"images\"", "\"remarks\"") == "f.json#: 'images' is missing");
  CHECK(rejected("\"unit\": \"m\"", "\"unit\": 1") == "f.json#/bands/red/unit: must be a text");
  CHECK(rejected("\"nodata\": 7", "\"nodata\": \"7\"") ==
        "f.json#/bands/red/nodata: must be a number");
  CHECK(rejected("\"band\": 2", "\"band\": 0") ==
        "f.json#/bands/nir/band: 0 is not a band number (bands count from 1)");
  CHECK(rejected("{\"pattern\": \".*/a", "{\"patern\": \".*/a") ==
        "f.json#/datetime/patern: unknown key (did you mean 'pattern'?)");
  CHECK(rejected("\"images\"", "\"subdatasets\": 1, \"images\"") ==
        "f.json#/subdatasets: must be true or false");
  CHECK(rejected("\"images\"", "\"image_md_fields\": [1], \"images\"") ==
        "f.json#/image_md_fields: must be a list of texts");
  CHECK(rejected("\"images\"", "\"srs\": \"EPSG:x\", \"images\"").starts_with("f.json#/srs: "));
  CHECK(rejected("\"%Y%j\"", "\"%Y%j\", \"bands\": {\"dt\": \"P1\"}") ==
        "f.json#/datetime/bands/dt: 'P1' is not a duration (such as P1D, P1M or PT3H)");
  CHECK(rejected("\"%Y%j\"", "\"%Y%j\", \"bands\": {}") ==
        "f.json#/datetime/bands: 'dt' is missing");
  CHECK(rejected("\"%Y%j\"", "\"%Y%j\", \"bands\": {\"dt\": \"P1D\"}") ==
        "f.json#/bands/nir/band: is given, and /datetime/bands makes each band a time");
  CHECK(test::error_of([] { CollectionFormat::parse("[]", "f.json"); }) ==
        "f.json#: must be an object");
  CHECK(test::error_of([] {
          CollectionFormat::parse(R"({"images": {"pattern": "a"}, "datetime": {"pattern": "a"},
                                      "bands": {}})",
                                  "f.json");
        }) == "f.json#/bands: has no bands");
  CHECK(test::error_of([] {
          CollectionFormat::parse(R"({"images": {"pattern": "a"}, "datetime": {"pattern": "a"},
                                      "bands": {"a/b": {"pattern": 1}}})",
                                  "f.json");
        }) == "f.json#/bands/a~1b/pattern: must be a text");
}

TEST_CASE("an unknown format names the nearest preset") {
  CHECK(test::error_of([] { CollectionFormat::load("L8_L1T"); }) ==
        "L8_L1T: there is no collection format of this name and no such file (did you mean "
        "'L8_L1TP'?)");
  const test::TempDir dir;
  test::write_text(dir.file("mine.json"), format_text("", ""));
  CHECK(CollectionFormat::load(dir.file("mine.json")).bands().size() == 2);
  CHECK(CollectionFormat::load("l8_l1tp").id() == "L8_L1TP");
}

TEST_CASE("patterns come to an end, whatever they and the paths are, and match what they did") {
  const auto start = std::chrono::steady_clock::now();
  const std::string many(200, 'a');
  for (const char* text : {"(a+)+b", "((a|aa)+)+b", ".*.*.*.*.*.*.*b", "(a?){60}b", "(a*)*(a*)*b",
                           "(?:a{1,9}){1,99}b", "(.*,){9}b"}) {
    CAPTURE(text);
    const Pattern pattern(text, "");
    CHECK_FALSE(pattern.match(many));
  }
  CHECK(Pattern("(a+)+b", "").match(many + "b") == many);
  CHECK(Pattern("(?:.*/)+([a-z]+)_.*(?:x|y)*\\.tif", "").match("/d/e/name_1xy.tif") == "name");
  CHECK_FALSE(tries_few_ways("(a+)+", 10));
  CHECK_FALSE(tries_few_ways(".*.*.*.*.*.*", 1000));
  CHECK(tries_few_ways(".*/[^/]*_B04\\.tif", 1000));
  CHECK(Pattern("a", "").captured("a").empty());
  CHECK(Pattern("a(b)?", "").captured("ab") == "b");
  CHECK(test::error_of([] { Pattern(std::string(1001, 'a'), "/p"); }) ==
        "/p: a pattern of 1001 characters is too long (at most 1000)");
  CHECK(
      test::error_of([] { Pattern("(a)\\1", "/p"); }) ==
      "/p: '(a)\\1' refers back to a group, which can take ages (patterns without \\1, \\2, ...)");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("a format that is nested too deep is told before it is walked") {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "{\"a\":";
  CHECK(test::error_of([&] { CollectionFormat::parse(text, "f.json"); }) ==
        "f.json: the document is nested more than 1000 deep");
}
