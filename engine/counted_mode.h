// CountedMode: the most frequent of values that are seen several times and of which few are held.
//
// A first pass counts the lowest kCountedValues different values or so, the next one those above,
// and so on. From the second pass on values are also counted by a hash of them: one whose hash
// comes no more often than the most frequent value so far is left out of further passes, each with
// a hash of its own (as in a counting Bloom filter; L. Fan and others, 2000).
//
// Cells that count in part are held. A value comes as often as its whole cells and the weights of
// those in part say together: the sum of these weights, in ascending order, and the number of the
// others. Of values that come equally often the smallest is taken.
//
// Thread rule: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "engine/weighted_cells.h"

namespace cube {

class CountedMode {
 public:
  static constexpr std::int64_t kCountedValues = std::int64_t{1} << 20;

  CountedMode();

  // Forgets everything; at most `parts` cells of weights below 1 follow.
  void begin(std::int64_t parts = 0);

  // Whole cells; NaN = missing. Every pass gets the same.
  void add(std::span<const double> values);
  void add(double value);
  // A cell in part, which passes after the first ignore. REQUIRES: not NaN.
  void add_part(double value, double weight);

  // After all cells: true when they are needed once more.
  bool wants_again();

  // REQUIRES: wants_again() said no. Missing of nothing.
  double result() const;

  // Memory that it takes, at most.
  static std::int64_t bytes(std::int64_t parts = 0);

 private:
  static constexpr auto kFresh = static_cast<std::size_t>(kCountedValues / 4);
  static constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

  struct Counted {
    std::uint64_t key;
    std::int64_t count;
  };
  struct Weighed {
    std::uint64_t key;
    double weight;
  };

  // Of the values' hashes, those that come more often than the best value: one bit each.
  using Filter = std::vector<bool>;

  void start_pass();
  void take_in();
  void merge_parts();
  void find_best();
  void take_if_better(std::uint64_t key, double weight);
  double heaviest_part_left() const;
  bool passes_filters(std::uint64_t key) const;
  void count_hash(std::uint64_t key);
  void add_filter();

  bool first_ = true;         // pass
  std::uint64_t begin_ = 0;   // lowest key of the pass
  std::uint64_t end_ = kAll;  // keys from here on are left for the next one
  std::int64_t seen_ = 0;     // keys from begin_ on
  std::int64_t rest_ = 0;     // of them, those that the pass did not count
  std::vector<std::uint64_t> fresh_;
  std::vector<Counted> counts_;  // in order of key
  std::vector<Counted> merged_;
  Weighed best_{0, 0};
  std::vector<std::uint8_t> hashed_;  // of each hash, how often it comes in this pass, up to kMany
  std::vector<Filter> filters_;
  std::vector<WeightedCell> parts_;
  std::vector<Weighed> part_keys_;  // the same, one a value, in order of key
  std::size_t next_part_ = 0;       // of part_keys_, the first that no pass has come to
};

}  // namespace cube
