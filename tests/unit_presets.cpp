// The preset formats on the names that their products really have: what image, time and band a name
// is, and that a product's names are taken for its own preset and for no other.
#include <algorithm>

#include "catalog/formats.h"
#include "tests/support.h"

using namespace cube;

namespace {

struct Named {
  const char* preset;
  const char* path;  // of the file as it is shipped
  const char* inside = nullptr;
  // After the path in what is matched: a subdataset as GDAL names it ("\"path\"" stands for it),
  // or nothing.
  const char* image = nullptr;
  const char* time = nullptr;
  const char* band = nullptr;
};

constexpr const char* kMod09 = "/d/MOD09GA.A2018001.h18v04.006.2018003031000.hdf";
constexpr const char* kMyd10 = "/d/MYD10A2.A2018009.h10v04.061.2021314010203.hdf";
constexpr const char* kMod11 = "/d/MOD11A1.A2018366.h18v04.006.2018003031000.hdf";
constexpr const char* kMyd11 = "/d/x y/MYD11A2.A2018001.h18v04.061.2021319031000.hdf";
constexpr const char* kMod13 = "/d/MOD13Q1.A2018017.h18v04.006.2018033223333.hdf";
constexpr const char* kBurnt = "/d/MCD64A1.A2018001.h18v04.006.2018094010203.hdf";
constexpr const char* kS5p =
    "/d/S5P_OFFL_L2__NO2____20200101T013158_20200101T031328_11487_01_010302_20200102T181843.nc";
constexpr const char* kSoil = "/d/ESACCI-SOILMOISTURE-L3S-SSMV-COMBINED-20180102000000-fv04.7.nc";
constexpr const char* kL1c =
    "/d/S2A_MSIL1C_20180101T103421_N0206_R108_T32UNB_20180101T124000.SAFE/GRANULE/"
    "L1C_T32UNB_A013208_20180101T103422/IMG_DATA/T32UNB_20180101T103421_B8A.jp2";
constexpr const char* kL1cZip =
    "/vsizip//d/S2A_MSIL1C_20180101T103421_N0206_R108_T32UNB_20180101T124000.zip/"
    "S2A_MSIL1C_20180101T103421_N0206_R108_T32UNB_20180101T124000.SAFE/GRANULE/"
    "L1C_T32UNB_A013208_20180101T103422/IMG_DATA/T32UNB_20180101T103421_B04.jp2";
constexpr const char* kL2a =
    "/d/S2B_MSIL2A_20190629T212529_N0212_R043_T06VVN_20201006T080531.SAFE/GRANULE/"
    "L2A_T06VVN_A012081_20190629T212530/IMG_DATA/R20m/T06VVN_20190629T212529_SCL_20m.jp2";
constexpr const char* kS1 =
    "/d/S1A_IW_GRDH_1SDV_20200101T054321_20200101T054346_030612_0381D5_AB12.SAFE/measurement/"
    "s1a-iw-grd-vv-20200101t054321-20200101t054346-030612-0381d5-001.tiff";

const std::vector<Named> kNames = {
    {"MxD09GA", kMod09, R"(HDF4_EOS:EOS_GRID:%:MODIS_Grid_500m_2D:sur_refl_b01_1)",
     "MOD09GA.A2018001.h18v04.006.2018003031000", "2018-01-01T00:00:00", "sur_refl_b01"},
    {"MxD09GA", kMod09, R"(HDF4_EOS:EOS_GRID:%:MODIS_Grid_1km_2D:state_1km_1)",
     "MOD09GA.A2018001.h18v04.006.2018003031000", "2018-01-01T00:00:00", "state_1km"},
    {"MxD10A2", kMyd10, R"(HDF4_EOS:EOS_GRID:%:MOD_Grid_Snow_500m:Maximum_Snow_Extent)",
     "MYD10A2.A2018009.h10v04.061.2021314010203", "2018-01-09T00:00:00", "Maximum_Snow_Extent"},
    {"MxD11A1", kMod11, R"(HDF4_EOS:EOS_GRID:%:MODIS_Grid_Daily_1km_LST:LST_Day_1km)", nullptr,
     nullptr, nullptr},  // 2018 has no day 366
    {"MxD11A2", kMyd11, R"(HDF4_EOS:EOS_GRID:%:MODIS_Grid_8Day_1km_LST:Night_view_angl)",
     "MYD11A2.A2018001.h18v04.061.2021319031000", "2018-01-01T00:00:00", "NIGHT_VIEW_ANGLE"},
    {"MxD13A1", "/d/MOD13A1.A2018017.h18v04.006.2018033223333.hdf",
     R"(HDF4_EOS:EOS_GRID:%:MODIS_Grid_16DAY_500m_VI:"500m 16 days NDVI")",
     "MOD13A1.A2018017.h18v04.006.2018033223333", "2018-01-17T00:00:00", "NDVI"},
    {"MxD13A2", "/d/MYD13A2.A2018025.h18v04.006.2018033223333.hdf",
     R"(HDF4_EOS:EOS_GRID:%:MODIS_Grid_16DAY_1km_VI:"1 km 16 days blue reflectance")",
     "MYD13A2.A2018025.h18v04.006.2018033223333", "2018-01-25T00:00:00", "BLUE"},
    {"MxD13A3", "/d/MOD13A3.A2018032.h18v04.006.2018033223333.hdf",
     R"(HDF4_EOS:EOS_GRID:%:MOD_Grid_monthly_1km_VI:"1 km monthly EVI")",
     "MOD13A3.A2018032.h18v04.006.2018033223333", "2018-02-01T00:00:00", "EVI"},
    {"MxD13Q1", kMod13,
     R"(HDF4_EOS:EOS_GRID:%:MODIS_Grid_16DAY_250m_500m_VI:"250m 16 days NIR reflectance")",
     "MOD13Q1.A2018017.h18v04.006.2018033223333", "2018-01-17T00:00:00", "NIR"},
    {"MxD13Q1", kMod13,  // as GDAL 1 wrote it, and gdalcubes' users may still list it
     R"(HDF4_EOS:EOS_GRID:%:MODIS_Grid_16DAY_250m_500m_VI:250m 16 days NDVI)",
     "MOD13Q1.A2018017.h18v04.006.2018033223333", "2018-01-17T00:00:00", "NDVI"},
    {"MxD14A2", "/d/MOD14A2.A2018001.h18v04.006.2018015003333.hdf",
     R"(HDF4_EOS:EOS_GRID:%:MODIS_Grid_8Day_Fire:FireMask)",
     "MOD14A2.A2018001.h18v04.006.2018015003333", "2018-01-01T00:00:00", "FireMask"},
    {"MCD64A1", kBurnt, R"(HDF4_EOS:EOS_GRID:%:MOD_Grid_Monthly_500m_DB_BA:"Burn Date")",
     "MCD64A1.A2018001.h18v04.006.2018094010203", "2018-01-01T00:00:00", "BurnDate"},
    {"MCD64A1", kBurnt,
     R"(HDF4_EOS:EOS_GRID:%:MOD_Grid_Monthly_500m_DB_BA:"Burn Date Uncertainty")",
     "MCD64A1.A2018001.h18v04.006.2018094010203", "2018-01-01T00:00:00", "BurnDateUncertainty"},
    {"S5P_NO2", kS5p, R"(NETCDF:%:/PRODUCT/nitrogendioxide_tropospheric_column)",
     "S5P_OFFL_L2__NO2____20200101T013158_20200101T031328_11487_01_010302_20200102T181843",
     "2020-01-01T01:31:58", "no2"},
    {"S5P_NO2", kS5p, R"(HDF5:%://PRODUCT/qa_value)",
     "S5P_OFFL_L2__NO2____20200101T013158_20200101T031328_11487_01_010302_20200102T181843",
     "2020-01-01T01:31:58", "qa_value"},
    {"ESA_CCI_SM", kSoil, "NETCDF:%:sm",
     "ESACCI-SOILMOISTURE-L3S-SSMV-COMBINED-20180102000000-fv04.7", "2018-01-02T00:00:00", "sm"},
    {"ESA_CCI_SM", "/d/ESACCI-SOILMOISTURE-L3S-SSMS-ACTIVE-20180102000000-fv04.7.nc",
     "NETCDF:%:sm_uncertainty", "ESACCI-SOILMOISTURE-L3S-SSMS-ACTIVE-20180102000000-fv04.7",
     "2018-01-02T00:00:00", "sm_uncertainty"},
    {"Sentinel2_L1C", kL1c, nullptr, "S2A_MSIL1C_20180101T103421_N0206_R108_T32UNB_20180101T124000",
     "2018-01-01T10:34:21", "B8A"},
    {"Sentinel2_L1C", kL1cZip, nullptr,
     "S2A_MSIL1C_20180101T103421_N0206_R108_T32UNB_20180101T124000", "2018-01-01T10:34:21", "B04"},
    {"Sentinel2_L2A", kL2a, nullptr, "S2B_MSIL2A_20190629T212529_N0212_R043_T06VVN_20201006T080531",
     "2019-06-29T21:25:29", "SCL"},
    {"Sentinel2_L2A_COG", "/d/S2A_28QCH_20200714_0_L2A/B8A.tif", nullptr,
     "S2A_28QCH_20200714_0_L2A", "2020-07-14T00:00:00", "B8A"},
    {"Sentinel1_IW_GRD", kS1, nullptr,
     "S1A_IW_GRDH_1SDV_20200101T054321_20200101T054346_030612_0381D5_AB12", "2020-01-01T05:43:21",
     "VV"},
    {"L8_L1TP", "/d/LC08_L1TP_013032_20180131_20180207_01_T1_B10.TIF", nullptr,
     "LC08_L1TP_013032_20180131_20180207_01_T1", "2018-01-31T00:00:00", "B10"},
    {"L8_L1TP",
     "/vsitar//d/LC08_L1TP_013032_20180131_20180207_01_T1.tar.gz/"
     "LC08_L1TP_013032_20180131_20180207_01_T1_BQA.TIF",
     nullptr, "LC08_L1TP_013032_20180131_20180207_01_T1", "2018-01-31T00:00:00", "BQA"},
    {"L8_SR", "/d/LC08_L1TP_013032_20180131_20180207_01_T1_sr_band4.tif", nullptr,
     "LC08_L1TP_013032_20180131_20180207_01_T1", "2018-01-31T00:00:00", "B04"},
    {"Landsat_C2_L2", "/d/LC09_L2SP_028030_20220114_20220116_02_T1_ST_B10.TIF", nullptr,
     "LC09_L2SP_028030_20220114_20220116_02_T1", "2022-01-14T00:00:00", "ST_B10"},
    {"PlanetScope_3B", "/d/20190101_101010_0f17_3B_AnalyticMS_DN_udm.tif", nullptr,
     "20190101_101010_0f17", "2019-01-01T10:10:10", "udm"},
    {"PlanetScope_3B", "/d/20210601_101010_12_2414_3B_udm2_clip.tif", nullptr,
     "20210601_101010_12_2414", "2021-06-01T10:10:10", "clear"},
    {"CHIRPS_daily", "/d/chirps-v2.0.2018.01.31.tif", nullptr, "chirps-v2.0.2018.01.31",
     "2018-01-31T00:00:00", "precipitation"},
    {"CHIRPS_daily", "/vsigzip//d/chirps-v2.0.2018.01.31.tif.gz", nullptr, "chirps-v2.0.2018.01.31",
     "2018-01-31T00:00:00", "precipitation"},
    {"CHIRPS_monthly", "/vsigzip//d/chirps-v2.0.2018.12.tif.gz", nullptr, "chirps-v2.0.2018.12",
     "2018-12-01T00:00:00", "precipitation"},
    {"CHIRPS_daily_nc", "/d/chirps-v2.0.2018.days_p05.nc", nullptr, "chirps-v2.0.2018.days_p05",
     "2018-01-01T00:00:00", "precipitation"},
    {"GPM_IMERG_daily",
     "/vsizip//d/3B-DAY-GIS.MS.MRG.3IMERG.20170101-S000000-E235959.0000.V07B.zip/"
     "3B-DAY-GIS.MS.MRG.3IMERG.20170101-S000000-E235959.0000.V07B.total.accum.tif",
     nullptr, "3B-DAY-GIS.MS.MRG.3IMERG.20170101-S000000-E235959.0000.V07B", "2017-01-01T00:00:00",
     "total_accum"},
    {"GPM_IMERG_daily",
     "/d/3B-DAY-GIS.MS.MRG.3IMERG.20170101-S000000-E235959.0000.V06A.liquidPercent.tif", nullptr,
     "3B-DAY-GIS.MS.MRG.3IMERG.20170101-S000000-E235959.0000.V06A", "2017-01-01T00:00:00",
     "liquid_percent"},
    {"GPM_IMERG_daily_nc", "/d/3B-DAY.MS.MRG.3IMERG.20200101-S000000-E235959.V06.nc4",
     "NETCDF:%:precipitationCal", "3B-DAY.MS.MRG.3IMERG.20200101-S000000-E235959.V06",
     "2020-01-01T00:00:00", "precipitation"},
    {"GPM_IMERG_daily_nc", "/d/3B-DAY-L.MS.MRG.3IMERG.20240101-S000000-E235959.V07B.nc4",
     "NETCDF:%:randomError", "3B-DAY-L.MS.MRG.3IMERG.20240101-S000000-E235959.V07B",
     "2024-01-01T00:00:00", "random_error"},
    {"GPM_IMERG_daily", "/d/3B-HHR-L.MS.MRG.3IMERG.20200101-S233000-E235959.1410.V06B.1day.tif",
     nullptr, "3B-HHR-L.MS.MRG.3IMERG.20200101-S233000-E235959.1410.V06B", "2020-01-01T00:00:00",
     "total_accum"},
};

// What is matched: the path, or a subdataset with the path in quotes for "%".
std::string descriptor(const Named& row) {
  if (!row.inside) return row.path;
  const std::string text = row.inside;
  const std::size_t at = text.find('%');
  std::string out = text.substr(0, at);
  out.append("\"").append(row.path).append("\"").append(text.substr(at + 1));
  return out;
}

std::string found(const CollectionFormat& format, const std::string& name) {
  const auto match = format.match(name);
  if (!match.reason.empty()) return match.reason;
  std::string bands;
  for (const std::size_t band : match.bands) bands += " " + format.bands()[band].name;
  return match.image + " " + to_text(match.datetime) + bands;
}

}  // namespace

