// Readings: how sources bring what they read to the cube's grid, for people who look at a plan.
// Thread rule: values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/plan.h"

namespace cube {

// How a band is read, of those files that were looked at.
struct Reading {
  std::size_t band = 0;
  std::string how;         // "pasted", "warped by bilinear from overview 1 (1:4)"
  std::int64_t files = 0;  // that are read like that

  bool operator==(const Reading&) const = default;
};

// A source that reads files.
class FileSource {
 public:
  virtual ~FileSource() = default;

  // Of these bands, in their order; those of a band by falling number of files. Opens files, a few
  // of them where there are many, and reads no cells.
  virtual std::vector<Reading> readings(std::span<const std::size_t> bands) const = 0;
};

// Counts how files of a band are read.
class ReadingCount {
 public:
  void add(std::size_t band, const std::string& how);
  std::vector<Reading> take();

 private:
  std::vector<Reading> readings_;
};

// Of each node, of the bands that the result takes of it; empty where it reads no files.
std::vector<std::vector<Reading>> readings_of(const Graph& graph);

// "B02, B03 pasted" and "B05 warped by near", or, where files of a band are read differently,
// "B02 pasted (2 of 3 looked at), warped by near (1)"; without bands where all are read alike.
// `names` are the bands' of the source.
std::vector<std::string> readings_lines(const std::vector<Reading>& readings,
                                        const std::vector<std::string>& names);

}  // namespace cube
