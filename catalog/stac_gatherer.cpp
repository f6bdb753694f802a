#include "catalog/stac_gatherer.h"

#include <algorithm>
#include <utility>

#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/footprint.h"
#include "engine/error.h"
#include "engine/gdal/raster_info.h"
#include "engine/text.h"

namespace cube {

namespace {

// What a file says of one of its bands.
BandInfo band_of_file(const std::string& descriptor, int number) {
  const RasterInfo info = describe_raster(descriptor);
  const auto wanted = static_cast<std::size_t>(number);
  if (wanted <= info.bands.size()) return info.bands[wanted - 1];
  throw Error(ErrorCode::kInvalid,
              "has " + counted(info.bands.size(), "band") + ", and band " +
                  std::to_string(number) + " is asked for",
              descriptor);
}

// The reference system of an image is that of all its files; where they differ each says its own.
std::string common_crs(const std::vector<const StacAsset*>& assets) {
  const auto alike = [&](const StacAsset* asset) { return asset->crs == assets.front()->crs; };
  return std::ranges::all_of(assets, alike) ? assets.front()->crs : "";
}

std::string reason_of_none(const StacItem& item) {
  if (item.assets.empty()) return "has no assets";
  std::vector<std::string> reasons;
  for (const StacAsset& asset : item.assets) {
    if (!asset.unusable.empty()) reasons.push_back("'" + asset.key + "' " + asset.unusable);
  }
  if (reasons.size() < item.assets.size()) {
    std::vector<std::string> keys;
    for (const StacAsset& asset : item.assets) {
      if (asset.unusable.empty()) keys.push_back("'" + asset.key + "'");
    }
    return "has none of the bands asked for, but " + join(keys);
  }
  return "has no raster asset: " + join(reasons);
}

std::string called(const std::string& where, std::string_view id) {
  return where + " ('" + std::string(id) + "')";
}

}  // namespace

std::int64_t ItemPlaces::add(const std::string& where) {
  constexpr std::size_t kMostDigits = 18;
  const std::size_t digits = where.find_last_not_of("0123456789") + 1;
  const std::size_t count = where.size() - digits;
  const bool number = count > 0 && count <= kMostDigits && (count == 1 || where[digits] != '0');
  const std::string_view start = std::string_view(where).substr(0, number ? digits : where.size());
  if (starts_.empty() || starts_.back().text != start) {
    starts_.push_back({std::string(start), std::ssize(numbers_)});
  }
  numbers_.push_back(number ? std::stoll(where.substr(digits)) : -1);
  return std::ssize(numbers_) - 1;
}

std::string ItemPlaces::text(std::int64_t place) const {
  const auto after = std::ranges::upper_bound(starts_, place, {}, &Start::first);
  const std::int64_t number = numbers_[static_cast<std::size_t>(place)];
  return std::prev(after)->text + (number < 0 ? std::string() : std::to_string(number));
}

StacGatherer::StacGatherer(const StacOptions& options, WantedImages* wanted, Use use)
    : options_(options),
      wanted_(wanted),
      use_(std::move(use)),
      bands_(options.bands, options.format ? options.format->bands() : std::vector<FormatBand>()) {}

void StacGatherer::read(std::istream& standard_input,
                        const std::function<void(std::int64_t, std::int64_t)>& progress) {
  for_each_stac_item(
      options_.documents, standard_input, left_out_, documents_,
      [&](const StacSource& source) { add(source); }, progress);
}

void StacGatherer::add(const StacSource& source) {
  StacItem item;
  try {
    item = reader_.read(source.item, source.base);
  } catch (const Error& error) {
    const std::string pointer =
        (source.where.find('#') == std::string::npos ? "#" : "") + error.where();
    return leave_out(source.where + pointer, error.message(), true);
  }
  std::uint32_t id = 0;
  if (known(item, source, id)) return;
  const std::string where = called(source.where, item.id);
  const auto choices = bands_.choose(item, where);
  if (choices.empty()) return leave_out(where, reason_of_none(item), false);
  std::vector<const StacAsset*> assets;
  for (const auto& choice : choices) assets.push_back(choice.asset);
  const auto footprint = reader_.footprint(item, assets);
  if (footprint.empty()) {
    return leave_out(where, "has no place: neither bbox nor geometry nor proj:transform", true);
  }
  ++usable_;
  const std::string crs = common_crs(assets);
  const GatheredImage image{id, where, item, crs, footprint, choices};
  if (!wanted_ || wants(image)) use_(image);
}

void StacGatherer::leave_out(const std::string& where, const std::string& reason, bool failed) {
  left_out_.push_back({where, reason, failed, false});
}

bool StacGatherer::misnamed() const {
  const auto now = bands_.names();
  return !std::equal(names_.begin(), names_.end(), now.begin());
}

StacBands::Finished StacGatherer::finish() const {
  if (usable_ == 0) fail_without_images();
  return bands_.finish(options_.open_unknown ? band_of_file : StacBands::TypeOf());
}

// Whether the catalog that is to be changed has the image otherwise.
bool StacGatherer::wants(const GatheredImage& image) {
  if (names_.size() != bands_.size()) names_ = bands_.names();
  ImageDigest digest;
  digest.add_time(image.item.datetime);
  digest.add_place(image.crs, to_row(image.footprint));
  bool changed = false;
  for (const auto& choice : image.choices) {
    const std::string& band = names_[choice.band];
    const std::string file = stored_descriptor(choice.asset->descriptor, wanted_->folder());
    digest.add_reference(band, file, choice.raster_band);
    BandInfo silent;  // whose scale and offset those of items count that say nothing
    silent.name = band;
    wanted_->add_packing(digest, band, bands_.packing(choice.packing, silent));
    changed = changed || wanted_->has_changed(file);
    if (wanted_->is_gone(file)) leave_out(file, kGoneButNamed, false);
  }
  return wanted_->wants(image.item.id, digest.value(), DigestOf::kAll, changed);
}

// Answers of several searches often share items.
bool StacGatherer::known(const StacItem& item, const StacSource& source, std::uint32_t& id) {
  std::string facts = to_text(item.datetime);
  for (const StacAsset& asset : item.assets) facts += '\n' + asset.descriptor;
  const std::size_t hash = std::hash<std::string>()(facts);
  const auto found = items_.add(item.id, hash, places_.add(source.where));
  id = found.id;
  if (found.fresh) return false;
  const std::string where = called(source.where, item.id);
  const std::string other = called(places_.text(items_.line(found.id)), item.id);
  if (items_.facts(found.id) != hash) {
    throw Error(ErrorCode::kInvalid,
                "the id stands in " + other + " with other assets or another time", where,
                "index them into catalogs of their own");
  }
  leave_out(where, "stands in " + other + " too", false);
  return true;
}

void StacGatherer::fail_without_images() const {
  if (left_out_.empty()) throw Error(ErrorCode::kInvalid, "no STAC items are given");
  const auto failed = std::ranges::find(left_out_, true, &IndexReport::Left::failed);
  const auto& first = failed == left_out_.end() ? left_out_.front() : *failed;
  throw Error(ErrorCode::kInvalid, "no item can be used: " + first.reason, first.file);
}

}  // namespace cube
