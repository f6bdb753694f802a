#include "engine/cell_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <type_traits>

#include "engine/missing.h"
#include "engine/radix_select.h"

namespace cube {

namespace {

constexpr int kDigitBits = RadixSelect::kDigitBits;
constexpr std::size_t kDigits = RadixSelect::kDigits;
constexpr int kKeyBits = 64;
using Counts = std::vector<std::int64_t>;
__extension__ using Wide = __int128;

bool is_short(DType type) { return size_of(type) <= 2; }

// Keys in the order of values, the leading bits first.
template <class T>
std::uint64_t key_of_cell(T value) {
  if constexpr (sizeof(T) <= 2) {
    const auto from_lowest = static_cast<std::int64_t>(value) - std::numeric_limits<T>::lowest();
    return static_cast<std::uint64_t>(from_lowest) << (kKeyBits - kDigitBits);
  } else {
    return key_of(value);
  }
}

double value_of_key(DType type, std::uint64_t key) {
  return dispatch(type, [&]<class T>(std::type_identity<T>) {
    if constexpr (sizeof(T) <= 2) {
      return static_cast<double>(key >> (kKeyBits - kDigitBits)) + std::numeric_limits<T>::lowest();
    } else {
      return value_of<T>(key);
    }
  });
}

// Bins of equal width as numpy.histogram has them, edges rounded as it does.
class Bins {
 public:
  Bins() = default;
  Bins(double low, double high, int count) {
    if (low == high) {
      low -= 0.5;
      high += 0.5;
    }
    const double step = (high - low) / count;
    for (int i = 0; i < count; ++i) edges_.push_back(low + i * step);
    edges_.push_back(high);
    counts_.assign(static_cast<std::size_t>(count), 0);
    scale_ = count / (high - low);
  }

  void add(double value, std::int64_t cells) {
    const std::size_t last = counts_.size() - 1;
    auto bin = std::min(static_cast<std::size_t>((value - edges_.front()) * scale_), last);
    if (value < edges_[bin]) {
      --bin;
    } else if (bin < last && value >= edges_[bin + 1]) {
      ++bin;
    }
    counts_[bin] += cells;
  }

  const std::vector<double>& edges() const { return edges_; }
  const Counts& counts() const { return counts_; }

 private:
  std::vector<double> edges_;
  Counts counts_;
  double scale_ = 1;
};

// Sums of distances from a centre, and of their squares, as fixed-point numbers: parts of `reach`.
class Moments {
 public:
  Moments() = default;
  Moments(double center, double reach) : center_(center), reach_(reach) {}

  void add(double value, std::int64_t cells) {
    if (reach_ == 0) return;
    const double distance = (value - center_) / reach_;
    sum_ += Wide{std::llround(distance * kUnit)} * cells;
    squares_ += Wide{std::llround(distance * distance * kUnit)} * cells;
  }

  double mean(std::int64_t count) const {
    return center_ + reach_ * (static_cast<double>(sum_) / kUnit / static_cast<double>(count));
  }

  double sd(std::int64_t count) const {
    if (count < 2) return kMissing;
    const double n = static_cast<double>(count);
    const double sum = static_cast<double>(sum_) / kUnit;
    const double squares = static_cast<double>(squares_) / kUnit;
    return reach_ * std::sqrt(std::max(0.0, (squares - sum * (sum / n)) / (n - 1)));
  }

 private:
  static constexpr double kUnit = static_cast<double>(std::int64_t{1} << 62);
  double center_ = 0;
  double reach_ = 0;
  Wide sum_ = 0;
  Wide squares_ = 0;
};

}  // namespace

// One band's passes.
class BandCounter {
 public:
  BandCounter(const BandInfo& band, const std::vector<double>& percentiles, int bins)
      : storage_(band.storage()), bins_wanted_(bins) {
    for (const double percent : percentiles) searches_.push_back({percent / 100, {}, {}});
    digits_.assign(kDigits, 0);
  }

  void add(const BlockPtr& block, std::int64_t cells) {
    const std::lock_guard lock(mutex_);
    if (done_) return;
    if (!block) {
      if (known_ == 0) missing_ += cells;
      return;
    }
    dispatch(storage_.dtype, [&]<class T>(std::type_identity<T>) { add_cells(block->cells<T>()); });
  }

