#include "catalog/stored_collection.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <unordered_map>

#include "catalog/catalog.h"
#include "catalog/descriptor.h"
#include "catalog/footprint.h"
#include "catalog/packings.h"
#include "catalog/schema.h"
#include "catalog/sqlite.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> read_settings(Database& database) {
  std::map<std::string, std::string> out;
  if (!database.has_table("collection_md")) return out;
  Statement rows(database, "SELECT key, value FROM collection_md");
  while (rows.step()) out[rows.text(0)] = rows.text(1);
  out.erase(kVersionKey);
  out.erase(kSummaryKey);
  return out;
}

// Sizes and times, by absolute name.
std::unordered_map<std::string, FileState> read_states(Database& database, const fs::path& folder) {
  std::unordered_map<std::string, FileState> out;
  if (!database.has_table(kFileTable)) return out;
  Statement rows(database, "SELECT descriptor, size, mtime FROM " + std::string(kFileTable));
  while (rows.step()) {
    out[resolve_descriptor(rows.text(0), folder)] = state_in(rows, 1);
  }
  return out;
}

// The bands' notes as they are stored, without what is said of images that differ.
void read_notes(Database& database, std::vector<BandInfo>& bands) {
  if (!database.has_table(kPackingTable)) return;
  for (BandInfo& band : bands) {
    Statement note(database,
                   "SELECT value FROM band_md WHERE key = ? AND"
                   " band_id = (SELECT id FROM bands WHERE name = ?)");
    band.note = note.bind(kNoteKey).bind(band.name).step() ? note.text(0) : "";
  }
}

// What two collections say of a band, as of one; `band` must end as the files of both have it.
BandInfo joined(const BandInfo& a, const BandInfo& b) {
  BandInfo out = a;
  std::vector<std::string> notes;  // mixtures that are known already are not said again
  if (!a.note.empty()) notes.push_back(a.note);
  if (!b.note.empty() && b.note != a.note) notes.push_back(b.note);
  out.dtype = common_dtype(a.dtype, b.dtype);
  if (a.dtype != b.dtype && notes.empty()) {
    notes.push_back("files have " + std::string(name(std::min(a.dtype, b.dtype))) + " and " +
                    std::string(name(std::max(a.dtype, b.dtype))));
  }
  const bool both_nan = a.nodata && b.nodata && std::isnan(*a.nodata) && std::isnan(*b.nodata);
  if (a.nodata != b.nodata && !both_nan) {
    out.nodata.reset();
    notes.emplace_back("files differ in nodata");
  }
  if (out.unit.empty()) out.unit = b.unit;
  out.note = join(notes, "; ");
  return out;
}

// Index of each of the bands of `fresh` in `base`, which gets those it lacks.
std::vector<std::size_t> add_bands(Collection& base, const std::vector<BandInfo>& fresh) {
  std::vector<std::size_t> place;
  for (const BandInfo& band : fresh) {
    const auto known = std::ranges::find(base.bands, band.name, &BandInfo::name);
    place.push_back(static_cast<std::size_t>(known - base.bands.begin()));
    if (known == base.bands.end()) {
      base.bands.push_back(band);
    } else {
      *known = joined(*known, band);
    }
  }
  return place;
}

// Bands that no image of `base` has any more are what `fresh` says of them.
void replace_unused_bands(Collection& base, const std::vector<BandInfo>& fresh) {
  std::vector<bool> used = base.elsewhere;
  used.resize(base.bands.size());
  for (const CollectedImage& image : base.images) {
    for (const auto& [band, source] : image.sources) used[band] = true;
  }
  for (const BandInfo& band : fresh) {
    const auto at = std::ranges::find(base.bands, band.name, &BandInfo::name);
    if (at == base.bands.end() || used[static_cast<std::size_t>(at - base.bands.begin())]) continue;
    *at = band;
  }
}

// Moves everything that counts by `order[new] = old`.
template <class T>
std::vector<T> reordered(std::vector<T>& values, const std::vector<std::size_t>& order) {
  std::vector<T> out;
  for (const std::size_t i : order) out.push_back(std::move(values[i]));
  return out;
}

std::vector<std::size_t> places(const std::vector<std::size_t>& order, std::size_t count) {
  std::vector<std::size_t> out(count);
  for (std::size_t i = 0; i < order.size(); ++i) out[order[i]] = i;
  return out;
}

std::vector<std::size_t> those(const std::vector<bool>& wanted) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]) out.push_back(i);
  }
  return out;
}

void reorder_elsewhere(Collection& collection, const std::vector<std::size_t>& order) {
  std::vector<bool> out;
  for (const std::size_t i : order) out.push_back(collection.has_elsewhere(i));
  collection.elsewhere = std::move(out);
}

