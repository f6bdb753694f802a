// Texts in the chunks of Zarr v2: of fixed length ("<U3", "|S3") or objects (numcodecs' vlen-utf8).
// Thread rule: pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace cube {

// Whether a numpy type string is one of texts that can be read.
bool is_text_type(const std::string& dtype);

// The texts of a chunk, in UTF-8. REQUIRES: is_text_type(dtype).
std::vector<std::string> chunk_texts(const std::string& dtype, std::span<const std::byte> chunk);

}  // namespace cube
