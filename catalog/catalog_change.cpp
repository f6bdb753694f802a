#include "catalog/catalog_change.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_set>

#include "catalog/catalog_editor.h"
#include "catalog/descriptor.h"
#include "catalog/draft.h"
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

fs::path real_file(const fs::path& catalog) {
  std::error_code failed;
  const fs::path real = fs::canonical(catalog, failed);
  return failed ? catalog : real;  // opening says what is wrong
}

}  // namespace

// What becomes of the images that were read.
struct CatalogChange::Difference {
  std::vector<const CollectedImage*> written;  // new and changed
  std::vector<std::string> added, changed, removed;
  std::set<std::string> files_gone;
  std::set<std::string> files_new;
};

CatalogChange::CatalogChange(const fs::path& catalog)
    : file_(real_file(catalog)), folder_(fs::absolute(file_).lexically_normal().parent_path()) {
  open_catalog(catalog);  // or says why it is none
  check_target(file_, true);
  lock();
  stored_ = read_outline(file_);
  outline_ = stored_;
  database_.emplace(file_, Database::Mode::kRead);
  stored_.ours ? find_elsewhere() : load_all();
}

CatalogChange::~CatalogChange() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void CatalogChange::lock() {
  descriptor_ = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat mine {};
  struct stat there {};
  const bool locked = descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 &&
                      ::fstat(descriptor_, &mine) == 0 && ::stat(file_.c_str(), &there) == 0 &&
                      mine.st_ino == there.st_ino;
  if (!locked) {
    throw Error(ErrorCode::kUnwritable, "is being changed by another process", file_.string(),
                "wait for it and try again");
  }
}

// Remembers what is said of the images from `first` on.
void CatalogChange::note(std::size_t first) {
  for (std::size_t i = first; i < all().images.size(); ++i) {
    const CollectedImage& image = all().images[i];
    before_[image.name] = facts_of(all(), image);
    for (const auto& [band, source] : image.sources) files_before_.insert(all().files[source.file]);
  }
}

// The bands of images that were not read.
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

void CatalogChange::load(const std::set<std::string>& names) {
  if (!stored_.ours) return;  // all are there
  std::set<std::string> wanted;
  for (const std::string& name : names) {
    if (!before_.contains(name)) wanted.insert(wanted.end(), name);
  }
  const std::size_t first = all().images.size();
  read_images(*database_, folder_, wanted, all());
  note(first);
  find_elsewhere();
}

void CatalogChange::load_all() {
  if (stored_.ours) {
    std::set<std::string> names;
    for_each_name([&](const std::string& name) { names.insert(name); });
    load(names);
  } else {
    stored_ = read_collection(file_);
    note(0);
  }
  loaded_all_ = true;
  for (std::size_t i = 0; i < all().files.size(); ++i) known_[all().files[i]] = all().states[i];
}

void CatalogChange::for_each_name(const std::function<void(const std::string&)>& use) {
  Statement rows(*database_, "SELECT name FROM images");
  while (rows.step()) use(rows.text(0));
}

