// Catalogs from STAC items: what is said in which version, names, places, documents and errors.
// Hrefs name nothing that exists: an asset that was opened would be an error.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "catalog/catalog.h"
#include "catalog/stac.h"
#include "engine/gdal/raster_info.h"
#include "engine/text.h"
#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

// An item in EPSG:32631 whose assets are `assets`.
json item(const std::string& id, const json& assets) {
  return {{"type", "Feature"},
          {"stac_version", "1.0.0"},
          {"id", id},
          {"properties", {{"datetime", "2020-01-02T03:04:05.678Z"}, {"proj:epsg", 32631}}},
          {"bbox", {3, 50, 4, 51}},
          {"geometry", nullptr},
          {"links", json::array()},
          {"assets", assets}};
}

json asset(const std::string& href, const json& more = json::object()) {
  json out = {{"href", href}, {"type", "image/tiff; application=geotiff"}, {"roles", {"data"}}};
  out.update(more);
  return out;
}

json collection(const std::vector<json>& items) {
  return {{"type", "FeatureCollection"}, {"features", items}, {"links", json::array()}};
}

struct Made {
  IndexReport report;
  std::shared_ptr<const ImageIndex> index;
  std::vector<Image> images;
  std::vector<std::string> bands;
};

Made make(const test::TempDir& dir, const StacOptions& options) {
  Made made{create_catalog_from_stac(dir.file("c.db"), options, {.overwrite = true}),
            open_catalog(dir.file("c.db")),
            {},
            {}};
  made.images = made.index->find({Instant::min(), Instant::max(), {}, {}});
  for (const BandInfo& band : made.index->bands()) made.bands.push_back(band.name);
  return made;
}

Made make(const test::TempDir& dir, const json& document, std::vector<std::string> bands = {},
          const char* format = nullptr) {
  test::write_text(dir.path() / "items.json", document.dump());
  StacOptions options{{dir.file("items.json")}, std::move(bands), {}};
  if (format) {
    options.format = CollectionFormat::parse(format, "types", CollectionFormat::Use::kBands);
  }
  return make(dir, options);
}

// The error, with the folder taken out.
std::string rejected(const json& document, std::vector<std::string> bands = {},
                     const char* format = nullptr) {
  const test::TempDir dir;
  std::string error = test::error_of([&] { make(dir, document, std::move(bands), format); });
  CHECK_MESSAGE(!fs::exists(dir.path() / "c.db"), error);
  for (std::size_t at; (at = error.find(dir.file(""))) != std::string::npos;) {
    error.erase(at, dir.file("").size());
  }
  return error;
}

