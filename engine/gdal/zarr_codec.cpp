#include "engine/gdal/zarr_codec.h"

#include <bit>
#include <map>

#include "engine/gdal/compress.h"

namespace cube {

namespace {

using Kind = ChunkCodec::Kind;

// Adds the steps that undo filters, the last first.
class FilterSteps {
 public:
  explicit FilterSteps(ZarrCodec& out) : out_(out) {}

  // False for a filter that is not known.
  bool add(const Json& filter) {
    const std::string id = json_member(filter, "id").ToString();
    if (id == "shuffle") return add_shuffle(filter);
    if (id == "packbits") {
      if (numbers_) return false;
      out_.codec.add({.kind = Kind::kUnpackBits});
      return true;
    }
    if (id == "bitround") return true;  // it only ever rounds
    if (id == "quantize") return add_numbers(Kind::kConvert, filter, "astype", "dtype");
    if (id == "delta") return add_numbers(Kind::kSumUp, filter, "astype", "dtype");
    if (id == "fixedscaleoffset") return add_numbers(Kind::kScaleOffset, filter, "astype", "dtype");
    if (id == "astype") return add_numbers(Kind::kConvert, filter, "encode_dtype", "decode_dtype");
    return false;
  }

  // Makes cells of what the filters leave.
  void finish(const CellType& stored) {
    CellType type = stored;
    if (numbers_) type.swapped = false;
    const CellType wanted{.type = stored.type};
    if (type != wanted) out_.codec.add({.kind = Kind::kConvert, .from = type, .to = wanted});
  }

 private:
  bool add_shuffle(const Json& filter) {
    const auto cell = json_number(json_member(filter, "elementsize")).value_or(0);
    if (numbers_ || !(cell >= 1 && cell <= 256)) return false;
    if (cell > 1)
      out_.codec.add({.kind = Kind::kUnshuffle, .cell = static_cast<std::size_t>(cell)});
    return true;
  }

  bool add_numbers(Kind kind, const Json& filter, const char* before, const char* after) {
    const auto type = [&](const char* name) {
      const Json member = json_member(filter, name);
      return numpy_type(member.IsValid() ? member.ToString()
                                         : json_member(filter, after).ToString());
    };
    CellType from = type(before);
    CellType to = type(after);
    if (from.type == ArrayType::kOther || to.type == ArrayType::kOther || to.half) return false;
    if (numbers_) from.swapped = false;
    to.swapped = false;
    numbers_ = true;
    if (kind == Kind::kConvert && from == to) return true;
    out_.codec.add({.kind = kind,
                    .from = from,
                    .to = to,
                    .scale = json_number(json_member(filter, "scale")).value_or(1),
                    .offset = json_number(json_member(filter, "offset")).value_or(0)});
    return true;
  }

  ZarrCodec& out_;
  bool numbers_ = false;  // bytes are numbers in this machine's order by now
};

}  // namespace

CellType numpy_type(const std::string& text) {
  static const std::map<std::string, ArrayType> kTypes = {
      {"b1", ArrayType::kUInt8},   {"i1", ArrayType::kInt8},    {"u1", ArrayType::kUInt8},
      {"i2", ArrayType::kInt16},   {"u2", ArrayType::kUInt16},  {"i4", ArrayType::kInt32},
      {"u4", ArrayType::kUInt32},  {"i8", ArrayType::kInt64},   {"u8", ArrayType::kUInt64},
      {"f4", ArrayType::kFloat32}, {"f8", ArrayType::kFloat64}, {"f2", ArrayType::kFloat32},
  };
  if (text.size() != 3) return {};
  const auto known = kTypes.find(text.substr(1));
  if (known == kTypes.end()) return {};
  const char other = std::endian::native == std::endian::little ? '>' : '<';
  return {.type = known->second, .half = text.ends_with("f2"), .swapped = text[0] == other};
}

ZarrCodec zarr_codec(const Json& description, const CellType& stored) {
  ZarrCodec out;
  const Json compressor = json_member(description, "compressor");
  if (compressor.GetType() == Json::Type::Object) {
    const std::string id = json_member(compressor, "id").ToString();
    if (id.empty() || !has_decompressor(id)) {
      out.unreadable = "is compressed with '" + id + "'";
      return out;
    }
    out.codec.add({.compressor = id});
  }
  FilterSteps steps(out);
  const Json filters = json_member(description, "filters");
  if (filters.GetType() == Json::Type::Array) {
    const CPLJSONArray list = filters.ToArray();
    for (int i = list.Size(); i-- > 0;) {
      if (steps.add(list[i])) continue;
      out.unreadable = "has the filter '" + json_member(list[i], "id").ToString() + "'";
      return out;
    }
  }
  if (stored.type != ArrayType::kOther) steps.finish(stored);
  return out;
}

}  // namespace cube
