// NetcdfStore: a netCDF file, classic or netCDF-4, read in its own types.
//
// Whole chunks of netCDF-4 are read past the libraries, with no lock (see Hdf5Reader); the rest
// through libnetcdf, where one handle serves all threads under NetcdfLock. HDF5's own cache of
// chunks is turned off: it would hold up to 16 MiB for each variable; what is read twice is kept by
// the caller.
//
// Neither library knows of archives: a file in one is copied to a temporary file first.
#include <netcdf.h>
#include <netcdf_filter.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <map>
#include <utility>

#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/gdal/archive.h"
#include "engine/gdal/array_store.h"
#include "engine/gdal/compress.h"
#include "engine/gdal/hdf5_reader.h"
#include "engine/gdal/local_copy.h"
#include "engine/gdal/netcdf_header.h"
#include "engine/gdal/netcdf_lock.h"
#include "engine/gdal/whole_file.h"
#include "engine/remote_names.h"

namespace cube {

namespace {

ArrayType array_type(nc_type type) {
  switch (type) {
    case NC_BYTE:
      return ArrayType::kInt8;
    case NC_UBYTE:
      return ArrayType::kUInt8;
    case NC_SHORT:
      return ArrayType::kInt16;
    case NC_USHORT:
      return ArrayType::kUInt16;
    case NC_INT:
      return ArrayType::kInt32;
    case NC_UINT:
      return ArrayType::kUInt32;
    case NC_INT64:
      return ArrayType::kInt64;
    case NC_UINT64:
      return ArrayType::kUInt64;
    case NC_FLOAT:
      return ArrayType::kFloat32;
    case NC_DOUBLE:
      return ArrayType::kFloat64;
    default:
      return ArrayType::kOther;
  }
}

// Copies the first cells of a chunk along each dimension. REQUIRES: `count` is within `sides`.
void copy_corner(std::span<const std::byte> chunk, std::span<const std::int64_t> sides,
                 std::span<const std::int64_t> count, std::size_t cell, std::span<std::byte> out) {
  const std::size_t last = sides.size() - 1;
  const auto row = static_cast<std::size_t>(count[last]) * cell;
  std::vector<std::int64_t> index(sides.size(), 0);
  for (std::size_t at = 0; at < out.size(); at += row) {
    std::int64_t from = 0;
    for (std::size_t d = 0; d < last; ++d) from = (from + index[d]) * sides[d + 1];
    std::copy_n(chunk.begin() + from * static_cast<std::int64_t>(cell), row,
                out.begin() + static_cast<std::ptrdiff_t>(at));
    for (std::size_t d = last; d-- > 0;) {
      if (++index[d] < count[d]) break;
      index[d] = 0;
    }
  }
}

// Cells that all hold the same. False where that is not known.
bool fill_cells(std::span<const std::byte> cell, std::span<std::byte> out) {
  if (cell.empty()) return false;
  for (std::size_t at = 0; at < out.size(); at += cell.size()) {
    std::ranges::copy(cell, out.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return true;
}

// Where a variable is: the handle of its group, and its number there.
struct Place {
  int group = 0;
  int variable = 0;
};

// REQUIRES: NetcdfLock held where it is made, in read() it takes it itself.
class NetcdfStore final : public ArrayStore {
 public:
  // `path`: where the file is, `file`: what it is called in errors. The path is not used
  // afterwards.
  NetcdfStore(const std::string& path, const std::string& file, std::string note = {})
      : file_(file), note_(std::move(note)) {
    if (is_stream(path)) {
      throw Error(ErrorCode::kUnreadable, "is a pipe or a device, not a file", file);
    }
    check_classic_header(path, file);
    const int status = nc_open(path.c_str(), NC_NOWRITE, &id_);
    if (status != NC_NOERR) {
      throw Error(ErrorCode::kUnreadable,
                  std::string("cannot be opened as netCDF: ") + nc_strerror(status), file);
    }
    try {
      int attributes = 0;
      check(nc_inq_natts(id_, &attributes));
      attributes_ = attributes_of({id_, NC_GLOBAL}, attributes);
      describe_group(id_, "");
      find_chunks(path);
      whole_.emplace(path, file_);
    } catch (...) {
      close();
      throw;
    }
  }
  ~NetcdfStore() override {
    const NetcdfLock lock;
    close();
  }
  NetcdfStore(const NetcdfStore&) = delete;
  NetcdfStore& operator=(const NetcdfStore&) = delete;

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  const CfAttributes& attributes() const override { return attributes_; }
  std::string note() const override { return note_; }

  bool read(std::size_t array, std::span<const std::int64_t> start,
            std::span<const std::int64_t> count, std::span<std::byte> out) const override {
    const ArrayInfo& info = arrays_[array];
    if (out.empty()) return true;
    if (chunks_[array] && is_chunk(info, start, count)) {
      switch (read_chunk(array, start, count, out)) {
        case Hdf5Reader::Found::kRead:
          return true;
        case Hdf5Reader::Found::kNeverWritten:
          if (info.fill) return false;
          if (fill_cells(chunks_[array]->fill, out)) return true;
          break;
        default:
          break;
      }
    }
    const std::vector<std::size_t> first(start.begin(), start.end());
    const std::vector<std::size_t> sizes(count.begin(), count.end());
    const NetcdfLock lock;
    const int status = nc_get_vara(places_[array].group, places_[array].variable, first.data(),
                                   sizes.data(), out.data());
    if (status == NC_NOERR) {
      whole_->check();
      return true;
    }
    throw Error(ErrorCode::kUnreadable,
                "variable '" + info.name + "' cannot be read: " + nc_strerror(status), file_);
  }

  // HDF5 decodes a chunk into a buffer and its filters into another.
  std::int64_t scratch_bytes(std::size_t array) const override {
    if (arrays_[array].chunks.empty()) return 0;
    auto bytes = static_cast<std::int64_t>(size_of(arrays_[array].type));
    for (const std::int64_t side : arrays_[array].chunks) bytes *= side;
    if (!chunks_[array]) return 2 * bytes;
    // As it is stored, and whole where less of it lies in the array.
    const std::int64_t own =
        compressed_bytes(bytes) + bytes + chunks_[array]->codec.scratch_bytes(bytes);
    return std::max(own, 2 * bytes);
  }

  std::vector<std::string> texts(std::size_t array) const override {
    const ArrayInfo& info = arrays_[array];
    const Place& place = places_[array];
    const NetcdfLock lock;
    nc_type type = NC_NAT;
    check(nc_inq_vartype(place.group, place.variable, &type));
    std::vector<std::string> out;
    if (type == NC_STRING && info.shape.size() == 1) {
      std::vector<char*> texts(static_cast<std::size_t>(info.shape[0]));
      check(nc_get_var_string(place.group, place.variable, texts.data()));
      for (const char* text : texts) out.emplace_back(text ? text : "");
      nc_free_string(texts.size(), texts.data());
    } else if (type == NC_CHAR && info.shape.size() == 2) {
      const auto length = static_cast<std::size_t>(info.shape[1]);
      std::string all(static_cast<std::size_t>(info.shape[0]) * length, ' ');
      check(nc_get_var_text(place.group, place.variable, all.data()));
      for (std::size_t i = 0; i < static_cast<std::size_t>(info.shape[0]); ++i) {
        std::string text = all.substr(i * length, length);
        text.erase(std::min(text.size(), text.find('\0')));
        text.erase(text.find_last_not_of(' ') + 1);
        out.push_back(std::move(text));
      }
    }
    return out;
  }

 private:
  void check(int status) const {
    if (status == NC_NOERR) return;
    throw Error(ErrorCode::kUnreadable, nc_strerror(status), file_);
  }

  void close() {
    for (const auto& dataset : chunks_) {
      if (dataset) reader_->close(*dataset);
    }
    reader_.reset();
    nc_close(id_);
  }

  // Adds the variables of a group and of those in it. `prefix`: "group/", "" for the root.
  void describe_group(int group, const std::string& prefix) {
    int count = 0;
    check(nc_inq_dimids(group, &count, nullptr, 0));
    std::vector<int> dimensions(static_cast<std::size_t>(count));
    check(nc_inq_dimids(group, &count, dimensions.data(), 0));
    for (const int dimension : dimensions) {
      std::array<char, NC_MAX_NAME + 1> name{};
      check(nc_inq_dimname(group, dimension, name.data()));
      dimension_names_[dimension] = prefix + name.data();
    }
    check(nc_inq_nvars(group, &count));
    for (int variable = 0; variable < count; ++variable) {
      places_.push_back({group, variable});
      arrays_.push_back(describe(places_.back(), prefix));
    }
    check(nc_inq_grps(group, &count, nullptr));
    std::vector<int> groups(static_cast<std::size_t>(count));
    check(nc_inq_grps(group, &count, groups.data()));
    for (const int inner : groups) {
      std::array<char, NC_MAX_NAME + 1> name{};
      check(nc_inq_grpname(inner, name.data()));
      describe_group(inner, prefix + name.data() + "/");
    }
  }

  ArrayInfo describe(const Place& place, const std::string& prefix) const {
    std::array<char, NC_MAX_NAME + 1> name{};
    std::array<int, NC_MAX_VAR_DIMS> dimensions{};
    nc_type type = NC_NAT;
    int rank = 0;
    int attributes = 0;
    check(nc_inq_var(place.group, place.variable, name.data(), &type, &rank, dimensions.data(),
                     &attributes));
    ArrayInfo info{.name = prefix + name.data(),
                   .type = array_type(type),
                   .dimensions = {},
                   .shape = {},
                   .chunks = {},
                   .attributes = attributes_of(place, attributes)};
    for (int i = 0; i < rank; ++i) {
      const int dimension = dimensions[static_cast<std::size_t>(i)];
      std::size_t length = 0;
      check(nc_inq_dimlen(place.group, dimension, &length));
      if (length > std::numeric_limits<std::int64_t>::max()) check(NC_EDIMSIZE);
      info.dimensions.push_back(dimension_names_.at(dimension));
      info.shape.push_back(static_cast<std::int64_t>(length));
    }
    int storage = NC_CONTIGUOUS;
    std::vector<std::size_t> chunks(static_cast<std::size_t>(rank));
    const bool told = rank > 0 && nc_inq_var_chunking(place.group, place.variable, &storage,
                                                      chunks.data()) == NC_NOERR;
    if (told && storage == NC_CHUNKED) {
      info.chunks.assign(chunks.begin(), chunks.end());
      nc_set_var_chunk_cache(place.group, place.variable, 0, 1, 0);
      info.unreadable = missing_filter(place);
    }
    info.unpacked_range = has_unpacked_range(place, type);
    return info;
  }

  bool has_unpacked_range(const Place& place, nc_type stored) const {
    const auto type_of = [&](std::initializer_list<const char*> names) -> nc_type {
      nc_type type = NC_NAT;
      for (const char* name : names) {
        if (nc_inq_atttype(place.group, place.variable, name, &type) == NC_NOERR) return type;
      }
      return NC_NAT;
    };
    const nc_type packing = type_of({"scale_factor", "add_offset"});
    const nc_type range = type_of({"valid_range", "valid_min", "valid_max"});
    return packing != NC_NAT && packing == range &&
           size_of(array_type(range)) > size_of(array_type(stored));
  }

  // Finds the variables whose chunks are read past libhdf5.
  void find_chunks(const std::string& path) {
    chunks_.resize(arrays_.size());
    const bool any =
        std::ranges::any_of(arrays_, [](const ArrayInfo& info) { return !info.chunks.empty(); });
    if (any) reader_ = Hdf5Reader::open(path, file_);
    if (!reader_) return;
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      ArrayInfo& info = arrays_[i];
      if (info.chunks.empty() || info.type == ArrayType::kOther) continue;
      chunks_[i] = reader_->dataset(info.name, size_of(info.type));
      if (!chunks_[i]) continue;
      info.unreadable.clear();
      const auto fill = numbers_attribute(info.attributes, "_FillValue");
      if (fill.size() == 1) info.fill = fill.front();
    }
  }

  // Whether a box is one chunk, or as much of it as lies in the array.
  static bool is_chunk(const ArrayInfo& info, std::span<const std::int64_t> start,
                       std::span<const std::int64_t> count) {
    for (std::size_t d = 0; d < start.size(); ++d) {
      if (start[d] % info.chunks[d] != 0 ||
          count[d] != std::min(info.chunks[d], info.shape[d] - start[d])) {
        return false;
      }
    }
    return true;
  }

  Hdf5Reader::Found read_chunk(std::size_t array, std::span<const std::int64_t> start,
                               std::span<const std::int64_t> count,
                               std::span<std::byte> out) const {
    const Hdf5Reader::Dataset& dataset = *chunks_[array];
    if (out.size() == dataset.chunk_bytes) return reader_->read(dataset, start, out);
    Bytes whole(dataset.chunk_bytes);
    const auto found = reader_->read(dataset, start, whole);
    if (found == Hdf5Reader::Found::kRead) {
      copy_corner(whole, arrays_[array].chunks, count, size_of(arrays_[array].type), out);
    }
    return found;
  }

  // HDF5's filters are plugins, any of which may not be installed.
  std::string missing_filter(const Place& place) const {
    std::size_t count = 0;
    if (nc_inq_var_filter_ids(place.group, place.variable, &count, nullptr) != NC_NOERR) return {};
    std::vector<unsigned> filters(count);
    if (count == 0 || nc_inq_var_filter_ids(place.group, place.variable, &count, filters.data())) {
      return {};
    }
    for (const unsigned filter : filters) {
      if (nc_inq_filter_avail(place.group, filter) == NC_NOERR) continue;
      return "is stored with the HDF5 filter " + std::to_string(filter) + ", not installed here";
    }
    return {};
  }

  CfAttributes attributes_of(const Place& place, int count) const {
    CfAttributes out;
    for (int i = 0; i < count; ++i) {
      std::array<char, NC_MAX_NAME + 1> name{};
      nc_type type = NC_NAT;
      std::size_t length = 0;
      check(nc_inq_attname(place.group, place.variable, i, name.data()));
      check(nc_inq_att(place.group, place.variable, name.data(), &type, &length));
      if (type == NC_CHAR || type == NC_STRING) {
        out.emplace_back(name.data(), text_of(place, name.data(), type, length));
      } else if (array_type(type) != ArrayType::kOther && length > 0) {
        std::vector<double> numbers(length);
        check(nc_get_att_double(place.group, place.variable, name.data(), numbers.data()));
        if (length == 1) {
          out.emplace_back(name.data(), numbers.front());
        } else {
          out.emplace_back(name.data(), std::move(numbers));
        }
      }
    }
    return out;
  }

  std::string text_of(const Place& place, const char* name, nc_type type,
                      std::size_t length) const {
    if (length == 0) return {};
    std::string text;
    if (type == NC_CHAR) {
      text.resize(length);
      check(nc_get_att_text(place.group, place.variable, name, text.data()));
      text.erase(text.find_last_not_of('\0') + 1);
      return text;
    }
    std::vector<char*> texts(length);
    check(nc_get_att_string(place.group, place.variable, name, texts.data()));
    if (texts.front()) text = texts.front();
    nc_free_string(length, texts.data());
    return text;
  }

  std::string file_;
  std::string note_;
  std::optional<WholeFile> whole_;
  int id_ = 0;
  std::vector<ArrayInfo> arrays_;
  std::vector<Place> places_;                   // of arrays_
  std::map<int, std::string> dimension_names_;  // by their numbers, which are the file's
  CfAttributes attributes_;
  std::unique_ptr<const Hdf5Reader> reader_;
  std::vector<std::optional<Hdf5Reader::Dataset>> chunks_;  // of arrays_
};

}  // namespace

std::shared_ptr<const ArrayStore> open_netcdf(const std::string& file) {
  static constexpr std::array<std::string_view, 6> kEndings = {".nc",   ".nc4", ".cdf",
                                                               ".hdf5", ".h5",  ".he5"};
  const std::string name = name_in_archive(file, kEndings, "netCDF");
  if (name.starts_with("/vsi") || is_remote(name)) {
    const LocalCopy copy(name, file);
    const NetcdfLock lock;
    return std::make_shared<const NetcdfStore>(copy.path(), file, copy.note());
  }
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    throw Error(ErrorCode::kNotFound, "there is no such file", file);
  }
  const NetcdfLock lock;
  return std::make_shared<const NetcdfStore>(file, file);
}

}  // namespace cube