const BandInfo& band(const Made& made, const std::string& name) {
  const auto at = std::ranges::find(made.index->bands(), name, &BandInfo::name);
  REQUIRE(at != made.index->bands().end());
  return *at;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("STAC 1.0: eo:bands and raster:bands") {
  const test::TempDir dir;
  const Made made = make(
      dir,
      item("a",
           {{"red", asset("no/red.tif", {{"eo:bands", {{{"name", "B4"}, {"common_name", "red"}}}},
                                         {"raster:bands",
                                          {{{"data_type", "uint16"},
                                            {"nodata", 0},
                                            {"scale", 0.0001},
                                            {"offset", -0.1},
                                            {"unit", "1"}}}}})},
            {"t", asset("no/t.tif",
                        {{"raster:bands", {{{"data_type", "float32"}, {"nodata", "nan"}}}}})},
            {"big", asset("no/b.tif", {{"raster:bands", {{{"data_type", "int64"}}}}})},
            {"scl", asset("no/scl.tif")}}));
  CHECK((made.report.images == 1 && made.report.files == 4));
  CHECK(made.bands == Names{"red", "t", "big", "scl"});  // in the order of the document
  const BandInfo& red = band(made, "red");
  CHECK((red.dtype == DType::kUInt16 && red.nodata == 0.0 && red.unit == "1"));
  CHECK((red.scale == 0.0001 && red.offset == -0.1 && red.note.empty()));
  CHECK(std::isnan(band(made, "t").nodata.value_or(0)));
  CHECK(band(made, "big").dtype == DType::kFloat64);
  CHECK(band(made, "scl").dtype == DType::kFloat32);
  CHECK(band(made, "scl").note == "the items do not say the type, read as float32");
  CHECK(!band(made, "scl").nodata);
  REQUIRE(made.images.size() == 1);
  CHECK(to_text(made.images[0].datetime) == "2020-01-02T03:04:05");
  CHECK(made.images[0].crs == "EPSG:32631");
  CHECK(made.images[0].footprint == std::vector<Box>{{3, 50, 4, 51}});
  CHECK(made.images[0].bands[0].descriptor == dir.file("no/red.tif"));
}

TEST_CASE("STAC 1.1: bands, and what asset and item say for all of them") {
  const test::TempDir dir;
  json document =
      item("a", {{"x", asset("x.tif", {{"data_type", "int16"},
                                       {"nodata", -999},
                                       {"bands",
                                        {{{"name", "u"}, {"raster:scale", 0.5}},
                                         {{"name", "v"}, {"unit", "K"}, {"nodata", 7}}}}})},
                 {"y", asset("y.tif", {{"raster:offset", 3}})}});
  document["stac_version"] = "1.1.0";
  document["properties"]["data_type"] = "uint8";
  document["properties"]["bands"] = {{{"name", "y"}, {"unit", "m"}}, {{"name", "z"}}};
  document["properties"].erase("proj:epsg");
  document["properties"]["proj:code"] = "EPSG:32632";
  const Made made = make(dir, document);
  CHECK(made.bands == Names{"u", "v", "y"});
  CHECK((band(made, "u").dtype == DType::kInt16 && band(made, "u").nodata == -999.0));
  CHECK((band(made, "u").scale == 0.5 && band(made, "v").scale == 1));
  CHECK((band(made, "v").nodata == 7.0 && band(made, "v").unit == "K"));
  CHECK((band(made, "y").dtype == DType::kUInt8 && band(made, "y").offset == 3));
  CHECK(band(made, "y").unit == "m");
  CHECK(made.images[0].crs == "EPSG:32632");
  REQUIRE(made.images[0].bands.size() == 3);
  CHECK((made.images[0].bands[0].raster_band == 1 && made.images[0].bands[1].raster_band == 2));
}

TEST_CASE("the reference system by code, WKT or PROJJSON, on the item or the asset") {
  const test::TempDir dir;
  const auto crs_of = [&](const char* key, const json& value, bool on_asset) {
    json document = item("a", {{"x", asset("x.tif")}});
    document["properties"]["proj:epsg"] = on_asset ? json(4326) : json(nullptr);
    (on_asset ? document["assets"]["x"] : document["properties"])[key] = value;
    return make(dir, document).images.at(0).crs;
  };
  CHECK(crs_of("proj:epsg", 32633, true) == "EPSG:32633");
  CHECK(crs_of("proj:code", "EPSG:3577", false) == "EPSG:3577");
  CHECK(crs_of("proj:wkt2", crs_wkt("EPSG:32633"), false) == "EPSG:32633");
  CHECK(crs_of("proj:projjson", json::parse(R"({"type": "GeographicCRS", "name": "WGS 84",
      "datum": {"type": "GeodeticReferenceFrame", "name": "World Geodetic System 1984",
      "ellipsoid": {"name": "WGS 84", "semi_major_axis": 6378137,
      "inverse_flattening": 298.257223563}}, "coordinate_system": {"subtype": "ellipsoidal",
      "axis": [{"name": "Latitude", "abbreviation": "lat", "direction": "north", "unit": "degree"},
      {"name": "Longitude", "abbreviation": "lon", "direction": "east", "unit": "degree"}]},
      "id": {"authority": "EPSG", "code": 4326}})"),
               false) == "EPSG:4326");
  CHECK(crs_of("proj:epsg", nullptr, false).empty());
  json differing = item("a", {{"x", asset("x.tif")}, {"y", asset("y.tif")}});
  differing["assets"]["y"]["proj:epsg"] = 32632;
  CHECK(make(dir, differing).images.at(0).crs.empty());  // each file says its own
  CHECK(make(dir, differing, {"y"}).images.at(0).crs == "EPSG:32632");
  const std::string bad = test::error_of([&] { crs_of("proj:code", "EPSG:999999", false); });
  CHECK_MESSAGE(bad.find("items.json#/assets/x: ") != std::string::npos, bad);
}

