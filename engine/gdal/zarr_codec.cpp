#include "engine/gdal/zarr_codec.h"

#include <array>
#include <bit>
#include <map>

#include "engine/gdal/compress.h"
#include "engine/text.h"

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

std::string numpy_name(DType type) {
  if (type == DType::kUInt8) return "|u1";
  std::string out = "<";
  out += name(type)[0];
  out += std::to_string(size_of(type));
  return out;
}

ZarrEncoder::ZarrEncoder(const OutputOptions& options)
    : id_(lower(option(options, "COMPRESS", "BLOSC"))) {
  const bool blosc = id_ == "blosc";
  // Level 3 of blosc's zstd takes twice as long as 1 and saves 3 % on noisy reflectances.
  level_ = option(options, "LEVEL", blosc ? "1" : id_ == "zstd" ? "3" : "6");
  cname_ = lower(option(options, "BLOSC_CNAME", "zstd"));
  const std::string shuffle = lower(option(options, "BLOSC_SHUFFLE", "BYTE"));
  shuffle_ = std::string(1, shuffle == "none" ? '0' : shuffle == "bit" ? '2' : '1');
}

std::optional<ZarrEncoder> ZarrEncoder::of(const Json& description) {
  const Json filters = json_member(description, "filters");
  if (filters.GetType() == Json::Type::Array && filters.ToArray().Size() > 0) return std::nullopt;
  ZarrEncoder out;
  const Json compressor = json_member(description, "compressor");
  if (compressor.GetType() != Json::Type::Object) return out;
  const auto text = [&](const char* member, const std::string& otherwise) {
    const Json value = json_member(compressor, member);
    return value.IsValid() ? value.ToString() : otherwise;
  };
  out.id_ = text("id", "");
  out.level_ = text(out.id_ == "blosc" ? "clevel" : "level", "1");
  out.cname_ = text("cname", "lz4");
  out.shuffle_ = text("shuffle", "1");
  const bool known = out.id_ == "blosc" || out.id_ == "zstd" || out.id_ == "zlib" ||
                     out.id_ == "gzip" || out.id_ == "lz4";
  if (!known || !has_compressor(out.id_)) return std::nullopt;
  return out;
}

std::string ZarrEncoder::json() const {
  if (id_ == "none") return "null";
  if (id_ != "blosc") return "{\"id\": " + json_text(id_) + ", \"level\": " + level_ + "}";
  return "{\"id\": \"blosc\", \"cname\": " + json_text(cname_) + ", \"clevel\": " + level_ +
         ", \"shuffle\": " + shuffle_ + ", \"blocksize\": 0}";
}

std::span<const std::byte> ZarrEncoder::encode(std::span<const std::byte> cells,
                                               std::size_t cell_size, std::vector<std::byte>& out,
                                               const std::string& file) const {
  if (id_ == "none") return cells;
  Compression compression{id_, {{id_ == "blosc" ? "CLEVEL" : "LEVEL", level_}}};
  if (id_ == "blosc") {
    compression.options["CNAME"] = cname_;
    // numcodecs' -1: bits of single bytes, else bytes.
    const std::string automatic = cell_size == 1 ? "BIT" : "BYTE";
    compression.options["SHUFFLE"] = shuffle_ == "0"   ? "NONE"
                                     : shuffle_ == "1" ? "BYTE"
                                     : shuffle_ == "2" ? "BIT"
                                                       : automatic;
    compression.options["TYPESIZE"] = std::to_string(cell_size);
  }
  return compress(compression, cells, out, file);
}

void ZarrEncoder::check(const std::string& file) const {
  const std::array<std::byte, 64> zeros{};
  std::vector<std::byte> out;
  encode(zeros, 1, out, file);
}

}  // namespace cube
