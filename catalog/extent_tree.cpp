#include "catalog/extent_tree.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace cube {

namespace {

constexpr double kSecondsPerDay = 86400;
constexpr std::size_t kCellBytes = 8 + 6 * 4;  // an id and six coordinates
constexpr std::size_t kHeadBytes = 4;          // depth of the tree and number of cells
constexpr std::int64_t kRoot = 1;

float down(double value) {
  const auto near = static_cast<float>(value);
  return near <= value ? near : std::nextafter(near, -std::numeric_limits<float>::infinity());
}

float up(double value) {
  const auto near = static_cast<float>(value);
  return near >= value ? near : std::nextafter(near, std::numeric_limits<float>::infinity());
}

// Numbers stand with the highest byte first.
template <class T>
void append(std::string& out, T value) {
  for (int shift = (sizeof(T) - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> shift) & 0xff);
  }
}

// Sorts by the middle of one dimension (0 = longitude, 1 = latitude, 2 = time).
template <class Iterator>
void sort_by(Iterator begin, Iterator end, int dimension) {
  const auto middle = [dimension](const auto& entry) {
    return entry.sides[2 * dimension] + entry.sides[2 * dimension + 1];
  };
  std::sort(begin, end, [&](const auto& a, const auto& b) {
    const float first = middle(a);
    const float second = middle(b);
    return first != second ? first < second : a.image < b.image;
  });
}

}  // namespace

double tree_days(Instant instant) { return epoch_seconds(instant) / kSecondsPerDay; }

void ExtentTree::add(std::int64_t image, const Box& box, Instant instant) {
  const double days = tree_days(instant);
  entries_.push_back(
      {{down(box.left), up(box.right), down(box.bottom), up(box.top), down(days), up(days)},
       static_cast<std::uint32_t>(image)});
}

// Slabs hold whole nodes, so that only the last node of each is not full.
void ExtentTree::sort() {
  constexpr std::size_t kMostCells = 51;  // SQLite's
  const std::size_t nodes = (entries_.size() + kMostCells - 1) / kMostCells;
  const auto parts = static_cast<std::size_t>(std::ceil(std::cbrt(static_cast<double>(nodes))));
  const std::size_t column = std::max<std::size_t>(1, parts) * kMostCells;
  const std::size_t slab = column * std::max<std::size_t>(1, parts);
  const auto at = [&](std::size_t i) {
    return entries_.begin() + static_cast<std::ptrdiff_t>(std::min(i, entries_.size()));
  };
  sort_by(at(0), at(entries_.size()), 0);
  for (std::size_t i = 0; i < entries_.size(); i += slab) {
    sort_by(at(i), at(i + slab), 1);
    for (std::size_t j = i; j < std::min(i + slab, entries_.size()); j += column) {
      sort_by(at(j), at(std::min(j, i + slab) + column), 2);
    }
  }
}

// Cuts one level into nodes; gives the level above, an entry a node.
std::vector<ExtentTree::Entry> ExtentTree::write_level(Database& database, const std::string& table,
                                                       const std::vector<Entry>& entries,
                                                       std::int64_t first_node, int level) {
  Statement size(database, "SELECT length(data) FROM " + table + "_node WHERE nodeno = 1");
  size.step();
  const auto node_bytes = static_cast<std::size_t>(size.integer(0));
  size.reset();
  const std::size_t most = (node_bytes - kHeadBytes) / kCellBytes;
  const bool is_root = entries.size() <= most;
  Statement node(database, "INSERT OR REPLACE INTO " + table + "_node VALUES (?, ?)");
  Statement leaf(database, "INSERT INTO " + table + "_rowid VALUES (?, ?, ?)");
  Statement parent(database, "INSERT INTO " + table + "_parent VALUES (?, ?)");
  std::vector<Entry> above;
  std::string data;
  for (std::size_t i = 0; i < entries.size(); i += most) {
    const std::size_t end = std::min(i + most, entries.size());
    const std::int64_t number =
        is_root ? kRoot : first_node + static_cast<std::int64_t>(above.size());
    data.clear();
    append(data, static_cast<std::uint16_t>(is_root ? level : 0));
    append(data, static_cast<std::uint16_t>(end - i));
    Entry bounds = entries[i];
    for (std::size_t j = i; j < end; ++j) {
      const Entry& entry = entries[j];
      const std::int64_t row = level == 0 ? static_cast<std::int64_t>(j) + 1 : entry.image;
      append(data, static_cast<std::uint64_t>(row));
      for (std::size_t k = 0; k < kSides; ++k) {
        append(data, std::bit_cast<std::uint32_t>(entry.sides[k]));
        bounds.sides[k] = k % 2 == 0 ? std::min(bounds.sides[k], entry.sides[k])
                                     : std::max(bounds.sides[k], entry.sides[k]);
      }
      if (level == 0) {
        leaf.bind(row).bind(number).bind(std::int64_t{entry.image}).run();
      } else {
        parent.bind(row).bind(number).run();
      }
    }
    data.resize(node_bytes, '\0');
    node.bind(number).bind_blob(data).run();
    bounds.image = static_cast<std::uint32_t>(number);
    above.push_back(bounds);
  }
  return above;
}

void ExtentTree::write(Database& database, const std::string& table) {
  sort();
  std::int64_t first_node = kRoot + 1;
  std::vector<Entry> level = std::move(entries_);
  entries_.clear();
  for (int height = 0; !level.empty(); ++height) {
    level = write_level(database, table, level, first_node, height);
    if (level.size() == 1) break;
    first_node += static_cast<std::int64_t>(level.size());
  }
}

}  // namespace cube
