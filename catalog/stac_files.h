// StacFiles: the items in STAC documents, one after another.
//
// A document is an item, an ItemCollection or the answer of an API (a FeatureCollection), an array
// of items, lines of items (NDJSON), or a Catalog or Collection, whose links to items and children
// are followed where they lie on this machine, as pystac does. What an item's assets do not say is
// taken from the item_assets of its Collection, which is one of the documents, or on this machine
// where the item's link to it leads. Memory: a megabyte of items, of documents of any size.
// Thread rule: one thread at a time.
#pragma once

#include <functional>
#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/document_states.h"

namespace cube {

struct StacSource {
  const nlohmann::ordered_json& item;
  std::string where;  // "items.json#/features/3"
  std::string base;   // what its relative names are relative to (see StacReader)
};

// Calls `use` for each item below `arguments`: files, folders, globs, or "-" for a document on
// standard input. Documents that are none of STAC are left out if they only lay in a folder. Files
// that are read, or would be if they were there, are noted in `documents`.
// Throws Error for names that give nothing and for named documents that hold no items.
void for_each_stac_item(const std::vector<std::string>& arguments, std::istream& standard_input,
                        std::vector<IndexReport::Left>& left_out, DocumentStates& documents,
                        const std::function<void(const StacSource&)>& use,
                        const std::function<void(std::int64_t, std::int64_t)>& progress);

// Whether all documents that these give were read then.
bool were_stac_documents(const std::vector<std::string>& arguments, const DocumentStates& then);

}  // namespace cube
