#include "engine/palette.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace cube {

namespace {

constexpr int kBinBits = 5;  // a channel
constexpr int kDropped = 8 - kBinBits;
constexpr std::size_t kSteps = std::size_t{1} << kBinBits;
constexpr std::size_t kBins = kSteps * kSteps * kSteps;
constexpr Rgb kBlack = {0, 0, 0};
constexpr Rgb kWhite = {255, 255, 255};

std::uint32_t code_of(const Rgb& colour) {
  return (std::uint32_t{colour[0]} << 16) | (std::uint32_t{colour[1]} << 8) | colour[2];
}

std::size_t bin_of(const Rgb& colour) {
  const auto step = [&](std::size_t c) { return static_cast<std::size_t>(colour[c] >> kDropped); };
  return (step(0) * kSteps + step(1)) * kSteps + step(2);
}

std::size_t step_of(std::size_t bin, std::size_t channel) {
  const std::size_t shift = static_cast<std::size_t>(kBinBits) * (2 - channel);
  return (bin >> shift) & (kSteps - 1);
}

// Bins that one colour stands for.
struct ColourBox {
  std::vector<std::size_t> bins;
  std::int64_t pixels = 0;
  std::size_t longest = 0;  // channel
  std::size_t length = 0;   // steps of that channel, less one

  ColourBox(std::vector<std::size_t> of, const std::vector<std::int64_t>& counts)
      : bins(std::move(of)) {
    std::array<std::size_t, 3> low{kSteps, kSteps, kSteps};
    std::array<std::size_t, 3> high{};
    for (const std::size_t bin : bins) {
      pixels += counts[bin];
      for (std::size_t c = 0; c < 3; ++c) {
        low[c] = std::min(low[c], step_of(bin, c));
        high[c] = std::max(high[c], step_of(bin, c));
      }
    }
    for (std::size_t c = 0; c < 3; ++c) {
      if (high[c] - low[c] <= length) continue;
      length = high[c] - low[c];
      longest = c;
    }
  }

  // How much is won by halving it.
  std::int64_t weight() const { return pixels * static_cast<std::int64_t>(length); }

  // The upper half of its pixels leaves it.
  std::vector<std::size_t> halve(const std::vector<std::int64_t>& counts) {
    std::sort(bins.begin(), bins.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(step_of(a, longest), a) < std::pair(step_of(b, longest), b);
    });
    std::int64_t below = 0;
    std::size_t cut = 0;
    while (cut + 1 < bins.size() && (cut == 0 || 2 * below < pixels)) below += counts[bins[cut++]];
    std::vector<std::size_t> upper(bins.begin() + static_cast<std::ptrdiff_t>(cut), bins.end());
    bins.resize(cut);
    return upper;
  }

  Rgb mean(const std::vector<std::int64_t>& counts) const {
    Rgb out{};
    for (std::size_t c = 0; c < 3; ++c) {
      std::int64_t sum = 0;
      for (const std::size_t bin : bins) {
        sum += counts[bin] * static_cast<std::int64_t>(step_of(bin, c));
      }
      // The ends of the steps are the ends of the bytes.
      constexpr std::int64_t kMost = 255;
      out[c] =
          static_cast<std::uint8_t>(sum * kMost / (pixels * static_cast<std::int64_t>(kSteps - 1)));
    }
    return out;
  }
};

}  // namespace

Palette::Palette(std::size_t most) : most_(most), counts_(kBins, 0) {}

std::int64_t Palette::bytes() {
  return static_cast<std::int64_t>(kBins * (sizeof(std::int64_t) + 2 * sizeof(std::size_t) + 1));
}

void Palette::add(const Picture& picture) {
  const auto pixels = picture.rgba();
  for (std::size_t i = 0; i < pixels.size(); i += 4) {
    if (pixels[i + 3] == 0) continue;
    const Rgb colour = {pixels[i], pixels[i + 1], pixels[i + 2]};
    ++counts_[bin_of(colour)];
    if (too_many_) continue;
    exact_.try_emplace(code_of(colour), 0);
    too_many_ = exact_.size() > most_;
    if (too_many_) exact_.clear();
  }
}

void Palette::build() {
  if (too_many_) return cut();
  for (const auto& entry : exact_) {
    const auto channel = [&](int shift) { return static_cast<std::uint8_t>(entry.first >> shift); };
    colours_.push_back({channel(16), channel(8), channel(0)});
  }
  std::sort(colours_.begin(), colours_.end());  // the same file from every library
  for (std::size_t i = 0; i < colours_.size(); ++i) exact_[code_of(colours_[i])] = i;
}

void Palette::cut() {
  std::vector<std::size_t> all;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    if (counts_[bin] > 0) all.push_back(bin);
  }
  std::vector<ColourBox> boxes = {ColourBox(std::move(all), counts_)};
  while (boxes.size() + 2 < most_) {
    const auto largest = std::max_element(
        boxes.begin(), boxes.end(),
        [](const ColourBox& a, const ColourBox& b) { return a.weight() < b.weight(); });
    if (largest->weight() == 0) break;  // one bin each
    std::vector<std::size_t> upper = largest->halve(counts_);
    *largest = ColourBox(std::move(largest->bins), counts_);
    boxes.emplace_back(std::move(upper), counts_);
  }
  of_bin_.assign(kBins, 0);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    colours_.push_back(boxes[i].mean(counts_));
    for (const std::size_t bin : boxes[i].bins) of_bin_[bin] = static_cast<std::uint8_t>(i);
  }
  colours_.push_back(kBlack);
  colours_.push_back(kWhite);
}

std::size_t Palette::index(const Rgb& colour) const {
  if (!too_many_) return exact_.at(code_of(colour));
  if (colour == kBlack) return colours_.size() - 2;
  if (colour == kWhite) return colours_.size() - 1;
  return of_bin_[bin_of(colour)];
}

}  // namespace cube
