// ZarrStore: a Zarr v2 group, read chunk by chunk (the Zarr storage specification, version 2).
//
// A chunk is a file of its own, so threads read with no lock, and one that is not there costs a
// look for it. GDAL's own driver decompresses with the same functions, but keeps to one thread.
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>

#include "engine/error.h"
#include "engine/gdal/array_store.h"
#include "engine/gdal/compress.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/zarr_json.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kMostChunkBytes = std::int64_t{1} << 31;

// How the chunks of an array are stored.
struct Storage {
  std::string separator = ".";
  std::string compressor;   // "" = none
  bool swapped = false;     // bytes of a number in the other order
  bool by_columns = false;  // Fortran order
};

// A numpy type string: byte order, kind, bytes.
ArrayType array_type(const std::string& text, bool& swapped) {
  static const std::map<std::string, ArrayType> kTypes = {
      {"b1", ArrayType::kUInt8},   {"i1", ArrayType::kInt8},    {"u1", ArrayType::kUInt8},
      {"i2", ArrayType::kInt16},   {"u2", ArrayType::kUInt16},  {"i4", ArrayType::kInt32},
      {"u4", ArrayType::kUInt32},  {"i8", ArrayType::kInt64},   {"u8", ArrayType::kUInt64},
      {"f4", ArrayType::kFloat32}, {"f8", ArrayType::kFloat64},
  };
  if (text.size() < 2) return ArrayType::kOther;
  swapped = text[0] == '>';
  const auto known = kTypes.find(text.substr(1));
  return known == kTypes.end() ? ArrayType::kOther : known->second;
}

// Turns the bytes of each number round.
void swap_bytes(std::span<std::byte> cells, std::size_t cell) {
  for (std::size_t i = 0; i + cell <= cells.size(); i += cell) {
    std::reverse(cells.begin() + static_cast<std::ptrdiff_t>(i),
                 cells.begin() + static_cast<std::ptrdiff_t>(i + cell));
  }
}

class ZarrStore final : public ArrayStore {
 public:
  explicit ZarrStore(std::string root) : root_(std::move(root)) {
    while (root_.size() > 1 && root_.ends_with('/')) root_.pop_back();
    check_version();
    if (const auto metadata = read_json(root_ + "/.zmetadata")) {
      add_consolidated(*metadata);
    } else {
      add_folders();
    }
  }

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  const CfAttributes& attributes() const override { return attributes_; }

  bool read(std::size_t array, std::span<const std::int64_t> start,
            std::span<const std::int64_t> count, std::vector<std::byte>& out) const override;

  // A compressed chunk and a decoded one.
  std::int64_t scratch_bytes(std::size_t array) const override {
    return compressed_bytes(chunk_bytes(array)) + chunk_bytes(array);
  }

 private:
  void check_version() const {
    if (!file_exists(root_)) throw Error(ErrorCode::kNotFound, "there is no such folder", root_);
    if (file_exists(root_ + "/.zgroup") || file_exists(root_ + "/.zmetadata")) return;
    if (file_exists(root_ + "/zarr.json")) {
      throw Error(ErrorCode::kUnreadable, "is Zarr of version 3", root_,
                  "version 2 is read: zarr_format=2 in xarray's to_zarr");
    }
    throw Error(ErrorCode::kUnreadable, "is no Zarr group", root_,
                file_exists(root_ + "/.zarray") ? "name the folder that this array is in"
                                                : "a folder with a .zgroup in it");
  }

  void add_consolidated(const Json& metadata) {
    std::map<std::string, CfAttributes> attributes;
    std::map<std::string, Json> descriptions;
    std::map<std::string, Json> dimensions;
    for (const Json& entry : json_member(metadata, "metadata").GetChildren()) {
      const std::string key = entry.GetName();
      const std::size_t slash = key.rfind('/');
      const std::string array = slash == std::string::npos ? "" : key.substr(0, slash);
      const std::string file = slash == std::string::npos ? key : key.substr(slash + 1);
      if (file == ".zattrs") {
        attributes[array] = json_attributes(entry);
        dimensions.emplace(array, json_member(entry, "_ARRAY_DIMENSIONS"));
      } else if (file == ".zarray") {
        descriptions.emplace(array, entry);
      }
    }
    attributes_ = attributes[""];
    for (const auto& [name, description] : descriptions) {
      if (name.find('/') != std::string::npos) continue;  // in a group below
      const auto names = dimensions.find(name);
      add_array(name, description, attributes[name],
                names == dimensions.end() ? nullptr : &names->second);
    }
  }

