#include "catalog/rescan.h"

#include <unordered_map>
#include <unordered_set>

#include "catalog/descriptor.h"
#include "catalog/subdatasets.h"

namespace cube {

bool is_gone(const std::string& file, const FileState& state) {
  return (is_file_name(file) || state.size) && file_of(file).empty();
}

std::vector<std::string> band_names(const std::optional<CollectionFormat>& format) {
  std::vector<std::string> out;
  if (!format) return out;
  for (const FormatBand& band : format->bands()) out.push_back(band.name);
  return out;
}

IndexOptions index_options(const ChangeOptions& options) {
  return {options.threads, true, options.progress, {}};
}

void Rescan::look_at(const std::string& file, const FileState& before, bool reread) {
  const bool unknown = !before.size;
  const bool again = !again_.empty() && again_.contains(file_named(file));
  const bool read =
      again || (unknown ? reread && is_file_name(file) : !same_state(state_of(file), before));
  if (read) changed_.insert(file);
}

void Rescan::look_at(const std::vector<std::string>& files, bool reread) {
  std::unordered_map<std::string, const std::string*> open;  // given names, by absolute ones
  for (const std::string& given : files) {
    const std::string file = absolute_name(given);
    const auto before = subdatasets() ? std::nullopt : change_.state(file);
    if (before) {
      look_at(file, *before, reread);
    } else {
      open[file] = &given;
    }
  }
  if (open.empty()) return;
  // In the catalog, of which nothing is known, or by their subdatasets?
  std::unordered_set<std::string> known;
  change_.for_each_reference([&](const std::string& descriptor, const FileState& before) {
    const std::string file = subdatasets() ? file_named(descriptor) : descriptor;
    if (!open.contains(file)) return;
    known.insert(file);
    look_at(descriptor, before, reread);
  });
  for (const std::string& given : files) {
    const std::string file = absolute_name(given);
    if (open.contains(file) && !known.contains(file)) add_fresh(file, given);
  }
}

void Rescan::add_fresh(const std::string& file, const std::string& given) {
  if (!format_) return;
  const auto match = format_->match(file);
  if (match.reason.empty()) {
    if (!restore_ && change_.removed().contains(match.image)) return;
    names_.insert(match.image);
  } else if (!format_->holds_subdatasets(file)) {
    change_.all().left_out.push_back({given, match.reason, false, match.other});
    return;
  }
  fresh_.push_back(given);
}

std::set<std::string> Rescan::read(const ChangeOptions& options) {
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
  if (subdatasets()) files = look_into(files, options.threads);
  if (!files.empty()) merge(collect(*format_, files, index_options(options)));
  if (!listed.empty()) {
    merge(collect_listed(format_bands(), std::move(listed), index_options(options),
                         format_ ? format_->srs() : ""));
  }
  return std::move(names_);
}

// The subdatasets of files that are of the format; there may be none.
std::vector<std::string> Rescan::look_into(const std::vector<std::string>& files, int threads) {
  auto& left_out = change_.all().left_out;
  std::vector<std::string> out;
  for (std::string& name : subdatasets_of(*format_, files, threads, left_out)) {
    const auto match = format_->match(name);
    if (match.reason.empty()) {
      out.push_back(std::move(name));
    } else {
      left_out.push_back({name, match.reason, false, match.other || match.bands.empty()});
    }
  }
  return out;
}

// What one file says may be of images that others are of too.
void Rescan::merge(Collection fresh) {
  std::set<std::string> names;
  for (const CollectedImage& image : fresh.images) names.insert(image.name);
  change_.load(names);
  merge_collection(change_.all(), std::move(fresh), band_names(format_));
}

bool Rescan::is_of_format(const std::string& file, const CollectedImage& image) const {
  if (!format_) return false;
  const auto match = format_->match(file);
  return match.reason.empty() && (format_->band_period() || match.image == image.name);
}

// Puts the files of an image on the lists of what to read, and clears it.
void Rescan::take_apart(CollectedImage& image, std::vector<std::string>& files,
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
    } else if (is_of_format(file, image)) {
      files.push_back(subdatasets() ? file_named(file) : file);
    } else {
      listed.push_back({file, file, image.name, image.datetime, bands_of_file});
    }
  }
  if (any_gone && !drop_gone_) return;  // its other files keep what is known of it
  image.sources.clear();
  image.footprint.clear();
}

std::vector<FormatBand> Rescan::format_bands() const {
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

}  // namespace cube
