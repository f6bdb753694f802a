// Zarr v2: a folder with one file a chunk and band.
//
// The tiling of a cube is regular, so each piece is exactly one Zarr chunk (padded at the far
// edges): workers encode and write with no lock at all. Chunks of nothing but the fill value are
// not written.
#include <algorithm>
#include <bit>
#include <filesystem>

#include "engine/gdal/cf.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/output_file.h"
#include "engine/gdal/tile_store.h"
#include "engine/gdal/zarr_codec.h"
#include "engine/gdal/zarr_json.h"
#include "engine/stopwatch.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

static_assert(std::endian::native == std::endian::little, "cells are written as they are");

std::string list(const std::vector<std::string>& parts) {
  std::string out = "[";
  out += join(parts);
  return out + "]";
}

std::string json(const CfValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return json_text(*text);
  if (const auto* one = std::get_if<double>(&value)) return number_text(*one);
  std::vector<std::string> parts;
  for (const double number : std::get<std::vector<double>>(value)) {
    parts.push_back(number_text(number));
  }
  return list(parts);
}

// Keys with values that are JSON already.
using Members = std::vector<std::pair<std::string, std::string>>;

std::string object(const Members& members) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : members) parts.push_back(json_text(key) + ": " + value);
  std::string out = "{";
  out += join(parts, ",\n ");
  return out + "}\n";
}

class ZarrWriter final : public FileWriter {
 public:
  ZarrWriter(const FilePart& part, const OutputOptions& options) : part_(part), encoder_(options) {
    check_variable_names(part.info, part.file);
    encoder_.check(part.file);
  }

  void begin(const std::string& path, const ChunkShape& tiling,
             const Provenance& provenance) override {
    root_ = path;
    const Region extent = part_.info.extent();
    chunk_ = {std::min(tiling.t, extent.t.size()), std::min(tiling.y, extent.y.size()),
              std::min(tiling.x, extent.x.size())};
    const CfCube cf = describe_cf(part_.info, provenance);
    put_meta(".zgroup", "{\"zarr_format\": 2}\n");
    put_meta(".zattrs", object(members_of(cf.global)));
    for (const CfVariable& variable : cf.coordinates) put_coordinate(variable);
    if (!cf.grid_mapping.empty()) put_grid_mapping(cf);
    for (std::size_t b = 0; b < part_.info.bands.size(); ++b) put_band(b, cf);
    put_file(".zmetadata",
             "{\"zarr_consolidated_format\": 1, \"metadata\": " + object(meta_) + "}");
  }

  // All that is not a chunk is written again; chunks lie in files of their own.
  bool resumes() const override { return true; }
  void resume(const std::string& path, const ChunkShape& tiling, const Provenance& provenance,
              const std::vector<WrittenPiece>&) override {
    begin(path, tiling, provenance);
  }

  // A tile is a chunk of a band, in a file of its own.
  void write(const Piece& piece, TileLog& log) override {
    const Region& region = piece.region;
    const std::string key = key_of(region, chunk_);
    for (std::size_t b = 0; b < piece.bands.size(); ++b) {
      const BandInfo& band = part_.info.bands[b];
      if (piece.bands[b].empty() && band.nodata) continue;
      const std::string name = band.name + "/" + key;
      const bool as_is = region.cells() == chunk_.cells() && !piece.bands[b].empty();
      const std::uint64_t bytes =
          as_is ? put_encoded(name, piece.bands[b], size_of(band.dtype))
                : put_encoded(name, padded_cells(region, piece.bands[b], band.storage(), chunk_),
                              size_of(band.dtype));
      log.push_back({0, b, 0, bytes});
    }
  }

  bool holds(const std::string& path, const ChunkShape& tiling,
             const WrittenPiece& piece) const override {
    const std::string key = key_of(piece.region, tiling);
    return std::ranges::all_of(piece.tiles, [&](const StoredTile& tile) {
      if (tile.index >= part_.info.bands.size()) return false;
      const std::string& band = part_.info.bands[tile.index].name;
      std::error_code error;
      return fs::file_size(fs::path(path) / band / key, error) == tile.bytes && !error;
    });
  }

  void finish() override {}

  // A padded copy, the compressed chunk, and as much again that compressors take.
  std::int64_t bytes_per_write(const ChunkShape& shape) const override {
    return 3 * shape.cells() * static_cast<std::int64_t>(widest_cell(part_.info));
  }

 private:
  static std::string key_of(const Region& region, const ChunkShape& chunk) {
    return std::to_string(region.t.begin / chunk.t) + "." +
           std::to_string(region.y.begin / chunk.y) + "." +
           std::to_string(region.x.begin / chunk.x);
  }

  // Gives the size of the file.
  std::uint64_t put_encoded(const std::string& name, std::span<const std::byte> cells,
                            std::size_t cell) {
    Pool<std::vector<std::byte>>::Lease packed(packed_);
    const Stopwatch start;
    const auto bytes = encoder_.encode(cells, cell, *packed, part_.file);
    part_.encoding.add(start.seconds());
    put_bytes(name, bytes);
    return bytes.size();
  }

