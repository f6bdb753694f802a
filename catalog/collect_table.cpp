// The images of a table in memory: all, or those that a catalog has otherwise.
#include <algorithm>
#include <span>
#include <unordered_map>

#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/footprint.h"
#include "catalog/image_digests.h"
#include "catalog/open_table.h"
#include "engine/error.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

// Which images of a table are asked for, by their numbers in it; and the sum of what it says of
// each.
class WantedRows {
 public:
  WantedRows() = default;  // all
  WantedRows(WantedImages& wanted, DigestOf what) : wanted_(&wanted), what_(what) {}

  void add(std::uint32_t image, std::uint64_t digest, bool changed) {
    if (images_.size() < image) images_.resize(image);
    images_[image - 1].digest += digest;
    images_[image - 1].changed |= changed;
  }

  bool all() const { return !wanted_; }

  // REQUIRES: the first row of an image is asked about before the others.
  bool takes(const TableRow& row) {
    if (!wanted_) return true;
    Known& image = images_[row.id - 1];
    if (row.fresh) image.taken = wanted_->wants(row.image, image.digest, what_, image.changed);
    return image.taken;
  }

 private:
  struct Known {
    std::uint64_t digest = 0;
    bool changed = false;  // some file has
    bool taken = false;
  };
  WantedImages* wanted_ = nullptr;
  DigestOf what_ = DigestOf::kAll;
  std::vector<Known> images_;  // by their numbers in the table, from 1
};

// Calls `use` for the rows that are asked for and their files.
template <class Use>
void for_each_wanted(OpenTable& open, WantedRows& rows, const Use& use) {
  TableBlock block;
  while (open.table().next(block)) {
    std::size_t at = 0;
    for (const TableRow& row : block.rows) {
      const std::span<const TableFile> files(block.files.data() + at, row.files);
      at += row.files;
      if (rows.takes(row)) use(block, row, files);
    }
  }
  open.check_bands_seen();
}

// Rows whose files say where they are: they are opened like the files of an archive.
TableCollection collect_rows(OpenTable& open, WantedRows rows, const IndexOptions& options,
                             const std::string& srs) {
  TableCollection out;
  out.opened = true;
  std::vector<IndexReport::Left> gone;
  std::vector<ListedFile> files;
  std::map<std::pair<std::uint32_t, std::string>, std::size_t> known;
  for_each_wanted(open, rows, [&](const auto&, const TableRow& row, const auto& refs) {
    for (const TableFile& ref : refs) {
      const std::string name = open.names().absolute(ref.file);
      if (!rows.all()) out.asked.insert(std::string(row.image));
      if (!rows.all() && is_file_name(name) && file_of(name).empty()) {
        gone.push_back({std::string(ref.file), "is gone", true});
        continue;
      }
      const auto [place, fresh] = known.try_emplace({row.id, name}, files.size());
      if (fresh)
        files.push_back({std::string(ref.file), name, std::string(row.image), row.datetime, {}});
      files[place->second].bands.push_back({ref.band, ref.raster_band});
    }
  });
  std::vector<FormatBand> bands;
  for (const TableBand& band : open.table().bands()) bands.push_back(band.info);
  if (!files.empty() || rows.all()) {
    out.collection = collect_listed(bands, std::move(files), options, srs);
  }
  for (auto& left : gone) out.collection.left_out.push_back(std::move(left));
  return out;
}

// Rows that say all themselves.
TableCollection collect_located(OpenTable& open, WantedRows rows) {
  TableCollection result;
  Collection& out = result.collection;
  std::vector<std::size_t> places;  // of images by their numbers in the table, from 1
  std::unordered_map<std::string, std::size_t> files;
  for_each_wanted(open, rows, [&](const TableBlock& block, const TableRow& row, const auto& refs) {
    places.resize(std::max<std::size_t>(places.size(), row.id));
    if (row.fresh) {
      places[row.id - 1] = out.images.size();
      out.images.push_back({std::string(row.image),
                            row.datetime,
                            block.srs[row.srs],
                            footprint_of(row.extent),
                            {},
                            {}});
    }
    CollectedImage& image = out.images[places[row.id - 1]];
    for (const TableFile& ref : refs) {
      const auto [at, fresh] = files.try_emplace(open.names().absolute(ref.file), out.files.size());
      if (fresh) out.files.push_back(at->first);
      const bool single =
          image.sources.try_emplace(ref.band, CollectedImage::Source{at->second, ref.raster_band})
              .second;
      if (!single) open.reject_twice(row);
    }
  });
  for (const TableBand& band : open.table().bands()) {
    out.bands.push_back(open.describe(band));
  }
  return result;
}

