// What a catalog would be made of STAC items, for people who wonder.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <sstream>
#include <utility>

#include "catalog/catalog.h"
#include "catalog/descriptor.h"
#include "catalog/stac_gatherer.h"
#include "engine/text.h"

namespace cube {

namespace {

// What is known of a band of an asset.
std::string describe(const StacAsset& asset, const BandInfo& band, const StacBand& said) {
  std::vector<std::string> facts = {
      said.dtype || band.dtype != DType::kFloat32
          ? std::string(name(band.dtype))
          : "of unknown type: float32, unless --open or --format says it"};
  if (said.nodata) facts.push_back("nodata " + number_text(*said.nodata));
  if (said.scale != 1) facts.push_back("scale " + number_text(said.scale));
  if (said.offset != 0) facts.push_back("offset " + number_text(said.offset));
  if (!said.common_name.empty() && said.common_name != band.name) {
    facts.push_back("common name " + said.common_name);
  }
  facts.push_back(asset.crs.empty() ? "in no known reference system" : "in " + asset.crs);
  if (!asset.extent) facts.emplace_back("placed by the item's bbox or geometry");
  return "band " + band.name + " (" + join(facts) + ")";
}

// Of each asset the bands that it is, or why it is none.
std::vector<std::string> explain_assets(const GatheredImage& image,
                                        const StacBands::Finished& bands) {
  std::vector<std::string> out;
  for (const StacAsset& asset : image.item.assets) {
    std::vector<std::string> parts;
    for (const auto& choice : image.choices) {
      if (choice.asset != &asset) continue;
      const auto number = static_cast<std::size_t>(choice.raster_band) - 1;
      parts.push_back(describe(asset, bands.bands[bands.place[choice.band]], asset.bands[number]));
    }
    if (parts.empty()) {
      parts.push_back("not used: " +
                      (asset.unusable.empty() ? "is none of the bands asked for" : asset.unusable));
    }
    out.push_back("'" + asset.key + "'" + (asset.said.empty() ? "" : " (" + asset.said + ")") +
                  ": " + join(parts, "; "));
  }
  return out;
}

}  // namespace

IndexReport plan_from_stac(const StacOptions& stac,
                           const std::function<void(const PlannedImage&)>& use) {
  StacOptions unopened = stac;
  unopened.open_unknown = false;
  std::string text;  // of standard input, which can be read once
  if (std::ranges::find(stac.documents, "-") != stac.documents.end()) {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  }
  IndexReport report;
  DescriptorCount files;
  StacGatherer gatherer(unopened, nullptr, [&](const GatheredImage& image) {
    ++report.images;
    for (const auto& choice : image.choices) {
      files.add(choice.asset->descriptor);
    }
  });
  std::istringstream first(text);
  gatherer.read(first, {});
  const auto bands = gatherer.finish();
  report.files = files.distinct();
  report.left_out = std::move(gatherer.left_out());
  if (!use) return report;
  StacGatherer again(unopened, nullptr, [&](const GatheredImage& image) {
    PlannedImage planned{image.where, image.item.id, image.item.datetime, {}, {}};
    std::vector<std::size_t> places;
    for (const auto& choice : image.choices) places.push_back(bands.place[choice.band]);
    std::ranges::sort(places);
    for (const std::size_t place : places) planned.bands.push_back(bands.bands[place].name);
    planned.assets = explain_assets(image, bands);
    use(planned);
  });
  std::istringstream second(text);
  again.read(second, {});
  return report;
}

}  // namespace cube
