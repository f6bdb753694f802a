#include "engine/gdal/chunk_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "engine/error.h"
#include "engine/gdal/compress.h"

namespace cube {

namespace {

using Step = ChunkCodec::Step;
using Kind = ChunkCodec::Kind;

// Bytes before a step that gives so many, compressed ones besides.
std::size_t bytes_before(const Step& step, std::size_t bytes) {
  switch (step.kind) {
    case Kind::kUnpackBits:
      return 1 + (bytes + 7) / 8;
    case Kind::kConvert:
    case Kind::kSumUp:
    case Kind::kScaleOffset:
      return bytes / step.to.bytes() * step.from.bytes();
    default:
      return bytes;
  }
}

// IEEE 754 binary16.
double from_half(std::uint16_t half) {
  const int exponent = half >> 10 & 0x1f;
  const int fraction = half & 0x3ff;
  double value = std::ldexp(fraction, -24);
  if (exponent == 0x1f) {
    value = fraction == 0 ? HUGE_VAL : std::nan("");
  } else if (exponent > 0) {
    value = std::ldexp(fraction + 0x400, exponent - 25);
  }
  return half & 0x8000 ? -value : value;
}

template <class T>
T load(const std::byte* from, bool swapped) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if (swapped) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

// As numpy converts: towards zero.
template <class T>
T as(double value) {
  if constexpr (std::is_integral_v<T>) {
    // NOLINTNEXTLINE(bugprone-integer-division): half of a power of two
    constexpr double kTop = static_cast<double>(std::numeric_limits<T>::max() / 2 + 1) * 2;
    const double whole = std::trunc(value);
    if (!(whole >= static_cast<double>(std::numeric_limits<T>::lowest()) && whole < kTop)) return 0;
    return static_cast<T>(whole);
  } else {
    return static_cast<T>(value);
  }
}

std::vector<double> load_all(std::span<const std::byte> in, const CellType& type) {
  std::vector<double> out(in.size() / type.bytes());
  if (type.half) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = from_half(load<std::uint16_t>(in.data() + i * 2, type.swapped));
    }
    return out;
  }
  dispatch_array(type.type, [&]<class T>(std::type_identity<T>) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<double>(load<T>(in.data() + i * sizeof(T), type.swapped));
    }
  });
  return out;
}

void store_all(const std::vector<double>& values, ArrayType type, std::span<std::byte> out) {
  dispatch_array(type, [&]<class T>(std::type_identity<T>) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const T value = as<T>(values[i]);
      std::memcpy(out.data() + i * sizeof(T), &value, sizeof(T));
    }
  });
}

// Exact for all types: integers wrap, as they did when the differences were taken.
void sum_up(std::span<const std::byte> in, const CellType& type, std::span<std::byte> out) {
  dispatch_array(type.type, [&]<class T>(std::type_identity<T>) {
    T sum = 0;
    for (std::size_t i = 0; i + sizeof(T) <= in.size(); i += sizeof(T)) {
      const T value = load<T>(in.data() + i, type.swapped);
      if constexpr (std::is_integral_v<T>) {
        using Unsigned = std::make_unsigned_t<T>;
        sum = static_cast<T>(
            static_cast<Unsigned>(static_cast<Unsigned>(sum) + static_cast<Unsigned>(value)));
      } else {
        sum += value;
      }
      std::memcpy(out.data() + i, &sum, sizeof(T));
    }
  });
}

// Whether numbers keep their type, so that each takes its own place.
bool same_type(const Step& step) {
  return step.kind != Kind::kScaleOffset && step.from.type == step.to.type && !step.from.half;
}

void turn_bytes(std::span<const std::byte> in, std::size_t cell, std::span<std::byte> out) {
  for (std::size_t i = 0; i + cell <= in.size(); i += cell) {
    std::reverse_copy(in.data() + i, in.data() + i + cell, out.data() + i);
  }
}

void convert(const Step& step, std::span<const std::byte> in, std::span<std::byte> out) {
  if (same_type(step)) {
    if (step.kind == Kind::kSumUp) return sum_up(in, step.from, out);
    return turn_bytes(in, step.from.bytes(), out);
  }
  std::vector<double> values = load_all(in, step.from);
  if (step.kind == Kind::kSumUp) {
    for (std::size_t i = 1; i < values.size(); ++i) values[i] += values[i - 1];
  } else if (step.kind == Kind::kScaleOffset) {
    const bool in_float = step.from.type == ArrayType::kFloat32;  // as numpy computes
    for (double& value : values) {
      value = in_float ? static_cast<float>(value) / static_cast<float>(step.scale) +
                             static_cast<float>(step.offset)
                       : value / step.scale + step.offset;
    }
  }
  store_all(values, step.to.type, out);
}

void unpack_bits(std::span<const std::byte> in, std::span<std::byte> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = in[1 + i / 8] >> (7 - i % 8) & std::byte{1};
  }
}

void undo(const Step& step, std::span<const std::byte> in, std::span<std::byte> out,
          const std::string& where) {
  if (step.kind == Kind::kDecompress) return decompress(step.compressor, in, out, where);
  if (in.size() != bytes_before(step, out.size())) {
    throw Error(ErrorCode::kUnreadable, "is broken: it has another size than it should", where);
  }
  if (step.kind == Kind::kUnshuffle) return unshuffle_bytes(in, step.cell, out);
  if (step.kind == Kind::kUnpackBits) return unpack_bits(in, out);
  convert(step, in, out);
}

}  // namespace

void ChunkCodec::decode(std::span<const std::byte> stored, std::span<std::byte> out,
                        const std::string& where, std::uint32_t left_out) const {
  std::vector<const Step*> steps;
  for (const Step& step : steps_) {
    if ((step.bit & left_out) == 0) steps.push_back(&step);
  }
  if (steps.empty()) return decompress("", stored, out, where);
  std::vector<std::size_t> sizes(steps.size(), out.size());  // after each step
  for (std::size_t i = steps.size() - 1; i-- > 0;) {
    sizes[i] = bytes_before(*steps[i + 1], sizes[i + 1]);
  }
  Bytes before;
  Bytes after;
  std::span<const std::byte> in = stored;
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
    after.resize(sizes[i]);
    undo(*steps[i], in, after, where);
    before.swap(after);
    in = before;
  }
  undo(*steps.back(), in, out, where);
}

std::int64_t ChunkCodec::scratch_bytes(std::int64_t bytes) const {
  auto size = static_cast<std::size_t>(bytes);
  std::size_t most = size;
  std::size_t doubles = 0;
  for (std::size_t i = steps_.size(); i-- > 0;) {
    const Step& step = steps_[i];
    if (step.kind >= Kind::kConvert && !same_type(step)) {
      doubles = std::max(doubles, size / step.to.bytes() * sizeof(double));
    }
    size = bytes_before(step, size);
    most = std::max(most, size);
  }
  // Two buffers between steps.
  return static_cast<std::int64_t>((steps_.size() > 1 ? 2 * most : 0) + doubles);
}

}  // namespace cube