  void put_bytes(const std::string& name, std::span<const std::byte> bytes) const {
    PlacedFile out(root_ + "/" + name, part_.file, PlacedFile::Mode::kNew);
    out.write(bytes, 0);
    out.close();
  }

  void put_file(const std::string& name, const std::string& text) const {
    put_bytes(name, std::as_bytes(std::span(text)));
  }

  // A metadata file, which is also kept for the consolidated one.
  void put_meta(const std::string& name, const std::string& text) {
    put_file(name, text);
    meta_.emplace_back(name, text);
  }

  static Members members_of(const CfAttributes& attributes) {
    Members members;
    for (const auto& [key, value] : attributes) members.emplace_back(key, json(value));
    return members;
  }

  static Members members_of(const CfAttributes& attributes,
                            const std::vector<std::string>& dimensions) {
    Members members = members_of(attributes);
    std::vector<std::string> names;
    names.reserve(dimensions.size());
    for (const std::string& dimension : dimensions) names.push_back(json_text(dimension));
    members.emplace_back("_ARRAY_DIMENSIONS", list(names));
    return members;
  }

  void put_array(const std::string& name, const std::vector<std::int64_t>& shape,
                 const std::vector<std::int64_t>& chunks, const std::string& dtype,
                 const std::string& fill, const std::string& compressor) {
    std::error_code error;
    fs::create_directory(root_ + "/" + name, error);
    if (error) throw unwritable(part_.file, error.message());
    const auto numbers = [](const std::vector<std::int64_t>& values) {
      std::vector<std::string> parts;
      parts.reserve(values.size());
      for (const std::int64_t value : values) parts.push_back(std::to_string(value));
      return list(parts);
    };
    put_meta(name + "/.zarray", object({{"zarr_format", "2"},
                                        {"shape", numbers(shape)},
                                        {"chunks", numbers(chunks)},
                                        {"dtype", json_text(dtype)},
                                        {"compressor", compressor},
                                        {"fill_value", fill},
                                        {"filters", "null"},
                                        {"order", "\"C\""}}));
  }

  void put_coordinate(const CfVariable& variable) {
    std::visit(
        [&](const auto& values) {
          const bool times = std::is_integral_v<std::decay_t<decltype(values[0])>>;
          const std::vector<std::int64_t> all =
              variable.dimensions.size() == 2
                  ? std::vector<std::int64_t>{static_cast<std::int64_t>(values.size()) / 2, 2}
                  : std::vector<std::int64_t>{static_cast<std::int64_t>(values.size())};
          put_array(variable.name, all, all, times ? "<i8" : "<f8", "null", "null");
          put_bytes(variable.name + (all.size() == 2 ? "/0.0" : "/0"),
                    std::as_bytes(std::span(values)));
        },
        variable.values);
    put_meta(variable.name + "/.zattrs",
             object(members_of(variable.attributes, variable.dimensions)));
  }

  void put_grid_mapping(const CfCube& cf) {
    const std::int32_t zero = 0;
    put_array(cf.grid_mapping, {}, {}, "<i4", "null", "null");
    put_bytes(cf.grid_mapping + "/0", std::as_bytes(std::span(&zero, 1)));
    put_meta(cf.grid_mapping + "/.zattrs", object(members_of(cf.crs, {})));
  }

  void put_band(std::size_t b, const CfCube& cf) {
    const BandInfo& band = part_.info.bands[b];
    const Region extent = part_.info.extent();
    std::string fill = "null";
    if (band.nodata) fill = is_float(band.dtype) ? "\"NaN\"" : number_text(*band.nodata);
    put_array(band.name, {extent.t.size(), extent.y.size(), extent.x.size()},
              {chunk_.t, chunk_.y, chunk_.x}, numpy_name(band.dtype), fill, encoder_.json());
    Members attributes = members_of(cf.bands[b], {cf.time, cf.y, cf.x});
    if (!cf.grid_mapping.empty()) {
      // GDAL 3.6 looks for the CRS here only.
      attributes.emplace_back("_CRS", object({{"wkt", json_text(crs_wkt(part_.info.grid.crs))}}));
    }
    put_meta(band.name + "/.zattrs", object(attributes));
  }

  FilePart part_;
  ZarrEncoder encoder_;
  std::string root_;
  ChunkShape chunk_;
  Members meta_;
  Pool<std::vector<std::byte>> packed_;
};

}  // namespace

std::unique_ptr<FileWriter> make_zarr_writer(const FilePart& part, const OutputOptions& options) {
  return std::make_unique<ZarrWriter>(part, options);
}

std::string zarr_options() {
  return "<Options><Option name='COMPRESS' type='string-select'><Value>BLOSC</Value>"
         "<Value>ZSTD</Value><Value>ZLIB</Value><Value>NONE</Value></Option>"
         "<Option name='LEVEL' type='int' min='1' max='9'/>"
         "<Option name='BLOSC_CNAME' type='string-select'><Value>zstd</Value><Value>lz4</Value>"
         "<Value>zlib</Value></Option>"
         "<Option name='BLOSC_SHUFFLE' type='string-select'><Value>NONE</Value>"
         "<Value>BYTE</Value><Value>BIT</Value></Option></Options>";
}

}  // namespace cube
