// Adding to a catalog, updating it and removing from it.
#include <fnmatch.h>

#include <algorithm>
#include <iostream>
#include <set>
#include <unordered_set>

#include "catalog/catalog.h"
#include "catalog/catalog_change.h"
#include "catalog/descriptor.h"
#include "catalog/draft.h"
#include "catalog/inputs.h"
#include "catalog/schema.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;
using Kind = CatalogInput::Kind;

std::vector<std::string> band_names(const std::optional<CollectionFormat>& format) {
  std::vector<std::string> out;
  if (!format) return out;
  for (const FormatBand& band : format->bands()) out.push_back(band.name);
  return out;
}

// The format that a catalog holds, if it says how files are named (kPatterns) or at all (kBands).
std::optional<CollectionFormat> stored_format(const StoredCollection& stored,
                                              CollectionFormat::Use use) {
  if (stored.format_json.empty()) return std::nullopt;
  try {
    return CollectionFormat::parse(stored.format_json, "the catalog's format", use);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Of what lies in an archive or another file it is known that this was there.
bool is_gone(const Collection& all, std::size_t file) {
  const bool was_here = is_file_name(all.files[file]) || all.states[file].size;
  return was_here && file_of(all.files[file]).empty();
}

IndexOptions index_options(const ChangeOptions& options) {
  return {options.threads, true, options.progress, {}};
}

// Finds which files are new or have changed, and reads the images anew that they belong to: all
// files of these, as what an image is follows from all of them.
class Rescan {
 public:
  Rescan(CatalogChange& change, std::optional<CollectionFormat> format, bool drop_gone)
      : change_(change), format_(std::move(format)), drop_gone_(drop_gone) {
    const auto& files = change_.all().files;
    for (std::size_t i = 0; i < files.size(); ++i) known_[files[i]] = i;
  }

  // Looks at a file, by its absolute name; `reread` = also where nothing is known of its state.
  void look_at(const std::string& file, const std::string& given, bool reread) {
    const auto at = known_.find(file);
    if (at != known_.end()) {
      const FileState& before = change_.all().states[at->second];
      const bool unknown = !before.size;
      if (unknown ? reread && is_file_name(file) : state_of(file) != before) {
        changed_.insert(at->second);
      }
      return;
    }
    const auto match = format_ ? format_->match(file) : CollectionFormat::Match();
    if (!match.reason.empty()) {
      change_.all().left_out.push_back({given, match.reason, false, match.other});
      return;
    }
    if (!format_) return;
    fresh_.push_back(given);
    names_.insert(match.image);
  }

  // Reads what has to be read; the names of images that were.
  std::set<std::string> read(const ChangeOptions& options) {
    std::vector<ListedFile> listed;
    std::vector<std::string> files = fresh_;
    for (CollectedImage& image : change_.all().images) {
      if (concerns(image)) take_apart(image, files, listed);
    }
    if (!files.empty()) {
      merge_collection(change_.all(), collect(*format_, files, index_options(options)),
                       band_names(format_));
    }
    if (!listed.empty()) {
      merge_collection(change_.all(),
                       collect_listed(format_bands(), std::move(listed), index_options(options),
                                      format_ ? format_->srs() : ""),
                       band_names(format_));
    }
    return std::move(names_);
  }

 private:
  bool concerns(const CollectedImage& image) const {
    return names_.contains(image.name) ||
           std::ranges::any_of(image.sources, [&](const auto& entry) {
             return changed_.contains(entry.second.file);
           });
  }

  // Puts the files of an image on the lists of what to read, and clears it.
  void take_apart(CollectedImage& image, std::vector<std::string>& files,
                  std::vector<ListedFile>& listed) {
    std::map<std::size_t, std::vector<ListedFile::Band>> bands;  // by file
    bool any_gone = false;
    for (const auto& [band, source] : image.sources) {
      bands[source.file].push_back({band, source.raster_band});
    }
    for (const auto& [index, bands_of_file] : bands) {
      const std::string& file = change_.all().files[index];
      if (is_gone(change_.all(), index)) {
        any_gone = true;
      } else if (format_ && format_->match(file).image == image.name) {
        files.push_back(file);
      } else {
        listed.push_back({file, file, image.name, image.datetime, bands_of_file});
      }
    }
    names_.insert(image.name);
    if (any_gone && !drop_gone_) return;  // its other files keep what is known of it
    image.sources.clear();
    image.footprint.clear();
  }

  std::vector<FormatBand> format_bands() const {
    std::vector<FormatBand> out;
    for (const BandInfo& band : change_.all().bands) {
      FormatBand& added = out.emplace_back();
      added.name = band.name;
      added.nodata = band.nodata;
      added.scale = band.scale;
      added.offset = band.offset;
      added.unit = band.unit;
    }
    return out;
  }

  CatalogChange& change_;
  std::optional<CollectionFormat> format_;
  bool drop_gone_;
  std::unordered_map<std::string, std::size_t> known_;  // files of the catalog
  std::unordered_set<std::size_t> changed_;
  std::vector<std::string> fresh_;
  std::set<std::string> names_;
};

// A table's images, as a catalog beside the one that changes, so that names are relative alike.
Collection collect_table(const fs::path& catalog, const TableOptions& table,
                         const ChangeOptions& options) {
  const Draft draft(catalog.string() + ".table");
  IndexReport report = create_catalog_from_table(draft.path(), table, index_options(options));
  Collection out = read_collection(draft.path()).collection;
  out.settings.clear();
  out.left_out = std::move(report.left_out);
  return out;
}

// Where one file makes many images or parts of them, all files are read again.
bool read_whole(const CollectionFormat& format) {
  return format.subdatasets() || format.band_period();
}

void add_files(CatalogChange& change, const Additions& additions, const ChangeOptions& options,
               std::set<std::string>& touched) {
  auto format = stored_format(change.stored(), CollectionFormat::Use::kPatterns);
  if (additions.format && !format) {
    format = additions.format;
    change.stored().format_json = format->json();
  } else if (additions.format && additions.format->json() != format->json()) {
    throw Error(ErrorCode::kInvalid, "the catalog has a format of its own", "--format",
                "files of another format are for another catalog");
  }
  if (!format) {
    throw Error(ErrorCode::kInvalid, "the catalog does not say how files are named", "--format",
                "name one of 'cube catalog formats', or a JSON file");
  }
  const FileList list = expand_files(additions.files);
  add_input(change.all().settings, {Kind::kFiles, additions.files, {}, false}, change.folder());
  if (read_whole(*format)) {
    merge_collection(change.all(), collect(*format, list.files, index_options(options)),
                     band_names(format));
    return;
  }
  Rescan rescan(change, format, false);
  for (const std::string& file : list.files) rescan.look_at(absolute_name(file), file, true);
  touched = rescan.read(options);
}

// Replaces images by those of a document: an image is what it says now.
void replace_images(Collection& all, Collection fresh, const std::vector<std::string>& order,
                    std::unordered_set<std::string>& seen) {
  std::unordered_set<std::string> names;
  for (const CollectedImage& image : fresh.images) names.insert(image.name);
  for (CollectedImage& image : all.images) {
    // What an earlier document of this update said of it stays.
    if (!names.contains(image.name) || seen.contains(image.name)) continue;
    image.sources.clear();
    image.footprint.clear();
  }
  seen.insert(names.begin(), names.end());
  merge_collection(all, std::move(fresh), order);
}

// Reads the documents and tables again; drops what they do not name any more, where they are all
// that the catalog was made from.
void reread_documents(CatalogChange& change, const std::vector<CatalogInput>& inputs,
                      const ChangeOptions& options) {
  const auto format = stored_format(change.stored(), CollectionFormat::Use::kBands);
  std::unordered_set<std::string> seen;
  bool complete = true;
  for (const CatalogInput& input : inputs) {
    const bool standard = std::ranges::find(input.names, "-") != input.names.end();
    complete = complete && input.kind != Kind::kFiles && !standard;
    if (standard) {
      change.all().left_out.push_back(
          {"stdin", "cannot be read again: images that came from it are kept", false, false});
    }
    CatalogInput there = input;
    std::erase(there.names, "-");
    if (input.kind == Kind::kFiles || there.names.empty()) continue;
    Collection fresh =
        input.kind == Kind::kStac
            ? collect_stac({there.names, input.bands, format, input.open_unknown},
                           index_options(options))
            : collect_table(change.file(), {there.names.front(), input.bands, format}, options);
    replace_images(change.all(), std::move(fresh), band_names(format), seen);
  }
  if (!complete || seen.empty()) return;
  std::erase_if(change.all().images,
                [&](const CollectedImage& image) { return !seen.contains(image.name); });
}

// The folders and globs among the inputs.
std::vector<std::string> names_below(const std::vector<CatalogInput>& inputs) {
  std::vector<std::string> out;
  for (const CatalogInput& input : inputs) {
    if (input.kind == Kind::kFiles) out.insert(out.end(), input.names.begin(), input.names.end());
  }
  return out;
}

std::set<std::string> rescan_all(CatalogChange& change,
                                 const std::optional<CollectionFormat>& format,
                                 const std::vector<std::string>& names, bool documents,
                                 bool keep_missing, const ChangeOptions& options) {
  Rescan rescan(change, format, !keep_missing);
  const bool reread = !change.stored().has_states;
  for (std::size_t i = 0; i < change.all().files.size(); ++i) {
    const std::string& file = change.all().files[i];
    const bool ours = !documents || (format && format->match(file).reason.empty());
    if (ours && !(keep_missing && is_gone(change.all(), i))) rescan.look_at(file, file, reread);
  }
  if (!names.empty()) {
    for (const std::string& file : expand_files(names).files) {
      rescan.look_at(absolute_name(file), file, reread);
    }
  }
  return rescan.read(options);
}

void reindex(CatalogChange& change, const CollectionFormat& format,
             const std::vector<std::string>& names, bool keep_missing,
             const ChangeOptions& options) {
  Collection& all = change.all();
  std::vector<std::string> files;
  if (!names.empty()) files = expand_files(names).files;
  std::vector<bool> gone(all.files.size());
  for (std::size_t i = 0; i < all.files.size(); ++i) {
    gone[i] = is_gone(all, i);
    if (!gone[i]) files.push_back(file_of(all.files[i]));
  }
  for (std::string& file : files) file = absolute_name(file);
  for (CollectedImage& image : all.images) {
    std::erase_if(image.sources,
                  [&](const auto& entry) { return !(keep_missing && gone[entry.second.file]); });
    if (image.sources.empty()) image.footprint.clear();
  }
  merge_collection(all, collect(format, files, index_options(options)), band_names(format));
}

// Names the catalog as the caller did.
template <class Work>
ChangeReport changed(const fs::path& catalog, bool dry_run, const Work& work) {
  CatalogChange change(catalog);
  std::set<std::string> touched = work(change);
  return change.finish(touched, dry_run);
}

}  // namespace

ChangeReport add_to_catalog(const fs::path& catalog, const Additions& additions,
                            const ChangeOptions& options) {
  return changed(catalog, options.dry_run, [&](CatalogChange& change) {
    std::set<std::string> touched;
    if (!additions.files.empty()) add_files(change, additions, options, touched);
    const auto format = stored_format(change.stored(), CollectionFormat::Use::kBands);
    auto& settings = change.all().settings;
    if (additions.stac) {
      StacOptions stac = *additions.stac;
      if (!stac.format) stac.format = format;
      merge_collection(change.all(), collect_stac(stac, index_options(options)),
                       band_names(stac.format));
      add_input(settings, {Kind::kStac, stac.documents, stac.bands, stac.open_unknown},
                change.folder());
    }
    if (additions.table) {
      TableOptions table = *additions.table;
      if (!table.format) table.format = format;
      merge_collection(change.all(), collect_table(change.file(), table, options),
                       band_names(table.format));
      add_input(settings, {Kind::kTable, {table.file}, table.bands, false}, change.folder());
    }
    return touched;
  });
}

ChangeReport update_catalog(const fs::path& catalog, bool keep_missing,
                            const ChangeOptions& options) {
  return changed(catalog, options.dry_run, [&](CatalogChange& change) {
    const auto inputs = inputs_of(change.all().settings, change.folder());
    const bool documents = std::ranges::any_of(
        inputs, [](const CatalogInput& input) { return input.kind != Kind::kFiles; });
    const auto format = stored_format(change.stored(), CollectionFormat::Use::kPatterns);
    std::set<std::string> touched;
    if (format && read_whole(*format)) {
      reindex(change, *format, names_below(inputs), keep_missing, options);
    } else if (!documents || format) {
      touched = rescan_all(change, format, names_below(inputs), documents, keep_missing, options);
    }
    if (documents) reread_documents(change, inputs, options);
    return touched;
  });
}

ChangeReport remove_from_catalog(const fs::path& catalog, const Removal& removal,
                                 const ChangeOptions& options) {
  return changed(catalog, options.dry_run, [&](CatalogChange& change) {
    Collection& all = change.all();
    std::unordered_set<std::string> found;
    if (removal.where) {
      for (const Image& image : open_catalog(change.file())->find(*removal.where)) {
        found.insert(image.name);
      }
    }
    std::vector<bool> used(removal.images.size());
    const auto is_named = [&](const std::string& name) {
      bool any = removal.images.empty();
      for (std::size_t i = 0; i < removal.images.size(); ++i) {
        const bool fits =
            name == removal.images[i] || fnmatch(removal.images[i].c_str(), name.c_str(), 0) == 0;
        if (fits) used[i] = true;
        any = any || fits;
      }
      return any;
    };
    const auto lacks_files = [&](const CollectedImage& image) {
      return std::ranges::any_of(
          image.sources, [&](const auto& entry) { return is_gone(all, entry.second.file); });
    };
    std::erase_if(all.images, [&](const CollectedImage& image) {
      return is_named(image.name) && (!removal.where || found.contains(image.name)) &&
             (!removal.missing || lacks_files(image));
    });
    for (std::size_t i = 0; i < used.size(); ++i) {
      if (used[i]) continue;
      throw Error(ErrorCode::kNotFound, "there is no image '" + removal.images[i] + "'",
                  "--images");
    }
    return std::set<std::string>();
  });
}

}  // namespace cube