  void add_folders() {
    if (const auto attributes = read_json(root_ + "/.zattrs")) {
      attributes_ = json_attributes(*attributes);
    }
    std::vector<std::string> names;
    char** entries = VSIReadDir(root_.c_str());
    for (char** entry = entries; entry && *entry; ++entry) names.emplace_back(*entry);
    CSLDestroy(entries);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      const std::string folder = root_ + "/" + name;
      if (!file_exists(folder + "/.zarray")) continue;
      const auto description = read_json(folder + "/.zarray");
      const auto attributes = read_json(folder + "/.zattrs");
      if (!description) continue;
      const Json dimensions = attributes ? json_member(*attributes, "_ARRAY_DIMENSIONS")
                                         : json_member(*description, "");
      add_array(name, *description, attributes ? json_attributes(*attributes) : CfAttributes{},
                &dimensions);
    }
  }

  void add_array(const std::string& name, const Json& description, CfAttributes attributes,
                 const Json* dimensions) {
    ArrayInfo info{.name = name};
    Storage storage;
    info.type = array_type(json_member(description, "dtype").ToString(), storage.swapped);
    info.shape = json_integers(json_member(description, "shape"));
    info.chunks = json_integers(json_member(description, "chunks"));
    info.attributes = std::move(attributes);
    info.fill = json_number(json_member(description, "fill_value"));
    if (dimensions && dimensions->GetType() == Json::Type::Array) {
      for (const Json& item : dimensions->ToArray()) info.dimensions.push_back(item.ToString());
    }
    // Without names they have none that could be known.
    for (std::size_t d = info.dimensions.size(); d < info.shape.size(); ++d) {
      info.dimensions.push_back(name + "_dim" + std::to_string(d));
    }
    info.unreadable = describe_storage(description, storage);
    check_shape(info);
    arrays_.push_back(std::move(info));
    storages_.push_back(std::move(storage));
  }

  // Gives why its cells cannot be read; "" when they can.
  static std::string describe_storage(const Json& description, Storage& storage) {
    storage.by_columns = json_member(description, "order").ToString() == "F";
    const Json separator = json_member(description, "dimension_separator");
    if (separator.IsValid()) storage.separator = separator.ToString();
    const Json compressor = json_member(description, "compressor");
    if (compressor.GetType() == Json::Type::Object) {
      storage.compressor = json_member(compressor, "id").ToString();
    }
    const Json filters = json_member(description, "filters");
    if (filters.GetType() == Json::Type::Array && filters.ToArray().Size() > 0) {
      return "has the filter '" + json_member(filters.ToArray()[0], "id").ToString() + "'";
    }
    if (has_decompressor(storage.compressor)) return {};
    return "is compressed with '" + storage.compressor + "'";
  }

  void check_shape(const ArrayInfo& info) const {
    bool good =
        info.shape.size() == info.chunks.size() && info.dimensions.size() == info.shape.size();
    std::int64_t bytes = std::max<std::int64_t>(1, static_cast<std::int64_t>(size_of(info.type)));
    for (std::size_t d = 0; good && d < info.shape.size(); ++d) {
      good = info.shape[d] >= 0 && info.chunks[d] > 0 && info.chunks[d] <= kMostChunkBytes / bytes;
      if (good) bytes *= info.chunks[d];
    }
    if (good) return;
    throw Error(ErrorCode::kUnreadable, "array '" + info.name + "' has no possible shape", root_);
  }

  std::int64_t chunk_bytes(std::size_t array) const {
    auto bytes = static_cast<std::int64_t>(size_of(arrays_[array].type));
    for (const std::int64_t side : arrays_[array].chunks) bytes *= side;
    return bytes;
  }

  std::string chunk_file(std::size_t array, std::span<const std::int64_t> chunk) const {
    std::string out = root_ + "/" + arrays_[array].name + "/";
    for (std::size_t d = 0; d < chunk.size(); ++d) {
      if (d > 0) out += storages_[array].separator;
      out += std::to_string(chunk[d]);
    }
    return chunk.empty() ? out + "0" : out;
  }

  // The cells of a whole chunk, also those beyond the array; nullopt when it was never written.
  std::optional<std::vector<std::byte>> chunk(std::size_t array,
                                              std::span<const std::int64_t> index) const {
    const std::string file = chunk_file(array, index);
    const auto stored = read_whole_file(file);
    if (!stored) return std::nullopt;
    std::vector<std::byte> cells(static_cast<std::size_t>(chunk_bytes(array)));
    decompress(storages_[array].compressor, *stored, cells, file);
    if (storages_[array].swapped) swap_bytes(cells, size_of(arrays_[array].type));
    return cells;
  }

  std::string root_;
  std::vector<ArrayInfo> arrays_;
  std::vector<Storage> storages_;  // of arrays_
  CfAttributes attributes_;
};

