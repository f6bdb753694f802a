#include "catalog/stac_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "catalog/descriptor.h"
#include "catalog/json_depth.h"
#include "catalog/json_pieces.h"
#include "catalog/pipe.h"
#include "catalog/stac.h"
#include "catalog/stac_json.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

using json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t kLookedAt = std::size_t{1} << 20;  // bytes in which a STAC document says so
constexpr const char* kFeature = "Feature";
constexpr int kDeepest = 100;  // links from Catalog to Catalog that are followed

bool is_feature(const json& value) { return text_of(member(value, "type")) == kFeature; }

// The link of a relation; "" when there is none.
std::string link_of(const json& object, const char* relation) {
  const auto links = object.find("links");
  if (links == object.end() || !links->is_array()) return {};
  for (const json& link : *links) {
    if (link.is_object() && text_of(member(link, "rel")) == relation)
      return text_of(member(link, "href"));
  }
  return {};
}

bool has_json_name(const std::string& file) {
  static const std::set<std::string> kNames = {".json", ".geojson", ".ndjson", ".jsonl",
                                               ".geojsonl"};
  return kNames.contains(lower(fs::path(file).extension().string()));
}

class Reader {
 public:
  Reader(std::vector<IndexReport::Left>& left_out, DocumentStates& documents,
         const std::function<void(const StacSource&)>& use)
      : left_out_(left_out), documents_(documents), use_(use) {}

  void read_file(const std::string& file, bool named) {
    std::error_code ignored;
    const fs::path path = fs::absolute(file).lexically_normal();
    if (!seen_.insert(path.string()).second) return;
    documents_.note(path.string());
    std::ifstream in(file, std::ios::binary);
    if (!in || fs::is_directory(file, ignored)) {
      throw Error(ErrorCode::kNotFound, "there is no such file", file);
    }
    read(in, file, path.parent_path().string(), named);
  }

  // Takes note of what a Collection says of the assets of its items, before items are read.
  void note_collection(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text(kLookedAt, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.find("\"item_assets\"") == std::string::npos) return;
    definitions_in(file);
  }

  // A document, or several after one another, as in lines. Most of the time is spent on parsing,
  // which goes ahead of what is done with the items.
  void read(std::istream& in, const std::string& name, const std::string& folder, bool named) {
    JsonPieces pieces(in);
    Pages first;
    const bool more = parse_some(pieces, first);
    Place place{name, folder, named};
    take(first, place);
    if (more) {
      Pipe<Pages> ahead([&](Pages& pages) {
        parse_some(pieces, pages);
        return !pages.empty();
      });
      while (const Pages* pages = ahead.take()) take(*pages, place);
    }
    if (!place.any) refuse(name, "is empty", named, {});
  }

 private:
  // What has been parsed, a few hundred items at a time.
  struct Page {
    JsonPieces::Piece piece;  // without its text
    json value;
    std::string error;
  };
  using Pages = std::vector<Page>;

  // Where the pieces come from.
  struct Place {
    const std::string& name;
    const std::string& folder;
    bool named;
    std::size_t elements = 0;  // of the document so far
    std::size_t items = 0;     // among them
    bool any = false;
  };

  // False at the end.
  static bool parse_some(JsonPieces& pieces, Pages& out) {
    constexpr std::size_t kBytes = std::size_t{1} << 18;
    out.clear();
    JsonPieces::Piece piece;
    for (std::size_t bytes = 0; bytes < kBytes;) {
      if (!pieces.next(piece)) return false;
      bytes += piece.text.size();
      Page& page = out.emplace_back();
      try {
        if (is_too_deep(piece.text)) {
          page.error = "is nested too deep";
        } else {
          page.value = json::parse(piece.text);
        }
      } catch (const json::exception& error) {  // also of numbers like 1e999
        page.error = "is not JSON: " + reason_of(error);
      }
      page.piece = {{}, piece.element, piece.in_features, piece.line, piece.followed};
    }
    return true;
  }

  void take(const Pages& pages, Place& place) {
    for (const Page& page : pages) take(page, place);
  }

