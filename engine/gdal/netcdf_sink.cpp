// CF netCDF-4: one variable a band in its own dtype, chunked as the cube is.
//
// libnetcdf makes the file with all that it says about the cells; then it is opened as the HDF5
// file that it is, and workers add chunks that they have encoded themselves (shuffle, deflate:
// what the file says its filters are). Thread rule: NetcdfLock, but not while cells are encoded.
#include <cpl_string.h>
#include <netcdf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>

#include "engine/gdal/cf.h"
#include "engine/gdal/compress.h"
#include "engine/gdal/hdf5_chunks.h"
#include "engine/gdal/memory_instead.h"
#include "engine/gdal/netcdf_lock.h"
#include "engine/gdal/output_file.h"
#include "engine/gdal/run_record.h"
#include "engine/gdal/tile_cutter.h"
#include "engine/gdal/tile_store.h"
#include "engine/text.h"

namespace cube {

namespace {

nc_type netcdf_type(DType type) {
  switch (type) {
    case DType::kUInt8:
      return NC_UBYTE;
    case DType::kInt16:
      return NC_SHORT;
    case DType::kUInt16:
      return NC_USHORT;
    case DType::kInt32:
      return NC_INT;
    case DType::kUInt32:
      return NC_UINT;
    case DType::kFloat32:
      return NC_FLOAT;
    case DType::kFloat64:
      break;
  }
  return NC_DOUBLE;
}

// HDF5 cannot be closed any more once writing its tables has failed, so their room is looked for
// before that.
void need_room(const std::string& path, const std::string& name, std::uintmax_t bytes) {
  std::error_code error;
  const auto space = std::filesystem::space(path, error);
  if (!error && space.available < bytes) throw unwritable(name, std::strerror(ENOSPC));
}

// The file without cells. It is made in memory: where a file on a disk cannot be closed libnetcdf
// crashes, and libhdf5 keeps it open and tries again when the program ends. (A file of
// nc_create_mem() would forget the order of its variables.) REQUIRES: NetcdfLock held in every
// call.
class NetcdfFile {
 public:
  NetcdfFile(const std::string& path, std::string name) : path_(path), name_(std::move(name)) {
    constexpr std::size_t kEnough = std::size_t{4} << 20;
    // libnetcdf crashes where it gets no memory; so it is seen to before.
    const std::vector<std::byte> there_is_room(kEnough);
    errno = 0;
    check(nc_create(path.c_str(), NC_NETCDF4 | NC_CLOBBER, &id_));
    open_ = true;
    try {
      memory_.emplace(path, name_);
    } catch (...) {
      nc_close(id_);
      throw;
    }
  }
  ~NetcdfFile() {
    if (open_) nc_close(id_);
  }
  NetcdfFile(const NetcdfFile&) = delete;
  NetcdfFile& operator=(const NetcdfFile&) = delete;

  int id() const { return id_; }

  void check(int status) const {
    if (status == NC_NOERR) return;
    // HDF5's failures all look alike; the system's reason is still in errno.
    throw unwritable(name_, (status == NC_EHDFERR || status > 0) && errno != 0
                                ? std::strerror(errno)
                                : nc_strerror(status));
  }

  // Puts it onto the disk.
  void close() {
    open_ = false;
    errno = 0;
    check(nc_close(id_));
    PlacedFile file(path_, name_, PlacedFile::Mode::kNew);
    file.write(memory_->bytes(), 0);
    file.close();
  }

  int dimension(const std::string& name, std::size_t size) {
    int dimension = 0;
    check(nc_def_dim(id_, name.c_str(), size, &dimension));
    return dimension;
  }

  int variable(const std::string& name, nc_type type, const std::vector<std::string>& dimensions) {
    std::vector<int> ids(dimensions.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      check(nc_inq_dimid(id_, dimensions[i].c_str(), &ids[i]));
    }
    int variable = 0;
    check(nc_def_var(id_, name.c_str(), type, static_cast<int>(ids.size()), ids.data(), &variable));
    return variable;
  }

