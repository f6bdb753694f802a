// A catalog from STAC items.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "catalog/catalog.h"
#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/draft.h"
#include "catalog/footprint.h"
#include "catalog/image_digests.h"
#include "catalog/image_names.h"
#include "catalog/inputs.h"
#include "catalog/packings.h"
#include "catalog/stac_bands.h"
#include "catalog/stac_files.h"
#include "engine/error.h"
#include "engine/gdal/raster_info.h"
#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

// What a file says of one of its bands.
BandInfo band_of_file(const std::string& descriptor, int number) {
  const RasterInfo info = describe_raster(descriptor);
  const auto wanted = static_cast<std::size_t>(number);
  if (wanted <= info.bands.size()) return info.bands[wanted - 1];
  throw Error(ErrorCode::kInvalid,
              "has " + std::to_string(info.bands.size()) + " bands, and band " +
                  std::to_string(number) + " is asked for",
              descriptor);
}

// The reference system of an image is that of all its files; where they differ each says its own.
std::string common_crs(const std::vector<const StacAsset*>& assets) {
  const auto alike = [&](const StacAsset* asset) { return asset->crs == assets.front()->crs; };
  return std::ranges::all_of(assets, alike) ? assets.front()->crs : "";
}

// Where items stand, in few bytes each: those of one document differ in a number at their end.
class Places {
 public:
  std::int64_t add(const std::string& where) {
    const std::size_t digits = where.find_last_not_of("0123456789") + 1;
    const std::string start = where.substr(0, digits);
    if (starts_.empty() || starts_.back().text != start) {
      starts_.push_back({start, std::ssize(numbers_)});
    }
    numbers_.push_back(digits < where.size() ? where.substr(digits) : std::string());
    return std::ssize(numbers_) - 1;
  }

  std::string text(std::int64_t place) const {
    const auto after = std::ranges::upper_bound(starts_, place, {}, &Start::first);
    return std::prev(after)->text + numbers_[static_cast<std::size_t>(place)];
  }

 private:
  struct Start {
    std::string text;
    std::int64_t first;  // place
  };
  std::vector<Start> starts_;
  std::vector<std::string> numbers_;  // short enough to need no memory of their own
};

// Joins items to a collection.
class Gatherer {
 public:
  // `wanted`: only these; null = all.
  explicit Gatherer(const StacOptions& options, WantedImages* wanted)
      : bands_(options.bands, options.format ? options.format->bands() : std::vector<FormatBand>()),
        wanted_(wanted) {}

  void add(const StacSource& source) {
    StacItem item;
    try {
      item = reader_.read(source.item, source.base);
    } catch (const Error& error) {
      const std::string pointer =
          (source.where.find('#') == std::string::npos ? "#" : "") + error.where();
      return leave_out(source.where + pointer, error.message(), true);
    }
    const std::string where = source.where + " ('" + item.id + "')";
    if (known(item, where)) return;
    const auto choices = bands_.choose(item, where);
    if (choices.empty()) return leave_out(where, reason_of_none(item), false);
    std::vector<const StacAsset*> assets;
    for (const auto& choice : choices) assets.push_back(choice.asset);
    const auto footprint = reader_.footprint(item, assets);
    if (footprint.empty()) {
      return leave_out(where, "has no place: neither bbox nor geometry nor proj:transform", true);
    }
    CollectedImage image{item.id, item.datetime, common_crs(assets), footprint, {}, {}};
    ++usable_;
    if (wanted_ && !wants(image, choices)) return;
    for (const auto& choice : choices) {
      image.sources[choice.band] = {file(choice.asset->descriptor), choice.raster_band,
                                    choice.packing};
    }
    out_.images.push_back(std::move(image));
  }

  void leave_out(const std::string& where, const std::string& reason, bool failed) {
    out_.left_out.push_back({where, reason, failed, false});
  }

  std::vector<IndexReport::Left>& left_out() { return out_.left_out; }

  // The names of bands may follow from all items: whether images were looked for by others.
  bool misnamed() const {
    const auto now = bands_.names();
    return !std::equal(names_.begin(), names_.end(), now.begin());
  }

  Collection finish(bool open_unknown) {
    if (usable_ == 0) fail_without_images();
    const auto bands = bands_.finish(open_unknown ? band_of_file : StacBands::TypeOf());
    out_.bands = bands.bands;
    for (CollectedImage& image : out_.images) {
      std::map<std::size_t, CollectedImage::Source> sources;
      for (const auto& [index, source] : image.sources) {
        const std::size_t band = bands.place[index];
        sources[band] = source;
        sources[band].packing = bands_.packing(*source.packing, bands.bands[band]);
      }
      image.sources = std::move(sources);
    }
    settle_packings(out_);
    std::ranges::sort(out_.images, [](const CollectedImage& a, const CollectedImage& b) {
      return std::tie(a.datetime, a.name) < std::tie(b.datetime, b.name);
    });
    return std::move(out_);
  }

 private:
  std::size_t file(const std::string& descriptor) {
    const auto [at, fresh] = files_.try_emplace(descriptor, out_.files.size());
    if (fresh) out_.files.push_back(descriptor);
    return at->second;
  }