  bool wants_again() {
    if (done_) return false;
    if (known_ == 0) {
      find_ranks();
      if (count_ > 0) begin_moments();
      if (is_short(storage_.dtype)) add_values();
    }
    if (count_ > 0) descend();
    const int bits =
        is_short(storage_.dtype) ? kDigitBits : static_cast<int>(8 * size_of(storage_.dtype));
    done_ = count_ == 0 || known_ >= bits;
    if (!done_) begin_slots();
    return !done_;
  }

  BandStatistics result() const {
    BandStatistics out{count_,   missing_, infinite_, kMissing, kMissing,
                       kMissing, kMissing, {},        {},       {}};
    out.percentiles.assign(searches_.size(), kMissing);
    if (count_ == 0) return out;
    out.min = min_;
    out.max = max_;
    out.mean = std::clamp(moments_.mean(count_), min_, max_);
    out.sd = moments_.sd(count_);
    for (std::size_t i = 0; i < searches_.size(); ++i) out.percentiles[i] = quantile(searches_[i]);
    out.edges = bins_.edges();
    out.counts = bins_.counts();
    return out;
  }

  std::int64_t most_bytes() const {
    const auto slots = static_cast<std::int64_t>(2 * searches_.size() + 2);
    return slots * static_cast<std::int64_t>(kDigits * sizeof(std::int64_t));
  }

 private:
  struct Target {
    std::uint64_t prefix = 0;  // known bits of the key
    std::int64_t rank = 0;     // among the keys that begin with them
  };
  // The keys on both sides of a quantile.
  struct Search {
    double quantile;
    std::array<Target, 2> targets;
    std::optional<QuantilePosition> at;
  };
  // Keys that begin alike are counted together.
  struct Slot {
    std::uint64_t prefix;
    Counts digits;
  };

  template <class T>
  void add_cells(std::span<const T> cells) {
    const double nodata = storage_.nodata.value_or(kMissing);
    for (const T cell : cells) {
      const auto value = static_cast<double>(cell);
      if (value != value || value == nodata) {
        missing_ += known_ == 0;
        continue;
      }
      if constexpr (std::is_floating_point_v<T>) {
        if (std::isinf(cell)) {
          infinite_ += known_ == 0;
          continue;
        }
      }
      const std::uint64_t key = key_of_cell(cell);
      if (known_ > 0) {
        add_again(value, key);
        continue;
      }
      min_ = std::min(min_, value);
      max_ = std::max(max_, value);
      ++digits_[key >> (kKeyBits - kDigitBits)];
    }
  }

  void add_again(double value, std::uint64_t key) {
    if (known_ == kDigitBits) {
      moments_.add(value, 1);
      bins_.add(value, 1);
    }
    const std::int32_t first = first_slot_[key >> (kKeyBits - kDigitBits)];
    if (first < 0) return;
    const std::uint64_t prefix = key >> (kKeyBits - known_);
    for (auto i = static_cast<std::size_t>(first); i < slots_.size(); ++i) {
      if (slots_[i].prefix > prefix) return;
      if (slots_[i].prefix != prefix) continue;
      ++slots_[i].digits[key >> (kKeyBits - known_ - kDigitBits) & (kDigits - 1)];
      return;
    }
  }

  void find_ranks() {
    count_ = 0;
    for (const std::int64_t n : digits_) count_ += n;
    if (count_ == 0) return;
    for (Search& search : searches_) {
      search.at = QuantilePosition(search.quantile, static_cast<double>(count_));
      const auto rank = static_cast<std::int64_t>(search.at->index);
      search.targets[0].rank = rank;
      search.targets[1].rank = std::min(rank + 1, count_ - 1);
    }
  }

  // Distances are taken from about the median, so that an extreme value costs no digits.
  void begin_moments() {
    std::int64_t left = (count_ - 1) / 2;
    std::uint64_t digit = 0;
    while (left >= digits_[digit]) left -= digits_[digit++];
    const double middle = value_of_key(storage_.dtype, digit << (kKeyBits - kDigitBits));
    const double center = std::isfinite(middle) ? std::clamp(middle, min_, max_) : min_;
    moments_ = Moments(center, std::max(max_ - center, center - min_));
    bins_ = Bins(min_, max_, bins_wanted_);
  }

