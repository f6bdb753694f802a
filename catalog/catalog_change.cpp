#include "catalog/catalog_change.h"

#include <algorithm>
#include <unordered_set>

#include "catalog/catalog_editor.h"
#include "catalog/convert_catalog.h"
#include "catalog/descriptor.h"
#include "catalog/footprint.h"
#include "catalog/packings.h"
#include "catalog/schema.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

// All that a catalog says of an image.
std::string facts_of(const Collection& all, const CollectedImage& image) {
  const Box box = to_row(image.footprint);
  std::string out = to_text(image.datetime) + '\n' + image.crs;
  for (const double side : {box.left, box.bottom, box.right, box.top}) {
    out += '\n' + number_text(side);
  }
  for (const auto& [band, source] : image.sources) {
    const Packing packing = packing_of(source, all.bands[band]);
    out += '\n' + all.bands[band].name + '\n' + all.files[source.file] + '\n' +
           std::to_string(source.raster_band) + ' ' + number_text(packing.scale) + ' ' +
           number_text(packing.offset);
  }
  for (const auto& [key, value] : image.metadata) out += '\n' + key + '\n' + value;
  return out;
}

// Whether the same is said of a band.
bool alike(const BandInfo& a, const BandInfo& b) {
  const auto known = [](const BandInfo& band) {
    return band.nodata ? number_text(*band.nodata) : "";  // NaN is NaN
  };
  return a.name == b.name && a.dtype == b.dtype && known(a) == known(b) && a.scale == b.scale &&
         a.offset == b.offset && a.unit == b.unit && a.note == b.note;
}

fs::path real_file(const fs::path& catalog) {
  std::error_code failed;
  const fs::path real = fs::canonical(catalog, failed);
  return failed ? catalog : real;  // opening says what is wrong
}

}  // namespace

// What becomes of the images that were read.
struct CatalogChange::Difference {
  std::vector<const CollectedImage*> written;  // new and changed, or to be said otherwise
  std::vector<std::string> added, changed, removed;
  std::set<std::string> files_gone;
  std::set<std::string> files_new;
};

CatalogChange::CatalogChange(const fs::path& catalog, std::chrono::milliseconds wait)
    : file_(real_file(catalog)), folder_(fs::absolute(file_).lexically_normal().parent_path()) {
  open_catalog(catalog);  // or says why it is none
  check_target(file_, true);
  lock_ = lock_catalog(file_, wait);
  stored_ = read_outline(file_);
  if (!stored_.ours) {
    draft_.emplace(file_);
    draft_->make([&] { convert_catalog(file_, stored_, folder_, draft_->path()); });
    std::error_code ignored;
    fs::permissions(draft_->path(), fs::status(file_).permissions(), ignored);
  }
  outline_ = stored_;
  database_.emplace(source(), Database::Mode::kRead);
  if (database_->has_table(kRemovedTable)) {
    Statement rows(*database_, "SELECT name, file FROM " + std::string(kRemovedTable));
    while (rows.step()) {
      const std::string file = rows.text(1);
      removed_[rows.text(0)] = file.empty() ? file : resolve_descriptor(file, folder_);
    }
  }
  removed_before_ = removed_;
  find_elsewhere();
}

// Remembers what is said of the images from `first` on.
void CatalogChange::note(std::size_t first) {
  for (std::size_t i = first; i < all().images.size(); ++i) {
    const CollectedImage& image = all().images[i];
    before_[image.name] = facts_of(all(), image);
    for (const auto& [band, source] : image.sources) files_before_.insert(all().files[source.file]);
  }
}

void CatalogChange::find_elsewhere() {
  all().elsewhere.clear();
  Statement count(*database_, "SELECT count(*) FROM images");
  count.step();
  if (count.integer(0) == std::ssize(before_)) return;
  for (const BandInfo& band : all().bands) {
    Statement rows(
        *database_,
        "SELECT i.name FROM gdalrefs r JOIN images i ON i.id = r.image_id WHERE r.band_id"
        " = (SELECT id FROM bands WHERE name = ?)");
    rows.bind(band.name);
    bool found = false;
    while (!found && rows.step()) found = !before_.contains(rows.text(0));
    all().elsewhere.push_back(found);
  }
}

