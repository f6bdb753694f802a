#include "engine/gdal/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <vector>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

// Reads the header of a classic netCDF file, whose numbers are big-endian.
class ClassicHeader {
 public:
  explicit ClassicHeader(const std::string& path) : in_(path, std::ios::binary) {
    std::array<char, 4> magic{};
    in_.read(magic.data(), magic.size());
    const bool classic = in_ && magic[0] == 'C' && magic[1] == 'D' && magic[2] == 'F';
    const int version = classic ? magic[3] : 0;
    wide_counts_ = version == 5;
    wide_offsets_ = version == 2 || version == 5;
    known_ = version == 1 || wide_offsets_;
  }

  // How long the file has to be; 0 where that cannot be told.
  std::int64_t least_size() {
    if (!known_) return 0;
    const std::int64_t records = count();
    const std::int64_t streaming = wide_counts_ ? -1 : std::numeric_limits<std::uint32_t>::max();
    read_dimensions();
    skip_attributes();
    read_variables();
    if (!in_) return 0;
    return end_of_variables(records == streaming ? 0 : records);
  }

 private:
  struct Variable {
    bool has_records = false;
    std::int64_t bytes = 0;   // of it, or of a record, not padded
    std::int64_t padded = 0;  // as it lies in the file
    std::int64_t begin = 0;
  };

  std::int64_t number(int bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(in_.get());
    return in_ ? static_cast<std::int64_t>(value) : 0;
  }
  std::int64_t count() { return number(wide_counts_ ? 8 : 4); }

  static std::int64_t padded(std::int64_t bytes) { return (bytes + 3) / 4 * 4; }

  static std::int64_t size_of_type(std::int64_t type) {
    // byte, char, short, int, float, double, ubyte, ushort, uint, int64, uint64
    static constexpr std::array<std::int64_t, 12> kSizes = {0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8};
    return type > 0 && type < std::ssize(kSizes) ? kSizes[static_cast<std::size_t>(type)] : 0;
  }

  void skip(std::int64_t bytes) { in_.seekg(bytes, std::ios::cur); }
  void skip_name() { skip(padded(count())); }

  // Calls f for the entries of a list, of which an absent one has none.
  template <class F>
  void each(const F& f) {
    number(4);  // what it is a list of
    const std::int64_t entries = count();
    for (std::int64_t i = 0; i < entries && in_; ++i) f();
  }

  void read_dimensions() {
    each([&] {
      skip_name();
      sides_.push_back(count());
    });
  }

  void skip_attributes() {
    each([&] {
      skip_name();
      const std::int64_t cell = size_of_type(number(4));
      skip(padded(count() * cell));
    });
  }

  void read_variables() {
    each([&] {
      skip_name();
      Variable variable;
      std::int64_t cells = 1;
      const std::int64_t rank = count();
      for (std::int64_t i = 0; i < rank && in_; ++i) {
        const auto dimension = static_cast<std::size_t>(count());
        const std::int64_t side = dimension < sides_.size() ? sides_[dimension] : 0;
        if (i == 0 && side == 0) {
          variable.has_records = true;
        } else if (__builtin_mul_overflow(cells, side, &cells)) {
          in_.setstate(std::ios::failbit);
        }
      }
      skip_attributes();
      const std::int64_t cell = size_of_type(number(4));
      count();  // the size, which the shape tells better
      variable.begin = number(wide_offsets_ ? 8 : 4);
      if (__builtin_mul_overflow(cells, cell, &variable.bytes) || variable.begin < 0) {
        in_.setstate(std::ios::failbit);
        return;
      }
      variable.padded = padded(variable.bytes);
      variables_.push_back(variable);
    });
  }

  std::int64_t end_of_variables(std::int64_t records) const {
    std::int64_t record = 0;
    std::int64_t with_records = 0;
    std::int64_t only = 0;
    for (const Variable& variable : variables_) {
      if (!variable.has_records) continue;
      ++with_records;
      record += variable.padded;
      only = variable.bytes;
    }
    if (with_records == 1) record = only;  // a lone variable's records are not padded
    std::int64_t end = 0;
    for (const Variable& variable : variables_) {
      std::int64_t before = 0;
      if (variable.has_records && records == 0) continue;
      if (variable.has_records && __builtin_mul_overflow(records - 1, record, &before)) return 0;
      end = std::max(end, variable.begin + before + variable.bytes);
    }
    return end;
  }

  std::ifstream in_;
  bool known_ = false;
  bool wide_counts_ = false;
  bool wide_offsets_ = false;
  std::vector<std::int64_t> sides_;
  std::vector<Variable> variables_;
};

}  // namespace

WholeFile::WholeFile(const std::string& path, std::string file)
    : file_(std::move(file)), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return;
  least_ = std::max<std::int64_t>(status.st_size, ClassicHeader(path).least_size());
  try {
    check();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

WholeFile::~WholeFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void WholeFile::check() const {
  struct stat status {};
  if (least_ == 0 || ::fstat(descriptor_, &status) != 0 || status.st_size >= least_) return;
  throw Error(
      ErrorCode::kUnreadable,
      "is cut off: it has " + counted(status.st_size, "byte") + " of " + std::to_string(least_),
      file_);
}

}  // namespace cube