  // `cells`: the type of those that count cells' values.
  void attributes(int variable, const CfAttributes& all, nc_type cells = NC_DOUBLE) {
    for (const auto& [key, value] : all) {
      if (const auto* text = std::get_if<std::string>(&value)) {
        check(nc_put_att_text(id_, variable, key.c_str(), text->size(), text->c_str()));
        continue;
      }
      const auto* one = std::get_if<double>(&value);
      const auto* many = std::get_if<std::vector<double>>(&value);
      check(nc_put_att_double(id_, variable, key.c_str(), key == kFlagValues ? cells : NC_DOUBLE,
                              one ? 1 : many->size(), one ? one : many->data()));
    }
  }

 private:
  std::string path_;
  std::string name_;
  std::optional<MemoryInstead> memory_;
  int id_ = -1;
  bool open_ = false;
};

class NetcdfWriter final : public FileWriter {
 public:
  NetcdfWriter(const FilePart& part, const OutputOptions& options)
      : part_(part),
        deflate_(lower(option(options, "COMPRESS", "DEFLATE")) == "deflate"),
        level_(std::stoi(option(options, "ZLEVEL", option(options, "LEVEL", "1")))),
        shuffle_(CPLTestBool(option(options, "SHUFFLE", "YES").c_str())) {
    check_variable_names(part.info, part.file);
  }

  ~NetcdfWriter() override {
    const NetcdfLock lock;
    file_.reset();
    chunks_.reset();
  }

  void begin(const std::string& path, const ChunkShape& tiling,
             const Provenance& provenance) override {
    const NetcdfLock lock;
    path_ = path;
    const std::string working = file_of(store_);
    file_ = std::make_unique<NetcdfFile>(working, part_.file);
    const CfCube cf = describe_cf(part_.info, provenance);
    const Grid& grid = part_.info.grid;
    file_->dimension(cf.time, static_cast<std::size_t>(part_.info.time.size()));
    file_->dimension(cf.y, static_cast<std::size_t>(grid.height));
    file_->dimension(cf.x, static_cast<std::size_t>(grid.width));
    if (part_.info.time.is_regular()) file_->dimension("nv", 2);
    file_->attributes(NC_GLOBAL, cf.global);
    if (!cf.grid_mapping.empty()) {
      file_->attributes(file_->variable(cf.grid_mapping, NC_INT, {}), cf.crs);
    }
    std::vector<int> coordinates;
    for (const CfVariable& variable : cf.coordinates) {
      const bool times = std::holds_alternative<std::vector<std::int64_t>>(variable.values);
      coordinates.push_back(
          file_->variable(variable.name, times ? NC_INT64 : NC_DOUBLE, variable.dimensions));
      file_->attributes(coordinates.back(), variable.attributes);
    }
    for (std::size_t b = 0; b < part_.info.bands.size(); ++b) define_band(b, cf, tiling);
    need_room(path_, part_.file, table_bytes() + 2 * one_text(provenance).size());
    file_->check(nc_enddef(file_->id()));
    for (std::size_t i = 0; i < coordinates.size(); ++i) {
      put_values(coordinates[i], cf.coordinates[i]);
    }
    file_->close();
    file_.reset();
    std::vector<std::string> names;
    for (const BandInfo& band : part_.info.bands) names.push_back(band.name);
    chunks_ = std::make_unique<Hdf5Chunks>(working, part_.file, names);
  }

  // HDF5 files that were not closed are of no use but for the bytes of their chunks. A run that
  // goes on makes a new one, into which those chunks are copied at the end.
  bool resumes() const override { return true; }
  void resume(const std::string& path, const ChunkShape& tiling, const Provenance& provenance,
              const std::vector<WrittenPiece>& pieces) override {
    path_ = path;
    for (const WrittenPiece& piece : pieces) {
      for (const StoredTile& tile : piece.tiles) {
        earlier_.push_back({piece.region, tile, path});
        store_ = std::max(store_, tile.store + 1);
      }
    }
    // The run may have ended when its file had been closed and renamed.
    if (store_ > 0 && !std::filesystem::exists(file_of(store_ - 1)))
      rename_file(path, file_of(store_ - 1));
    begin(path, tiling, provenance);
  }

