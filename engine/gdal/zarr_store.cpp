// ZarrStore: a Zarr v2 group, read chunk by chunk (the Zarr storage specification, version 2).
//
// A chunk is a file of its own, so threads read with no lock, and one that is not there costs a
// look for it. GDAL's own driver decompresses with the same functions, but keeps to one thread.
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <map>

#include "engine/error.h"
#include "engine/gdal/array_store.h"
#include "engine/gdal/compress.h"
#include "engine/gdal/network.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/zarr_codec.h"
#include "engine/gdal/zarr_json.h"
#include "engine/gdal/zarr_texts.h"
#include "engine/limits.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kMostChunkBytes = std::int64_t{1} << 31;

// How the chunks of an array are stored.
struct Storage {
  std::string separator = ".";
  std::string dtype;
  std::string compressor;   // "" = none
  bool by_columns = false;  // Fortran order
  ChunkCodec codec;
};

// Whether valid_min, valid_max or valid_range are written as floating-point numbers.
bool has_real_range(const Json& attributes) {
  for (const char* name : {"valid_range", "valid_min", "valid_max"}) {
    Json value = json_member(attributes, name);
    if (value.GetType() == Json::Type::Array && value.ToArray().Size() > 0) {
      value = value.ToArray()[0];
    }
    if (value.GetType() == Json::Type::Double) return true;
  }
  return false;
}

class ZarrStore final : public ArrayStore {
 public:
  explicit ZarrStore(std::string root) : root_(std::move(root)) {
    while (root_.size() > 1 && root_.ends_with('/')) root_.pop_back();
    if (const auto metadata = read_json(root_ + "/.zmetadata")) {
      add_consolidated(*metadata);
    } else {
      check_version();
      attributes_ = json_attributes(read_json(root_ + "/.zattrs").value_or(Json()));
      add_folders("");
    }
  }

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  const CfAttributes& attributes() const override { return attributes_; }

  bool read(std::size_t array, std::span<const std::int64_t> start,
            std::span<const std::int64_t> count, std::span<std::byte> out) const override;

  // A compressed chunk and a decoded one.
  std::int64_t scratch_bytes(std::size_t array) const override {
    const std::int64_t bytes = chunk_bytes(array);
    return compressed_bytes(bytes) + bytes + storages_[array].codec.scratch_bytes(bytes);
  }

  std::vector<std::string> texts(std::size_t array) const override;

 private:
  void check_version() const {
    const bool told = !is_remote(root_);  // servers know of no folders
    if (told && !file_exists(root_))
      throw Error(ErrorCode::kNotFound, "there is no such folder", root_);
    if (file_exists(root_ + "/.zgroup")) return;
    if (file_exists(root_ + "/zarr.json")) {
      throw Error(ErrorCode::kUnreadable, "is Zarr of version 3", root_,
                  "version 2 is read: zarr_format=2 in xarray's to_zarr");
    }
    throw Error(ErrorCode::kUnreadable, "is no Zarr group", root_,
                file_exists(root_ + "/.zarray") ? "name the folder that this array is in"
                                                : "a folder with a .zgroup in it");
  }

  void add_consolidated(const Json& metadata) {
    std::map<std::string, Json> attributes;
    std::vector<std::pair<std::string, Json>> descriptions;  // in the order of the document
    for (const Json& entry : json_member(metadata, "metadata").GetChildren()) {
      const std::string key = entry.GetName();
      const std::size_t slash = key.rfind('/');
      const std::string name = slash == std::string::npos ? "" : key.substr(0, slash);
      const std::string file = slash == std::string::npos ? key : key.substr(slash + 1);
      if (file == ".zattrs") attributes.emplace(name, entry);
      if (file == ".zarray") descriptions.emplace_back(name, entry);
    }
    const auto of = [&](const std::string& name) {
      const auto found = attributes.find(name);
      return found == attributes.end() ? Json() : found->second;
    };
    attributes_ = json_attributes(of(""));
    for (const auto& [name, description] : descriptions) add_array(name, description, of(name));
  }