  void take(const Page& page, Place& place) {
    const JsonPieces::Piece& piece = page.piece;
    const bool line = piece.line > 1 ? place.any : !piece.element && piece.followed;
    const std::string name =
        place.name + (line ? ", line " + std::to_string(piece.line) : std::string());
    if (piece.element) return take_element(page, name, place);
    const std::size_t items = std::exchange(place.items, 0);
    place.any = true;
    place.elements = 0;
    const json& root = page.value;
    if (!page.error.empty()) {
      // Where some of it has been used it is not one of other kinds of files.
      if (items > 0 && !place.named) return left_out_.push_back({name, page.error, true, false});
      return refuse(name, page.error, place.named, {});
    }
    if (is_feature(root)) return use_item(root, name, place.folder, place.named);
    if (items > 0) return note_next_page(root, name);
    other(root, name, place.folder, place.named);
  }

  void take_element(const Page& page, const std::string& name, Place& place) {
    const std::string at =
        name + "#" + (page.piece.in_features ? "/features" : "") + pointer_step(place.elements++);
    if (!page.error.empty()) {
      if (place.named) throw Error(ErrorCode::kInvalid, page.error, at);
      return left_out_.push_back({at, page.error, place.items > 0, place.items == 0});
    }
    if (!is_feature(page.value)) return;
    ++place.items;
    const std::string self = link_of(page.value, "self");
    const bool url = self.find("://") != std::string::npos;
    use_item(page.value, at, url && !self.starts_with("file:") ? self : place.folder, place.named);
  }

  static std::string reason_of(const json::exception& error) {
    const std::string reason = error.what();
    const std::size_t colon = reason.find(": ");
    return colon == std::string::npos ? reason : reason.substr(colon + 2);
  }

  void use_item(const json& item, const std::string& where, const std::string& base, bool named) {
    if (!item.contains("assets")) {
      return refuse(where, "is GeoJSON, but no STAC item: it has no assets", named, {});
    }
    const json* definitions = definitions_of(item, base);
    if (!definitions) return use_({item, where, base});
    json complete = item;
    for (auto& [key, asset] : complete["assets"].items()) {
      const auto defined = definitions->find(key);
      if (defined == definitions->end() || !defined->is_object() || !asset.is_object()) continue;
      for (const auto& [field, value] : defined->items()) {
        if (!asset.contains(field)) asset[field] = value;
      }
    }
    use_({complete, where, base});
  }

  // The item_assets of the item's Collection; nullptr = not known.
  const json* definitions_of(const json& item, const std::string& base) {
    if (!item.at("assets").is_object()) return nullptr;
    const auto known = by_id_.find(text_of(member(item, "collection")));
    if (known != by_id_.end()) return &known->second;
    const std::string link = link_of(item, "collection");
    const std::string file = link.empty() ? "" : gdal_name(link, base);
    if (file.empty() || !is_file_name(file)) return nullptr;
    return definitions_in(file);
  }

  // Those in a Collection's file; a link that leads nowhere is not needed.
  const json* definitions_in(const std::string& file) {
    const auto [at, fresh] = by_file_.try_emplace(file);
    if (fresh) {
      documents_.note(absolute_name(file));
      std::ifstream in(file, std::ios::binary);
      const std::string text((std::istreambuf_iterator<char>(in)), {});
      const json root = is_too_deep(text) ? json() : json::parse(text, nullptr, false);
      if (root.is_object()) at->second = note_definitions(root);
    }
    return at->second ? &*at->second : nullptr;
  }

  std::optional<json> note_definitions(const json& root) {
    const auto definitions = root.find("item_assets");
    if (definitions == root.end() || !definitions->is_object()) return std::nullopt;
    const std::string id = text_of(member(root, "id"));
    if (!id.empty()) by_id_[id] = *definitions;
    return *definitions;
  }

  void note_next_page(const json& root, const std::string& name) {
    if (!root.is_object() || link_of(root, "next").empty()) return;
    left_out_.push_back(
        {name, "is one page of an answer: the pages after it are not in it", false, false});
  }

