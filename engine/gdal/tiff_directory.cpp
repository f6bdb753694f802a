#include "engine/gdal/tiff_directory.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace cube {

namespace {

constexpr std::uint16_t kShort = 3;
constexpr std::uint16_t kLong = 4;
constexpr std::uint16_t kLong8 = 16;

// Bytes of one value by type; 0 = no such type.
constexpr std::array<std::size_t, 19> kTypeBytes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4,
                                                    8, 4, 8, 4, 0, 0, 8, 8, 8};

// Where classic TIFF and BigTIFF differ.
struct Widths {
  std::size_t header;
  std::size_t count;   // bytes of the number of entries
  std::size_t entry;   // bytes of one entry
  std::size_t offset;  // bytes of an offset, a count of values, and a value inside an entry
};
constexpr Widths kClassic = {8, 2, 12, 4};
constexpr Widths kBig = {16, 8, 20, 8};

// Reads numbers; remembers when one lay outside.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> file) : file_(file) {}

  std::uint64_t number(std::uint64_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    if (const auto found = range(at, bytes); !found.empty()) {
      for (std::size_t i = bytes; i-- > 0;) {
        value = value << 8 | std::to_integer<std::uint64_t>(found[i]);
      }
    }
    return value;
  }

  std::span<const std::byte> range(std::uint64_t at, std::uint64_t bytes) {
    if (at > file_.size() || bytes > file_.size() - at) {
      good_ = false;
      return {};
    }
    return file_.subspan(at, bytes);
  }

  bool good() const { return good_; }

 private:
  std::span<const std::byte> file_;
  bool good_ = true;
};

std::optional<TiffTag> read_tag(Reader& reader, std::uint64_t at, const Widths& widths) {
  TiffTag tag;
  tag.id = static_cast<std::uint16_t>(reader.number(at, 2));
  tag.type = static_cast<std::uint16_t>(reader.number(at + 2, 2));
  tag.count = reader.number(at + 4, widths.offset);
  const std::size_t width = tag.type < kTypeBytes.size() ? kTypeBytes[tag.type] : 0;
  if (width == 0 || tag.count > UINT32_MAX) return std::nullopt;
  const std::uint64_t bytes = tag.count * width;
  const std::uint64_t inside = at + 4 + widths.offset;
  const auto value =
      reader.range(bytes <= widths.offset ? inside : reader.number(inside, widths.offset), bytes);
  if (!reader.good()) return std::nullopt;
  tag.value.assign(value.begin(), value.end());
  return tag;
}

void put(std::vector<std::byte>& out, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i, value >>= 8) out[at + i] = std::byte(value & 0xFF);
}

template <class T>
std::vector<std::byte> packed(std::span<const std::uint64_t> values) {
  std::vector<std::byte> out(values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) put(out, i * sizeof(T), values[i], sizeof(T));
  return out;
}

// Appends one directory at the end of `out`, with `next` left 0; returns where `next` stands.
std::size_t append_directory(std::vector<std::byte>& out, const TiffDirectory& directory,
                             const Widths& widths) {
  std::size_t at = out.size();
  const std::size_t next = at + widths.count + directory.tags.size() * widths.entry;
  out.resize(next + widths.offset);
  put(out, at, directory.tags.size(), widths.count);
  at += widths.count;
  for (const TiffTag& tag : directory.tags) {
    put(out, at, tag.id, 2);
    put(out, at + 2, tag.type, 2);
    put(out, at + 4, tag.count, widths.offset);
    std::size_t place = at + 4 + widths.offset;
    if (tag.value.size() > widths.offset) {
      out.resize((out.size() + 7) / 8 * 8);
      put(out, place, out.size(), widths.offset);
      place = out.size();
      out.resize(place + tag.value.size());
    }
    std::copy(tag.value.begin(), tag.value.end(), out.begin() + static_cast<std::ptrdiff_t>(place));
    at += widths.entry;
  }
  out.resize((out.size() + 7) / 8 * 8);
  return next;
}

}  // namespace

const TiffTag* TiffDirectory::find(std::uint16_t id) const {
  const auto found =
      std::find_if(tags.begin(), tags.end(), [&](const auto& t) { return t.id == id; });
  return found == tags.end() ? nullptr : &*found;
}

void TiffDirectory::erase(std::uint16_t id) {
  std::erase_if(tags, [&](const TiffTag& tag) { return tag.id == id; });
}

void TiffDirectory::set(TiffTag tag) {
  erase(tag.id);
  const auto place =
      std::find_if(tags.begin(), tags.end(), [&](const auto& t) { return t.id > tag.id; });
  tags.insert(place, std::move(tag));
}

void TiffDirectory::set_short(std::uint16_t id, std::uint16_t value) {
  set({id, kShort, 1, packed<std::uint16_t>(std::array<std::uint64_t, 1>{value})});
}

void TiffDirectory::set_long(std::uint16_t id, std::uint32_t value) {
  set({id, kLong, 1, packed<std::uint32_t>(std::array<std::uint64_t, 1>{value})});
}

void TiffDirectory::set_tiles(std::span<const std::uint64_t> offsets,
                              std::span<const std::uint64_t> counts, bool big) {
  set({tiff_tag::kTileOffsets, big ? kLong8 : kLong, offsets.size(),
       big ? packed<std::uint64_t>(offsets) : packed<std::uint32_t>(offsets)});
  set({tiff_tag::kTileByteCounts, kLong, counts.size(), packed<std::uint32_t>(counts)});
}

std::optional<TiffHead> read_tiff_head(std::span<const std::byte> file) {
  Reader reader(file);
  const std::uint64_t magic = reader.number(0, 4);
  const bool big = magic == 0x002B4949;
  if (!big && magic != 0x002A4949) return std::nullopt;
  const Widths& widths = big ? kBig : kClassic;
  const std::uint64_t at = reader.number(widths.header - widths.offset, widths.offset);
  const std::uint64_t count = reader.number(at, widths.count);
  TiffHead head{big, {}};
  for (std::uint64_t i = 0; reader.good() && i < count; ++i) {
    auto tag = read_tag(reader, at + widths.count + i * widths.entry, widths);
    if (!tag) return std::nullopt;
    head.directory.set(std::move(*tag));
  }
  if (!reader.good()) return std::nullopt;
  return head;
}

std::vector<std::byte> write_tiff_head(bool big, std::string_view structure,
                                       std::span<const TiffDirectory> directories) {
  const Widths& widths = big ? kBig : kClassic;
  std::vector<std::byte> out(widths.header);
  put(out, 0, big ? 0x002B4949 : 0x002A4949, 4);
  if (big) put(out, 4, 8, 2);
  for (const char c : structure) out.push_back(std::byte(c));
  out.resize((out.size() + 7) / 8 * 8);
  std::size_t link = widths.header - widths.offset;
  for (const TiffDirectory& directory : directories) {
    put(out, link, out.size(), widths.offset);
    link = append_directory(out, directory, widths);
  }
  return out;
}

}  // namespace cube