TEST_CASE("an item lies where its rasters lie, as if they had been opened") {
  const test::TempDir dir;
  const test::RasterSpec spec{
      .transform = {500000, 1000, 0, 6500000, 0, -1000}, .width = 110, .height = 109};
  test::write_raster(dir.file("r.tif"), spec, std::vector<double>(110 * 109, 1));
  const auto outline = describe_raster(dir.file("r.tif")).lonlat;
  REQUIRE(outline.size() == 1);
  const auto check = [&](const char* title, const json& document) {
    const auto footprint = make(dir, document).images.at(0).footprint;
    REQUIRE_MESSAGE(footprint.size() == 1, title);
    CHECK_MESSAGE(footprint[0].left == doctest::Approx(outline[0].left).epsilon(1e-12), title);
    CHECK_MESSAGE(footprint[0].top == doctest::Approx(outline[0].top).epsilon(1e-12), title);
    CHECK_MESSAGE(footprint[0].right == doctest::Approx(outline[0].right).epsilon(1e-12), title);
    CHECK_MESSAGE(footprint[0].bottom == doctest::Approx(outline[0].bottom).epsilon(1e-12), title);
  };
  json document = item("a", {{"x", asset("r.tif", {{"proj:shape", {109, 110}}})}});
  const json transform = {1000, 0, 500000, 0, -1000, 6500000, 0, 0, 1};
  document["assets"]["x"]["proj:transform"] = transform;
  check("of the asset", document);
  document["assets"]["x"] = asset("r.tif");
  document["properties"]["proj:shape"] = {109, 110};
  document["properties"]["proj:transform"] = transform;
  check("of the item", document);
  document["properties"]["proj:transform"] = nullptr;
  document["properties"]["proj:bbox"] = {500000, 6391000, 610000, 6500000};
  check("of proj:bbox", document);
  // An asset of unknown place may lie anywhere in the item's box.
  document["assets"]["y"] = asset("y.tif", {{"proj:bbox", {500000, 6391000, 610000, 6500000}}});
  document["properties"].erase("proj:bbox");
  const Box both = make(dir, document).images.at(0).footprint.at(0);
  CHECK((both.bottom == 50 && both.top == doctest::Approx(outline[0].top)));
  check("of the asset asked for", [&] {
    json only = document;
    only["assets"].erase("x");
    return only;
  }());
}

TEST_CASE("places without projection: bbox, of six numbers too, and the antimeridian") {
  const test::TempDir dir;
  const auto place = [&](const json& bbox, const json& geometry) {
    json document = item("a", {{"x", asset("x.tif")}});
    document["bbox"] = bbox;
    document["geometry"] = geometry;
    return make(dir, document).images.at(0).footprint;
  };
  const json east = {{{175, 1}, {180, 1}, {180, 2}, {175, 2}, {175, 1}}};
  const json west = {{{-180, 1}, {-178, 1}, {-178, 2}, {-180, 2}, {-180, 1}}};
  const json split = {{"type", "MultiPolygon"}, {"coordinates", {east, west}}};
  const std::vector<Box> halves = {{175, 1, 180, 2}, {-180, 1, -178, 2}};
  CHECK(place({3, 50, -10, 4, 51, 2000}, nullptr) == std::vector<Box>{{3, 50, 4, 51}});
  CHECK(place({175, 1, -178, 2}, nullptr) == halves);
  CHECK(place({-180, 1, 180, 2}, split) == halves);  // a careless bbox
  CHECK(place(nullptr, split) == halves);
  const json uncut = {{{175, 1}, {-178, 1}, {-178, 2}, {175, 2}, {175, 1}}};
  CHECK(place({-178, 1, 175, 2}, {{"type", "Polygon"}, {"coordinates", uncut}}) == halves);
  CHECK(place({350, 1, 355, 2}, nullptr) == std::vector<Box>{{-10, 1, -5, 2}});
  const auto error = [&](const json& bbox) {
    return test::error_of([&] { place(bbox, nullptr); });
  };
  CHECK(error(nullptr).find("has no place: neither bbox nor geometry nor proj:transform") !=
        std::string::npos);
  CHECK(error({3, 51, 4, 50}).find("#/bbox: no item can be used: bottom is above top") !=
        std::string::npos);
}

