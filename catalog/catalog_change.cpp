#include "catalog/catalog_change.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "catalog/draft.h"
#include "catalog/footprint.h"
#include "catalog/packings.h"
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

CatalogChange::CatalogChange(const fs::path& catalog)
    : file_(real_file(catalog)), folder_(fs::absolute(file_).lexically_normal().parent_path()) {
  open_catalog(catalog);  // or says why it is none
  check_target(file_, true);
  lock();
  stored_ = read_collection(file_);
  for (const CollectedImage& image : all().images) before_[image.name] = facts_of(all(), image);
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

ChangeReport CatalogChange::finish(const std::set<std::string>& touched, bool dry_run) {
  tidy(all());
  settle_packings(all());
  if (all().images.empty()) {
    throw Error(ErrorCode::kInvalid, "no image would be left", file_.string(),
                "to be rid of the catalog remove the file");
  }
  ChangeReport report;
  report.images = static_cast<std::int64_t>(all().images.size());
  report.files = static_cast<std::int64_t>(all().files.size());
  report.left_out = std::move(all().left_out);
  std::set<std::string> after;
  for (const CollectedImage& image : all().images) {
    after.insert(image.name);
    const auto at = before_.find(image.name);
    if (at == before_.end()) {
      report.added.push_back(image.name);
    } else if (touched.contains(image.name) || at->second != facts_of(all(), image)) {
      report.changed.push_back(image.name);
    }
  }
  for (const auto& [name, facts] : before_) {
    if (!after.contains(name)) report.removed.push_back(name);
  }
  std::sort(report.removed.begin(), report.removed.end());
  if (dry_run) return report;
  const Draft draft(file_);
  draft.make([&] { write_collection(draft.path(), folder_, stored_.format_json, all()); });
  std::error_code ignored;
  fs::permissions(draft.path(), fs::status(file_).permissions(), ignored);
  draft.publish();
  return report;
}

}  // namespace cube
