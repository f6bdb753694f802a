// NetcdfStore: a netCDF file, classic or netCDF-4, read in its own types through libnetcdf.
//
// One handle serves all threads, under NetcdfLock. HDF5's own cache of chunks is turned off: it
// would hold up to 16 MiB for each variable; what is read twice is kept by the caller.
#include <netcdf.h>
#include <netcdf_filter.h>

#include <array>
#include <filesystem>

#include "engine/error.h"
#include "engine/gdal/array_store.h"
#include "engine/gdal/netcdf_lock.h"

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

// REQUIRES: NetcdfLock held where it is made, in read() it takes it itself.
class NetcdfStore final : public ArrayStore {
 public:
  explicit NetcdfStore(const std::string& file) : file_(file) {
    const int status = nc_open(file.c_str(), NC_NOWRITE, &id_);
    if (status != NC_NOERR) {
      throw Error(ErrorCode::kUnreadable,
                  std::string("cannot be opened as netCDF: ") + nc_strerror(status), file);
    }
    try {
      describe();
    } catch (...) {
      nc_close(id_);
      throw;
    }
  }
  ~NetcdfStore() override {
    const NetcdfLock lock;
    nc_close(id_);
  }
  NetcdfStore(const NetcdfStore&) = delete;
  NetcdfStore& operator=(const NetcdfStore&) = delete;

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  const CfAttributes& attributes() const override { return attributes_; }

  bool read(std::size_t array, std::span<const std::int64_t> start,
            std::span<const std::int64_t> count, std::vector<std::byte>& out) const override {
    const std::vector<std::size_t> first(start.begin(), start.end());
    const std::vector<std::size_t> sizes(count.begin(), count.end());
    std::size_t bytes = size_of(arrays_[array].type);
    for (const std::size_t size : sizes) bytes *= size;
    out.resize(bytes);
    if (bytes == 0) return true;
    const NetcdfLock lock;
    const int status =
        nc_get_vara(id_, static_cast<int>(array), first.data(), sizes.data(), out.data());
    if (status == NC_NOERR) return true;
    throw Error(ErrorCode::kUnreadable,
                "variable '" + arrays_[array].name + "' cannot be read: " + nc_strerror(status),
                file_);
  }

  // HDF5 decodes a chunk into a buffer and its filters into another.
  std::int64_t scratch_bytes(std::size_t array) const override {
    if (arrays_[array].chunks.empty()) return 0;
    auto bytes = static_cast<std::int64_t>(size_of(arrays_[array].type));
    for (const std::int64_t side : arrays_[array].chunks) bytes *= side;
    return 2 * bytes;
  }

 private:
  void check(int status) const {
    if (status == NC_NOERR) return;
    throw Error(ErrorCode::kUnreadable, nc_strerror(status), file_);
  }

  void describe() {
    int variables = 0;
    int attributes = 0;
    check(nc_inq(id_, nullptr, &variables, &attributes, nullptr));
    attributes_ = attributes_of(NC_GLOBAL, attributes);
    for (int variable = 0; variable < variables; ++variable) {
      arrays_.push_back(describe(variable));
    }
  }

  ArrayInfo describe(int variable) const {
    std::array<char, NC_MAX_NAME + 1> name{};
    std::array<int, NC_MAX_VAR_DIMS> dimensions{};
    nc_type type = NC_NAT;
    int rank = 0;
    int attributes = 0;
    check(nc_inq_var(id_, variable, name.data(), &type, &rank, dimensions.data(), &attributes));
    ArrayInfo info{.name = name.data(),
                   .type = array_type(type),
                   .dimensions = {},
                   .shape = {},
                   .chunks = {},
                   .attributes = attributes_of(variable, attributes)};
    for (int i = 0; i < rank; ++i) {
      std::size_t length = 0;
      check(nc_inq_dim(id_, dimensions[static_cast<std::size_t>(i)], name.data(), &length));
      info.dimensions.emplace_back(name.data());
      info.shape.push_back(static_cast<std::int64_t>(length));
    }
    int storage = NC_CONTIGUOUS;
    std::vector<std::size_t> chunks(static_cast<std::size_t>(rank));
    const bool told = rank > 0 && nc_inq_var_chunking(id_, variable, &storage, chunks.data()) == 0;
    if (told && storage == NC_CHUNKED) {
      info.chunks.assign(chunks.begin(), chunks.end());
      nc_set_var_chunk_cache(id_, variable, 0, 1, 0);
      info.unreadable = missing_filter(variable);
    }
    return info;
  }

  // HDF5's filters are plugins, any of which may not be installed.
  std::string missing_filter(int variable) const {
    std::size_t count = 0;
    if (nc_inq_var_filter_ids(id_, variable, &count, nullptr) != NC_NOERR) return {};
    std::vector<unsigned> filters(count);
    if (count == 0 || nc_inq_var_filter_ids(id_, variable, &count, filters.data()) != NC_NOERR) {
      return {};
    }
    for (const unsigned filter : filters) {
      if (nc_inq_filter_avail(id_, filter) == NC_NOERR) continue;
      return "is stored with the HDF5 filter " + std::to_string(filter) + ", not installed here";
    }
    return {};
  }

  CfAttributes attributes_of(int variable, int count) const {
    CfAttributes out;
    for (int i = 0; i < count; ++i) {
      std::array<char, NC_MAX_NAME + 1> name{};
      nc_type type = NC_NAT;
      std::size_t length = 0;
      check(nc_inq_attname(id_, variable, i, name.data()));
      check(nc_inq_att(id_, variable, name.data(), &type, &length));
      if (type == NC_CHAR || type == NC_STRING) {
        out.emplace_back(name.data(), text_of(variable, name.data(), type, length));
      } else if (array_type(type) != ArrayType::kOther && length > 0) {
        std::vector<double> numbers(length);
        check(nc_get_att_double(id_, variable, name.data(), numbers.data()));
        if (length == 1) {
          out.emplace_back(name.data(), numbers.front());
        } else {
          out.emplace_back(name.data(), std::move(numbers));
        }
      }
    }
    return out;
  }

  std::string text_of(int variable, const char* name, nc_type type, std::size_t length) const {
    if (length == 0) return {};
    std::string text;
    if (type == NC_CHAR) {
      text.resize(length);
      check(nc_get_att_text(id_, variable, name, text.data()));
      text.erase(text.find_last_not_of('\0') + 1);
      return text;
    }
    std::vector<char*> texts(length);
    check(nc_get_att_string(id_, variable, name, texts.data()));
    if (texts.front()) text = texts.front();
    nc_free_string(length, texts.data());
    return text;
  }

  std::string file_;
  int id_ = 0;
  std::vector<ArrayInfo> arrays_;
  CfAttributes attributes_;
};

}  // namespace

std::shared_ptr<const ArrayStore> open_netcdf(const std::string& file) {
  if (file.starts_with("/vsi")) {
    throw Error(ErrorCode::kUnreadable, "libnetcdf reads no /vsi paths", file,
                "Zarr is read through them");
  }
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    throw Error(ErrorCode::kNotFound, "there is no such file", file);
  }
  const NetcdfLock lock;
  return std::make_shared<const NetcdfStore>(file);
}

}  // namespace cube