void order_bands(Collection& collection, const std::vector<std::string>& names) {
  std::vector<std::size_t> order(collection.bands.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) {
    return std::ranges::find(names, collection.bands[i].name) - names.begin();
  });
  const auto place = places(order, order.size());
  collection.bands = reordered(collection.bands, order);
  reorder_elsewhere(collection, order);
  for (CollectedImage& image : collection.images) {
    std::map<std::size_t, CollectedImage::Source> sources;
    for (const auto& [band, source] : image.sources) sources[place[band]] = source;
    image.sources = std::move(sources);
  }
}

// Reads images, one after another, into a part of a catalog.
class ImageRows {
 public:
  ImageRows(Database& database, const fs::path& folder, Collection& part)
      : folder_(folder),
        part_(part),
        image_(database,
               "SELECT id, left, bottom, right, top, datetime, proj FROM images WHERE name = ?"),
        files_(database,
               "SELECT b.name, r.descriptor, r.band_num, p.scale, p.offset, f.size, f.mtime"
               " FROM gdalrefs r JOIN bands b ON b.id = r.band_id LEFT JOIN " +
                   std::string(kPackingTable) +
                   " p ON p.image_id = r.image_id AND p.band_id = r.band_id LEFT JOIN " +
                   kFileTable + " f ON f.descriptor = r.descriptor WHERE r.image_id = ?"),
        metadata_(database, "SELECT key, value FROM image_md WHERE image_id = ?") {
    for (std::size_t i = 0; i < part.files.size(); ++i) known_[part.files[i]] = i;
    for (std::size_t i = 0; i < part.bands.size(); ++i) bands_[part.bands[i].name] = i;
  }

  void read(const std::string& name) {
    if (!image_.reset().bind(name).step()) return;
    CollectedImage& out = part_.images.emplace_back();
    out.name = name;
    out.datetime = parse_time(image_.text(5)).value().start;
    out.crs = image_.text(6);
    out.footprint = from_row({image_.real(1), image_.real(2), image_.real(3), image_.real(4)});
    files_.reset().bind(image_.integer(0));
    while (files_.step()) read_source(out);
    metadata_.reset().bind(image_.integer(0));
    while (metadata_.step()) out.metadata[metadata_.text(0)] = metadata_.text(1);
  }

 private:
  void read_source(CollectedImage& image) {
    const auto [at, fresh] =
        known_.try_emplace(resolve_descriptor(files_.text(1), folder_), part_.files.size());
    if (fresh) {
      part_.files.push_back(at->first);
      part_.states.push_back(state_in(files_, 5));
    }
    CollectedImage::Source& source = image.sources[bands_.at(files_.text(0))];
    source = {at->second, static_cast<int>(files_.integer(2))};
    if (!files_.is_null(3)) source.packing = Packing{files_.real(3), files_.real(4)};
  }

  const fs::path& folder_;
  Collection& part_;
  Statement image_;
  Statement files_;
  Statement metadata_;
  std::unordered_map<std::string, std::size_t> known_;  // of part_.files
  std::map<std::string, std::size_t> bands_;
};

}  // namespace

FileState state_in(const Statement& row, int column) {
  FileState out;
  if (!row.is_null(column)) out.size = row.integer(column);
  if (row.is_null(column + 1)) return out;
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  constexpr std::int64_t kLatestSecond = 1'000'000'000'000;  // older catalogs have seconds
  const std::int64_t time = row.integer(column + 1);
  out.mtime = time < kLatestSecond ? time * kNanoseconds : time;
  return out;
}

StoredCollection read_outline(const fs::path& catalog) {
  StoredCollection out;
  Collection& all = out.collection;
  all.bands = open_catalog(catalog)->bands();
  Database database(catalog, Database::Mode::kRead);
  all.settings = read_settings(database);
  out.has_states = database.has_table(kFileTable);
  out.ours =
      out.has_states && database.has_table(kExtentTable) && database.has_table(kPackingTable);
  out.format_json = all.settings[kFormatKey];
  all.settings.erase(kFormatKey);
  read_notes(database, all.bands);
  return out;
}

StoredCollection read_collection(const fs::path& catalog) {
  const fs::path folder = fs::absolute(catalog).lexically_normal().parent_path();
  StoredCollection out = read_outline(catalog);
  Collection& all = out.collection;
  Database database(catalog, Database::Mode::kRead);
  const auto states = read_states(database, folder);
  auto metadata = image_metadata(catalog);
  std::unordered_map<std::string, std::size_t> files;
  for (Image& image : open_catalog(catalog)->find({Instant::min(), Instant::max(), {}, {}})) {
    CollectedImage kept{image.name, image.datetime, image.crs, std::move(image.footprint), {}, {}};
    if (const auto known = metadata.find(image.name); known != metadata.end()) {
      kept.metadata = std::move(known->second);
    }
    for (const ImageBand& band : image.bands) {
      const auto [at, fresh] = files.try_emplace(band.descriptor, all.files.size());
      if (fresh) {
        all.files.push_back(band.descriptor);
        const auto state = states.find(band.descriptor);
        all.states.push_back(state == states.end() ? FileState() : state->second);
      }
      kept.sources[band.band] = {at->second, band.raster_band, band.packing};
    }
    all.images.push_back(std::move(kept));
  }
  return out;
}

