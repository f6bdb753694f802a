// The first bytes of a zlib stream (RFC 1950), by ISA-L's igzip.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace cube {

// Inflates as many bytes as `out` holds and stops; the stream's checksum is seen only at its end.
// `read` fills a buffer with what comes next, or the first part of it, and says how much; 0 = the
// end. False, with `out` undefined, where the stream is damaged or shorter. Thread rule: any
// thread.
bool inflate_start(const std::function<std::size_t(std::span<std::byte>)>& read,
                   std::span<std::byte> out);

}  // namespace cube
