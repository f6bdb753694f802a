// How Zarr v2 says that chunks are stored: numpy's type strings, numcodecs' compressors and
// filters. Thread rule: pure functions and values.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/gdal/chunk_codec.h"
#include "engine/gdal/output_file.h"
#include "engine/gdal/zarr_json.h"

namespace cube {

// A numpy type string, "<f4": byte order, kind, bytes. kOther for what holds no numbers.
CellType numpy_type(const std::string& text);

struct ZarrCodec {
  ChunkCodec codec;
  std::string unreadable;  // why chunks cannot be decoded, "has the filter 'x'"; "" = they can
};

// Undoes the compressor and the filters of an array's .zarray; its cells come in this machine's
// byte order, 16-bit floating-point numbers in 32 bits.
ZarrCodec zarr_codec(const Json& description, const CellType& stored);

// "<u2".
std::string numpy_name(DType type);

// The compressor of chunks that are written, as Zarr names it and as GDAL runs it.
class ZarrEncoder {
 public:
  ZarrEncoder() = default;  // none
  explicit ZarrEncoder(const OutputOptions& options);

  // The one that an array's .zarray states; nullopt where it is none of those that are written.
  static std::optional<ZarrEncoder> of(const Json& description);

  std::string json() const;

  // The bytes to store, in `out` or the cells themselves. Throws Error(kInternal) when the
  // compressor gives up.
  std::span<const std::byte> encode(std::span<const std::byte> cells, std::size_t cell_size,
                                    std::vector<std::byte>& out, const std::string& file) const;

  // Throws Error when it does not work at all.
  void check(const std::string& file) const;

 private:
  std::string id_ = "none";
  std::string level_;
  std::string cname_;
  std::string shuffle_;
};

}  // namespace cube
