// Real STAC documents of five providers. What is expected was read from the JSON by hand; the
// assets are elsewhere (or nowhere), so that nothing can have been opened.
#include <algorithm>
#include <map>

#include "catalog/catalog.h"
#include "tests/support.h"

using namespace cube;

namespace {

struct Made {
  IndexReport report;
  std::shared_ptr<const ImageIndex> index;
  std::vector<Image> images;
  std::vector<std::string> bands;
};

Made make(const test::TempDir& dir, const std::string& name, std::vector<std::string> bands = {}) {
  const StacOptions options{
      {(test::shared_dir() / "data/stac" / name).string()}, std::move(bands), {}};
  Made made{create_catalog_from_stac(dir.file("c.db"), options, {.overwrite = true}),
            open_catalog(dir.file("c.db")),
            {},
            {}};
  made.images = made.index->find({Instant::min(), Instant::max(), {}, {}});
  for (const BandInfo& band : made.index->bands()) made.bands.push_back(band.name);
  return made;
}

// Bands of which nothing is said but their names.
void check_unknown(const Made& made, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto at = std::ranges::find(made.index->bands(), name, &BandInfo::name);
    REQUIRE(at != made.index->bands().end());
    CHECK((at->dtype == DType::kFloat32 && !at->nodata && at->scale == 1 && at->offset == 0));
    CHECK(!at->note.empty());
  }
}

