#include "engine/gdal/netcdf_header.h"

#include <netcdf.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <string_view>
#include <vector>

#include "engine/error.h"

namespace cube {

namespace {

// Walks over the header, whose numbers are big-endian. What it does not know libnetcdf tells.
class HeaderWalk {
 public:
  HeaderWalk(std::istream& in, std::uint64_t size) : in_(in), left_(size) {}

  ClassicHeader read() {
    constexpr std::string_view kMagic = "CDF";
    std::array<char, 4> magic{};
    if (!take(magic.data(), magic.size()) ||
        !std::string_view(magic.data(), 4).starts_with(kMagic)) {
      return {};
    }
    const int version = static_cast<unsigned char>(magic[3]);
    if (version != 1 && version != 2 && version != 5) return {};
    count_bytes_ = version == 5 ? 8 : 4;
    offset_bytes_ = version == 1 ? 4 : 8;
    const std::uint64_t records = number(count_bytes_);
    const bool streaming = records == std::numeric_limits<std::uint32_t>::max() ||
                           records == std::numeric_limits<std::uint64_t>::max();
    list([&] {
      name();
      const std::uint64_t side = number(count_bytes_);
      if (side > std::numeric_limits<std::int64_t>::max()) good_ = false;
      sides_.push_back(static_cast<std::int64_t>(side));
    });
    attributes();
    list([&] { variable(); });
    if (!good_ || ended_) return {.possible = false};
    return {.least_bytes = end_of_cells(streaming ? 0 : static_cast<std::int64_t>(records))};
  }

 private:
  struct Variable {
    bool has_records = false;
    std::int64_t bytes = 0;  // of it, or of a record, not padded
    std::int64_t begin = 0;
  };

  bool take(char* out, std::size_t bytes) {
    if (bytes > left_ || !in_.read(out, static_cast<std::streamsize>(bytes))) {
      ended_ = true;
      return false;
    }
    left_ -= bytes;
    return true;
  }

  template <class T>
  static T padded(T bytes) {
    constexpr T kWord = 4;
    return (bytes + kWord - 1) / kWord * kWord;
  }

  void skip(std::uint64_t bytes) {
    if (bytes > left_) {
      ended_ = true;
      return;
    }
    bytes = std::min(padded(bytes), left_);
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

  // Of a value of the type that comes next.
  std::int64_t size_of_type() {
    // byte, char, short, int, float, double, ubyte, ushort, uint, int64, uint64
    static constexpr std::array<std::int64_t, 12> kBytes = {0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8};
    const std::uint64_t type = number(4);
    if (type == 0 || type >= kBytes.size()) good_ = false;
    return good_ ? kBytes[type] : 1;
  }

  template <class F>
  void list(F&& element) {
    number(4);  // what it is of; 0 and a count of 0 = none
    const std::uint64_t elements = count();
    for (std::uint64_t i = 0; i < elements && good_ && !ended_; ++i) element();
  }

  void attributes() {
    list([&] {
      name();
      const auto cell = static_cast<std::uint64_t>(size_of_type());
      const std::uint64_t bytes = count() * cell;
      if (bytes > left_) good_ = false;
      if (good_) skip(bytes);
    });
  }

  void variable() {
    name();
    const std::uint64_t dimensions = count();
    if (dimensions > NC_MAX_VAR_DIMS || dimensions * count_bytes_ > left_) good_ = false;
    Variable made;
    std::int64_t cells = 1;
    for (std::uint64_t i = 0; i < dimensions && good_ && !ended_; ++i) {
      const std::uint64_t dimension = number(count_bytes_);
      const std::int64_t side = dimension < sides_.size() ? sides_[dimension] : 0;
      // Only the first may be that of records, whose length is 0: libnetcdf divides by the others'.
      if (dimension >= sides_.size() || (i > 0 && side == 0)) good_ = false;
      if (i == 0 && side == 0) {
        made.has_records = true;
      } else if (__builtin_mul_overflow(cells, side, &cells)) {
        good_ = false;
      }
    }
    if (!good_) return;
    attributes();
    const std::int64_t cell = size_of_type();
    number(count_bytes_);  // the size, which the shape tells better
    made.begin = static_cast<std::int64_t>(number(offset_bytes_));
    if (__builtin_mul_overflow(cells, cell, &made.bytes) || made.begin < 0) good_ = false;
    variables_.push_back(made);
  }

  std::int64_t end_of_cells(std::int64_t records) const {
    if (records < 0) return 0;
    std::int64_t record = 0;
    std::int64_t with_records = 0;
    std::int64_t only = 0;
    for (const Variable& variable : variables_) {
      if (!variable.has_records) continue;
      ++with_records;
      if (__builtin_add_overflow(record, padded(variable.bytes), &record)) return 0;
      only = variable.bytes;
    }
    if (with_records == 1) record = only;  // a lone variable's records are not padded
    std::int64_t end = 0;
    for (const Variable& variable : variables_) {
      std::int64_t last = variable.begin;
      std::int64_t before = 0;
      if (variable.has_records && records == 0) continue;
      if (variable.has_records && __builtin_mul_overflow(records - 1, record, &before)) return 0;
      if (__builtin_add_overflow(last, before, &last) ||
          __builtin_add_overflow(last, variable.bytes, &last)) {
        return 0;
      }
      end = std::max(end, last);
    }
    return end;
  }

  std::istream& in_;
  std::uint64_t left_;  // bytes
  std::size_t count_bytes_ = 4;
  std::size_t offset_bytes_ = 4;
  bool good_ = true;
  bool ended_ = false;
  std::vector<std::int64_t> sides_;
  std::vector<Variable> variables_;
};

}  // namespace

ClassicHeader read_classic_header(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  in.seekg(0, std::ios::end);
  const std::streamoff size = in.tellg();
  in.seekg(0);
  return size > 0 ? HeaderWalk(in, static_cast<std::uint64_t>(size)).read() : ClassicHeader();
}

void check_classic_header(const std::string& path, const std::string& file) {
  if (read_classic_header(path).possible) return;
  throw Error(ErrorCode::kUnreadable,
              "cannot be opened as netCDF: its header is cut off, or a list, a name or an array in "
              "it is longer than can be",
              file);
}

}  // namespace cube