std::set<std::string> CatalogChange::images_with(const FileTest& test) {
  std::set<std::string> out;
  if (!stored_.ours) {
    for (const CollectedImage& image : all().images) {
      const bool any = std::ranges::any_of(image.sources, [&](const auto& entry) {
        return test(all().files[entry.second.file], all().states[entry.second.file]);
      });
      if (any) out.insert(image.name);
    }
    return out;
  }
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

bool CatalogChange::knows_all_files() {
  if (loaded_all_) return true;
  Statement row(*database_, "SELECT count(*) FROM " + std::string(kFileTable));
  row.step();
  return row.integer(0) == open_catalog(file_)->summary().files;
}

std::optional<FileState> CatalogChange::state(const std::string& file) {
  if (loaded_all_) {
    const auto at = known_.find(file);
    return at == known_.end() ? std::nullopt : std::optional(at->second);
  }
  if (!state_row_) {
    state_row_.emplace(
        *database_, "SELECT size, mtime FROM " + std::string(kFileTable) + " WHERE descriptor = ?");
  }
  if (!state_row_->reset().bind(stored_descriptor(file, folder_)).step()) return std::nullopt;
  return state_in(*state_row_, 0);
}

void CatalogChange::for_each_file(
    const std::function<void(const std::string&, const FileState&)>& use) {
  if (!stored_.ours) {
    for (std::size_t i = 0; i < all().files.size(); ++i) use(all().files[i], all().states[i]);
    return;
  }
  Statement rows(*database_, "SELECT descriptor, size, mtime FROM " + std::string(kFileTable));
  while (rows.step()) use(resolve_descriptor(rows.text(0), folder_), state_in(rows, 1));
}

// Whether the bands are those that were, in their order, then new ones.
bool CatalogChange::bands_fit() const {
  const auto& before = outline_.collection.bands;
  auto at = before.begin();
  bool fresh = false;
  for (const BandInfo& band : stored_.collection.bands) {
    const auto found = std::ranges::find(before, band.name, &BandInfo::name);
    if (found == before.end()) {
      fresh = true;
    } else if (fresh || found < at) {
      return false;
    } else {
      at = found + 1;
    }
  }
  return true;
}

void CatalogChange::check_not_empty(std::int64_t images) const {
  if (images > 0) return;
  throw Error(ErrorCode::kInvalid, "no image would be left", file_.string(),
              "to be rid of the catalog remove the file");
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
    } else {
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
  std::int64_t count = open_catalog(file_)->summary().files;
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

void CatalogChange::rewrite() {
  const Draft draft(file_);
  draft.make([&] { write_collection(draft.path(), folder_, stored_.format_json, all()); });
  std::error_code ignored;
  fs::permissions(draft.path(), fs::status(file_).permissions(), ignored);
  draft.publish();
}

void CatalogChange::edit(const Difference& difference, std::int64_t files) {
  const Draft draft(file_);
  std::error_code failed;
  fs::copy_file(file_, draft.path(), failed);
  if (failed) throw Error(ErrorCode::kUnwritable, failed.message(), file_.string());
  draft.make([&] {
    CatalogEditor editor(draft.path(), folder_);
    editor.set_bands(all().bands);
    for (const auto& [key, value] : all().settings) editor.set(key, value);
    if (!stored_.format_json.empty()) editor.set(kFormatKey, stored_.format_json);
    for (const std::string& name : difference.removed) editor.remove(name);
    for (const std::string& file : difference.files_gone) editor.drop_file(file);
    for (const CollectedImage* image : difference.written) editor.put(all(), *image);
    editor.finish(files);
  });
  draft.publish();
}

ChangeReport CatalogChange::finish(const std::set<std::string>& touched, bool dry_run) {
  tidy(all());
  settle_packings(all());
  bool whole = !stored_.ours;
  if (!whole && !bands_fit()) {
    whole = true;
    add_rest();
  }
  Difference difference = compare(touched);
  ChangeReport report{.images = std::ssize(all().images),
                      .files = std::ssize(all().files),
                      .added = difference.added,
                      .changed = difference.changed,
                      .removed = difference.removed,
                      .left_out = std::move(all().left_out)};
  if (!whole) {
    report.images = open_catalog(file_)->summary().images + std::ssize(difference.added) -
                    std::ssize(difference.removed);
    report.files = count_files(difference);
  }
  check_not_empty(report.images);
  if (dry_run) return report;
  if (whole) {
    rewrite();
  } else if (!difference.written.empty() || !difference.removed.empty() || says_more()) {
    edit(difference, report.files);
  }
  return report;
}

// Reads what was not, to write all of it.
void CatalogChange::add_rest() {
  std::set<std::string> names;
  for_each_name([&](const std::string& name) {
    if (!before_.contains(name)) names.insert(name);
  });
  const std::size_t first = all().images.size();
  read_images(*database_, folder_, names, all());
  note(first);
  all().elsewhere.clear();
  tidy(all());
  settle_packings(all());
}

// Whether something else is to be remembered.
bool CatalogChange::says_more() const {
  return stored_.collection.settings != outline_.collection.settings ||
         stored_.format_json != outline_.format_json;
}

}  // namespace cube
