// How Zarr v2 says that chunks are stored: numpy's type strings, numcodecs' compressors and
// filters. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>

#include "engine/gdal/chunk_codec.h"
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

}  // namespace cube
