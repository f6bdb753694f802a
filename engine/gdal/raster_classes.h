// Classes of a band as GDAL knows them: colour tables, category names, and the metadata
// flag_values, flag_meanings and flag_colors, as its netCDF driver gives those of CF.
// Thread rule: as the band's.
#pragma once

#include <gdal.h>

#include <string>
#include <vector>

#include "engine/band_classes.h"

namespace cube {

BandClasses classes_of(GDALRasterBandH band);

// Says them in a TIFF that has just been created: as metadata, and as a colour table where
// has_colour_table().
void set_classes(GDALRasterBandH band, const BandClasses& classes, bool with_table);

// Whether a TIFF of one band of this type can have the colours as a table.
bool has_colour_table(const BandClasses& classes, DType dtype);

// The content of FILE.aux.xml that gives GDAL the names of the classes of bands, from the first on;
// "" where there are none.
std::string category_sidecar(const std::vector<BandClasses>& bands);

}  // namespace cube