  // Whether the catalog that is to be changed has the image otherwise.
  bool wants(const CollectedImage& image, const std::vector<StacBands::Choice>& choices) {
    if (names_.size() != bands_.size()) names_ = bands_.names();
    ImageDigest digest;
    digest.add_time(image.datetime);
    digest.add_place(image.crs, to_row(image.footprint));
    bool changed = false;
    for (const auto& choice : choices) {
      const std::string& band = names_[choice.band];
      const std::string file = stored_descriptor(choice.asset->descriptor, wanted_->folder());
      digest.add_reference(band, file, choice.raster_band);
      BandInfo silent;  // whose scale and offset those of items count that say nothing
      silent.name = band;
      wanted_->add_packing(digest, band, bands_.packing(choice.packing, silent));
      changed = changed || wanted_->has_changed(file);
      if (wanted_->is_gone(file)) leave_out(file, kGoneButNamed, false);
    }
    return wanted_->wants(image.name, digest.value(), DigestOf::kAll, changed);
  }

  // Answers of several searches often share items.
  bool known(const StacItem& item, const std::string& where) {
    std::string facts = to_text(item.datetime);
    for (const StacAsset& asset : item.assets) facts += '\n' + asset.descriptor;
    const std::size_t hash = std::hash<std::string>()(facts);
    const auto found = items_.add(item.id, hash, places_.add(where));
    if (found.fresh) return false;
    const std::string other = places_.text(items_.line(found.id));
    if (items_.facts(found.id) != hash) {
      throw Error(ErrorCode::kInvalid,
                  "the id stands in " + other + " with other assets or another time", where,
                  "index them into catalogs of their own");
    }
    leave_out(where, "stands in " + other + " too", false);
    return true;
  }

  static std::string reason_of_none(const StacItem& item) {
    if (item.assets.empty()) return "has no assets";
    std::vector<std::string> reasons;
    for (const StacAsset& asset : item.assets) {
      if (!asset.unusable.empty()) reasons.push_back("'" + asset.key + "' " + asset.unusable);
    }
    if (reasons.empty()) return "has none of the bands asked for";
    return "has no raster asset: " + join(reasons);
  }

  [[noreturn]] void fail_without_images() const {
    if (out_.left_out.empty()) throw Error(ErrorCode::kInvalid, "no STAC items are given");
    const auto failed = std::ranges::find(out_.left_out, true, &IndexReport::Left::failed);
    const auto& first = failed == out_.left_out.end() ? out_.left_out.front() : *failed;
    throw Error(ErrorCode::kInvalid, "no item can be used: " + first.reason, first.file);
  }

  Collection out_;
  StacReader reader_;
  StacBands bands_;
  std::map<std::string, std::size_t> files_;
  ImageNames items_;
  Places places_;  // of items
  WantedImages* wanted_;
  std::vector<std::string> names_;  // of bands, as far as items have been seen
  std::int64_t usable_ = 0;         // items
};

}  // namespace

Collection collect_stac(const StacOptions& stac, const IndexOptions& options,
                        WantedImages* wanted) {
  Gatherer gatherer(stac, wanted);
  for_each_stac_item(
      stac.documents, std::cin, gatherer.left_out(),
      [&](const StacSource& source) { gatherer.add(source); }, options.progress);
  if (wanted && !wanted->wants_all() && gatherer.misnamed()) {
    wanted->want_all();
    return collect_stac(stac, options, wanted);
  }
  return gatherer.finish(stac.open_unknown);
}

IndexReport plan_from_stac(const StacOptions& stac,
                           const std::function<void(const PlannedImage&)>& use) {
  StacOptions unopened = stac;
  unopened.open_unknown = false;
  Collection collection = collect_stac(unopened, {}, nullptr);
  for (const CollectedImage& image : collection.images) {
    PlannedImage planned{"item", image.name, image.datetime, {}};
    for (const auto& [band, source] : image.sources) {
      planned.bands.push_back(collection.bands[band].name);
    }
    use(planned);
  }
  return {std::ssize(collection.images),
          std::ssize(collection.files),
          std::move(collection.left_out),
          {}};
}

IndexReport create_catalog_from_stac(const fs::path& catalog, const StacOptions& stac,
                                     const IndexOptions& options) {
  check_target(catalog, options.overwrite);
  Collection collection = collect_stac(stac, options, nullptr);
  const Draft draft(catalog);
  const fs::path folder = fs::absolute(catalog).lexically_normal().parent_path();
  add_input(collection.settings,
            {CatalogInput::Kind::kStac, stac.documents, stac.bands, stac.open_unknown}, folder);
  const std::string format_json = stac.format ? stac.format->json() : "";
  draft.make([&] { write_collection(draft.path(), folder, format_json, collection); });
  draft.publish(options.overwrite);
  return {static_cast<std::int64_t>(collection.images.size()),
          static_cast<std::int64_t>(collection.files.size()),
          std::move(collection.left_out),
          {}};
}

}  // namespace cube