std::optional<CollectionFormat> stored_format(const StoredCollection& stored,
                                              CollectionFormat::Use use) {
  if (stored.format_json.empty()) return std::nullopt;
  try {
    return CollectionFormat::parse(stored.format_json, "the catalog's format", use);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string catalog_note(const fs::path& file) {
  const auto format = stored_format(read_outline(file), CollectionFormat::Use::kBands);
  if (!format || format->note().text.empty()) return {};
  const auto last = open_catalog(file)->summary().last;
  return last && *last >= format->note().since ? format->note().text : std::string();
}

void read_images(Database& database, const fs::path& folder, const std::set<std::string>& names,
                 Collection& part) {
  ImageRows rows(database, folder, part);
  for (const std::string& name : names) rows.read(name);
}

void merge_collection(Collection& base, Collection fresh, const std::vector<std::string>& order) {
  if (fresh.states.empty()) {
    for (const std::string& file : fresh.files) fresh.states.push_back(state_of(file));
  }
  replace_unused_bands(base, fresh.bands);
  const std::vector<std::size_t> bands = add_bands(base, fresh.bands);
  const std::size_t first_file = base.files.size();
  base.files.insert(base.files.end(), fresh.files.begin(), fresh.files.end());
  base.states.insert(base.states.end(), fresh.states.begin(), fresh.states.end());
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < base.images.size(); ++i) known[base.images[i].name] = i;
  for (CollectedImage& image : fresh.images) {
    std::map<std::size_t, CollectedImage::Source> sources;
    for (const auto& [band, source] : image.sources) {
      sources[bands[band]] = {source.file + first_file, source.raster_band,
                              packing_of(source, fresh.bands[band])};
    }
    image.sources = std::move(sources);
    const auto at = known.find(image.name);
    if (at == known.end()) {
      base.images.push_back(std::move(image));
      continue;
    }
    CollectedImage& old = base.images[at->second];
    image.sources.insert(old.sources.begin(), old.sources.end());
    image.footprint.insert(image.footprint.end(), old.footprint.begin(), old.footprint.end());
    merge_touching(image.footprint);
    image.metadata.insert(old.metadata.begin(), old.metadata.end());
    old = std::move(image);
  }
  for (auto& left : fresh.left_out) base.left_out.push_back(std::move(left));
  order_bands(base, order);
}

void tidy(Collection& collection) {
  std::erase_if(collection.images,
                [](const CollectedImage& image) { return image.sources.empty(); });
  std::ranges::sort(collection.images, [](const CollectedImage& a, const CollectedImage& b) {
    return std::tie(a.datetime, a.name) < std::tie(b.datetime, b.name);
  });
  std::vector<bool> has_band = collection.elsewhere;
  has_band.resize(collection.bands.size());
  std::vector<bool> has_file(collection.files.size());
  for (const CollectedImage& image : collection.images) {
    for (const auto& [band, source] : image.sources) {
      has_band[band] = true;
      has_file[source.file] = true;
    }
  }
  const std::vector<std::size_t> bands = those(has_band);
  std::vector<std::size_t> files = those(has_file);
  std::ranges::stable_sort(files, {}, [&](std::size_t i) { return collection.files[i]; });
  // A file that was read again stands twice: what was found then, which comes last, counts.
  std::vector<std::size_t> place(collection.files.size());
  std::vector<std::size_t> kept;
  for (const std::size_t i : files) {
    if (kept.empty() || collection.files[kept.back()] != collection.files[i]) {
      kept.push_back(i);
    } else {
      kept.back() = i;
    }
    place[i] = kept.size() - 1;
  }
  const std::vector<std::size_t> band_place = places(bands, collection.bands.size());
  for (CollectedImage& image : collection.images) {
    std::map<std::size_t, CollectedImage::Source> sources;
    for (const auto& [band, source] : image.sources) {
      sources[band_place[band]] = {place[source.file], source.raster_band, source.packing};
    }
    image.sources = std::move(sources);
  }
  collection.bands = reordered(collection.bands, bands);
  reorder_elsewhere(collection, bands);
  collection.files = reordered(collection.files, kept);
  if (!collection.states.empty()) collection.states = reordered(collection.states, kept);
}

}  // namespace cube
