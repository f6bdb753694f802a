// ExtentTree: an R*Tree of SQLite, packed instead of grown.
//
// Inserting boxes one by one splits nodes all the time and leaves them two thirds full (1,000,000
// boxes: 9.9 s of CPU and 90 MB, packed 0.55 s and 52 MB). All boxes are known here before the
// first is written, so they are sorted and cut into full nodes: by longitude into slabs, each by
// latitude, each by time (sort-tile-recursive; Leutenegger, Lopez, Edgington 1997). The shadow
// tables that are written are part of SQLite's file format (sqlite.org/rtree.html, section 6).
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalog/sqlite.h"
#include "engine/grid.h"
#include "engine/time_axis.h"

namespace cube {

// Days since 1970, as the tree counts time.
double tree_days(Instant instant);

class ExtentTree {
 public:
  // An image's part in longitude/latitude degrees. 28 bytes are kept of each until write().
  void add(std::int64_t image, const Box& box, Instant instant);

  // Writes all into the R*Tree `table`(id, left, right, bottom, top, first, last, +image_id),
  // which must have just been made.
  void write(Database& database, const std::string& table);

 private:
  static constexpr std::size_t kSides = 6;  // left, right, bottom, top, first, last
  struct Entry {
    float sides[kSides];
    std::uint32_t image;  // or node
  };

  void sort();
  std::vector<Entry> write_level(Database& database, const std::string& table,
                                 const std::vector<Entry>& entries, std::int64_t first_node,
                                 int level);

  std::vector<Entry> entries_;
};

}  // namespace cube
