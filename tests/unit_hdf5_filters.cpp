// Chunks of HDF5 files that other programs compressed by zstd and blosc: read whether or not HDF5
// has plugins for them. They are written here as such programs leave them, filter by filter.
#include <hdf5.h>

#include <cstring>
#include <numeric>

#include "engine/gdal/array_store.h"
#include "engine/gdal/compress.h"
#include "engine/gdal/hdf5_reader.h"
#include "engine/gdal/netcdf_lock.h"
#include "engine/gdal/raster_info.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr H5Z_filter_t kBlosc = 32001;
constexpr H5Z_filter_t kZstd = 32015;
constexpr hsize_t kHeight = 6, kWidth = 10;  // cells
constexpr hsize_t kChunkRows = 4, kChunkColumns = 5;
constexpr std::int16_t kFill = -7;

std::vector<std::int16_t> chunk_cells(hsize_t row, hsize_t column) {
  std::vector<std::int16_t> out(kChunkRows * kChunkColumns);
  for (hsize_t i = 0; i < out.size(); ++i) {
    out[i] =
        static_cast<std::int16_t>(100 * (row + i / kChunkColumns) + column + i % kChunkColumns);
  }
  return out;
}

std::vector<std::byte> packed(const Compression& how, std::span<const std::byte> bytes) {
  std::vector<std::byte> out;
  const auto part = compress(how, bytes, out, "test");
  return {part.begin(), part.end()};
}

struct Case {
  H5Z_filter_t filter;
  Compression compression;
  bool shuffle;
};

// A dataset "v" in 2 x 2 chunks, of which the last is not written and the second lacks the last
// filter, as HDF5 leaves it out where it does not make a chunk smaller.
void write_file(const std::string& file, const Case& c, bool broken) {
  const NetcdfLock lock;
  const hid_t id = H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t size[] = {kHeight, kWidth}, chunk[] = {kChunkRows, kChunkColumns};
  const hid_t space = H5Screate_simple(2, size, nullptr);
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(properties, 2, chunk);
  if (c.shuffle) H5Pset_shuffle(properties);
  H5Pset_filter(properties, c.filter, H5Z_FLAG_OPTIONAL, 0, nullptr);
  H5Pset_fill_value(properties, H5T_NATIVE_INT16, &kFill);
  const hid_t data =
      H5Dcreate2(id, "v", H5T_NATIVE_INT16, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  REQUIRE(data >= 0);
  for (hsize_t i = 0; i < 3; ++i) {
    const hsize_t start[] = {kChunkRows * (i / 2), kChunkColumns * (i % 2)};
    const auto cells = chunk_cells(start[0], start[1]);
    std::vector<std::byte> bytes(cells.size() * sizeof(cells[0]));
    if (c.shuffle) {
      shuffle_bytes(std::as_bytes(std::span(cells)), sizeof(cells[0]), bytes);
    } else {
      std::memcpy(bytes.data(), cells.data(), bytes.size());
    }
    const bool left_out = i == 1;
    if (!left_out) bytes = packed(c.compression, bytes);
    if (broken) std::fill(bytes.begin(), bytes.end(), std::byte{7});
    const std::uint32_t mask = left_out ? 1U << (c.shuffle ? 1 : 0) : 0;
    REQUIRE(H5Dwrite_chunk(data, H5P_DEFAULT, mask, start, bytes.size(), bytes.data()) >= 0);
  }
  H5Dclose(data);
  H5Pclose(properties);
  H5Sclose(space);
  H5Fclose(id);
}

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const bool shuffle : {false, true}) {
    out.push_back({kZstd, {"zstd", {{"LEVEL", "3"}}}, shuffle});
    out.push_back({kBlosc, {"blosc", {{"CNAME", "lz4"}, {"TYPESIZE", "2"}}}, shuffle});
    out.push_back(
        {kBlosc, {"blosc", {{"CNAME", "zstd"}, {"SHUFFLE", "BIT"}, {"TYPESIZE", "2"}}}, shuffle});
  }
  std::erase_if(out, [](const Case& c) { return !has_compressor(c.compression.name); });
  return out;
}

}  // namespace

TEST_CASE("chunks that are compressed by zstd and blosc are read, whole and in part") {
  register_gdal();
  const test::TempDir dir;
  REQUIRE(!cases().empty());
  for (const Case& c : cases()) {
    CAPTURE(c.compression.name);
    CAPTURE(c.shuffle);
    write_file(dir.file("a.h5"), c, false);
    const auto store = open_netcdf(dir.file("a.h5"));
    const auto array = find_array(*store, "v");
    REQUIRE(array);
    CHECK(store->arrays()[*array].unreadable == "");
    for (const hsize_t row : {hsize_t{0}, kChunkRows}) {
      for (const hsize_t column : {hsize_t{0}, kChunkColumns}) {
        const auto rows = static_cast<std::int64_t>(std::min(kChunkRows, kHeight - row));
        const auto columns = static_cast<std::int64_t>(kChunkColumns);
        const std::vector<std::int64_t> start = {static_cast<std::int64_t>(row),
                                                 static_cast<std::int64_t>(column)};
        const std::vector<std::int64_t> count = {rows, columns};
        std::vector<std::int16_t> cells(static_cast<std::size_t>(rows * columns), -1);
        const bool there =
            store->read(*array, start, count, std::as_writable_bytes(std::span(cells)));
        if (row > 0 && column > 0) {
          CHECK(there);
          CHECK(cells == std::vector<std::int16_t>(cells.size(), kFill));
          continue;
        }
        auto expected = chunk_cells(row, column);
        expected.resize(cells.size());
        CHECK(there);
        CHECK(cells == expected);
      }
    }
  }
}

TEST_CASE("a broken chunk is told, with its variable and file") {
  register_gdal();
  const test::TempDir dir;
  for (const Case& c : cases()) {
    CAPTURE(c.compression.name);
    write_file(dir.file("b.h5"), c, true);
    const auto store = open_netcdf(dir.file("b.h5"));
    std::vector<std::int16_t> cells(kChunkRows * kChunkColumns);
    const std::vector<std::int64_t> start = {0, 0}, count = {kChunkRows, kChunkColumns};
    const std::string error = test::error_of(
        [&] { store->read(0, start, count, std::as_writable_bytes(std::span(cells))); });
    CHECK(error.starts_with(dir.file("b.h5") + ": variable 'v' cannot be read: "));
  }
}
