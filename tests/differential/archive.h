// Archive: small files of many kinds in one folder, made from a document, for graphs to read.
//
// The document says all about the files but their cells, of which it has seeds, so that an archive
// that shows an error can be kept, and made smaller, as text:
//   {"srs": ["EPSG:32631", ...], "x": [centre in each srs], "y": [...], "unit": [metres' length],
//    "bands": [{"name": "a", "dtype": "uint8", "nodata": 255, "kind": "wide", ...}],
//    "images": [{"name": "i0_20200105", "srs": 0, "transform": [...], "width": 20, ...}],
//    "arrays": [{"file": "c0.nc", "chunk": [...], "graph": {...}}]}
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/grid.h"
#include "engine/registry.h"
#include "engine/resources.h"
#include "tests/differential/dice.h"

namespace cube::fuzz {

using Json = nlohmann::json;

// A document of an archive.
Json random_archive(Dice& dice);

// The files of such a document, written into a folder: images as NAME_BAND.tif, their catalog
// images.db, points.geojson, zones.geojson, and what "arrays" says.
class Archive {
 public:
  // REQUIRES: an empty folder, which lives as long. Throws Error.
  Archive(Json document, std::filesystem::path folder, const Registry& registry);

  const Json& document() const { return document_; }
  const std::filesystem::path& folder() const { return folder_; }
  const Resources& resources() const { return resources_; }

  // Names of files, relative to the folder.
  const std::vector<std::string>& rasters() const { return rasters_; }  // by name
  const std::vector<std::string>& arrays(const std::string& extension) const;
  // Rasters of one band on the same cells, of different times.
  const std::vector<std::vector<std::string>>& stacks() const { return stacks_; }
  std::vector<std::string> layers() const { return {"points.geojson", "zones.geojson"}; }
  bool has_catalog() const { return has_catalog_; }

 private:
  void write_images();
  void write_layers() const;
  void write_catalog();
  void write_arrays(const Registry& registry);

  Json document_;
  std::filesystem::path folder_;
  Resources resources_;
  std::vector<std::string> rasters_;
  std::vector<std::vector<std::string>> stacks_;
  std::vector<std::string> netcdf_, zarr_, none_;
  bool has_catalog_ = false;
};

}  // namespace cube::fuzz
