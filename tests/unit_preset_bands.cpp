// What presets say of bands, against what the providers' documents say of their products.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "catalog/formats.h"
#include "engine/text.h"

using namespace cube;

namespace {

struct Said {
  std::string format;
  std::string bands;  // the start of their names
  std::optional<double> nodata;
  double scale = 1;
  double offset = 0;
  std::string unit;
  int count = 0;  // of such bands
};

// USGS: "How do I use a scale factor with Landsat Level-2 science products"; LP DAAC's, NSIDC's and
// the University of Maryland's tables of layers of the MODIS products, collection 6.1; NASA GPM:
// "IMERG Final Run PPS Research GIS" (values are tenths of mm); ESA: Sentinel-2 products'
// specification (offsets are tested with products' metadata); Planet: "Analytic SR" products.
// A line for each Said; - = none.
constexpr const char* kSaid = R"(
Landsat_C2_L2      B0                        0  0.0000275  -0.2      -  7
Landsat_C2_L2      ST_B10                    0 0.00341802   149      K  1
Landsat_C2_L2      QA_PIXEL                  -          1     0      -  1
L8_SR              B0                    -9999     0.0001     0      -  7
L8_L1TP            B                         0          1     0      - 11
MxD09GA            sur_refl_b           -28672     0.0001     0      -  7
MxD09GA            state_1km             65535          1     0      -  1
MxD09GA            S                    -32767       0.01     0 degree  4
MxD10A2            Maximum_Snow_Extent     255          1     0      -  1
MxD11A1            LST_                      0       0.02     0      K  2
MxD11A1            EMIS_                     0      0.002  0.49      -  2
MxD11A1            DAY_VIEW_ANGLE          255          1   -65 degree  1
MxD11A1            NIGHT_VIEW_TIME         255        0.1     0      h  1
MxD11A1            CLEAR_                    0     0.0005     0      -  2
MxD11A2            LST_                      0       0.02     0      K  2
MxD11A2            EMIS_                     0      0.002  0.49      -  2
MxD13A1            NDVI                  -3000     0.0001     0      -  1
MxD13A1            red                   -1000     0.0001     0      -  1
MxD13A2            EVI                   -3000     0.0001     0      -  1
MxD13A3            NDVI                  -3000     0.0001     0      -  1
MxD13Q1            EVI                   -3000     0.0001     0      -  1
MxD13Q1            NIR                   -1000     0.0001     0      -  1
MxD13Q1            VI_Quality            65535          1     0      -  1
MxD13Q1            view_zenith          -10000       0.01     0 degree  1
MxD13Q1            composite_day            -1          1     0      -  1
MCD64A1            BurnDate                 -1          1     0      -  1
Sentinel2_L1C      B                         0     0.0001     0      - 13
Sentinel2_L2A      B                         0     0.0001     0      - 12
Sentinel2_L2A      SCL                       0          1     0      -  1
Sentinel1_IW_GRD   V                         0          1     0      -  2
PlanetScope_3B     nir                       0     0.0001     0      -  1
CHIRPS_daily       precipitation         -9999          1     0     mm  1
CHIRPS_daily_nc    precipitation         -9999          1     0     mm  1
CHIRPS_monthly     precipitation         -9999          1     0     mm  1
GPM_IMERG_daily    total_accum           29999        0.1     0     mm  1
GPM_IMERG_daily    liquid_accum          29999        0.1     0     mm  1
GPM_IMERG_daily    ice_accum             29999        0.1     0     mm  1
GPM_IMERG_daily_nc precipitation       -9999.9          1     0     mm  1
ESA_CCI_SM         sm                    -9999          1     0      -  1
)";

std::vector<Said> all_said() {
  std::vector<Said> out;
  std::istringstream lines(kSaid);
  std::string nodata;
  for (Said said; lines >> said.format >> said.bands >> nodata >> said.scale >> said.offset >>
                  said.unit >> said.count;) {
    said.nodata = parse_number(nodata);
    if (said.unit == "-") said.unit.clear();
    out.push_back(said);
  }
  return out;
}

}  // namespace

TEST_CASE("bands of presets have the nodata, scale, offset and unit of their products") {
  const std::vector<Said> all = all_said();
  REQUIRE(all.size() == 39);
  for (const Said& said : all) {
    CAPTURE(said.format);
    CAPTURE(said.bands);
    const CollectionFormat format = CollectionFormat::load(said.format);
    const std::string& name = said.bands;
    const bool whole =
        std::ranges::find(format.bands(), name, &FormatBand::name) != format.bands().end();
    int count = 0;
    for (const FormatBand& band : format.bands()) {
      if (whole ? band.name != name : !band.name.starts_with(name)) continue;
      if (band.name == "BQA") continue;
      CAPTURE(band.name);
      ++count;
      CHECK(band.nodata == said.nodata);
      CHECK(band.scale == said.scale);
      CHECK(band.offset == said.offset);
      CHECK(band.unit == said.unit);
    }
    CHECK(count == said.count);
  }
}