TEST_CASE("hrefs as GDAL's names") {
  const std::string url = "https://host:80/a/b/item.json?key=1";
  CHECK(gdal_name("s3://bucket/k/x.tif", "/a") == "/vsis3/bucket/k/x.tif");
  CHECK(gdal_name("gs://bucket/x.tif", "/a") == "/vsigs/bucket/x.tif");
  CHECK(gdal_name("az://box/x.tif", "/a") == "/vsiaz/box/x.tif");
  CHECK(gdal_name("https://h/x.tif?sig=a%2Fb", "/a") == "/vsicurl/https://h/x.tif?sig=a%2Fb");
  CHECK(gdal_name("file:///data/x.tif", "/a") == "/data/x.tif");
  CHECK(gdal_name("/vsizip/a.zip/x.tif", "/a") == "/vsizip/a.zip/x.tif");
  CHECK(gdal_name("/data/x.tif", "/a/b") == "/data/x.tif");
  CHECK(gdal_name("./x.tif", "/a/b") == "/a/b/x.tif");
  CHECK(gdal_name("../x.tif", "/a/b") == "/a/x.tif");
  CHECK(gdal_name("./x.tif", url) == "/vsicurl/https://host:80/a/b/x.tif");
  CHECK(gdal_name("../c/x.tif?v=1/2", url) == "/vsicurl/https://host:80/a/c/x.tif?v=1/2");
  CHECK(gdal_name("x.tif", "s3://bucket/a/item.json") == "/vsis3/bucket/a/x.tif");
}

TEST_CASE("relative names: an item's file, and its own URL in the answer of an API") {
  const test::TempDir dir;
  json document = item("a", {{"x", asset("./x.tif")}});
  document["links"] = {{{"rel", "self"}, {"href", "https://host/items/a.json"}}};
  CHECK(make(dir, document).images[0].bands[0].descriptor == dir.file("x.tif"));
  CHECK(make(dir, collection({document})).images[0].bands[0].descriptor ==
        "/vsicurl/https://host/items/x.tif");
}

TEST_CASE("what is no raster is left out, by role, type and name") {
  const test::TempDir dir;
  const auto with = [](const std::string& href, const json& type, const json& roles) {
    json out = {{"href", href}};
    if (!type.is_null()) out["type"] = type;
    if (!roles.is_null()) out["roles"] = roles;
    return out;
  };
  const json tiff = "image/tiff; application=geotiff; profile=cloud-optimized";
  const json assets = {{"a", with("a.tif", tiff, {"thumbnail"})},
                       {"b", with("b.tif", tiff, {"overview"})},
                       {"overview", with("c.tif", tiff, nullptr)},
                       {"thumbnail:x", with("d.tif", tiff, nullptr)},
                       {"e", with("e.json", "application/json", {"metadata"})},
                       {"f", with("f.png", "image/png", nullptr)},
                       {"g", with("g.xml", nullptr, nullptr)},
                       {"qa", with("h.TIF", tiff, {"metadata", "data-mask"})},
                       {"i", with("i.png", "image/png", {"data"})},
                       {"j", with("j.jp2?x=.xml", nullptr, nullptr)},
                       {"k", with("k.jp2", "image/jp2", nullptr)}};
  CHECK(make(dir, item("a", assets)).bands == Names{"qa", "i", "j", "k"});
  CHECK(make(dir, item("a", assets), {"b", "qa"}).bands == Names{"b", "qa"});  // asked for
  CHECK(rejected(item(
            "a", {{"x", with("x.txt", "text/plain", nullptr)}, {"y", with("", tiff, nullptr)}})) ==
        "items.json ('a'): no item can be used: has no raster asset: 'x' is text/plain, 'y' has no "
        "href");
}

TEST_CASE("bands by name") {
  const test::TempDir dir;
  const auto named = [](const char* name, const char* common) {
    return json{{{"name", name}, {"common_name", common}}};
  };
  const json picture = {{{"name", "B04"}}, {{"name", "B03"}}};
  const json apart = {{{"name", "hh"}}, {{"name", "hv"}}};
  const json document = item("a", {{"visual", asset("v.tif", {{"eo:bands", picture}})},
                                   {"B04", asset("4.tif", {{"eo:bands", named("B04", "red")}})},
                                   {"B05", asset("5.tif", {{"eo:bands", named("B05", "rededge")}})},
                                   {"B06", asset("6.tif", {{"eo:bands", named("b6", "rededge")}})},
                                   {"radar", asset("r.tif", {{"eo:bands", apart}})}});
  const auto bands = [&](Names asked) { return make(dir, document, std::move(asked)).bands; };
  CHECK(bands({}) == Names{"visual.1", "B03", "B04", "B05", "B06", "hh", "hv"});
  CHECK(bands({"red", "b6", "radar.2"}) == Names{"red", "b6", "radar.2"});
  CHECK(bands({"radar", "B04", "B04"}) == Names{"hh", "hv", "B04"});
  CHECK(bands({"B05", "visual"}) == Names{"B05", "B04", "B03"});
  const Made made = make(dir, document, {"hv"});
  CHECK(made.images[0].bands[0].raster_band == 2);
  CHECK(made.images[0].bands[0].descriptor == dir.file("r.tif"));
  CHECK(rejected(document, {"rededge"}) ==
        "items.json ('a'): 'rededge' is in several assets: B05, B06 (ask for an asset by its key)");
  CHECK(rejected(document, {"B04", "B09"}) ==
        "--bands: no item has a band or an asset 'B09' (did you mean 'B04'?)");
}

