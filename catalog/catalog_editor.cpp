#include "catalog/catalog_editor.h"

#include <algorithm>
#include <set>

#include "catalog/descriptor.h"
#include "catalog/footprint.h"
#include "catalog/packings.h"
#include "catalog/schema.h"
#include "catalog/summary.h"
#include "engine/text.h"

namespace cube {

namespace {

void drop_triggers(Database& database) {
  std::vector<std::string> names;
  {
    Statement rows(database,
                   "SELECT replace(name, '\"', '\"\"') FROM sqlite_master"
                   " WHERE type = 'trigger'");
    while (rows.step()) names.push_back(rows.text(0));
  }
  for (const std::string& name : names) database.execute("DROP TRIGGER \"" + name + "\"");
}

Database open_to_change(const std::filesystem::path& file) {
  Database database(file, Database::Mode::kCreate);
  database.execute(kDraftSettings);
  drop_triggers(database);  // older ones removed images slowly, others' do anything
  database.execute(trigger_sql());
  return database;
}

}  // namespace

CatalogEditor::CatalogEditor(const std::filesystem::path& file, std::filesystem::path folder)
    : database_(open_to_change(file)),
      folder_(std::move(folder)),
      find_(database_, "SELECT id FROM images WHERE name = ?"),
      insert_(database_,
              "INSERT INTO images(left, top, bottom, right, datetime, proj, name)"
              " VALUES (?, ?, ?, ?, ?, ?, ?)"),
      update_(database_,
              "UPDATE images SET left = ?, top = ?, bottom = ?, right = ?, datetime = ?, proj = ?"
              " WHERE name = ?"),
      reference_(database_, "INSERT INTO gdalrefs VALUES (?, ?, ?, ?)"),
      packing_(database_, "INSERT INTO " + std::string(kPackingTable) + " VALUES (?, ?, ?, ?)"),
      file_row_(database_,
                "INSERT OR REPLACE INTO " + std::string(kFileTable) + " VALUES (?, ?, ?)"),
      metadata_(database_, "INSERT INTO image_md VALUES (?, ?, ?)") {
  Statement rows(database_, "SELECT id, name FROM bands");
  while (rows.step()) ids_[rows.text(1)] = rows.integer(0);
}

void CatalogEditor::set_band(std::int64_t id, const BandInfo& band) {
  Statement row(database_, "INSERT OR REPLACE INTO bands VALUES (?, ?, ?, ?, ?, ?, ?)");
  row.bind(id).bind(band.name).bind(name(band.dtype)).bind(band.offset).bind(band.scale);
  row.bind(band.unit).bind(band.nodata ? number_text(*band.nodata) : "").run();
  Statement old(database_, "DELETE FROM band_md WHERE band_id = ? AND key = ?");
  old.bind(id).bind(kNoteKey).run();
  if (band.note.empty()) return;
  Statement note(database_, "INSERT INTO band_md VALUES (?, ?, ?)");
  note.bind(id).bind(kNoteKey).bind(band.note).run();
}

void CatalogEditor::drop_bands(const std::set<std::string>& kept) {
  for (auto at = ids_.begin(); at != ids_.end();) {
    if (kept.contains(at->first)) {
      ++at;
      continue;
    }
    for (const char* sql :
         {"DELETE FROM bands WHERE id = ?", "DELETE FROM band_md WHERE band_id = ?"}) {
      Statement(database_, sql).bind(at->second).run();
    }
    at = ids_.erase(at);
  }
}

// Gives the bands these ids, in all tables, by way of negative ones as they must not meet.
void CatalogEditor::renumber(const std::map<std::string, std::int64_t>& ids) {
  std::string cases = "CASE band_id";
  for (const auto& [name, id] : ids_) {
    cases += " WHEN " + std::to_string(id) + " THEN " + std::to_string(-1 - ids.at(name));
  }
  for (const std::string table : {"gdalrefs", "band_md", kPackingTable}) {
    database_.execute("UPDATE " + table + " SET band_id = " + cases + " ELSE band_id END");
    database_.execute("UPDATE " + table + " SET band_id = -1 - band_id WHERE band_id < 0");
  }
  database_.execute("DELETE FROM bands");
  ids_ = ids;
}

void CatalogEditor::set_bands(const std::vector<BandInfo>& bands) {
  std::set<std::string> names;
  std::int64_t next = 0;
  for (const auto& [name, id] : ids_) next = std::max(next, id + 1);
  for (const BandInfo& band : bands) names.insert(band.name);
  drop_bands(names);
  // New ones come last in most changes; else all count anew.
  std::map<std::string, std::int64_t> kept;
  std::map<std::string, std::int64_t> anew;
  std::int64_t last = -1;
  bool ascending = true;
  for (const BandInfo& band : bands) {
    const auto at = ids_.find(band.name);
    const std::int64_t id = at == ids_.end() ? next++ : at->second;
    ascending = ascending && id > last;
    last = kept[band.name] = id;
    anew.try_emplace(band.name, std::ssize(anew));
  }
  if (ascending) {
    ids_ = kept;
  } else {
    renumber(anew);
  }
  for (const BandInfo& band : bands) set_band(ids_.at(band.name), band);
}

void CatalogEditor::set(const std::string& key, const std::string& value) {
  Statement row(database_, "INSERT OR REPLACE INTO collection_md VALUES (?, ?)");
  row.bind(key).bind(value).run();
}

std::int64_t CatalogEditor::id_of(const std::string& name) {
  const std::int64_t id = find_.bind(name).step() ? find_.integer(0) : 0;
  find_.reset();
  return id;
}

std::int64_t CatalogEditor::clear(const std::string& name) {
  const std::int64_t id = id_of(name);
  if (id == 0) return 0;
  for (const char* table : {"gdalrefs", "image_md", kPackingTable}) {
    Statement(database_, "DELETE FROM " + std::string(table) + " WHERE image_id = ?")
        .bind(id)
        .run();
  }
  return id;
}

void CatalogEditor::remove(const std::string& name) {
  const std::int64_t id = clear(name);
  Statement(database_, "DELETE FROM images WHERE id = ?").bind(id).run();
}

void CatalogEditor::put(const Collection& all, const CollectedImage& image) {
  const std::int64_t known = clear(image.name);
  const Box box = to_row(image.footprint);
  Statement& row = known == 0 ? insert_ : update_;
  row.bind(box.left).bind(box.top).bind(box.bottom).bind(box.right);
  row.bind(to_text(image.datetime)).bind(image.crs).bind(image.name).run();
  // Not last_row_id(): the trigger has added to the tree since.
  const std::int64_t id = known == 0 ? id_of(image.name) : known;
  for (const auto& [index, source] : image.sources) put_source(id, all, index, source);
  for (const auto& [key, value] : image.metadata) metadata_.bind(id).bind(key).bind(value).run();
}

void CatalogEditor::put_source(std::int64_t image, const Collection& all, std::size_t index,
                               const CollectedImage::Source& source) {
  const std::int64_t band = ids_.at(all.bands[index].name);
  const std::string stored = stored_descriptor(all.files[source.file], folder_);
  reference_.bind(image).bind(band).bind(stored);
  reference_.bind(static_cast<std::int64_t>(source.raster_band)).run();
  if (source.packing) {
    packing_.bind(image).bind(band).bind(source.packing->scale).bind(source.packing->offset).run();
  }
  const FileState& state = all.states[source.file];
  if (!state.size || !state.mtime) return;
  file_row_.bind(stored).bind(*state.size).bind(*state.mtime).run();
}

void CatalogEditor::drop_file(const std::string& name) {
  Statement row(database_, "DELETE FROM " + std::string(kFileTable) + " WHERE descriptor = ?");
  row.bind(stored_descriptor(name, folder_)).run();
}

void CatalogEditor::set_removed(const std::map<std::string, std::string>& removed) {
  database_.execute(removed_sql() + " DELETE FROM " + kRemovedTable + ";");
  Statement row(database_, "INSERT INTO " + std::string(kRemovedTable) + " VALUES (?, ?)");
  for (const auto& [name, file] : removed) {
    row.bind(name).bind(file.empty() ? file : stored_descriptor(file, folder_)).run();
  }
}

void CatalogEditor::note_packings() {
  Statement old(database_, "DELETE FROM band_md WHERE key = ?");
  old.bind(kPackingsKey).run();
  std::map<std::int64_t, std::vector<Packing>> seen;
  Statement rows(database_,
                 "SELECT DISTINCT band_id, scale, offset FROM " + std::string(kPackingTable));
  while (rows.step()) seen[rows.integer(0)].push_back({rows.real(1), rows.real(2)});
  Statement note(database_, "INSERT INTO band_md VALUES (?, ?, ?)");
  for (const auto& [band, packings] : seen) {
    note.bind(band).bind(kPackingsKey).bind(packings_text(packings)).run();
  }
}

void CatalogEditor::finish(std::int64_t files) {
  note_packings();
  CollectionSummary summary = count_images(database_, "");
  summary.files = files;
  set(kSummaryKey, summary_json(summary));
  database_.execute("COMMIT");
}

}  // namespace cube