  // Adds the arrays of a group and of those in it. `prefix`: "group/", "" for the root.
  void add_folders(const std::string& prefix) {
    count();  // folders may lead back to themselves
    std::vector<std::string> names;
    char** entries = VSIReadDir(network_name(root_ + "/" + prefix).c_str());
    for (char** entry = entries; entry && *entry; ++entry) names.emplace_back(*entry);
    CSLDestroy(entries);
    std::sort(names.begin(), names.end());
    for (std::string name : names) {
      if (name.ends_with('/')) name.pop_back();
      const std::string folder = root_ + "/" + prefix + name;
      if (const auto description = read_json(folder + "/.zarray")) {
        add_array(prefix + name, *description, read_json(folder + "/.zattrs").value_or(Json()));
      } else if (name != "." && name != ".." && file_exists(folder + "/.zgroup")) {
        add_folders(prefix + name + "/");
      }
    }
  }

  // One array or group more.
  void count() {
    if (++count_ <= limits::kArrays) return;
    throw Error(ErrorCode::kUnreadable, "has too many arrays and groups", root_,
                "at most " + std::to_string(limits::kArrays));
  }

  void add_array(const std::string& name, const Json& description, const Json& attributes) {
    count();
    ArrayInfo info{.name = name};
    Storage storage;
    storage.dtype = json_member(description, "dtype").ToString();
    const CellType stored = numpy_type(storage.dtype);
    info.type = stored.type;
    info.shape = json_integers(json_member(description, "shape"));
    info.chunks = json_integers(json_member(description, "chunks"));
    info.attributes = json_attributes(attributes);
    info.fill = json_number(json_member(description, "fill_value"));
    const std::string group = name.substr(0, name.size() - base_name(name).size());
    const Json dimensions = json_member(attributes, "_ARRAY_DIMENSIONS");
    if (dimensions.GetType() == Json::Type::Array) {
      for (const Json& item : dimensions.ToArray()) {
        info.dimensions.push_back(group + item.ToString());
      }
    }
    // Without names they have none that could be known.
    for (std::size_t d = info.dimensions.size(); d < info.shape.size(); ++d) {
      info.dimensions.push_back(name + "_dim" + std::to_string(d));
    }
    info.unpacked_range = has_real_range(attributes) && stored.type < ArrayType::kFloat32 &&
                          (json_member(attributes, "scale_factor").IsValid() ||
                           json_member(attributes, "add_offset").IsValid());
    storage.by_columns = json_member(description, "order").ToString() == "F";
    const Json separator = json_member(description, "dimension_separator");
    if (separator.IsValid()) storage.separator = separator.ToString();
    const Json compressor = json_member(description, "compressor");
    if (compressor.GetType() == Json::Type::Object) {
      storage.compressor = json_member(compressor, "id").ToString();
    }
    ZarrCodec codec = zarr_codec(description, stored);
    info.unreadable = std::move(codec.unreadable);
    storage.codec = std::move(codec.codec);
    check_shape(info);
    arrays_.push_back(std::move(info));
    storages_.push_back(std::move(storage));
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

  // Decodes a whole chunk, also its cells beyond the array. False when it was never written.
  bool read_chunk(std::size_t array, std::span<const std::int64_t> index,
                  std::span<std::byte> cells) const {
    const std::string file = chunk_file(array, index);
    const auto stored = read_whole_file(file);
    if (stored) storages_[array].codec.decode(*stored, cells, file);
    return stored.has_value();
  }

  std::string root_;
  std::vector<ArrayInfo> arrays_;
  std::vector<Storage> storages_;  // of arrays_
  CfAttributes attributes_;
  std::size_t count_ = 0;
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
                     std::span<const std::int64_t> count, std::span<std::byte> out) const {
  const ArrayInfo& info = arrays_[array];
  const Storage& storage = storages_[array];
  const std::size_t rank = info.shape.size();
  const std::size_t cell = size_of(info.type);
  if (out.empty()) return true;
  std::vector<std::int64_t> begin(rank);
  std::vector<std::int64_t> end(rank);
  bool several = false;
  bool whole = !storage.by_columns;
  for (std::size_t d = 0; d < rank; ++d) {
    begin[d] = start[d] / info.chunks[d];
    end[d] = (start[d] + count[d] - 1) / info.chunks[d] + 1;
    several = several || end[d] - begin[d] > 1;
    whole = whole && start[d] % info.chunks[d] == 0 && count[d] == info.chunks[d];
  }
  if (whole) return read_chunk(array, begin, out);
  const Layout target{strides_of(count, false), {start.begin(), start.end()}};
  bool any = false;
  const auto fill = [&] {
    dispatch_array(info.type, [&]<class T>(std::type_identity<T>) {
      const auto value = array_cast<T>(info.fill.value_or(0));
      for (std::size_t i = 0; i < out.size(); i += cell) std::memcpy(&out[i], &value, cell);
    });
  };
  if (several) fill();
  Bytes decoded(static_cast<std::size_t>(chunk_bytes(array)));
  each_index(begin, end, [&](const std::vector<std::int64_t>& index) {
    if (!read_chunk(array, index, decoded)) return;
    any = true;
    Layout source{strides_of(info.chunks, storage.by_columns), std::vector<std::int64_t>(rank)};
    std::vector<std::int64_t> from(rank);
    std::vector<std::int64_t> to(rank);
    for (std::size_t d = 0; d < rank; ++d) {
      source.origin[d] = index[d] * info.chunks[d];
      from[d] = std::max(start[d], source.origin[d]);
      to[d] = std::min(start[d] + count[d], source.origin[d] + info.chunks[d]);
    }
    copy_cells(decoded.data(), source, out.data(), target, from, to, cell);
  });
  return any;
}

std::vector<std::string> ZarrStore::texts(std::size_t array) const {
  const ArrayInfo& info = arrays_[array];
  const Storage& storage = storages_[array];
  if (info.shape.size() != 1 || info.shape[0] > limits::kCoordinates ||
      info.chunks[0] > limits::kCoordinates || !is_text_type(storage.dtype) ||
      !has_decompressor(storage.compressor)) {
    return {};
  }
  std::vector<std::string> out;
  for (std::int64_t i = 0; i * info.chunks[0] < info.shape[0]; ++i) {
    const std::string file = chunk_file(array, std::array{i});
    std::vector<std::string> texts;
    if (const auto stored = read_whole_file(file)) {
      texts = chunk_texts(storage.dtype, decompress_all(storage.compressor, *stored, file));
    }
    texts.resize(static_cast<std::size_t>(info.chunks[0]));
    std::ranges::move(texts, std::back_inserter(out));
  }
  out.resize(static_cast<std::size_t>(info.shape[0]));
  return out;
}

// The folder of the group: of a zip file the one in it.
std::string group_folder(const std::string& name) {
  VSIStatBufL stat;
  if (!lower(name).ends_with(".zip")) return name;
  const bool is_file =
      VSIStatL(network_name(name).c_str(), &stat) == 0 && VSI_ISREG(stat.st_mode) != 0;
  if (!is_file) return name;
  const std::string root = std::string("/vsizip/{").append(gdal_name_of(name)).append("}");
  if (file_exists(root + "/.zgroup")) return root;
  const CPLStringList entries(VSIReadDir(network_name(root).c_str()));
  std::string only;
  for (int i = 0; i < entries.size(); ++i) {
    std::string folder = root + "/" + entries[i];
    if (folder.ends_with('/')) folder.pop_back();
    if (!file_exists(folder + "/.zgroup")) continue;
    if (!only.empty()) return root;
    only = folder;
  }
  return only.empty() ? root : only;
}

}  // namespace

std::shared_ptr<const ArrayStore> open_zarr(const std::string& folder) {
  register_gdal();
  return std::make_shared<const ZarrStore>(group_folder(folder));
}

}  // namespace cube