TEST_CASE("items that differ in nodata of a band are not put together") {
  const auto scaled = [](const char* id, const json& raster) {
    return item(id, {{"B04", asset(std::string(id) + ".tif", {{"raster:bands", {raster}}})}});
  };
  const json old = {{"scale", 0.0001}, {"nodata", 0}, {"data_type", "uint16"}};
  json shifted = old;
  shifted["offset"] = -0.1;
  json other = old;
  other["nodata"] = 65535;
  const std::string hint =
      " (index them into catalogs of their own, or say with --format what holds for all)";
  CHECK(rejected(collection({scaled("a", old), scaled("b", other)})) ==
        "B04: the band has nodata 65535 in items.json#/features/1 ('b'), but 0 in "
        "items.json#/features/0 ('a')" +
            hint);
  const test::TempDir dir;
  const Made said = make(dir, collection({scaled("a", old), scaled("b", shifted)}), {},
                         R"({"bands": {"B04": {"scale": 0.0001, "offset": -0.1}}})");
  CHECK((band(said, "B04").offset == -0.1 && band(said, "B04").nodata == 0.0));
  json wider = old;
  wider["data_type"] = "uint8";
  wider.erase("nodata");
  const Made mixed = make(dir, collection({scaled("a", old), scaled("b", wider)}));
  CHECK(band(mixed, "B04").dtype == DType::kUInt16);
  CHECK(band(mixed, "B04").note == "items have uint8 and uint16; nodata is said by 1 of 2 items");
}

TEST_CASE("images keep the scale and offset that their items say") {
  const auto scaled = [](const char* id, const json& raster) {
    return item(id, {{"B04", asset(std::string(id) + ".tif", {{"raster:bands", {raster}}})}});
  };
  const json old = {{"scale", 0.0001}, {"data_type", "uint16"}};
  json shifted = old;
  shifted["offset"] = -0.1;
  const json items = collection(
      {scaled("a", shifted), scaled("b", old), scaled("c", shifted), scaled("d", json::object())});
  const test::TempDir dir;
  const Made made = make(dir, items);
  CHECK((band(made, "B04").scale == 0.0001 && band(made, "B04").offset == -0.1));  // most have it
  CHECK(band(made, "B04").note == "some images have scale 1e-04, offset 0; scale 1, offset 0");
  CHECK(!made.images[0].bands[0].packing);
  CHECK(made.images[1].bands[0].packing == (Packing{0.0001, 0}));
  CHECK(!made.images[2].bands[0].packing);
  CHECK(made.images[3].bands[0].packing == (Packing{1, 0}));
  // A format's word is that of all.
  const Made said = make(dir, items, {}, R"({"bands": {"B04": {"scale": 0.5, "offset": 2}}})");
  CHECK((band(said, "B04").scale == 0.5 && band(said, "B04").offset == 2));
  CHECK(std::ranges::none_of(
      said.images, [](const Image& image) { return image.bands[0].packing.has_value(); }));
}