  bool holds(const std::string& path, const ChunkShape&, const WrittenPiece& piece) const override {
    return std::ranges::all_of(piece.tiles, [&](const StoredTile& tile) {
      return holds_tiles(file_of(path, tile.store), piece, tile.store);
    });
  }

  void adopt(const std::string& path, const std::vector<WrittenPiece>& pieces) override {
    for (const WrittenPiece& piece : pieces) {
      for (const StoredTile& tile : piece.tiles) earlier_.push_back({piece.region, tile, path});
    }
  }

  void write(const Piece& piece, TileLog& log) override {
    for (std::size_t b = 0; b < piece.bands.size(); ++b) write_band(b, piece, log);
  }

  void finish() override {
    const NetcdfLock lock;
    copy_earlier();
    need_room(path_, part_.file, table_bytes());
    chunks_->close();
    rename_file(file_of(store_), path_);
  }

  void forget() override {
    std::error_code ignored;
    for (std::uint64_t store = 0; store < store_; ++store) {
      std::filesystem::remove(file_of(store), ignored);
    }
  }

  // A padded copy, the shuffled chunk and the compressed one.
  std::int64_t bytes_per_write(const ChunkShape& shape) const override {
    return 3 * shape.cells() * static_cast<std::int64_t>(widest_cell(part_.info)) +
           compressor_bytes("zlib", level_);
  }

 private:
  // A generous guess at what HDF5 writes besides cells.
  std::uintmax_t table_bytes() const {
    constexpr std::uintmax_t kFixed = std::uintmax_t{128} * 1024;
    constexpr std::uintmax_t kChunk = 64;
    return kFixed + kChunk * chunk_count_;
  }

  // The file that a run writes; `store` counts those that ended early before it.
  static std::string file_of(const std::string& path, std::uint64_t store) {
    return path + "-" + std::to_string(store);
  }
  std::string file_of(std::uint64_t store) const { return file_of(path_, store); }

  void rename_file(const std::string& from, const std::string& to) const {
    std::error_code error;
    std::filesystem::rename(from, to, error);
    if (error) throw unwritable(part_.file, error.message());
  }

  // REQUIRES: NetcdfLock.
  void copy_earlier() {
    std::map<std::string, PlacedFile> files;
    std::vector<std::byte> bytes;
    for (const auto& [region, tile, path] : earlier_) {
      const std::string from = file_of(path, tile.store);
      const auto file = files.try_emplace(from, from, part_.file).first;
      bytes.resize(tile.bytes);
      file->second.read(bytes, tile.offset);
      chunks_->write(tile.index, {region.t.begin, region.y.begin, region.x.begin}, bytes);
    }
    earlier_.clear();
  }

  struct Scratch {
    std::vector<std::byte> shuffled;
    std::vector<std::byte> packed;
  };

  void write_band(std::size_t b, const Piece& piece, TileLog& log) {
    const BandInfo& band = part_.info.bands[b];
    const Region& region = piece.region;
    std::span<const std::byte> cells = piece.bands[b];
    // Chunks that are not written read as missing.
    if (band.nodata && (cells.empty() || all_equal(cells, missing_cell(band.storage())))) return;
    std::vector<std::byte> padded;
    if (cells.empty() || region.cells() != chunk_.cells()) {
      padded = padded_cells(region, cells, band.storage(), chunk_);
      cells = padded;
    }
    Pool<Scratch>::Lease scratch(scratch_);
    const Stopwatch start;
    if (deflate_) {
      if (shuffle_) {
        scratch->shuffled.resize(cells.size());
        shuffle_bytes(cells, size_of(band.dtype), scratch->shuffled);
        cells = scratch->shuffled;
      }
      const Compression zlib{"zlib", {{"LEVEL", std::to_string(level_)}}};
      cells = compress(zlib, cells, scratch->packed, part_.file);
    }
    part_.encoding.add(start.seconds());
    const NetcdfLock lock;
    const std::uint64_t offset =
        chunks_->write(b, {region.t.begin, region.y.begin, region.x.begin}, cells);
    log.push_back({store_, b, offset, cells.size()});
  }

