// StoredOffsets: what is to be added to images' values, from the files that say so.
// Thread rule: of() may be called from any thread; each file is read once.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "catalog/formats.h"

namespace cube {

// By the numbers of bands, what a file says in <element band_id="3">-1000</element>; empty where it
// says nothing.
std::map<int, double> offsets_in(const std::string& text, const std::string& element);

class StoredOffsets {
 public:
  // REQUIRES: the rule outlives it.
  explicit StoredOffsets(const StoredOffset& rule) : rule_(&rule) {}

  // Of the band of this number in a file of this (absolute) name; nullopt where nothing is said.
  // Throws Error(kUnreadable) where the file that says it is there but cannot be read.
  std::optional<double> of(const std::string& name, int band);

 private:
  using Offsets = std::optional<std::map<int, double>>;
  Offsets in_folder(const std::string& name);

  const StoredOffset* rule_;
  std::mutex mutex_;
  std::map<std::string, Offsets> known_;  // by folder; null = the file is not there
};

}  // namespace cube