TEST_CASE("names of products are images, times and bands") {
  for (const Named& row : kNames) {
    const std::string name = descriptor(row);
    CAPTURE(name);
    const CollectionFormat format = CollectionFormat::load(row.preset);
    if (row.inside) CHECK(format.holds_subdatasets(row.path));
    if (row.image) {
      CHECK(found(format, name) == std::string(row.image) + " " + row.time + " " + row.band);
    } else {
      CHECK(found(format, name).starts_with("no time: '2018366'"));
    }
  }
}

TEST_CASE("four bands stand in one PlanetScope file") {
  const CollectionFormat format = CollectionFormat::load("PlanetScope_3B");
  for (const char* kind : {"", "_harmonized", "_clip", "_harmonized_clip"}) {
    CHECK(found(format, std::string("/d/20190101_101010_0f17_3B_AnalyticMS_SR") + kind + ".tif") ==
          "20190101_101010_0f17 2019-01-01T10:10:10 blue green nir red");
  }
  CHECK(found(format, "/d/20190101_101010_0f17_3B_AnalyticMS_SR_8b.tif")
            .starts_with("the name does not match"));
}

TEST_CASE("a product's names are guessed to be of its own preset, and fit no other") {
  std::vector<std::string> tried;
  for (const Named& row : kNames) {
    tried.emplace_back(row.preset);
    for (const std::string& name : {std::string(row.path), descriptor(row)}) {
      CAPTURE(name);
      if (name != row.path && !row.image) continue;
      CHECK(CollectionFormat::guess({name}) == std::string(row.preset));
      for (const PresetFormat& preset : preset_formats()) {
        if (preset.id == row.preset) continue;
        CAPTURE(preset.id);
        const CollectionFormat other = CollectionFormat::load(preset.id);
        CHECK_FALSE(other.holds_subdatasets(name));
        CHECK(other.match(name).reason != "");
      }
    }
  }
  for (const PresetFormat& preset : preset_formats()) {
    CAPTURE(preset.id);
    CHECK(std::ranges::find(tried, preset.id) != tried.end());  // every preset has names above
  }
}

TEST_CASE("presets are found by other names that they are known by") {
  for (const auto& [alias, id] : {std::pair{"MOD13Q1", "MxD13Q1"}, std::pair{"myd11a2", "MxD11A2"},
                                  std::pair{"CHIRPS_v2_0_daily_p05_tif", "CHIRPS_daily"},
                                  std::pair{"GPM_IMERG_3B_DAY_GIS_V06A", "GPM_IMERG_daily"},
                                  std::pair{"ESA_CCI_SM_PASSIVE", "ESA_CCI_SM"}}) {
    CHECK(CollectionFormat::load(alias).id() == id);
  }
}
