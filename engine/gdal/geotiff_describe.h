// What a GeoTIFF says about its cells: place, time, bands, provenance.
// Thread rule: one thread a dataset.
#pragma once

#include <gdal_priv.h>

#include "engine/gdal/output_file.h"

namespace cube {

// The number, from 1, of the band of the file that holds slice `t` of band `b` of its cube.
int band_number(const CubeInfo& info, std::size_t b, std::int64_t t);

// Sets everything but cells on a dataset that has just been created.
void describe_tiff(GDALDataset& dataset, const FilePart& part, const Storage& storage,
                   const Provenance& provenance);

}  // namespace cube
