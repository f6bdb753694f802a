// The head of a TIFF file: header and image file directories, as values. GDAL makes the tags (CRS,
// metadata, nodata); from then on the tiles are written without it, and the head last, when it is
// known where each tile lies. TIFF 6.0 and BigTIFF, little-endian.
// Thread rule: pure functions and values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace cube {

namespace tiff_tag {
inline constexpr std::uint16_t kSubfileType = 254;
inline constexpr std::uint16_t kWidth = 256;
inline constexpr std::uint16_t kHeight = 257;
inline constexpr std::uint16_t kBitsPerSample = 258;
inline constexpr std::uint16_t kCompression = 259;
inline constexpr std::uint16_t kPhotometric = 262;
inline constexpr std::uint16_t kSamplesPerPixel = 277;
inline constexpr std::uint16_t kPlanarConfiguration = 284;
inline constexpr std::uint16_t kPredictor = 317;
inline constexpr std::uint16_t kColorMap = 320;
inline constexpr std::uint16_t kTileWidth = 322;
inline constexpr std::uint16_t kTileHeight = 323;
inline constexpr std::uint16_t kTileOffsets = 324;
inline constexpr std::uint16_t kTileByteCounts = 325;
inline constexpr std::uint16_t kExtraSamples = 338;
inline constexpr std::uint16_t kSampleFormat = 339;
inline constexpr std::uint16_t kGdalNodata = 42113;
}  // namespace tiff_tag

// One entry of a directory; the value as in the file.
struct TiffTag {
  std::uint16_t id = 0;
  std::uint16_t type = 0;  // as in TIFF 6.0: 3 = 16 bits, 4 = 32 bits, 16 = 64 bits
  std::uint64_t count = 0;
  std::vector<std::byte> value;
};

struct TiffDirectory {
  std::vector<TiffTag> tags;  // by id

  const TiffTag* find(std::uint16_t id) const;
  void set(TiffTag tag);  // replaces the one of that id
  void erase(std::uint16_t id);

  void set_short(std::uint16_t id, std::uint16_t value);
  void set_long(std::uint16_t id, std::uint32_t value);
  // Where the tiles lie and how long they are, in the order of TIFF; 0, 0 = not there.
  // REQUIRES: offsets below 4 GB where `big` is false.
  void set_tiles(std::span<const std::uint64_t> offsets, std::span<const std::uint64_t> counts,
                 bool big);
};

struct TiffHead {
  bool big = false;
  TiffDirectory directory;
};

// The first directory of a file; nothing for what is no little-endian TIFF or is cut off.
std::optional<TiffHead> read_tiff_head(std::span<const std::byte> file);

// Header, `structure` (text right behind the header, as COGs have) and the directories in their
// order, each followed by its values. The same tags always take the same room, whatever the values
// of the tile offsets.
std::vector<std::byte> write_tiff_head(bool big, std::string_view structure,
                                       std::span<const TiffDirectory> directories);

}  // namespace cube
