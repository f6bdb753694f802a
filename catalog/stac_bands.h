// StacBands: the bands of a catalog, from the assets of many items.
//
// An asset of one band gives a band of the asset's name; one of several gives bands of their own
// names where no other band has them, else "asset.1", "asset.2", ... (as in odc-stac). Bands asked
// for are found by an asset's key, "asset.N", a band's name or a common name, and are called so.
// Thread rule: one thread at a time.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/formats.h"
#include "catalog/stac.h"
#include "engine/packing.h"

namespace cube {

class StacBands {
 public:
  // `asked`: only these, in this order; empty = all that is raster data.
  // `known`: bands whose type, nodata, scale, offset and unit are said by a format, whose word
  // counts before the items'.
  StacBands(std::vector<std::string> asked, const std::vector<FormatBand>& known);

  struct Choice {
    std::size_t band = 0;  // as add() gave it
    const StacAsset* asset = nullptr;
    int raster_band = 1;
    Packing packing = {};  // as the item says
  };
  // The bands that an item has, whose facts are noted. `where` names the item.
  // Throws Error(kInvalid) where a name asked for is that of several assets.
  std::vector<Choice> choose(const StacItem& item, const std::string& where);

  // Those that choose() has given so far, and what they would be called if they were all.
  std::size_t size() const { return facts_.size(); }
  std::vector<std::string> names() const;

  struct Finished {
    std::vector<BandInfo> bands;     // as asked for, else in the order of their first sight
    std::vector<std::size_t> place;  // index into `bands` by Choice::band
  };
  // The scale and offset of a finished band of an image whose item says `said`.
  Packing packing(const Packing& said, const BandInfo& band) const;

  // Scale and offset of the bands are those of items that say nothing. Calls `type_of(descriptor,
  // raster_band)` for bands of unknown type, if it is given; else they are float32 with a note.
  // Throws Error(kInvalid) for a band asked for that no item has, and for items that differ in
  // nodata of a band.
  using TypeOf = std::function<BandInfo(const std::string&, int)>;
  Finished finish(const TypeOf& type_of) const;

 private:
  struct Facts {
    std::string asset;
    int number = 1;
    bool several = false;    // bands in the asset
    std::string asked;       // the name asked for; "" = none
    std::string own;         // the band's own name
    std::string descriptor;  // of the first item
    std::set<DType> dtypes;
    bool untyped = false;  // some item does not say the type
    std::optional<StacBand> first;
    std::int64_t items = 0;
    std::int64_t with_nodata = 0;
    std::optional<double> nodata;
    std::string nodata_where;
    std::string nodata_clash;  // what items differ in; "" = nothing
  };

  std::size_t index_of(const StacAsset& asset, int number, const std::string& asked);
  void note(Facts& facts, const StacAsset& asset, const StacBand& band, const std::string& where);
  Choice chosen(const StacAsset& asset, std::size_t number, const std::string& asked,
                const std::string& where);
  void choose_asked(const std::string& name, const StacItem& item, const std::string& where,
                    std::vector<Choice>& out);
  const FormatBand* known_band(const std::string& name) const;
  // The type: as the format says, else the items, else the first file or float32.
  BandInfo typed(const Facts& facts, const FormatBand* known, const TypeOf& type_of,
                 std::vector<std::string>& notes) const;
  BandInfo band_info(const Facts& facts, const std::string& name, const TypeOf& type_of) const;
  void check_found() const;

  std::vector<std::string> asked_;
  std::vector<FormatBand> known_;
  std::vector<Facts> facts_;
  std::map<std::string, std::size_t> index_;
  std::set<std::string> found_;  // of asked_
  std::set<std::string> seen_;   // assets and bands of items, for hints
};

}  // namespace cube
