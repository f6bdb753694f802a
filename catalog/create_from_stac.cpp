// A catalog from STAC items.
#include <algorithm>
#include <iostream>
#include <map>
#include <unordered_map>
#include <utility>

#include "catalog/catalog.h"
#include "catalog/catalog_writer.h"
#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/draft.h"
#include "catalog/inputs.h"
#include "catalog/packings.h"
#include "catalog/schema.h"
#include "catalog/stac_gatherer.h"
#include "catalog/staged_images.h"
#include "catalog/write_states.h"
#include "engine/error.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

// Images on their way into a new catalog: they are written when the bands of all are known.
class StacWriter {
 public:
  StacWriter(const fs::path& draft, const fs::path& catalog)
      : draft_(draft), staged_(draft.string(), catalog.string()) {}

  void add(const GatheredImage& image) {
    std::map<std::size_t, StagedImage::Source> sources;
    for (const auto& choice : image.choices) {
      sources[choice.band] = {choice.band, choice.raster_band, choice.packing,
                              choice.asset->descriptor};
    }
    StagedImage staged{image.id, image.item.datetime, image.crs, image.footprint, {}};
    for (const auto& [band, source] : sources) {
      if (said_.size() <= band) said_.resize(band + 1);
      ++said_[band][{source.packing.scale, source.packing.offset}];
      staged.sources.push_back(source);
    }
    staged_.add(staged);
  }

  IndexReport write(StacGatherer& gatherer, const std::string& format_json,
                    const std::map<std::string, std::string>& settings, const fs::path& folder,
                    int threads) {
    const auto bands = gatherer.finish();
    settled_ = settle(gatherer.bands(), bands);
    CatalogWriter writer(draft_);
    bool local = false;
    staged_.for_each(
        [&](std::uint32_t id) { return gatherer.name(id); },
        [&](const StagedImage& image) {
          const auto row = writer.add_image(
              {gatherer.name(image.id), image.datetime, image.crs, image.footprint});
          for (const StagedImage::Source& source : image.sources) {
            const std::size_t band = bands.place[source.band];
            const std::string stored = stored_descriptor(std::string(source.descriptor), folder);
            local = local || !file_named(stored).empty();
            writer.add_reference(row, band, stored, source.raster_band);
            const Packing own = gatherer.bands().packing(source.packing, bands.bands[band]);
            const BandInfo& info = settled_[band];
            if (own != Packing{info.scale, info.offset}) writer.add_packing(row, band, own);
          }
        });
    if (local) write_states(writer, folder, threads);
    for (const auto& [key, value] : settings) writer.add_setting(key, value);
    writer.finish(settled_, format_json);
    return {writer.images(), writer.files(), std::move(gatherer.left_out()), {}};
  }

 private:
  // The bands with the scale and offset that most of their images have.
  std::vector<BandInfo> settle(const StacBands& known, const StacBands::Finished& bands) const {
    std::vector<PackingCounts> counts(bands.bands.size());
    for (std::size_t i = 0; i < said_.size(); ++i) {
      const std::size_t band = bands.place[i];
      for (const auto& [said, images] : said_[i]) {
        counts[band].add(known.packing({said.first, said.second}, bands.bands[band]), images);
      }
    }
    std::vector<BandInfo> out = bands.bands;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Packing most = counts[i].most().value_or(Packing{out[i].scale, out[i].offset});
      out[i].scale = most.scale;
      out[i].offset = most.offset;
    }
    return out;
  }

  fs::path draft_;
  StagedImages staged_;
  // How many images say which scale and offset of a band.
  std::vector<std::map<std::pair<double, double>, std::int64_t>> said_;
  std::vector<BandInfo> settled_;
};

// The same in memory.
class StacCollector {
 public:
  void add(const GatheredImage& image) {
    CollectedImage out{image.item.id, image.item.datetime, image.crs, image.footprint, {}, {}};
    for (const auto& choice : image.choices) {
      out.sources[choice.band] = {file(choice.asset->descriptor), choice.raster_band,
                                  choice.packing};
    }
    out_.images.push_back(std::move(out));
  }

  Collection finish(StacGatherer& gatherer) {
    const auto bands = gatherer.finish();
    out_.bands = bands.bands;
    for (CollectedImage& image : out_.images) {
      std::map<std::size_t, CollectedImage::Source> sources;
      for (const auto& [index, source] : image.sources) {
        const std::size_t band = bands.place[index];
        sources[band] = source;
        sources[band].packing = gatherer.bands().packing(*source.packing, bands.bands[band]);
      }
      image.sources = std::move(sources);
    }
    settle_packings(out_);
    std::ranges::sort(out_.images, [](const CollectedImage& a, const CollectedImage& b) {
      return std::tie(a.datetime, a.name) < std::tie(b.datetime, b.name);
    });
    out_.left_out = std::move(gatherer.left_out());
    gatherer.documents().settle();
    out_.documents = std::move(gatherer.documents());
    return std::move(out_);
  }

 private:
  std::size_t file(const std::string& descriptor) {
    const auto [at, fresh] = files_.try_emplace(descriptor, out_.files.size());
    if (fresh) out_.files.push_back(descriptor);
    return at->second;
  }

  Collection out_;
  std::unordered_map<std::string, std::size_t> files_;
};

}  // namespace

Collection collect_stac(const StacOptions& stac, const IndexOptions& options,
                        WantedImages* wanted) {
  StacCollector collector;
  StacGatherer gatherer(stac, wanted, [&](const GatheredImage& image) { collector.add(image); });
  gatherer.read(std::cin, options.progress);
  if (wanted && !wanted->wants_all() && gatherer.misnamed()) {
    wanted->want_all();
    return collect_stac(stac, options, wanted);
  }
  return collector.finish(gatherer);
}

IndexReport create_catalog_from_stac(const fs::path& catalog, const StacOptions& stac,
                                     const IndexOptions& options) {
  check_target(catalog, options.overwrite);
  const fs::path folder = fs::absolute(catalog).lexically_normal().parent_path();
  std::map<std::string, std::string> settings;
  add_input(settings, {CatalogInput::Kind::kStac, stac.documents, stac.bands, stac.open_unknown},
            folder);
  const Draft draft(catalog);
  StacWriter writer(draft.path(), catalog);
  StacGatherer gatherer(stac, nullptr, [&](const GatheredImage& image) { writer.add(image); });
  gatherer.read(std::cin, options.progress);
  gatherer.documents().settle();
  settings[kDocumentsKey] = gatherer.documents().json(folder);
  IndexReport report = draft.make([&] {
    return writer.write(gatherer, stac.format ? stac.format->json() : "", settings, folder,
                        options.threads);
  });
  draft.publish(options.overwrite);
  return report;
}

}  // namespace cube
