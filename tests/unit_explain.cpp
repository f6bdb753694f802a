// Why a name is not of a format: which pattern fails, and at which character.
#include "catalog/explain_match.h"
#include "tests/support.h"

using namespace cube;

namespace {

std::string explained(const std::string& path, const std::string& extra = "") {
  const auto format = CollectionFormat::parse(R"({)" + extra + R"(
    "images": {"pattern": ".*/([A-Z0-9]{2}_[0-9]+)_[^/]+\\.tif"},
    "datetime": {"pattern": ".*/[A-Z0-9]{2}_([0-9]{8})_.+", "format": "%Y%m%d"},
    "bands": {"B04": {"pattern": ".+_B04\\.tif"}, "SCL": {"pattern": ".+_SCL_(?:10|20)m\\.tif"}}})",
                                              "f.json");
  return ExplainMatch(format).reason(path);
}

}  // namespace

TEST_CASE("the first pattern that fails, and where") {
  CHECK(explained("/a/S2_20200101_B04.TIF") ==
        "images.pattern '.*/([A-Z0-9]{2}_[0-9]+)_[^/]+\\.tif' fails at character 20, at 'TIF' (it "
        "wants 'tif')");
  CHECK(
      explained("/a/S_20200101_B04.tif")
          .starts_with("images.pattern '.*/([A-Z0-9]{2}_[0-9]+)_[^/]+\\.tif' fails at character 5, "
                       "at '_20200101_B04"));
  CHECK(explained("/a/S2_20200101_B05.tif") ==
        "images.pattern matches ('S2_20200101'); datetime.pattern matches ('20200101'); band "
        "pattern of B04 '.+_B04\\.tif' fails at character 18, at '5.tif' (it wants '4\\.tif')");
  CHECK(explained("/a/S2_20200101_SCL_60m.tif").find("band pattern of SCL") != std::string::npos);
  CHECK(explained("/a/S2_2020_B04.tif").find("datetime.pattern '") != std::string::npos);
  CHECK(explained("/a/x.txt", R"("pattern": ".+\\.tif",)").starts_with("pattern '.+\\.tif' fails"));
}

TEST_CASE("nothing is said of names that match, or that are too long") {
  CHECK(explained("/a/S2_20201301_B04.tif").empty());  // it is the month that cannot be
  CHECK(explained("/a/" + std::string(2000, 'x')).empty());
}
