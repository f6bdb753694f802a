#include "engine/gdal/netcdf_header.h"

#include <netcdf.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <string_view>

#include "engine/error.h"

namespace cube {

namespace {

// Walks over the header. What it does not know, or where it ends early, libnetcdf tells.
class Walk {
 public:
  Walk(std::istream& in, std::uint64_t size) : in_(in), left_(size) {}

  // False when a count is more than the rest of the file could hold.
  bool passes() {
    constexpr std::string_view kMagic = "CDF";
    std::array<char, 4> magic{};
    if (!take(magic.data(), magic.size()) ||
        !std::string_view(magic.data(), 4).starts_with(kMagic)) {
      return true;
    }
    const int version = magic[3];
    if (version != 1 && version != 2 && version != 5) return true;
    count_bytes_ = version == 5 ? 8 : 4;
    offset_bytes_ = version == 1 ? 4 : 8;
    number(count_bytes_);  // of records
    list([&] {
      name();
      number(count_bytes_);  // its length
    });
    attributes();
    list([&] { variable(); });
    return good_;
  }

 private:
  bool take(char* out, std::size_t bytes) {
    if (bytes > left_ || !in_.read(out, static_cast<std::streamsize>(bytes))) {
      ended_ = true;
      return false;
    }
    left_ -= bytes;
    return true;
  }

  void skip(std::uint64_t bytes) {
    bytes = (bytes + 3) / 4 * 4;  // padded
    if (bytes > left_) {
      ended_ = true;
      return;
    }
    in_.seekg(static_cast<std::streamoff>(bytes), std::ios::cur);
    left_ -= bytes;
  }

  std::uint64_t number(std::size_t bytes) {
    std::array<char, 8> big_endian{};
    if (!take(big_endian.data(), bytes)) return 0;
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      out = out << 8 | static_cast<unsigned char>(big_endian[i]);
    }
    return out;
  }

  // How many elements follow, each of a byte at least.
  std::uint64_t count() {
    const std::uint64_t out = number(count_bytes_);
    if (out <= left_) return out;
    good_ = false;
    return 0;
  }

  void name() {
    const std::uint64_t bytes = count();
    if (bytes > NC_MAX_NAME) good_ = false;
    skip(bytes);
  }

  template <class F>
  void list(F&& element) {
    number(4);  // what it is of; 0 and a count of 0 = none
    const std::uint64_t elements = count();
    for (std::uint64_t i = 0; i < elements && good_ && !ended_; ++i) element();
  }

  void attributes() {
    list([&] {
      static constexpr std::array<std::uint64_t, 12> kBytes = {1, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8};
      name();
      const std::uint64_t type = number(4);
      const std::uint64_t values = count();
      const std::uint64_t bytes = values * kBytes[type < kBytes.size() ? type : 0];
      if (bytes > left_) good_ = false;
      if (good_) skip(bytes);
    });
  }

  void variable() {
    name();
    const std::uint64_t dimensions = count();
    if (dimensions > NC_MAX_VAR_DIMS || dimensions * count_bytes_ > left_) good_ = false;
    if (!good_) return;
    skip(dimensions * count_bytes_);
    attributes();
    number(4);  // type
    number(count_bytes_);
    number(offset_bytes_);
  }

  std::istream& in_;
  std::uint64_t left_;  // bytes
  std::size_t count_bytes_ = 4;
  std::size_t offset_bytes_ = 4;
  bool good_ = true;
  bool ended_ = false;
};

}  // namespace

void check_classic_header(const std::string& path, const std::string& file) {
  std::ifstream in(path, std::ios::binary);
  in.seekg(0, std::ios::end);
  const std::streamoff size = in.tellg();
  in.seekg(0);
  if (size <= 0 || Walk(in, static_cast<std::uint64_t>(size)).passes()) return;
  throw Error(ErrorCode::kUnreadable,
              "cannot be opened as netCDF: a list or a name in its header is longer than can be",
              file);
}

}  // namespace cube