// Whether a catalog says of the bands what the table says, as far as it says something.
bool agrees(const ImageTable& table, const std::vector<BandInfo>& bands) {
  return std::ranges::all_of(table.bands(), [&](const TableBand& band) {
    const FormatBand& said = band.info;
    const auto at = std::ranges::find(bands, said.name, &BandInfo::name);
    if (at == bands.end()) return false;
    const bool scaled = said.scale != 1 || said.offset != 0;
    return (!said.nodata || said.nodata == at->nodata) &&
           (!scaled || (said.scale == at->scale && said.offset == at->offset)) &&
           (said.unit.empty() || said.unit == at->unit);
  });
}

// Whether the table says another scale or offset of a band than the catalog.
bool repacks(OpenTable& open, const std::vector<BandInfo>& catalog) {
  return std::ranges::any_of(open.table().bands(), [&](const TableBand& band) {
    const BandInfo info = open.describe(band);
    const auto at = std::ranges::find(catalog, info.name, &BandInfo::name);
    return at == catalog.end() || at->scale != info.scale || at->offset != info.offset;
  });
}

// What the table says of each image: a first reading, as the rows of an image may be anywhere.
WantedRows digest_rows(const TableOptions& options, WantedImages& wanted,
                       std::vector<IndexReport::Left>& left_out) {
  OpenTable open(options, wanted.folder());
  ImageTable& table = open.table();
  const bool located = table.columns().located();
  WantedRows out(wanted, located ? DigestOf::kAll : DigestOf::kFiles);
  TableBlock block;
  while (table.next(block)) {
    std::size_t at = 0;
    for (const TableRow& row : block.rows) {
      ImageDigest digest;
      if (row.fresh) digest.add_time(row.datetime);
      if (row.fresh && located)
        digest.add_place(block.srs[row.srs], to_row(footprint_of(row.extent)));
      bool changed = false;
      for (const std::size_t end = at + row.files; at < end; ++at) {
        const TableFile& ref = block.files[at];
        const std::string_view file = open.names().stored(ref.file);
        digest.add_reference(table.bands()[ref.band].info.name, file, ref.raster_band);
        const bool gone = wanted.is_gone(file);
        changed = changed || wanted.has_changed(file) || (gone && !located);
        if (gone && located) left_out.push_back({std::string(file), kGoneButNamed});
      }
      out.add(row.id, digest.value(), changed);
    }
  }
  open.check_bands_seen();
  if (located ? repacks(open, wanted.bands()) : !agrees(table, wanted.bands())) wanted.want_all();
  return out;
}

}  // namespace

Collection collect_opened(OpenTable& open, const IndexOptions& options, const std::string& srs) {
  return collect_rows(open, {}, options, srs).collection;
}

TableCollection collect_table(const TableOptions& options, const IndexOptions& index_options,
                              const fs::path& folder, WantedImages* wanted) {
  std::vector<IndexReport::Left> gone;
  WantedRows rows;
  DocumentStates documents;
  documents.note(absolute_name(options.file));
  if (wanted) rows = digest_rows(options, *wanted, gone);
  OpenTable open(options, folder);
  TableCollection out = open.table().columns().located()
                            ? collect_located(open, std::move(rows))
                            : collect_rows(open, std::move(rows), index_options, srs_of(options));
  documents.settle();
  out.collection.documents = std::move(documents);
  IndexReport report;
  open.tell(report);
  for (auto* left_out : {&gone, &report.left_out}) {
    for (auto& left : *left_out) out.collection.left_out.push_back(std::move(left));
  }
  return out;
}

}  // namespace cube