  // Of short types the digits are the values.
  void add_values() {
    for (std::uint64_t digit = 0; digit < kDigits; ++digit) {
      if (digits_[digit] == 0) continue;
      const double value = value_of_key(storage_.dtype, digit << (kKeyBits - kDigitBits));
      moments_.add(value, digits_[digit]);
      bins_.add(value, digits_[digit]);
    }
  }

  void descend() {
    for (Search& search : searches_) {
      for (Target& target : search.targets) {
        const Counts* digits = &digits_;
        if (known_ > 0) {
          digits = &std::lower_bound(
                        slots_.begin(), slots_.end(), target.prefix,
                        [](const Slot& slot, std::uint64_t prefix) { return slot.prefix < prefix; })
                        ->digits;
        }
        std::size_t digit = 0;
        while (target.rank >= (*digits)[digit]) target.rank -= (*digits)[digit++];
        target.prefix = target.prefix << kDigitBits | digit;
      }
    }
    known_ += kDigitBits;
  }

  void begin_slots() {
    std::vector<std::uint64_t> prefixes;
    for (const Search& search : searches_) {
      for (const Target& target : search.targets) prefixes.push_back(target.prefix);
    }
    std::sort(prefixes.begin(), prefixes.end());
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
    slots_.clear();
    first_slot_.assign(kDigits, -1);
    for (const std::uint64_t prefix : prefixes) {
      std::int32_t& first = first_slot_[prefix >> (known_ - kDigitBits)];
      if (first < 0) first = static_cast<std::int32_t>(slots_.size());
      slots_.push_back({prefix, Counts(kDigits, 0)});
    }
  }

  double quantile(const Search& search) const {
    const auto value = [&](const Target& target) {
      return value_of_key(storage_.dtype, target.prefix << (kKeyBits - known_));
    };
    const double low = value(search.targets[0]);
    return search.at->fraction > 0 ? search.at->between(low, value(search.targets[1])) : low;
  }

  Storage storage_;
  int bins_wanted_;
  std::mutex mutex_;
  bool done_ = false;
  int known_ = 0;  // bits of keys
  Counts digits_;  // the first of all keys
  std::vector<Search> searches_;
  std::vector<Slot> slots_;               // in order of their prefixes
  std::vector<std::int32_t> first_slot_;  // of the first digit of a key, -1 = none
  Moments moments_;
  Bins bins_;
  std::int64_t count_ = 0;
  std::int64_t missing_ = 0;
  std::int64_t infinite_ = 0;
  double min_ = std::numeric_limits<double>::infinity();
  double max_ = -std::numeric_limits<double>::infinity();
};

namespace {

class StatisticsSink final : public Sink {
 public:
  explicit StatisticsSink(CellStatistics& statistics) : statistics_(statistics) {}
  void begin(const ChunkShape&, const Provenance&) override {}
  void write(const Chunk& chunk) override { statistics_.add(chunk); }
  std::vector<std::string> finish() override { return {}; }
  std::int64_t resident_bytes() const override { return statistics_.most_bytes(); }

 private:
  CellStatistics& statistics_;
};

}  // namespace

CellStatistics::CellStatistics(const CubeInfo& info, const std::vector<double>& percentiles,
                               int bins) {
  for (const BandInfo& band : info.bands) {
    bands_.push_back(std::make_unique<BandCounter>(band, percentiles, bins));
  }
}

CellStatistics::~CellStatistics() = default;

void CellStatistics::add(const Chunk& chunk) {
  for (std::size_t i = 0; i < bands_.size(); ++i) {
    bands_[i]->add(chunk.bands[i], chunk.region.cells());
  }
}

bool CellStatistics::wants_again() {
  bool again = false;
  for (const auto& band : bands_) again = band->wants_again() || again;
  return again;
}

std::vector<BandStatistics> CellStatistics::result() const {
  std::vector<BandStatistics> out;
  for (const auto& band : bands_) out.push_back(band->result());
  return out;
}

std::int64_t CellStatistics::most_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& band : bands_) bytes += band->most_bytes();
  return bytes;
}

std::unique_ptr<Sink> CellStatistics::sink() { return std::make_unique<StatisticsSink>(*this); }

}  // namespace cube