// Strides of a box in cells.
std::vector<std::int64_t> strides_of(std::span<const std::int64_t> shape, bool by_columns) {
  std::vector<std::int64_t> out(shape.size(), 1);
  for (std::size_t i = 1; i < shape.size(); ++i) {
    if (by_columns) {
      out[i] = out[i - 1] * shape[i - 1];
    } else {
      const std::size_t d = shape.size() - 1 - i;
      out[d] = out[d + 1] * shape[d + 1];
    }
  }
  return out;
}

// Calls work(index) for all indices from `begin` to `end`, the last the fastest.
template <class F>
void each_index(const std::vector<std::int64_t>& begin, const std::vector<std::int64_t>& end,
                F&& work) {
  std::vector<std::int64_t> index = begin;
  while (true) {
    work(index);
    std::size_t d = index.size();
    while (d-- > 0) {
      if (++index[d] < end[d]) break;
      index[d] = begin[d];
    }
    if (d >= index.size()) return;
  }
}

// Cells between two boxes that are laid out by strides. The last dimension is copied in runs.
struct Layout {
  std::vector<std::int64_t> strides;
  std::vector<std::int64_t> origin;

  std::int64_t at(const std::vector<std::int64_t>& index) const {
    std::int64_t out = 0;
    for (std::size_t d = 0; d < index.size(); ++d) out += (index[d] - origin[d]) * strides[d];
    return out;
  }
};

void copy_cells(const std::byte* from, const Layout& in, std::byte* to, const Layout& out,
                const std::vector<std::int64_t>& begin, const std::vector<std::int64_t>& end,
                std::size_t cell) {
  if (begin.empty()) {
    std::memcpy(to, from, cell);
    return;
  }
  const std::size_t last = begin.size() - 1;
  std::vector<std::int64_t> rows_end = end;
  rows_end[last] = begin[last] + 1;
  const auto size = static_cast<std::int64_t>(cell);
  const std::int64_t n = end[last] - begin[last];
  each_index(begin, rows_end, [&](const std::vector<std::int64_t>& row) {
    const std::byte* source = from + in.at(row) * size;
    std::byte* target = to + out.at(row) * size;
    if (in.strides[last] == 1 && out.strides[last] == 1) {
      std::memcpy(target, source, static_cast<std::size_t>(n) * cell);
      return;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      std::memcpy(target + i * out.strides[last] * size, source + i * in.strides[last] * size,
                  cell);
    }
  });
}

bool ZarrStore::read(std::size_t array, std::span<const std::int64_t> start,
                     std::span<const std::int64_t> count, std::vector<std::byte>& out) const {
  const ArrayInfo& info = arrays_[array];
  const Storage& storage = storages_[array];
  const std::size_t rank = info.shape.size();
  const std::size_t cell = size_of(info.type);
  std::vector<std::int64_t> begin(rank);
  std::vector<std::int64_t> end(rank);
  std::size_t cells = 1;
  bool several = false;
  for (std::size_t d = 0; d < rank; ++d) {
    cells *= static_cast<std::size_t>(count[d]);
    begin[d] = start[d] / info.chunks[d];
    end[d] = (start[d] + count[d] - 1) / info.chunks[d] + 1;
    several = several || end[d] - begin[d] > 1;
  }
  out.resize(cells * cell);
  if (cells == 0) return true;
  const Layout target{strides_of(count, false), {start.begin(), start.end()}};
  bool any = false;
  const auto fill = [&] {
    dispatch_array(info.type, [&]<class T>(std::type_identity<T>) {
      const auto value = static_cast<T>(info.fill.value_or(0));
      for (std::size_t i = 0; i < out.size(); i += cell) std::memcpy(&out[i], &value, cell);
    });
  };
  if (several) fill();
  each_index(begin, end, [&](const std::vector<std::int64_t>& index) {
    const auto decoded = chunk(array, index);
    if (!decoded) return;
    any = true;
    Layout source{strides_of(info.chunks, storage.by_columns), std::vector<std::int64_t>(rank)};
    std::vector<std::int64_t> from(rank);
    std::vector<std::int64_t> to(rank);
    for (std::size_t d = 0; d < rank; ++d) {
      source.origin[d] = index[d] * info.chunks[d];
      from[d] = std::max(start[d], source.origin[d]);
      to[d] = std::min(start[d] + count[d], source.origin[d] + info.chunks[d]);
    }
    copy_cells(decoded->data(), source, out.data(), target, from, to, cell);
  });
  return any;
}

}  // namespace

std::shared_ptr<const ArrayStore> open_zarr(const std::string& folder) {
  register_gdal();
  return std::make_shared<const ZarrStore>(folder);
}

}  // namespace cube