TEST_CASE("the offset of Sentinel-2 since baseline 04.00 is known for each item, and used once") {
  const test::TempDir dir;
  // The packing of B04 of an item with these properties and this in raster:bands.
  const auto packing = [&](const json& properties, const json& raster, const char* key = "B04") {
    json document = item("a", {{key, asset("a.tif", {{"raster:bands", json::array({raster})}})}});
    document["properties"].update(properties);
    const Made made = make(dir, document);
    return Packing{band(made, key).scale, band(made, key).offset};
  };
  const json none = json::object();
  const json scale = {{"scale", 0.0001}};
  const json both = {{"scale", 0.0001}, {"offset", -0.1}};
  const json zero = {{"scale", 0.0001}, {"offset", 0}};
  const json since = {{"s2:processing_baseline", "04.00"}};
  CHECK(packing(since, none) == (Packing{1, -1000}));  // as Planetary Computer has them
  CHECK(packing(since, scale) == (Packing{0.0001, -0.1}));
  CHECK(packing(since, both) == (Packing{0.0001, -0.1}));
  CHECK(packing(since, zero) == (Packing{0.0001, 0}));  // it is said
  CHECK(packing(since, none, "SCL") == (Packing{1, 0}));
  CHECK(packing(since, none, "AOT") == (Packing{1, 0}));
  CHECK(packing({{"s2:processing_baseline", "03.01"}}, none) == (Packing{1, 0}));
  CHECK(packing({{"sentinel:processing_baseline", "05.09"}}, none) == (Packing{1, -1000}));
  const char* product = "S2B_MSIL2A_20230629T212529_N0509_R043_T06VVN_20230630T080531.SAFE";
  CHECK(packing({{"s2:product_uri", product}}, none) == (Packing{1, -1000}));
  CHECK(packing({{"processing:baseline", "05.00"}}, none) == (Packing{1, 0}));  // of something else
  // Earth Search: already in the values, though raster:bands says otherwise.
  for (const char* key : {"earthsearch:boa_offset_applied", "sentinel:boa_offset_applied"}) {
    json applied = since;
    applied[key] = true;
    CHECK(packing(applied, both) == (Packing{0.0001, 0}));
    CHECK(packing(applied, none) == (Packing{1, 0}));
    CHECK(packing(applied, {{"scale", 0.5}, {"offset", 3}}) == (Packing{0.5, 3}));
    applied[key] = false;
    CHECK(packing(applied, both) == (Packing{0.0001, -0.1}));
    CHECK(packing(applied, none) == (Packing{1, -1000}));
  }
  // A format that knows the scale only does not lose the offset.
  json document = item("a", {{"B04", asset("a.tif")}});
  document["properties"].update(since);
  const Made made = make(dir, document, {}, R"({"bands": {"B04": {"scale": 0.0001}}})");
  CHECK((band(made, "B04").scale == 0.0001 && band(made, "B04").offset == -0.1));
}

TEST_CASE("what an item does not say of its assets is said by its Collection") {
  const test::TempDir dir;
  const json defined = {
      {"B04",
       {{"type", "image/tiff; application=geotiff"},
        {"roles", {"data"}},
        {"raster:bands", {{{"data_type", "uint16"}, {"nodata", 0}, {"scale", 0.5}}}}}},
      {"B05", {{"data_type", "uint8"}}},
      {"shown", {{"roles", {"thumbnail"}}}}};
  json document = item("a", {{"B04", {{"href", "b4.x"}}},
                             {"B05", asset("b5.tif", {{"data_type", "int16"}})},
                             {"shown", {{"href", "s.tif"}}}});
  document["collection"] = "c";
  const auto link = [](const char* rel, const char* href) {
    return json{{"rel", rel}, {"href", href}};
  };
  json root = {{"type", "Collection"},     {"stac_version", "1.0.0"}, {"id", "c"},
               {"extent", json::object()}, {"item_assets", defined},  {"links", json::array()}};
  const auto check = [&](const Names& documents, const json& of_item, const char* title) {
    test::write_text(dir.path() / "z/collection.json", root.dump());
    test::write_text(dir.path() / "z/items/a.json", of_item.dump());
    StacOptions options{{}, {}, {}};
    for (const std::string& name : documents) options.documents.push_back(dir.file(name));
    const Made made = make(dir, options);
    CHECK_MESSAGE((made.bands == Names{"B04", "B05"}), title);
    CHECK_MESSAGE(band(made, "B04").dtype == DType::kUInt16, title);
    CHECK_MESSAGE((band(made, "B04").nodata == 0.0 && band(made, "B04").scale == 0.5), title);
    CHECK_MESSAGE(band(made, "B05").dtype == DType::kInt16, title);  // the item's own word
    return made;
  };
  fs::create_directories(dir.path() / "z/items");
  check({"z/items/a.json", "z/collection.json"}, document, "named beside the item");
  root["links"] = json::array({link("item", "./items/a.json")});
  check({"z/collection.json"}, document, "followed from the Collection");
  root["links"] = json::array();
  root["id"] = "d";
  document["links"] = json::array({link("collection", "../collection.json")});
  check({"z/items/a.json"}, document, "followed from the item");
  root["links"] = {link("item", "./items/a.json"), link("item", "https://host/b.json"),
                   link("child", "https://host/c.json")};
  const Made made = check({"z/collection.json"}, document, "links elsewhere are not fetched");
  REQUIRE(made.report.left_out.size() == 1);
  CHECK(made.report.left_out[0].reason ==
        "links to 2 documents that are not on this machine and are not fetched, such as "
        "https://host/b.json");
  CHECK(made.report.left_out[0].failed);
  document["links"] = json::array({link("collection", "https://host/c.json")});
  document["collection"] = "e";
  test::write_text(dir.path() / "z/items/a.json", document.dump());
  CHECK(make(dir, StacOptions{{dir.file("z/items/a.json")}, {}, {}}).bands ==
        Names{"B05", "shown"});
}