  void define_band(std::size_t b, const CfCube& cf, const ChunkShape& tiling) {
    const BandInfo& band = part_.info.bands[b];
    const int id = file_->id();
    const int variable = file_->variable(band.name, netcdf_type(band.dtype), {cf.time, cf.y, cf.x});
    const Region extent = part_.info.extent();
    const auto least = [](std::int64_t chunk, const Range& range) {
      return static_cast<std::size_t>(std::min(chunk, range.size()));
    };
    const std::array<std::size_t, 3> chunk = {least(tiling.t, extent.t), least(tiling.y, extent.y),
                                              least(tiling.x, extent.x)};
    const auto count = [](const Range& range, std::size_t size) {
      return (static_cast<std::size_t>(range.size()) + size - 1) / size;
    };
    chunk_count_ +=
        count(extent.t, chunk[0]) * count(extent.y, chunk[1]) * count(extent.x, chunk[2]);
    file_->check(nc_def_var_chunking(id, variable, NC_CHUNKED, chunk.data()));
    chunk_ = {static_cast<std::int64_t>(chunk[0]), static_cast<std::int64_t>(chunk[1]),
              static_cast<std::int64_t>(chunk[2])};
    if (deflate_) {
      file_->check(nc_def_var_deflate(id, variable, shuffle_ ? 1 : 0, 1, level_));
    }
    dispatch(band.dtype, [&]<class T>(std::type_identity<T>) {
      if (!band.nodata) return file_->check(nc_def_var_fill(id, variable, NC_NOFILL, nullptr));
      const auto missing = static_cast<T>(*band.nodata);
      file_->check(nc_def_var_fill(id, variable, NC_FILL, &missing));
    });
    file_->attributes(variable, cf.bands[b], netcdf_type(band.dtype));
  }

  void put_values(int id, const CfVariable& variable) {
    if (const auto* times = std::get_if<std::vector<std::int64_t>>(&variable.values)) {
      const std::vector<long long> values(times->begin(), times->end());
      file_->check(nc_put_var_longlong(file_->id(), id, values.data()));
    } else {
      file_->check(nc_put_var_double(file_->id(), id,
                                     std::get<std::vector<double>>(variable.values).data()));
    }
  }

  FilePart part_;
  bool deflate_;
  int level_;
  bool shuffle_;
  std::unique_ptr<NetcdfFile> file_;  // while it is defined
  std::uintmax_t chunk_count_ = 0;    // of all bands
  ChunkShape chunk_;
  std::string path_;
  std::uint64_t store_ = 0;  // how many runs have ended early
  struct EarlierChunk {
    Region region;
    StoredTile tile;
    std::string path;  // that the file had while it was written
  };
  std::vector<EarlierChunk> earlier_;  // not copied yet
  std::unique_ptr<Hdf5Chunks> chunks_;
  Pool<Scratch> scratch_;
};

}  // namespace

std::unique_ptr<FileWriter> make_netcdf_writer(const FilePart& part, const OutputOptions& options) {
  return std::make_unique<NetcdfWriter>(part, options);
}

std::string netcdf_options() {
  return "<Options><Option name='COMPRESS' type='string-select'><Value>DEFLATE</Value>"
         "<Value>NONE</Value></Option><Option name='ZLEVEL' type='int' min='1' max='9'/>"
         "<Option name='LEVEL' type='int' min='1' max='9'/>"
         "<Option name='SHUFFLE' type='boolean'/></Options>";
}

}  // namespace cube
