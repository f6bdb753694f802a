#include "cli/distrust.h"

#include <cpl_conv.h>
#include <cpl_error.h>

#include <string>

#include "engine/text.h"

namespace cube {

namespace {

constexpr const char* kPython = "GDAL_VRT_ENABLE_PYTHON";

constexpr const char* kRunningCode = "GPSBabel,ODBC,PGeo,MSSQLSpatial,OGR_OGDI,GRASS,OGR_GRASS";
constexpr const char* kDatabases =
    "PostgreSQL,PostGISRaster,MySQL,MongoDBv3,OCI,GeoRaster,HANA,Elasticsearch";
constexpr const char* kServices =
    "HTTP,WMS,WMTS,WCS,WFS,OAPIF,OGCAPI,CSW,STACTA,STACIT,PLMOSAIC,PLSCENES,DAAS,EEDA,EEDAI,NGW,"
    "Carto,AmigoCloud,GMLAS";

void CPL_STDCALL print_without_secrets(CPLErr kind, CPLErrorNum number, const char* message) {
  CPLDefaultErrorHandler(kind, number, without_queries(message).c_str());
}

}  // namespace

void distrust_files() {
  CPLSetErrorHandler(print_without_secrets);
  CPLSetConfigOption(kPython, "NO");
  std::string skipped = CPLGetConfigOption("OGR_SKIP", "");  // of drivers of either kind
  for (const char* drivers : {kRunningCode, kDatabases, kServices}) {
    skipped += (skipped.empty() ? "" : ",") + std::string(drivers);
  }
  CPLSetConfigOption("OGR_SKIP", skipped.c_str());
}

void allow_code_in_files() { CPLSetConfigOption(kPython, nullptr); }

}  // namespace cube
