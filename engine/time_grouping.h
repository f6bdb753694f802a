// TimeGrouping: the keys by which a document says which slices belong together. Shared by the
// operators that make one slice of several.
// Thread rule: a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/params.h"
#include "engine/time_groups.h"

namespace cube {

struct TimeGrouping {
  std::optional<std::string> dt;
  std::optional<std::int64_t> fact;
  std::optional<std::string> period;
  std::optional<std::string> group;

  // Declares the four arguments.
  void fields(FieldVisitor& v);

  // How many of them are given.
  int given() const;

  // Where the one stands that is given, "/dt".
  const char* key() const { return dt ? "/dt" : fact ? "/fact" : period ? "/period" : "/group"; }

  // The groups that they make of an axis. Throws Error(kInvalid), at the argument, when not exactly
  // one is given or it makes no groups, or when the axis has no slices.
  TimeGroups groups(const TimeAxis& in) const;
};

}  // namespace cube
