#include "catalog/image_names.h"

#include <algorithm>
#include <functional>

namespace cube {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr std::size_t kFirstSlots = std::size_t{1} << 12;
constexpr std::uint64_t kIdMask = 0xffffffff;

std::uint64_t hash_of_name(std::string_view name) { return std::hash<std::string_view>()(name); }

}  // namespace

std::string_view ImageNames::keep(std::string_view name) {
  if (pieces_.empty() || used_ + name.size() > size_) {
    size_ = std::max(kPieceBytes, name.size());
    pieces_.push_back(std::make_unique<char[]>(size_));
    used_ = 0;
  }
  char* at = pieces_.back().get() + used_;
  std::ranges::copy(name, at);
  used_ += name.size();
  return {at, name.size()};
}

void ImageNames::grow() {
  slots_.assign(std::max(kFirstSlots, slots_.size() * 2), 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::uint64_t hash = hash_of_name(entries_[i].name);
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = (hash & ~kIdMask) | (i + 1);
  }
}

ImageNames::Found ImageNames::add(std::string_view name, std::uint64_t facts, std::int64_t line) {
  if (entries_.size() * 2 >= slots_.size()) grow();
  const std::uint64_t hash = hash_of_name(name);
  std::size_t at = hash & (slots_.size() - 1);
  for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
    const auto id = static_cast<std::uint32_t>(slots_[at] & kIdMask);
    if ((slots_[at] & ~kIdMask) == (hash & ~kIdMask) && entries_[id - 1].name == name) {
      return {id, false};
    }
  }
  entries_.push_back({keep(name), facts, line});
  slots_[at] = (hash & ~kIdMask) | entries_.size();
  return {static_cast<std::uint32_t>(entries_.size()), true};
}

}  // namespace cube
