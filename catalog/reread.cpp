#include "catalog/reread.h"

#include <algorithm>
#include <unordered_set>

#include "catalog/descriptor.h"
#include "catalog/image_digests.h"
#include "catalog/rescan.h"
#include "catalog/schema.h"
#include "catalog/stac_files.h"
#include "engine/error.h"

namespace cube {

namespace {

using Kind = CatalogInput::Kind;

class Reread {
 public:
  Reread(CatalogChange& change, const ChangeOptions& options, bool complete)
      : change_(change),
        options_(options),
        format_(stored_format(change.stored(), CollectionFormat::Use::kBands)),
        complete_(complete),
        bands_(change.all().bands),
        digests_(change.database(), bands_) {
    if (!options.restore) {
      for (const auto& [name, file] : change.removed()) files_.removed.insert(name);
    }
    change_.for_each_file([&](const std::string& file, const FileState& before) {
      if (!before.size) return;
      const FileState now = state_of(file);
      if (same_state(now, before)) return;
      auto& names = now.size ? files_.changed : files_.gone;
      names.insert(stored_descriptor(file, change_.folder()));
    });
  }

  void read(const CatalogInput& input) {
    ++document_;
    WantedImages wanted(digests_, files_, bands_, change_.folder(), document_);
    if (input.open_unknown) wanted.want_all();
    TableCollection fresh;
    if (input.kind == Kind::kStac) {
      fresh.collection = collect_stac({input.names, input.bands, format_, input.open_unknown},
                                      index_options(options_), &wanted);
    } else {
      fresh = collect_table({input.names.front(), input.bands, format_}, index_options(options_),
                            change_.folder(), &wanted);
    }
    documents_.add(fresh.collection.documents);
    touched_.insert(wanted.touched().begin(), wanted.touched().end());
    // As if they were not in the document: files of theirs are gone or cannot be opened.
    for (const CollectedImage& image : fresh.collection.images) fresh.asked.erase(image.name);
    for (const std::string& name : fresh.asked) digests_.forget(name);
    replace(std::move(fresh.collection), fresh.opened && !wanted.wants_all());
  }

  // Drops the images that no document names.
  void drop_others() {
    std::set<std::string> names;
    change_.for_each_name([&](const std::string& name) {
      if (digests_.document_of(name) == 0) names.insert(name);
    });
    change_.load(names);
    std::erase_if(change_.all().images,
                  [&](const CollectedImage& image) { return names.contains(image.name); });
  }

  std::set<std::string> touched() { return std::move(touched_); }
  const DocumentStates& documents() const { return documents_; }

 private:
  // Puts in images of a document: an image is what it says now. `in_part`: it does not say what the
  // bands of its other images are.
  void replace(Collection fresh, bool in_part) {
    std::set<std::string> names;
    for (const CollectedImage& image : fresh.images) names.insert(image.name);
    change_.load(names);
    Collection& all = change_.all();
    for (CollectedImage& image : all.images) {
      if (!names.contains(image.name) || in_earlier(image.name)) continue;
      image.sources.clear();
      image.footprint.clear();
    }
    if (!in_part) say_of_others(all);
    read_.insert(names.begin(), names.end());
    for (const BandInfo& band : fresh.bands) earlier_bands_.insert(band.name);
    merge_collection(all, std::move(fresh), band_names(format_));
    change_.find_elsewhere();
    change_.keep_scales();
  }

  // What an earlier document of this update said of an image stays.
  bool in_earlier(const std::string& name) {
    const auto document = digests_.document_of(name);
    return document > 0 ? document < document_ : read_.contains(name);
  }

  // Which bands images have that this document does not speak of, so that their words count too.
  void say_of_others(Collection& all) {
    std::fill(all.elsewhere.begin(), all.elsewhere.end(), false);
    if (all.elsewhere.empty()) return;  // all images have been read
    std::set<std::string> found = earlier_bands_;
    Statement rows(change_.database(),
                   "SELECT i.name, b.name FROM gdalrefs r JOIN images i ON i.id = r.image_id"
                   " JOIN bands b ON b.id = r.band_id");
    while (!complete_ && rows.step()) {
      if (digests_.document_of(rows.text_view(0)) == 0) found.insert(rows.text(1));
    }
    for (std::size_t i = 0; i < all.bands.size() && i < all.elsewhere.size(); ++i) {
      all.elsewhere[i] = found.contains(all.bands[i].name);
    }
  }

  CatalogChange& change_;
  const ChangeOptions& options_;
  std::optional<CollectionFormat> format_;
  bool complete_;                // images that no document names go
  std::vector<BandInfo> bands_;  // as they were
  ImageDigests digests_;
  WantedImages::Files files_;
  std::uint32_t document_ = 0;
  std::set<std::string> read_;  // images of earlier documents that were taken from them
  std::set<std::string> earlier_bands_;
  std::set<std::string> touched_;
  DocumentStates documents_;
};

// Whether the documents are those that the catalog was made from, which have not changed, and no
// file of its images has.
bool nothing_new(CatalogChange& change, const std::vector<CatalogInput>& documents) {
  const auto& settings = change.all().settings;
  const auto said = settings.find(kDocumentsKey);
  if (said == settings.end()) return false;
  const auto then = DocumentStates::parse(said->second, change.folder());
  if (!then.all_same()) return false;
  for (const CatalogInput& input : documents) {
    const bool same = input.kind == Kind::kStac ? were_stac_documents(input.names, then)
                                                : then.knows(input.names.front());
    if (!same) return false;
  }
  bool as_it_was = true;
  change.for_each_file([&](const std::string& file, const FileState& before) {
    as_it_was = as_it_was && (!before.size || same_state(state_of(file), before));
  });
  return as_it_was;
}

}  // namespace

std::set<std::string> reread_documents(CatalogChange& change,
                                       const std::vector<CatalogInput>& inputs,
                                       const ChangeOptions& options) {
  std::vector<CatalogInput> documents;
  bool complete = true;
  for (CatalogInput input : inputs) {
    const bool standard = std::erase(input.names, "-") > 0;
    complete = complete && input.kind != Kind::kFiles && !standard;
    if (standard) {
      change.all().left_out.push_back(
          {"stdin", "cannot be read again: images that came from it are kept", false, false});
    }
    if (input.kind != Kind::kFiles && !input.names.empty()) documents.push_back(std::move(input));
  }
  if (!options.restore && nothing_new(change, documents)) return {};
  Reread reread(change, options, complete);
  for (const CatalogInput& input : documents) reread.read(input);
  if (complete && !documents.empty()) reread.drop_others();
  change.all().settings[kDocumentsKey] = reread.documents().json(change.folder());
  return reread.touched();
}

}  // namespace cube
