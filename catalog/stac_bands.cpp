#include "catalog/stac_bands.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

bool same(std::optional<double> a, std::optional<double> b) {
  if (a && b && std::isnan(*a) && std::isnan(*b)) return true;
  return a == b;
}

std::string numbered(const std::string& asset, int number) {
  return asset + "." + std::to_string(number);
}

}  // namespace

StacBands::StacBands(std::vector<std::string> asked, const std::vector<FormatBand>& known)
    : known_(known) {
  for (std::string& name : asked) {
    if (std::ranges::find(asked_, name) == asked_.end()) asked_.push_back(std::move(name));
  }
}

std::size_t StacBands::index_of(const StacAsset& asset, int number, const std::string& asked) {
  const std::string key = asset.key + '\n' + std::to_string(number) + '\n' + asked;
  // A name asked for is one band, whatever the assets are called in other items.
  const auto [at, fresh] = index_.try_emplace(asked.empty() ? key : asked, facts_.size());
  if (fresh) {
    facts_.emplace_back();
    facts_.back().asset = asset.key;
    facts_.back().number = number;
    facts_.back().asked = asked;
  }
  return at->second;
}

void StacBands::note(Facts& facts, const StacAsset& asset, const StacBand& band,
                     const std::string& where) {
  ++facts.items;
  facts.several = facts.several || asset.bands.size() > 1;
  if (band.dtype) facts.dtypes.insert(*band.dtype);
  facts.untyped = facts.untyped || !band.dtype;
  if (!facts.first) {
    facts.first = band;
    facts.own = band.name;
    facts.descriptor = asset.descriptor;
  }
  if (facts.first->unit.empty()) facts.first->unit = band.unit;
  if (!band.nodata) return;
  if (facts.with_nodata++ == 0) {
    facts.nodata = band.nodata;
    facts.nodata_where = where;
  } else if (facts.nodata_clash.empty() && !same(facts.nodata, band.nodata)) {
    facts.nodata_clash = "has nodata " + number_text(*band.nodata) + " in " + where + ", but " +
                         number_text(*facts.nodata) + " in " + facts.nodata_where;
  }
}

StacBands::Choice StacBands::chosen(const StacAsset& asset, std::size_t number,
                                    const std::string& asked, const std::string& where) {
  const int raster_band = static_cast<int>(number) + 1;
  const std::size_t index = index_of(asset, raster_band, asked);
  note(facts_[index], asset, asset.bands[number], where);
  if (!asked.empty()) found_.insert(asked);
  const StacBand& band = asset.bands[number];
  return {index, &asset, raster_band, {band.scale, band.offset}};
}

// An asset's key, "asset.N", a band's name, a common name: the first of these that fits.
void StacBands::choose_asked(const std::string& name, const StacItem& item,
                             const std::string& where, std::vector<Choice>& out) {
  using Test = bool (*)(const std::string&, const StacAsset&, std::size_t);
  static constexpr Test kTests[] = {
      [](const std::string& wanted, const StacAsset& asset, std::size_t i) {
        return wanted == numbered(asset.key, static_cast<int>(i) + 1);
      },
      [](const std::string& wanted, const StacAsset& asset, std::size_t i) {
        return asset.unusable.empty() && wanted == asset.bands[i].name;
      },
      [](const std::string& wanted, const StacAsset& asset, std::size_t i) {
        return asset.unusable.empty() && wanted == asset.bands[i].common_name;
      }};
  for (const StacAsset& asset : item.assets) {
    if (asset.key != name) continue;
    if (asset.bands.size() == 1) return out.push_back(chosen(asset, 0, name, where));
    for (std::size_t i = 0; i < asset.bands.size(); ++i) {
      out.push_back(chosen(asset, i, {}, where));
    }
    found_.insert(name);
    return;
  }
  for (const Test& test : kTests) {
    std::vector<std::pair<const StacAsset*, std::size_t>> found;
    for (const StacAsset& asset : item.assets) {
      for (std::size_t i = 0; i < asset.bands.size(); ++i) {
        if (test(name, asset, i)) found.emplace_back(&asset, i);
      }
    }
    // An asset of its own is what is meant rather than a band of a picture of several.
    const auto alone = [](const auto& band) { return band.first->bands.size() == 1; };
    if (found.size() > 1 && std::ranges::count_if(found, alone) == 1) {
      found = {*std::ranges::find_if(found, alone)};
    }
    if (found.size() > 1) {
      std::vector<std::string> keys;
      for (const auto& band : found) keys.push_back(band.first->key);
      throw Error(ErrorCode::kInvalid, "'" + name + "' is in several assets: " + join(keys), where,
                  "ask for an asset by its key");
    }
    if (found.size() == 1) {
      return out.push_back(chosen(*found[0].first, found[0].second, name, where));
    }
  }
}

