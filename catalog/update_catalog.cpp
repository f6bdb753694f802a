// Adding to a catalog, updating it and removing from it.
#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "catalog/catalog.h"
#include "catalog/catalog_change.h"
#include "catalog/descriptor.h"
#include "catalog/inputs.h"
#include "catalog/reread.h"
#include "catalog/rescan.h"
#include "catalog/schema.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;
using Kind = CatalogInput::Kind;

// Puts images beside those that are there, or into them.
void merge_fresh(CatalogChange& change, Collection fresh,
                 const std::optional<CollectionFormat>& format) {
  std::set<std::string> names;
  for (const CollectedImage& image : fresh.images) names.insert(image.name);
  change.load(names);
  merge_collection(change.all(), std::move(fresh), band_names(format));
}

// Files that hold several images, of which some were removed, by their own names.
std::set<std::string> files_of_removed(CatalogChange& change) {
  std::set<std::string> out;
  for (const auto& [name, file] : change.removed()) {
    if (!file.empty()) out.insert(file);
  }
  return out;
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
  Rescan rescan(change, format, false, true);
  std::set<std::string> given;
  for (const std::string& file : list.files) given.insert(absolute_name(file));
  for (const std::string& file : files_of_removed(change)) {
    if (given.contains(file)) rescan.read_again(file);
  }
  rescan.look_at(list.files, true);
  touched = rescan.read(options);
}

bool has_documents(CatalogChange& change) {
  const auto inputs = inputs_of(change.all().settings, change.folder());
  const auto is_document = [](const CatalogInput& input) { return input.kind != Kind::kFiles; };
  return std::ranges::any_of(inputs, is_document);
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
  Rescan rescan(change, format, !keep_missing, options.restore);
  if (options.restore) {
    for (const std::string& file : files_of_removed(change)) rescan.read_again(file);
  }
  const bool reread = !change.stored().has_states;
  change.for_each_file([&](const std::string& file, const FileState& state) {
    const bool ours = !documents || (format && format->match(file).reason.empty());
    if (ours && !(keep_missing && is_gone(file, state))) rescan.look_at(file, state, reread);
  });
  if (!names.empty()) rescan.look_at(expand_files(names).files, reread);
  return rescan.read(options);
}

template <class Work>
ChangeReport changed(const fs::path& catalog, const ChangeOptions& options, const Work& work) {
  CatalogChange change(catalog, options.wait);
  const std::set<std::string> touched = work(change);
  return change.finish(touched, options.dry_run);
}

}  // namespace

ChangeReport add_to_catalog(const fs::path& catalog, const Additions& additions,
                            const ChangeOptions& options) {
  return changed(catalog, options, [&](CatalogChange& change) {
    std::set<std::string> touched;
    if (!additions.files.empty()) add_files(change, additions, options, touched);
    const auto format = stored_format(change.stored(), CollectionFormat::Use::kBands);
    auto& settings = change.all().settings;
    const std::string inputs = settings[kInputsKey];
    if (additions.stac) {
      StacOptions stac = *additions.stac;
      if (!stac.format) stac.format = format;
      merge_fresh(change, collect_stac(stac, index_options(options), nullptr), stac.format);
      add_input(settings, {Kind::kStac, stac.documents, stac.bands, stac.open_unknown},
                change.folder());
    }
    if (additions.table) {
      TableOptions table = *additions.table;
      if (!table.format) table.format = format;
      auto fresh = collect_table(table, index_options(options), change.folder(), nullptr);
      merge_fresh(change, std::move(fresh.collection), table.format);
      add_input(settings, {Kind::kTable, {table.file}, table.bands, false}, change.folder());
    }
    // What the next update makes of several documents may be another thing.
    if (settings[kInputsKey] != inputs) settings[kDocumentsKey].clear();
    return touched;
  });
}

ChangeReport update_catalog(const fs::path& catalog, bool keep_missing,
                            const ChangeOptions& options) {
  return changed(catalog, options, [&](CatalogChange& change) {
    const auto inputs = inputs_of(change.all().settings, change.folder());
    const bool documents = has_documents(change);
    const auto format = stored_format(change.stored(), CollectionFormat::Use::kPatterns);
    std::set<std::string> touched;
    if (!documents || format) {
      touched = rescan_all(change, format, names_below(inputs), documents, keep_missing, options);
    }
    if (documents) touched.merge(reread_documents(change, inputs, options));
    if (options.restore) change.removed().clear();
    change.leave_removed();
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

// Notes images as removed. Where files hold several images it takes the file to find them again.
void remember(CatalogChange& change, const std::set<std::string>& names) {
  const auto format = stored_format(change.stored(), CollectionFormat::Use::kPatterns);
  const bool several = format && (format->subdatasets() || format->band_period());
  for (const CollectedImage& image : change.all().images) {
    if (!names.contains(image.name)) continue;
    std::string& file = change.removed()[image.name];
    if (!several || image.sources.empty()) continue;
    file = file_named(change.all().files[image.sources.begin()->second.file]);
  }
}

std::set<std::string> found_in(CatalogChange& change, const ImageQuery& query) {
  std::set<std::string> out;
  for_each_image(change.file(), query, [&](const Image& image) { out.insert(image.name); });
  return out;
}

}  // namespace

ChangeReport remove_from_catalog(const fs::path& catalog, const Removal& removal,
                                 const ChangeOptions& options) {
  return changed(catalog, options, [&](CatalogChange& change) {
    std::optional<std::set<std::string>> names;
    const auto also = [&](const std::set<std::string>& found) {
      if (!names) return void(names = found);
      std::erase_if(*names, [&](const std::string& name) { return !found.contains(name); });
    };
    if (!removal.images.empty()) also(fitting(change, removal.images));
    if (removal.where) also(found_in(change, *removal.where));
    if (removal.missing) also(change.images_with(is_gone));
    // From here on the catalog is made anew; what has been wrong until now was refused.
    const auto images = static_cast<std::int64_t>(names->size());
    if (options.progress) options.progress(images, images);
    change.load(*names);
    if (!removal.missing || has_documents(change)) remember(change, *names);
    std::erase_if(change.all().images,
                  [&](const CollectedImage& image) { return names->contains(image.name); });
    return std::set<std::string>();
  });
}

}  // namespace cube
