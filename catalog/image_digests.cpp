#include "catalog/image_digests.h"

#include <algorithm>
#include <map>
#include <optional>

#include "catalog/schema.h"
#include "engine/error.h"

namespace cube {

namespace {

std::uint64_t hash_of(std::string_view text) { return std::hash<std::string_view>()(text); }

// Adds the bytes of a number, of which 0 has one sign only.
template <class T>
void append_number(std::string& fact, T value) {
  value = value + T{0};
  fact.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// A text that ends where the next begins.
void append_text(std::string& fact, std::string_view text) {
  append_number(fact, text.size());
  fact.append(text);
}

// Rows of a table that belong to images, in the order of their ids, beside the images'.
class Beside {
 public:
  Beside(Database& database, const std::string& sql) : rows_(database, sql) { next(); }

  template <class Use>
  void for_each(std::int64_t image, const Use& use) {
    for (; any_ && rows_.integer(0) <= image; next()) {
      if (rows_.integer(0) == image) use(rows_);
    }
  }

 private:
  void next() { any_ = rows_.step(); }

  Statement rows_;
  bool any_ = false;
};

}  // namespace

void ImageDigest::add(std::string_view fact) { sum_ += hash_of(fact); }

void ImageDigest::add_time(Instant datetime) {
  fact_.assign(1, 't');
  append_number(fact_, datetime.time_since_epoch().count());
  add(fact_);
}

void ImageDigest::add_place(std::string_view crs, const Box& row) {
  fact_.assign(1, 'p');
  append_text(fact_, crs);
  for (const double side : {row.left, row.bottom, row.right, row.top}) append_number(fact_, side);
  add(fact_);
}

void ImageDigest::add_reference(std::string_view band, std::string_view descriptor,
                                int raster_band) {
  fact_.assign(1, 'r');
  append_text(fact_, band);
  append_text(fact_, descriptor);
  append_number(fact_, raster_band);
  add(fact_);
}

void ImageDigest::add_packing(std::string_view band, const Packing& packing) {
  fact_.assign(1, 's');
  append_text(fact_, band);
  append_number(fact_, packing.scale);
  append_number(fact_, packing.offset);
  add(fact_);
}

void ImageDigest::add_metadata(std::string_view key, std::string_view value) {
  fact_.assign(1, 'm');
  append_text(fact_, key);
  append_text(fact_, value);
  add(fact_);
}

ImageDigests::ImageDigests(Database& database, const std::vector<BandInfo>& bands) {
  read(database, bands);
  std::ranges::sort(entries_, {}, &Entry::name);
}

void ImageDigests::read(Database& database, const std::vector<BandInfo>& bands) {
  std::map<std::int64_t, const BandInfo*> by_id;
  Statement ids(database, "SELECT id, name FROM bands");
  while (ids.step()) {
    const auto at = std::ranges::find(bands, ids.text(1), &BandInfo::name);
    if (at != bands.end()) by_id[ids.integer(0)] = &*at;
  }
  const auto band_of = [&](const Statement& row) -> const BandInfo* {
    const auto at = by_id.find(row.integer(1));
    return at == by_id.end() ? nullptr : at->second;
  };
  Statement images(database,
                   "SELECT id, name, left, bottom, right, top, datetime, proj FROM images"
                   " ORDER BY id");
  Beside references(database,
                    "SELECT image_id, band_id, descriptor, band_num FROM gdalrefs"
                    " ORDER BY image_id");
  Beside packings(database, "SELECT image_id, band_id, scale, offset FROM " +
                                std::string(kPackingTable) + " ORDER BY image_id");
  Beside metadata(database, "SELECT image_id, key, value FROM image_md ORDER BY image_id");
  while (images.step()) {
    const std::int64_t id = images.integer(0);
    ImageDigest digest;
    if (const auto time = parse_time(images.text_view(6))) digest.add_time(time->start);
    references.for_each(id, [&](const Statement& row) {
      const BandInfo* band = band_of(row);
      const int number = static_cast<int>(row.integer(3));
      if (band) digest.add_reference(band->name, row.text_view(2), number);
    });
    const std::uint64_t files = digest.value();
    digest.add_place(images.text_view(7),
                     {images.real(2), images.real(3), images.real(4), images.real(5)});
    packings.for_each(id, [&](const Statement& row) {
      const BandInfo* band = band_of(row);
      const Packing own{row.real(2), row.real(3)};
      if (band && own != Packing{band->scale, band->offset}) digest.add_packing(band->name, own);
    });
    metadata.for_each(
        id, [&](const Statement& row) { digest.add_metadata(row.text_view(1), row.text_view(2)); });
    entries_.push_back({hash_of(images.text_view(1)), digest.value(), files, 0});
  }
}

// One entry, but for names that meet.
std::span<ImageDigests::Entry> ImageDigests::of_name(std::string_view name) {
  const std::uint64_t hash = hash_of(name);
  const auto first = std::ranges::lower_bound(entries_, hash, {}, &Entry::name);
  const auto last = std::ranges::upper_bound(first, entries_.end(), hash, {}, &Entry::name);
  return {first, last};
}

bool ImageDigests::same(std::string_view name, std::uint64_t digest, DigestOf what,
                        std::uint32_t document) {
  bool any = false;
  for (Entry& entry : of_name(name)) {
    if (entry.document == 0) entry.document = document;
    any = any || (what == DigestOf::kAll ? entry.all : entry.files) == digest;
  }
  return any;
}

void ImageDigests::forget(std::string_view name) {
  for (Entry& entry : of_name(name)) entry.document = 0;
}

std::uint32_t ImageDigests::document_of(std::string_view name) {
  const auto found = of_name(name);
  return found.empty() ? 0 : found.front().document;
}

void WantedImages::add_packing(ImageDigest& digest, const std::string& band,
                               const Packing& packing) const {
  const auto at = std::ranges::find(bands_, band, &BandInfo::name);
  const bool alike = at != bands_.end() && packing == Packing{at->scale, at->offset};
  if (!alike) digest.add_packing(band, packing);
}

bool WantedImages::wants(std::string_view name, std::uint64_t digest, DigestOf what, bool changed) {
  const bool same = digests_.same(name, digest, what, document_);
  if (files_.removed.contains(name)) return false;
  if (same && changed) touched_.insert(std::string(name));
  return all_ || !same || changed;
}

}  // namespace cube
