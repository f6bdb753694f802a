// Files of this machine as GDAL reads them, watched: what the system could not give is known.
//
// GDAL goes on without much that cannot be read: a mask, overviews, a .aux.xml or a world file
// beside an image, the boxes of a JPEG 2000, the attributes of a shapefile, the rest of a CSV.
// Cells, nodata, the CRS or features would then be others without a word. Under the names given
// here files are read through a file system of ours, /vsicubefile/, registered once with GDAL as
// its drivers are, which tells GdalErrors of each file that is there and cannot be opened, asked
// about or read.
//
// Thread rule: any thread.
#pragma once

#include <string>

namespace cube {

// What GDAL opens for a local image, and what the names of the files beside it begin with. `name`:
// GDAL's. Formats whose libraries open files by themselves (netCDF, HDF, FITS) or that name files
// of any format (VRT and other XML) keep their names, as does what is no file of this machine.
std::string watched_raster(const std::string& name);

// The same for a vector file, XML too; of databases (GeoPackage) SQLite tells by itself.
std::string watched_features(const std::string& name);

// The text with the names that files have.
std::string without_watched_names(std::string text);

}  // namespace cube