void CatalogChange::leave_removed() {
  std::erase_if(all().images, [&](const CollectedImage& image) {
    return removed_.contains(image.name) && !before_.contains(image.name);
  });
}

void CatalogChange::keep_scales() {
  for (std::size_t i = 0; i < all().bands.size(); ++i) {
    BandInfo& band = all().bands[i];
    const auto& before = outline_.collection.bands;
    const auto at = std::ranges::find(before, band.name, &BandInfo::name);
    if (!all().has_elsewhere(i) || at == before.end()) continue;
    band.scale = at->scale;
    band.offset = at->offset;
  }
}

void CatalogChange::load(const std::set<std::string>& names) {
  std::set<std::string> wanted;
  for (const std::string& name : names) {
    if (!before_.contains(name)) wanted.insert(wanted.end(), name);
  }
  const std::size_t first = all().images.size();
  read_images(*database_, folder_, wanted, all());
  note(first);
  find_elsewhere();
}

void CatalogChange::for_each_name(const std::function<void(const std::string&)>& use) {
  Statement rows(*database_, "SELECT name FROM images");
  while (rows.step()) use(rows.text(0));
}

std::set<std::string> CatalogChange::images_with(const FileTest& test) {
  std::set<std::string> out;
  Statement rows(*database_,
                 "SELECT i.name, r.descriptor, f.size, f.mtime FROM gdalrefs r"
                 " JOIN images i ON i.id = r.image_id LEFT JOIN " +
                     std::string(kFileTable) + " f ON f.descriptor = r.descriptor");
  while (rows.step()) {
    if (test(resolve_descriptor(rows.text(1), folder_), state_in(rows, 2)))
      out.insert(rows.text(0));
  }
  return out;
}

std::optional<FileState> CatalogChange::state(const std::string& file) {
  if (!state_row_) {
    state_row_.emplace(
        *database_, "SELECT size, mtime FROM " + std::string(kFileTable) + " WHERE descriptor = ?");
  }
  if (!state_row_->reset().bind(stored_descriptor(file, folder_)).step()) return std::nullopt;
  return state_in(*state_row_, 0);
}

void CatalogChange::for_each_file(
    const std::function<void(const std::string&, const FileState&)>& use) {
  Statement rows(*database_, outline_.has_states
                                 ? "SELECT descriptor, size, mtime FROM " + std::string(kFileTable)
                                 : "SELECT DISTINCT descriptor, NULL, NULL FROM gdalrefs");
  while (rows.step()) use(resolve_descriptor(rows.text(0), folder_), state_in(rows, 1));
}

void CatalogChange::for_each_reference(
    const std::function<void(const std::string&, const FileState&)>& use) {
  Statement rows(*database_, "SELECT r.descriptor, f.size, f.mtime FROM gdalrefs r LEFT JOIN " +
                                 std::string(kFileTable) + " f ON f.descriptor = r.descriptor");
  while (rows.step()) use(resolve_descriptor(rows.text(0), folder_), state_in(rows, 1));
}

void CatalogChange::check_not_empty(std::int64_t images) const {
  if (images > 0) return;
  throw Error(ErrorCode::kInvalid, "no image would be left", file_.string(),
              "to be rid of the catalog remove the file");
}

// Whether a band of the image has another scale or offset than before, so that what the image says
// of its own has to be said anew. All images of such a band have been read.
bool CatalogChange::rescaled(const CollectedImage& image) const {
  const auto& before = outline_.collection.bands;
  return std::ranges::any_of(image.sources, [&](const auto& entry) {
    const BandInfo& band = stored_.collection.bands[entry.first];
    const auto at = std::ranges::find(before, band.name, &BandInfo::name);
    return at != before.end() && (at->scale != band.scale || at->offset != band.offset);
  });
}