TEST_CASE("an asset's reference system counts before the item's, in whatever form") {
  const test::TempDir dir;
  json document = item(
      "a", {{"x", asset("x.tif", {{"proj:wkt2", crs_wkt("EPSG:32633")}, {"proj:epsg", nullptr}})}});
  CHECK(make(dir, document).images[0].crs == "EPSG:32633");
}

TEST_CASE("the first file of a band of unknown type is opened when that is wanted") {
  const test::TempDir dir;
  test::write_raster(dir.file("x.tif"), {.width = 2, .height = 2, .type = GDT_Int16, .nodata = -1},
                     {1, 2, 3, 4});
  test::write_text(dir.path() / "items.json",
                   item("a", {{"x", asset("x.tif")}, {"y", asset("x.tif")}}).dump());
  StacOptions options{{dir.file("items.json")}, {"x"}, {}, true};
  const Made made = make(dir, options);
  CHECK((band(made, "x").dtype == DType::kInt16 && band(made, "x").nodata == -1.0));
  fs::remove(dir.path() / "x.tif");
  CHECK(test::error_of([&] { make(dir, options); }).find("x.tif: there is no such file") !=
        std::string::npos);
}

TEST_CASE("documents: collections, arrays, lines, folders and static catalogs") {
  const test::TempDir dir;
  const auto one = [](const char* id) {
    return item(id, {{"x", asset(std::string(id) + ".tif")}});
  };
  const auto ids = [&](const Names& documents) {
    StacOptions options{{}, {}, {}};
    for (const std::string& name : documents) options.documents.push_back(dir.file(name));
    Names out;
    for (const Image& image : make(dir, options).images) out.push_back(image.name);
    return out;
  };
  test::write_text(
      dir.path() / "lines.ndjson",
      one("a").dump() + "\n" + one("b").dump() + "\r\n\n" + collection({one("c")}).dump() + "\n");
  CHECK(ids({"lines.ndjson"}) == Names{"a", "b", "c"});
  test::write_text(dir.path() / "array.json", json::array({one("d"), one("e")}).dump(2));
  CHECK(ids({"array.json"}) == Names{"d", "e"});
  test::write_text(dir.path() / "pretty.json", collection({one("f"), one("a")}).dump(2));
  CHECK(ids({"pretty.json", "lines.ndjson"}) == Names{"a", "b", "c", "f"});  // the second a: same

  fs::create_directories(dir.path() / "static/sub");
  const auto link = [](const char* rel, const char* href) {
    return json{{"rel", rel}, {"href", href}};
  };
  const json root = {{"type", "Catalog"},
                     {"stac_version", "1.0.0"},
                     {"links", {link("child", "./sub/collection.json"), link("self", "x.json")}}};
  const json child = {{"type", "Collection"},
                      {"stac_version", "1.0.0"},
                      {"extent", json::object()},
                      {"links",
                       {link("parent", "../catalog.json"), link("item", "./g.json"),
                        link("child", "../catalog.json")}}};
  test::write_text(dir.path() / "static/catalog.json", root.dump());
  test::write_text(dir.path() / "static/sub/collection.json", child.dump());
  test::write_text(dir.path() / "static/sub/g.json", one("g").dump(1));
  test::write_text(dir.path() / "static/sub/notes.txt", "none");
  test::write_text(dir.path() / "static/sub/package.json", "{\"name\": 1}");
  CHECK(ids({"static/catalog.json"}) == Names{"g"});
  CHECK(ids({"static"}) == Names{"g"});
  const Made made = make(dir, StacOptions{{dir.file("static")}, {}, {}});
  CHECK(made.images[0].bands[0].descriptor == dir.file("static/sub/g.tif"));
  CHECK(made.report.left_out.size() == 4);  // two catalogs, a text, JSON that is none of STAC
  CHECK(std::ranges::none_of(made.report.left_out, [](const auto& left) { return left.failed; }));
  json page = collection({one("h")});
  page["links"] = json::array({link("next", "https://host/page/2")});
  const Made paged = make(dir, page);
  REQUIRE(paged.report.left_out.size() == 1);
  CHECK(paged.report.left_out[0].reason ==
        "is one page of an answer: the pages after it are not in it");
  CHECK(is_stac_file(dir.file("pretty.json")));
  CHECK(is_stac_file(dir.file("lines.ndjson")));
  CHECK_FALSE(is_stac_file(dir.file("static/sub/package.json")));
  CHECK_FALSE(is_stac_file(dir.file("static/sub/notes.txt")));
  CHECK_FALSE(is_stac_file(dir.file("static")));
}