  // What is no item: a Catalog or Collection, which is followed, or nothing of ours.
  void other(const json& root, const std::string& name, const std::string& folder, bool named) {
    if (!root.is_object()) return refuse(name, "is JSON, but no STAC", named, {});
    const std::string type = text_of(member(root, "type"));
    if (type == "FeatureCollection") return refuse(name, "holds no items", named, {});
    if (!root.contains("stac_version") || !root.contains("links")) {
      return refuse(name, "is JSON, but no STAC", named, {});
    }
    const std::string noun = root.contains("extent") ? "a STAC Collection" : "a STAC Catalog";
    if (!named) return refuse(name, "is " + noun + ": its items are found as files", named, {});
    const bool defines = note_definitions(root).has_value();
    if (follow(root, name, folder) > 0) return;
    if (defines) {
      left_out_.push_back(
          {name, "is a STAC Collection: what it says of assets is taken from it", false, false});
      return;
    }
    refuse(name, "is " + noun + ", whose links lead to no item on this machine", named,
           "give its items, or an API's answer to a search saved in a file");
  }

  // Reads what the links lead to; how many of them lie on this machine.
  std::size_t follow(const json& root, const std::string& name, const std::string& folder) {
    std::size_t followed = 0;
    std::size_t elsewhere = 0;
    std::string first;
    const json& links = root.at("links");
    if (!links.is_array()) return 0;
    for (const json& link : links) {
      if (!link.is_object()) continue;
      const std::string relation = text_of(member(link, "rel"));
      if (relation != "item" && relation != "child") continue;
      const std::string target = gdal_name(text_of(member(link, "href")), folder);
      if (is_file_name(target)) {
        ++followed;
        if (depth_ == kDeepest) {
          left_out_.push_back(
              {target, "links to it are too many, one after the other", true, false});
          continue;
        }
        ++depth_;
        read_file(target, true);
        --depth_;
      } else if (elsewhere++ == 0) {
        first = text_of(member(link, "href"));
      }
    }
    if (elsewhere > 0) {
      left_out_.push_back({name,
                           elsewhere == 1
                               ? "links to a document that is not on this machine and is not "
                                 "fetched: " +
                                     first
                               : "links to " + std::to_string(elsewhere) +
                                     " documents that are not on this machine and are not "
                                     "fetched, such as " +
                                     first,
                           true, false});
    }
    return followed;
  }

  void refuse(const std::string& where, const std::string& reason, bool named,
              const std::string& hint) {
    if (named) throw Error(ErrorCode::kInvalid, reason, where, hint);
    left_out_.push_back({where, reason, false, true});
  }

  std::vector<IndexReport::Left>& left_out_;
  DocumentStates& documents_;
  const std::function<void(const StacSource&)>& use_;
  std::set<std::string> seen_;
  int depth_ = 0;                                       // of Catalogs that link to Catalogs
  std::map<std::string, std::optional<json>> by_file_;  // item_assets of Collections
  std::map<std::string, json> by_id_;
};

}  // namespace

void for_each_stac_item(const std::vector<std::string>& arguments, std::istream& standard_input,
                        std::vector<IndexReport::Left>& left_out, DocumentStates& documents,
                        const std::function<void(const StacSource&)>& use,
                        const std::function<void(std::int64_t, std::int64_t)>& progress) {
  Reader reader(left_out, documents, use);
  std::vector<std::string> names;
  for (const std::string& argument : arguments) {
    if (argument != "-") {
      names.push_back(argument);
      continue;
    }
    reader.read(standard_input, "stdin", fs::current_path().string(), true);
  }
  if (names.empty()) return;
  const FileList list = expand_files(names);
  for (const std::string& file : list.named) reader.note_collection(file);
  std::int64_t done = 0;
  for (const std::string& file : list.files) {
    const bool named = list.named.contains(file);
    if (named || has_json_name(file)) {
      reader.read_file(file, named);
    } else {
      left_out.push_back({file, "is no JSON by its name", false, true});
    }
    if (progress) progress(++done, static_cast<std::int64_t>(list.files.size()));
  }
}

bool were_stac_documents(const std::vector<std::string>& arguments, const DocumentStates& then) {
  const FileList list = expand_files(arguments);
  return std::ranges::all_of(list.files, [&](const std::string& file) {
    return (!list.named.contains(file) && !has_json_name(file)) || then.knows(absolute_name(file));
  });
}

bool is_stac_file(const std::string& file) {
  std::error_code ignored;
  if (!has_json_name(file) || !fs::is_regular_file(file, ignored)) return false;
  std::ifstream in(file, std::ios::binary);
  std::string text(kLookedAt, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text.find("\"stac_version\"") != std::string::npos;
}

}  // namespace cube
