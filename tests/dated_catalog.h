// A catalog of small rasters for tests.
#pragma once

#include <memory>

#include "catalog/catalog.h"
#include "tests/support.h"

namespace cube::test {

// Of the images in a folder that are called NAME_YYYYMMDD.tif, with one band `v`.
inline std::shared_ptr<const ImageIndex> dated_catalog(const TempDir& dir) {
  const auto format = CollectionFormat::parse(R"({
    "images": {"pattern": ".*/([a-z]+)_.+"},
    "datetime": {"pattern": ".*_([0-9]{8})\\.tif", "format": "%Y%m%d"},
    "bands": {"v": {"pattern": ".+"}}})",
                                              "f");
  create_catalog(dir.file("c.db"), format, expand_files({dir.path().string()}).files, {});
  return open_catalog(dir.file("c.db"));
}

}  // namespace cube::test
