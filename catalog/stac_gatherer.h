// StacGatherer: the images that STAC items say, one after another, and what is known of their bands
// in the end.
// Memory: what tells an item that comes again, about 80 bytes beside its id.
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/image_digests.h"
#include "catalog/image_names.h"
#include "catalog/stac.h"
#include "catalog/stac_bands.h"
#include "catalog/stac_files.h"

namespace cube {

// Where items stand, in few bytes each: those of one document differ in a number at their end.
class ItemPlaces {
 public:
  std::int64_t add(const std::string& where);  // its number: 0, 1, ...
  std::string text(std::int64_t place) const;

 private:
  struct Start {
    std::string text;
    std::int64_t first;  // place
  };
  std::vector<Start> starts_;
  std::vector<std::int64_t> numbers_;  // behind the text; -1 = none
};

struct GatheredImage {
  std::uint32_t id = 0;  // of its name
  const std::string& where;
  const StacItem& item;
  const std::string& crs;
  const std::vector<Box>& footprint;
  const std::vector<StacBands::Choice>& choices;  // bands, not empty
};

class StacGatherer {
 public:
  using Use = std::function<void(const GatheredImage&)>;
  // Calls `use` for the images that are `wanted`; null = all.
  StacGatherer(const StacOptions& options, WantedImages* wanted, Use use);

  // Reads all documents; `standard_input` stands for "-".
  void read(std::istream& standard_input,
            const std::function<void(std::int64_t, std::int64_t)>& progress);

  std::vector<IndexReport::Left>& left_out() { return left_out_; }
  // Of the documents, once they have been read.
  DocumentStates& documents() { return documents_; }
  std::string_view name(std::uint32_t id) const { return items_.name(id); }
  const StacBands& bands() const { return bands_; }

  // The names of bands may follow from all items: whether images were looked for by others.
  bool misnamed() const;
  // What is known of the bands, once all is read. Throws Error(kInvalid) where there is no image.
  StacBands::Finished finish() const;

 private:
  void add(const StacSource& source);
  void leave_out(const std::string& where, const std::string& reason, bool failed);
  bool wants(const GatheredImage& image);
  bool known(const StacItem& item, const StacSource& source, std::uint32_t& id);
  [[noreturn]] void fail_without_images() const;

  StacOptions options_;
  WantedImages* wanted_;
  Use use_;
  StacReader reader_;
  StacBands bands_;
  ImageNames items_;
  ItemPlaces places_;
  std::vector<IndexReport::Left> left_out_;
  DocumentStates documents_;
  std::vector<std::string> names_;  // of bands, as far as items have been seen
  std::int64_t usable_ = 0;         // items
};

}  // namespace cube
