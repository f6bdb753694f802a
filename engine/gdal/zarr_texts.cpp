#include "engine/gdal/zarr_texts.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "engine/text.h"

namespace cube {

namespace {

// Fixed texts: "<U3" and "|S3" as bytes a text and bytes a character; objects have none of their
// own.
struct TextType {
  std::size_t bytes = 0;
  std::size_t character = 1;
};

std::optional<TextType> text_type(const std::string& dtype) {
  if (dtype == "|O") return TextType{};
  if (dtype.size() < 3 || (dtype[1] != 'U' && dtype[1] != 'S')) return std::nullopt;
  const auto length = parse_number(dtype.substr(2));
  if (!length || !(*length >= 1 && *length <= 1e6) || dtype[0] == '>') return std::nullopt;
  const std::size_t character = dtype[1] == 'U' ? 4 : 1;
  return TextType{static_cast<std::size_t>(*length) * character, character};
}

// UTF-8 of a text of fixed length, as far as it is not padded.
std::string fixed_text(std::span<const std::byte> bytes, std::size_t character) {
  std::string out;
  for (std::size_t i = 0; i + character <= bytes.size(); i += character) {
    std::uint32_t code = 0;
    std::memcpy(&code, &bytes[i], character);
    if (code == 0) break;
    const auto add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (character == 1 || code < 0x80) {
      add(code);
    } else if (code < 0x800) {
      add(0xc0 | code >> 6);
      add(0x80 | (code & 0x3f));
    } else {
      if (code >= 0x10000) add(0xf0 | code >> 18);
      add(code >= 0x10000 ? 0x80 | (code >> 12 & 0x3f) : 0xe0 | code >> 12);
      add(0x80 | (code >> 6 & 0x3f));
      add(0x80 | (code & 0x3f));
    }
  }
  return out;
}

// numcodecs' vlen-utf8: how many, then the length of each and its bytes.
std::vector<std::string> vlen_texts(std::span<const std::byte> bytes) {
  std::vector<std::string> out;
  const auto number = [&]() -> std::uint32_t {
    std::uint32_t value = 0;
    if (bytes.size() < sizeof value) return 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes = bytes.subspan(sizeof value);
    return value;
  };
  const std::uint32_t count = number();
  for (std::uint32_t i = 0; i < count && !bytes.empty(); ++i) {
    const std::size_t length = std::min<std::size_t>(number(), bytes.size());
    out.emplace_back(reinterpret_cast<const char*>(bytes.data()), length);
    bytes = bytes.subspan(length);
  }
  return out;
}

}  // namespace

bool is_text_type(const std::string& dtype) { return text_type(dtype).has_value(); }

std::vector<std::string> chunk_texts(const std::string& dtype, std::span<const std::byte> chunk) {
  const TextType type = *text_type(dtype);
  if (type.bytes == 0) return vlen_texts(chunk);
  std::vector<std::string> out;
  for (std::size_t at = 0; at + type.bytes <= chunk.size(); at += type.bytes) {
    out.push_back(fixed_text(chunk.subspan(at, type.bytes), type.character));
  }
  return out;
}

}  // namespace cube
