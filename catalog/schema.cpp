#include "catalog/schema.h"

namespace cube {

std::string schema_sql() {
  static const std::string kGdalcubes = R"(
CREATE TABLE collection_md(key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE bands (id INTEGER PRIMARY KEY, name TEXT, type VARCHAR(16), offset NUMERIC DEFAULT 0.0,
  scale NUMERIC DEFAULT 1.0, unit VARCHAR(16) DEFAULT '', nodata VARCHAR(16) DEFAULT '');
CREATE TABLE band_md(band_id INTEGER, key TEXT, value TEXT, PRIMARY KEY (band_id, key),
  FOREIGN KEY (band_id) REFERENCES bands(id) ON DELETE CASCADE);
CREATE TABLE images (id INTEGER PRIMARY KEY, name TEXT, left NUMERIC, top NUMERIC, bottom NUMERIC,
  right NUMERIC, datetime TEXT, proj TEXT, UNIQUE(name));
CREATE TABLE image_md(image_id INTEGER, key TEXT, value TEXT, PRIMARY KEY (image_id, key),
  FOREIGN KEY (image_id) REFERENCES images(id) ON DELETE CASCADE);
CREATE TABLE gdalrefs (image_id INTEGER, band_id INTEGER, descriptor TEXT, band_num INTEGER,
  FOREIGN KEY (image_id) REFERENCES images(id) ON DELETE CASCADE, PRIMARY KEY (image_id, band_id),
  FOREIGN KEY (band_id) REFERENCES bands(id) ON DELETE CASCADE);
CREATE INDEX idx_image_names ON images(name);
CREATE INDEX idx_gdalrefs_bandid ON gdalrefs(band_id);
CREATE INDEX idx_gdalrefs_imageid ON gdalrefs(image_id);
)";
  return kGdalcubes + "CREATE INDEX idx_image_datetime ON images(datetime);\n" +
         "CREATE VIRTUAL TABLE " + kFootprintTable +
         " USING rtree(id, left, right, bottom, top, +image_id INTEGER);\n" + "CREATE TABLE " +
         kFileTable + "(descriptor TEXT PRIMARY KEY, size INTEGER, mtime INTEGER);\n";
}

}  // namespace cube