CatalogChange::Difference CatalogChange::compare(const std::set<std::string>& touched) {
  Difference out;
  std::set<std::string> after;
  out.files_gone = files_before_;
  for (const CollectedImage& image : all().images) {
    after.insert(image.name);
    for (const auto& [band, source] : image.sources) {
      const std::string& file = all().files[source.file];
      if (!files_before_.contains(file)) out.files_new.insert(file);
      out.files_gone.erase(file);
    }
    const auto at = before_.find(image.name);
    if (at == before_.end()) {
      out.added.push_back(image.name);
    } else if (touched.contains(image.name) || at->second != facts_of(all(), image)) {
      out.changed.push_back(image.name);
    } else if (!rescaled(image)) {
      continue;
    }
    out.written.push_back(&image);
  }
  for (const auto& [name, facts] : before_) {
    if (!after.contains(name)) out.removed.push_back(name);
  }
  std::sort(out.removed.begin(), out.removed.end());
  return out;
}

// How many files there will be. Those that images have which were not read are not gone or new.
std::int64_t CatalogChange::count_files(Difference& difference) {
  std::int64_t count = open_catalog(source())->summary().files;
  std::unordered_map<std::string, const std::string*> gone;
  std::unordered_set<std::string> fresh;
  for (const auto& file : difference.files_gone) gone[stored_descriptor(file, folder_)] = &file;
  for (const auto& file : difference.files_new) fresh.insert(stored_descriptor(file, folder_));
  if (gone.empty() && fresh.empty()) return count;
  std::set<std::string> kept;
  Statement rows(*database_,
                 "SELECT r.descriptor, i.name FROM gdalrefs r JOIN images i ON i.id = r.image_id");
  while (rows.step()) {
    const std::string file = rows.text(0);
    const auto at = gone.find(file);
    if (at == gone.end() && !fresh.contains(file)) continue;
    if (before_.contains(rows.text(1))) continue;
    if (at != gone.end()) kept.insert(*at->second);
    fresh.erase(file);
  }
  for (const std::string& file : kept) difference.files_gone.erase(file);
  return count + std::ssize(fresh) - std::ssize(difference.files_gone);
}

void CatalogChange::edit(const Difference& difference, std::int64_t files) {
  state_row_.reset();
  database_.reset();
  if (!draft_) {
    draft_.emplace(file_);
    std::error_code failed;
    fs::copy_file(file_, draft_->path(), fs::copy_options::overwrite_existing, failed);
    if (failed) throw Error(ErrorCode::kUnwritable, failed.message(), file_.string());
  }
  draft_->make([&] {
    CatalogEditor editor(draft_->path(), folder_);
    editor.set_bands(all().bands);
    for (const auto& [key, value] : all().settings) editor.set(key, value);
    if (!stored_.format_json.empty()) editor.set(kFormatKey, stored_.format_json);
    for (const std::string& name : difference.removed) editor.remove(name);
    for (const std::string& file : difference.files_gone) editor.drop_file(file);
    for (const CollectedImage* image : difference.written) editor.put(all(), *image);
    if (removed_ != removed_before_) editor.set_removed(removed_);
    editor.finish(files);
  });
  draft_->replace();
}

ChangeReport CatalogChange::finish(const std::set<std::string>& touched, bool dry_run) {
  tidy(all());
  settle_packings(all());
  for (const CollectedImage& image : all().images) removed_.erase(image.name);
  Difference difference = compare(touched);
  ChangeReport report{.images = 0,
                      .files = count_files(difference),
                      .added = difference.added,
                      .changed = difference.changed,
                      .removed = difference.removed,
                      .left_out = std::move(all().left_out)};
  report.away = std::ssize(removed_);
  report.images = open_catalog(source())->summary().images + std::ssize(difference.added) -
                  std::ssize(difference.removed);
  check_not_empty(report.images);
  const bool any = !difference.written.empty() || !difference.removed.empty();
  if (!dry_run && (any || draft_ || says_more())) edit(difference, report.files);
  return report;
}

// Whether something else is to be remembered.
bool CatalogChange::says_more() const {
  return removed_ != removed_before_ ||
         stored_.collection.settings != outline_.collection.settings ||
         stored_.format_json != outline_.format_json ||
         !std::ranges::equal(stored_.collection.bands, outline_.collection.bands, alike);
}

}  // namespace cube