TEST_CASE("documents that are none, and items that lack something") {
  const test::TempDir dir;
  const auto refused = [&](const std::string& text) {
    test::write_text(dir.path() / "items.json", text);
    std::string error = test::error_of([&] {
      make(dir, StacOptions{{dir.file("items.json")}, {}, {}});
    });
    error.erase(0, dir.file("").size());
    return error;
  };
  CHECK(refused("{\"type\": \"Feature\",\n").find("items.json: is not JSON: ") == 0);
  CHECK(refused("[1]") == "items.json: is JSON, but no STAC");
  CHECK(refused("{}") == "items.json: is JSON, but no STAC");
  CHECK(refused(R"({"type": "FeatureCollection", "features": []})") ==
        "items.json: holds no items");
  CHECK(refused(R"({"type": "FeatureCollection", "features": [{"type": "Feature"}]})") ==
        "items.json#/features/0: is GeoJSON, but no STAC item: it has no assets");
  CHECK(refused(R"({"stac_version": "1.0.0", "extent": {}, "links":
      [{"rel": "item", "href": "https://host/a.json"}]})") ==
        "items.json: is a STAC Collection, whose links lead to no item on this machine (give its "
        "items, or an API's answer to a search saved in a file)");
  CHECK(refused(R"({"stac_version": "1.0.0", "links": [{"rel": "item", "href": "none.json"}]})")
            .find("none.json: ") == 0);
  CHECK(rejected(json::array({1})) == "items.json: is JSON, but no STAC");
  json document = item("", {{"x", asset("x.tif")}});
  CHECK(rejected(document) == "items.json#/id: no item can be used: the item has no id");
  document = item("a", {{"x", asset("x.tif")}});
  document["properties"] = {{"datetime", nullptr}};
  CHECK(rejected(document) ==
        "items.json#/properties: no item can be used: has neither datetime nor start_datetime");
  document["properties"]["start_datetime"] = "soon";
  CHECK(rejected(collection({document})) ==
        "items.json#/features/0/properties/start_datetime: no item can be used: \"soon\" is not a "
        "time");
  document["properties"] = {{"datetime", "2020-01-01T23:30:00-01:00"}};
  CHECK(to_text(make(dir, document).images[0].datetime) == "2020-01-02T00:30:00");
  document["properties"] = {{"datetime", nullptr}, {"start_datetime", "2020-03-01T00:00:00Z"}};
  CHECK(to_text(make(dir, document).images[0].datetime) == "2020-03-01T00:00:00");
  document["assets"] = 3;
  CHECK(rejected(document) == "items.json#/assets: no item can be used: the item has no assets");
  const json good = item("b", {{"x", asset("x.tif")}});
  const Made made = make(dir, collection({document, good}));
  CHECK(made.report.images == 1);
  REQUIRE(made.report.left_out.size() == 1);
  CHECK(made.report.left_out[0].failed);
  json moved = good;
  moved["assets"]["x"]["href"] = "y.tif";
  CHECK(rejected(collection({good, moved})) ==
        "items.json#/features/1 ('b'): the id stands in items.json#/features/0 ('b') with other "
        "assets or another time (index them into catalogs of their own)");
}

TEST_CASE("signatures in URLs are not said") {
  CHECK(without_queries("/vsicurl/https://h/x.tif?sig=1&b=2: no (see http://h?k, https://i)") ==
        "/vsicurl/https://h/x.tif?...: no (see http://h?..., https://i)");
  CHECK(without_queries("what? /vsicurl?url=x y? https://a b?c") ==
        "what? /vsicurl?... y? https://a b?c");
  const Error error(ErrorCode::kInvalid, "HTTP 403 on https://h/x?sig=s", "s3://b/x?key=k");
  CHECK(std::string(error.what()) == "s3://b/x?...: HTTP 403 on https://h/x?...");
  CHECK((error.message() == "HTTP 403 on https://h/x?..." && error.where() == "s3://b/x?..."));
}