std::vector<StacBands::Choice> StacBands::choose(const StacItem& item, const std::string& where) {
  std::vector<Choice> out;
  for (const std::string& name : asked_) choose_asked(name, item, where, out);
  constexpr std::size_t kMostSeen = 200;  // names for a hint
  for (const StacAsset& asset : item.assets) {
    if (asset.unusable.empty() && seen_.size() < kMostSeen) seen_.insert(asset.key);
    if (!asked_.empty() || !asset.unusable.empty()) continue;
    for (std::size_t i = 0; i < asset.bands.size(); ++i) {
      out.push_back(chosen(asset, i, {}, where));
    }
  }
  return out;
}

void StacBands::check_found() const {
  for (const std::string& name : asked_) {
    if (found_.contains(name)) continue;
    throw Error(ErrorCode::kInvalid, "no item has a band or an asset '" + name + "'", "--bands",
                suggest(std::vector<std::string>(seen_.begin(), seen_.end()), name));
  }
}

std::vector<std::string> StacBands::names() const {
  std::map<std::string, int> uses;
  for (const Facts& facts : facts_) {
    ++uses[!facts.asked.empty() ? facts.asked : facts.several ? facts.own : facts.asset];
  }
  std::vector<std::string> out;
  for (const Facts& facts : facts_) {
    const bool own = !facts.own.empty() && uses[facts.own] == 1;
    out.push_back(!facts.asked.empty() ? facts.asked
                  : !facts.several     ? facts.asset
                  : own                ? facts.own
                                       : numbered(facts.asset, facts.number));
  }
  return out;
}

const FormatBand* StacBands::known_band(const std::string& name) const {
  const auto at = std::ranges::find(known_, name, &FormatBand::name);
  return at == known_.end() ? nullptr : &*at;
}

BandInfo StacBands::typed(const Facts& facts, const FormatBand* known, const TypeOf& type_of,
                          std::vector<std::string>& notes) const {
  BandInfo out;
  std::vector<std::string> types;
  for (const DType type : facts.dtypes) {
    out.dtype = types.empty() ? type : common_dtype(out.dtype, type);
    types.emplace_back(cube::name(type));
  }
  if (known && known->dtype) {
    out.dtype = *known->dtype;
  } else if (types.empty() && type_of) {
    out = type_of(facts.descriptor, facts.number);
    out.note.clear();
  } else if (types.empty()) {
    out.dtype = DType::kFloat32;
    notes.emplace_back("the items do not say the type, read as float32");
  } else if (types.size() > 1) {
    notes.push_back("items have " + join(types, " and "));
  }
  return out;
}

BandInfo StacBands::band_info(const Facts& facts, const std::string& name,
                              const TypeOf& type_of) const {
  const FormatBand* known = known_band(name);
  const bool nodata_said = known && known->nodata;
  if (!nodata_said && !facts.nodata_clash.empty()) {
    throw Error(ErrorCode::kInvalid, "the band " + facts.nodata_clash, name,
                "index them into catalogs of their own, or say with --format what holds for all");
  }
  std::vector<std::string> notes;
  BandInfo out = typed(facts, known, type_of, notes);
  out.name = name;
  out.alias.clear();
  if (facts.nodata) out.nodata = facts.nodata;
  if (nodata_said) out.nodata = known->nodata;
  if (!nodata_said && facts.nodata && facts.with_nodata < facts.items) {
    notes.push_back("nodata is said by " + std::to_string(facts.with_nodata) + " of " +
                    counted(facts.items, "item"));
  }
  if (!facts.first->unit.empty()) out.unit = facts.first->unit;
  if (known && !known->unit.empty()) out.unit = known->unit;
  out.note = join(notes, "; ");
  return out;
}

// What a format says counts first; an offset in stored numbers, which an item says without a scale,
// is not lost by it.
Packing StacBands::packing(const Packing& said, const BandInfo& band) const {
  const FormatBand* known = known_band(band.name);
  if (!known || (known->scale == 1 && known->offset == 0)) {
    return said.any() ? said : Packing{band.scale, band.offset};
  }
  Packing out{known->scale, known->offset};
  if (out.offset == 0 && said.scale == 1) out.offset = said.offset * out.scale;
  return out;
}

StacBands::Finished StacBands::finish(const TypeOf& type_of) const {
  check_found();
  const std::vector<std::string> all = names();
  const auto rank = [&](std::size_t i) {
    const auto at =
        std::ranges::find(asked_, facts_[i].asked.empty() ? facts_[i].asset : facts_[i].asked);
    return at - asked_.begin();
  };
  std::vector<std::size_t> order(facts_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, rank);
  Finished out;
  out.place.resize(facts_.size());
  for (const std::size_t i : order) {
    out.place[i] = out.bands.size();
    out.bands.push_back(band_info(facts_[i], all[i], type_of));
  }
  check_unique_bands(out.bands, "STAC");
  return out;
}

}  // namespace cube
