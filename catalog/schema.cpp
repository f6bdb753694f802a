#include "catalog/schema.h"

namespace cube {

// gdalcubes' tables, with two differences that a query cannot see: the references are kept in the
// order of their primary key (WITHOUT ROWID), so that those of one image lie together and need no
// second index, and the names' uniqueness is an index made at the end instead of a constraint.
std::string schema_sql() {
  static const std::string kGdalcubes = R"(
CREATE TABLE collection_md(key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE bands (id INTEGER PRIMARY KEY, name TEXT, type VARCHAR(16), offset NUMERIC DEFAULT 0.0,
  scale NUMERIC DEFAULT 1.0, unit VARCHAR(16) DEFAULT '', nodata VARCHAR(16) DEFAULT '');
CREATE TABLE band_md(band_id INTEGER, key TEXT, value TEXT, PRIMARY KEY (band_id, key),
  FOREIGN KEY (band_id) REFERENCES bands(id) ON DELETE CASCADE);
CREATE TABLE images (id INTEGER PRIMARY KEY, name TEXT, left NUMERIC, top NUMERIC, bottom NUMERIC,
  right NUMERIC, datetime TEXT, proj TEXT);
CREATE TABLE image_md(image_id INTEGER, key TEXT, value TEXT, PRIMARY KEY (image_id, key),
  FOREIGN KEY (image_id) REFERENCES images(id) ON DELETE CASCADE);
CREATE TABLE gdalrefs (image_id INTEGER, band_id INTEGER, descriptor TEXT, band_num INTEGER,
  FOREIGN KEY (image_id) REFERENCES images(id) ON DELETE CASCADE, PRIMARY KEY (image_id, band_id),
  FOREIGN KEY (band_id) REFERENCES bands(id) ON DELETE CASCADE) WITHOUT ROWID;
)";
  return kGdalcubes + "CREATE VIRTUAL TABLE " + kExtentTable +
         " USING rtree(id, left, right, bottom, top, first, last, +image_id INTEGER);\n" +
         "CREATE TABLE " + kFileTable +
         "(descriptor TEXT PRIMARY KEY, size INTEGER, mtime INTEGER);\n" + "CREATE TABLE " +
         kPackingTable +
         "(image_id INTEGER, band_id INTEGER, scale REAL, offset REAL,"
         " PRIMARY KEY (image_id, band_id),"
         " FOREIGN KEY (image_id) REFERENCES images(id) ON DELETE CASCADE) WITHOUT ROWID;\n";
}

std::string index_sql() {
  return "CREATE UNIQUE INDEX idx_image_names ON images(name);\n"
         "CREATE INDEX idx_image_datetime ON images(datetime);\n" +
         trigger_sql();
}

std::string removed_sql() {
  return "CREATE TABLE IF NOT EXISTS " + std::string(kRemovedTable) +
         "(name TEXT PRIMARY KEY, file TEXT) WITHOUT ROWID;";
}

std::string trigger_sql() {
  const std::string tree = kExtentTable;
  const std::string stale =
      " DELETE FROM collection_md WHERE key = '" + std::string(kSummaryKey) + "'; ";
  const auto days = [](const std::string& row) {
    return "julianday(CASE length(" + row + ".datetime) WHEN 4 THEN " + row +
           ".datetime || '-01-01' WHEN 7 THEN " + row + ".datetime || '-01' ELSE " + row +
           ".datetime END) - 2440587.5";
  };
  // The tree is asked by place and time: it has no index on images.
  const std::string remove = " DELETE FROM " + tree + " WHERE id IN (SELECT id FROM " + tree +
                             " WHERE image_id = old.id AND bottom <= old.top AND top >= old.bottom"
                             " AND left <= CASE WHEN old.left > old.right THEN 180 ELSE old.right"
                             " END AND right >= CASE WHEN old.left > old.right THEN -180"
                             " ELSE old.left END AND last >= coalesce(" +
                             days("old") + " - 2, -1e9) AND first <= coalesce(" + days("old") +
                             " + 2, 1e9)); ";
  // A day more on both sides, for times of day and zones in any form; always, where it is no time.
  const std::string when =
      "coalesce(" + days("new") + " - 1, -1e9), coalesce(" + days("new") + " + 1, 1e9)";
  const std::string rest = ", new.bottom, new.top, " + when + ", new.id";
  const std::string insert = " INSERT INTO " + tree +
                             "(left, right, bottom, top, first, last, image_id) SELECT new.left,"
                             " CASE WHEN new.left > new.right THEN 180 ELSE new.right END" +
                             rest + " UNION ALL SELECT -180, new.right" + rest +
                             " WHERE new.left > new.right; ";
  const auto trigger = [](const char* name, const char* event, const std::string& work) {
    return std::string("DROP TRIGGER IF EXISTS ") + name + ";\nCREATE TRIGGER " + name + " AFTER " +
           event + " BEGIN" + work + "END;\n";
  };
  return trigger("cube_image_added", "INSERT ON images", stale + insert) +
         trigger("cube_image_removed", "DELETE ON images", stale + remove) +
         trigger("cube_image_changed", "UPDATE ON images", stale + remove + insert) +
         trigger("cube_reference_added", "INSERT ON gdalrefs", stale) +
         trigger("cube_reference_removed", "DELETE ON gdalrefs", stale);
}

}  // namespace cube