// The file of a band of an image.
std::string file_of(const Made& made, std::size_t image, const std::string& band) {
  const auto at = std::ranges::find(made.bands, band);
  REQUIRE(at != made.bands.end());
  const auto index = static_cast<std::size_t>(at - made.bands.begin());
  const auto found = std::ranges::find(made.images[image].bands, index, &ImageBand::band);
  REQUIRE(found != made.images[image].bands.end());
  return found->descriptor;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("USGS, Landsat Collection 2, 1.0.0") {
  const test::TempDir dir;
  const Made made = make(dir, "LC08_L2SP_028030_20200114_20200824_02_T1_SR.json");
  REQUIRE(made.images.size() == 1);
  CHECK(made.bands == Names{"coastal", "blue", "green", "red", "nir08", "swir16", "swir22",
                            "qa_aerosol", "qa_pixel", "qa_radsat"});
  check_unknown(made, made.bands);
  CHECK(to_text(made.images[0].datetime) == "2020-01-14T17:05:46");
  CHECK(made.images[0].crs == "EPSG:32615");
  CHECK(
      file_of(made, 0, "red") ==
      "/vsicurl/https://landsatlook.usgs.gov/data/collection02/level-2/standard/oli-tirs/2020/028/"
      "030/LC08_L2SP_028030_20200114_20200824_02_T1/"
      "LC08_L2SP_028030_20200114_20200824_02_T1_SR_B4.TIF");
  // The raster is larger than the bbox, which is that of the scene in it.
  const Box& box = made.images[0].footprint.at(0);
  CHECK((box.left < -96.9557 && box.right > -94.1443 && box.left > -97.2 && box.right < -94));
  CHECK(make(dir, "LC08_L2SP_028030_20200114_20200824_02_T1_SR.json", {"B4", "nir08"}).bands ==
        Names{"B4", "nir08"});
}

TEST_CASE("Element 84, Sentinel-2 COGs, 1.0.0-beta.1, without roles and bands") {
  const test::TempDir dir;
  const Made made = make(dir, "S2A_28QCH_20200714_0_L2A.json");
  CHECK(made.bands == Names{"visual", "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A",
                            "B09", "B11", "B12", "AOT", "WVP", "SCL"});
  check_unknown(made, made.bands);
  REQUIRE(made.images.size() == 1);
  CHECK(made.images[0].name == "S2A_28QCH_20200714_0_L2A");
  CHECK(to_text(made.images[0].datetime) == "2020-07-14T11:55:52");
  CHECK(made.images[0].crs == "EPSG:32628");
  CHECK(file_of(made, 0, "SCL") ==
        "/vsicurl/https://sentinel-cogs.s3.us-west-2.amazonaws.com/sentinel-s2-l2a-cogs/2020/"
        "S2A_28QCH_20200714_0_L2A/SCL.tif");
}

TEST_CASE("Planetary Computer, Sentinel-2 with raster:bands, 1.0.0") {
  const test::TempDir dir;
  const Made made =
      make(dir, "S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531_raster_ext.json");
  CHECK(made.bands == Names{"AOT", "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09",
                            "B11", "B12", "B8A", "SCL", "WVP", "visual.1", "visual.2", "visual.3"});
  check_unknown(made, {"AOT", "B06", "WVP"});
  for (const BandInfo& band : made.index->bands()) {
    CHECK((band.scale == 1 && band.offset == 0));
    if (!band.note.empty()) continue;
    const bool picture = band.name.starts_with("visual");
    CHECK(band.dtype == (picture || band.name == "SCL" ? DType::kUInt8 : DType::kUInt16));
    CHECK(band.nodata == (picture ? std::nullopt : std::optional(0.0)));
  }
  CHECK(to_text(made.images.at(0).datetime) == "2019-06-29T21:25:29");
  CHECK(made.images[0].crs == "EPSG:32606");
  CHECK(made.images[0].bands.size() == 18);
  CHECK(file_of(made, 0, "visual.3") == file_of(made, 0, "visual.1"));
}

TEST_CASE("Geoscience Australia, Landsat ARD, 1.0.0-beta.2") {
  const test::TempDir dir;
  const Made made = make(dir, "ga_ls8c_ard_3-1-0_088080_2020-05-25_final.stac-item.json");
  CHECK(made.bands.size() == 22);
  check_unknown(made, {"nbart_blue", "nbart_panchromatic", "oa_fmask", "oa_time_delta"});
  CHECK(to_text(made.images.at(0).datetime) == "2020-05-25T23:35:47");
  CHECK(made.images[0].crs == "EPSG:32656");
  CHECK(
      file_of(made, 0, "oa_fmask").ends_with("ga_ls8c_oa_3-1-0_088080_2020-05-25_final_fmask.tif"));
}

TEST_CASE("a model of heights with a span of time, 1.0.0-beta.2") {
  const test::TempDir dir;
  const Made made = make(dir, "lidar_dem.json");
  CHECK(made.bands == Names{"dem"});
  CHECK((made.index->bands()[0].dtype == DType::kFloat32 && made.index->bands()[0].note.empty()));
  CHECK(to_text(made.images.at(0).datetime) == "2012-01-01T00:00:00");
  CHECK(made.images[0].crs == "EPSG:28355");
  CHECK(file_of(made, 0, "dem") == "/vsis3/example-bucket/lidar_id.tif");
}

TEST_CASE("the answer of an API: 13 items of Sentinel-2") {
  const test::TempDir dir;
  const Made made = make(dir, "site2-2020_jun_jul-35MNM.geojson");
  REQUIRE(made.images.size() == 13);
  CHECK(made.report.files == 13 * 16);
  CHECK(made.bands.size() == 18);
  CHECK(made.images[0].name == "S2A_MSIL2A_20200601T080611_R078_T35MNM_20201027T072253");
  CHECK(to_text(made.images[12].datetime) == "2020-07-31T08:06:11");
  CHECK(std::ranges::all_of(made.images, [](const Image& image) {
    return image.crs == "EPSG:32735" && image.bands.size() == 18;
  }));
  CHECK(made.index->summary().extent->left < 26.9998185);
  const Made asked = make(dir, "site2-2020_jun_jul-35MNM.geojson", {"red", "nir", "SCL"});
  CHECK(asked.bands == Names{"red", "nir", "SCL"});
  CHECK(file_of(asked, 0, "red").ends_with("_B04_10m.tif"));
}
