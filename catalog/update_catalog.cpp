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
bool is_gone(const std::string& file, const FileState& state) {
  return (is_file_name(file) || state.size) && file_of(file).empty();
}

IndexOptions index_options(const ChangeOptions& options) {
  return {options.threads, true, options.progress, {}};
}

// Finds which files are new or have changed, and reads the images anew that they belong to: all
// files of these, as what an image is follows from all of them.
class Rescan {
 public:
  Rescan(CatalogChange& change, std::optional<CollectionFormat> format, bool drop_gone)
      : change_(change), format_(std::move(format)), drop_gone_(drop_gone) {}

  // The same of a file of the catalog.
  void look_at(const std::string& file, const FileState& before, bool reread) {
    const bool unknown = !before.size;
    if (unknown ? reread && is_file_name(file) : state_of(file) != before) changed_.insert(file);
  }

  // Looks at a file, by its absolute name; `reread` = also where nothing is known of its state.
  void look_at(const std::string& file, const std::string& given, bool reread) {
    if (const auto before = change_.state(file)) return look_at(file, *before, reread);
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
    if (!changed_.empty()) {
      names_.merge(change_.images_with(
          [&](const std::string& file, const FileState&) { return changed_.contains(file); }));
    }
    change_.load(names_);
    for (CollectedImage& image : change_.all().images) {
      if (names_.contains(image.name)) take_apart(image, files, listed);
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
      if (is_gone(file, change_.all().states[index])) {
        any_gone = true;
      } else if (format_ && format_->match(file).image == image.name) {
        files.push_back(file);
      } else {
        listed.push_back({file, file, image.name, image.datetime, bands_of_file});
      }
    }
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
  std::set<std::string> changed_;  // files of the catalog
  std::vector<std::string> fresh_;
  std::set<std::string> names_;  // of images to be read
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

// Puts images beside those that are there, or into them.
void merge_fresh(CatalogChange& change, Collection fresh,
                 const std::optional<CollectionFormat>& format) {
  std::set<std::string> names;
  for (const CollectedImage& image : fresh.images) names.insert(image.name);
  change.load(names);
  merge_collection(change.all(), std::move(fresh), band_names(format));
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
    merge_fresh(change, collect(*format, list.files, index_options(options)), format);
    return;
  }
  if (!change.knows_all_files()) change.load_all();
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
  change.load_all();
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
  change.for_each_file([&](const std::string& file, const FileState& state) {
    const bool ours = !documents || (format && format->match(file).reason.empty());
    if (ours && !(keep_missing && is_gone(file, state))) rescan.look_at(file, state, reread);
  });
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
  change.load_all();
  Collection& all = change.all();
  std::vector<std::string> files;
  if (!names.empty()) files = expand_files(names).files;
  std::vector<bool> gone(all.files.size());
  for (std::size_t i = 0; i < all.files.size(); ++i) {
    gone[i] = is_gone(all.files[i], all.states[i]);
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
      merge_fresh(change, collect_stac(stac, index_options(options)), stac.format);
      add_input(settings, {Kind::kStac, stac.documents, stac.bands, stac.open_unknown},
                change.folder());
    }
    if (additions.table) {
      TableOptions table = *additions.table;
      if (!table.format) table.format = format;
      merge_fresh(change, collect_table(change.file(), table, options), table.format);
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

namespace {

// Names of the images that fit one of these; each must fit some.
std::set<std::string> fitting(CatalogChange& change, const std::vector<std::string>& patterns) {
  std::set<std::string> out;
  std::vector<bool> used(patterns.size());
  change.for_each_name([&](const std::string& name) {
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      if (name != patterns[i] && fnmatch(patterns[i].c_str(), name.c_str(), 0) != 0) continue;
      used[i] = true;
      out.insert(name);
    }
  });
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) continue;
    throw Error(ErrorCode::kNotFound, "there is no image '" + patterns[i] + "'", "--images");
  }
  return out;
}

std::set<std::string> found_in(CatalogChange& change, const ImageQuery& query) {
  std::set<std::string> out;
  for_each_image(change.file(), query, [&](const Image& image) { out.insert(image.name); });
  return out;
}

}  // namespace

ChangeReport remove_from_catalog(const fs::path& catalog, const Removal& removal,
                                 const ChangeOptions& options) {
  return changed(catalog, options.dry_run, [&](CatalogChange& change) {
    std::optional<std::set<std::string>> names;
    const auto also = [&](const std::set<std::string>& found) {
      if (!names) return void(names = found);
      std::erase_if(*names, [&](const std::string& name) { return !found.contains(name); });
    };
    if (!removal.images.empty()) also(fitting(change, removal.images));
    if (removal.where) also(found_in(change, *removal.where));
    if (removal.missing) also(change.images_with(is_gone));
    change.load(*names);
    std::erase_if(change.all().images,
                  [&](const CollectedImage& image) { return names->contains(image.name); });
    return std::set<std::string>();
  });
}

}  // namespace cube
