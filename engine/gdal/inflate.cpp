#include "engine/gdal/inflate.h"

#include <isa-l/igzip_lib.h>

#include <array>
#include <cstdint>
#include <limits>

namespace cube {

bool inflate_start(const std::function<std::size_t(std::span<std::byte>)>& read,
                   std::span<std::byte> out) {
  constexpr std::size_t kPiece = 32768;
  if (out.size() > std::numeric_limits<std::uint32_t>::max()) return false;
  std::array<std::byte, kPiece> packed;
  inflate_state state;  // 90 KB, of which init writes what matters
  isal_inflate_init(&state);
  state.crc_flag = ISAL_ZLIB;
  state.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  state.avail_out = static_cast<std::uint32_t>(out.size());
  while (state.avail_out > 0 && state.block_state != ISAL_BLOCK_FINISH) {
    const std::size_t size = read(packed);
    if (size == 0) return false;
    state.next_in = reinterpret_cast<std::uint8_t*>(packed.data());
    state.avail_in = static_cast<std::uint32_t>(size);
    if (isal_inflate(&state) != ISAL_DECOMP_OK) return false;
  }
  return state.avail_out == 0;
}

}  // namespace cube
