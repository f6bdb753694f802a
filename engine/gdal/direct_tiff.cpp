#include "engine/gdal/direct_tiff.h"

#include <cpl_vsi.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "engine/gdal/geotiff_describe.h"
#include "engine/gdal/handles.h"
#include "engine/text.h"

namespace cube {

namespace {

// Options that only show in the tags that GDAL makes, or are obeyed here.
constexpr std::array kObeyed = {
    "COMPRESS",  "PREDICTOR",           "ZLEVEL",          "ZSTD_LEVEL",
    "TILED",     "BLOCKXSIZE",          "BLOCKYSIZE",      "BIGTIFF",
    "SPARSE_OK", "INTERLEAVE",          "ALPHA",           "PHOTOMETRIC",
    "PROFILE",   "GEOTIFF_KEYS_FLAVOR", "GEOTIFF_VERSION", "NUM_THREADS"};

bool is_obeyed(const OutputOptions& creation) {
  for (const auto& [name, value] : creation) {
    if (std::find(kObeyed.begin(), kObeyed.end(), name) == kObeyed.end()) return false;
  }
  return CPLTestBool(option(creation, "TILED", "NO").c_str()) &&
         CPLTestBool(option(creation, "SPARSE_OK", "NO").c_str()) &&
         std::endian::native == std::endian::little;
}

// The head of a file that GDAL would make.
std::optional<TiffHead> make_head(const FilePart& part, const Storage& storage,
                                  const OutputOptions& creation, const Provenance& provenance) {
  const MemoryFile memory(".tif");
  const GdalErrors errors;
  const Grid& grid = part.info.grid;
  const std::size_t bands =
      part.info.bands.size() * static_cast<std::size_t>(part.info.time.size());
  GDALDatasetUniquePtr dataset =
      create_tiff(memory.path, grid.width, grid.height, bands, storage, creation, part.file);
  if (dataset) describe_tiff(*dataset, part, storage, provenance);
  dataset.reset();
  if (errors.any()) throw unwritable(part.file, errors.first());
  vsi_l_offset size = 0;
  const GByte* data = VSIGetMemFileBuffer(memory.path.c_str(), &size, FALSE);
  if (!data) return std::nullopt;
  return read_tiff_head({reinterpret_cast<const std::byte*>(data), size});
}

std::int64_t first_value(const TiffDirectory& directory, std::uint16_t id, std::int64_t otherwise) {
  const TiffTag* tag = directory.find(id);
  if (!tag) return otherwise;
  std::int64_t value = 0;
  const std::size_t bytes =
      std::min(tag->value.size() / std::max<std::size_t>(1, tag->count), sizeof value);
  std::memcpy(&value, tag->value.data(), bytes);
  return value;
}

TileLayout layout_of(const TiffDirectory& directory, const Storage& storage) {
  TileLayout layout;
  layout.width = first_value(directory, tiff_tag::kWidth, 0);
  layout.height = first_value(directory, tiff_tag::kHeight, 0);
  layout.tile_width = first_value(directory, tiff_tag::kTileWidth, 0);
  layout.tile_height = first_value(directory, tiff_tag::kTileHeight, 0);
  constexpr std::int64_t kInterleaved = 1;
  const bool interleaved =
      first_value(directory, tiff_tag::kPlanarConfiguration, kInterleaved) == kInterleaved;
  const std::int64_t bands = first_value(directory, tiff_tag::kSamplesPerPixel, 1);
  (interleaved ? layout.samples : layout.planes) = bands;
  layout.storage = storage;
  return layout;
}

}  // namespace

std::optional<DirectSetup> direct_setup(const FilePart& part, const Storage& storage,
                                        const OutputOptions& creation, const ChunkShape& tiling,
                                        const Provenance& provenance) {
  const auto coding = is_obeyed(creation) ? tile_coding(creation, storage.dtype) : std::nullopt;
  if (!coding) return std::nullopt;
  auto head = make_head(part, storage, creation, provenance);
  if (!head) return std::nullopt;
  DirectSetup setup{std::move(*head), {}, *coding, part.encoding};
  setup.layout = layout_of(setup.head.directory, storage);
  if (setup.layout.tile_width == 0 || setup.layout.tile_height == 0) return std::nullopt;
  if (!TileCutter(part.info, setup.layout).fits(tiling)) return std::nullopt;
  return setup;
}

TileWriter::TileWriter(const CubeInfo& info, const DirectSetup& setup, bool framed)
    : layout_(setup.layout),
      cutter_(info, setup.layout),
      encoder_(setup.coding, setup.layout.storage.dtype, setup.layout.tile_width,
               setup.layout.samples),
      encoding_(setup.encoding),
      framed_(framed) {}

void TileWriter::append(std::span<const std::byte> cells, std::size_t tile, TileIndex& index,
                        PlacedFile& file, Scratch& scratch) const {
  const Stopwatch start;
  const std::span<const std::byte> bytes = encoder_.encode(cells, scratch.encode);
  encoding_.add(start.seconds());
  const std::uint64_t frame = this->frame();
  // TIFF wants even offsets.
  const std::uint64_t at = file.take((bytes.size() + 2 * frame + 1) / 2 * 2) + frame;
  if (framed_) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    scratch.framed.resize(bytes.size() + 2 * frame);
    std::memcpy(scratch.framed.data(), &size, frame);
    std::memcpy(scratch.framed.data() + frame, bytes.data(), bytes.size());
    std::memcpy(scratch.framed.data() + frame + bytes.size(), bytes.data() + bytes.size() - frame,
                frame);
    file.write(scratch.framed, at - frame);
  } else {
    file.write(bytes, at);
    file.write_back(at, bytes.size());
  }
  index.set(tile, at, bytes.size());
}

std::int64_t tile_scratch_bytes(const TileLayout& layout, const OutputOptions& creation) {
  const std::int64_t tile = layout.tile_bytes();
  const auto coding = tile_coding(creation, layout.storage.dtype);
  if (!coding) return 2 * tile;  // GDAL's
  const TileEncoder encoder(*coding, layout.storage.dtype, layout.tile_width, layout.samples);
  // Cut and, in COGs, framed.
  return 2 * (tile + tile / 64 + 1024) + encoder.scratch_bytes(tile);
}

DirectTiff::DirectTiff(const FilePart& part, DirectSetup setup, const std::string& path,
                       const std::vector<WrittenPiece>& pieces)
    : name_(part.file),
      setup_(std::move(setup)),
      writer_(part.info, setup_, false),
      file_(path, name_),
      index_(static_cast<std::size_t>(setup_.layout.tiles())) {
  setup_.head.directory.set_tiles(index_.offsets, index_.counts, setup_.head.big);
  const TiffDirectory& directory = setup_.head.directory;
  const std::uint64_t head = write_tiff_head(setup_.head.big, "", {&directory, 1}).size();
  index_.take_over(pieces);
  file_.cut((end_of(pieces, 0, head) + 1) / 2 * 2);
}

void DirectTiff::write(const Piece& piece, TileLog& log) {
  Pool<TileWriter::Scratch>::Lease scratch(scratch_);
  writer_.cutter().for_tiles(piece, [&](std::int64_t plane, std::int64_t ty, std::int64_t tx) {
    const auto cells = writer_.cutter().cut(piece, plane, ty, tx, scratch->cut);
    // Tiles that are never written read as nodata, and as 0 where there is none.
    if (cells.empty()) return;
    const std::size_t tile = setup_.layout.index(plane, ty, tx);
    writer_.append(cells, tile, index_, file_, *scratch);
    log.push_back({0, tile, index_.offsets[tile], index_.counts[tile]});
    check_tiff_size(setup_.head.big, file_.end(), name_);
  });
}

void DirectTiff::adopt(const std::string& path, const std::vector<WrittenPiece>& pieces) {
  copy_pieces(pieces, PlacedFile(path, name_), 0, file_, index_);
  check_tiff_size(setup_.head.big, file_.end(), name_);
}

std::uint64_t copy_tile(const PlacedFile& from, std::uint64_t offset, std::uint64_t bytes,
                        std::uint64_t frame, PlacedFile& to, std::vector<std::byte>& scratch) {
  scratch.resize(bytes + 2 * frame);
  from.read(scratch, offset - frame);
  const std::uint64_t at = to.take((scratch.size() + 1) / 2 * 2);
  to.write(scratch, at);
  to.write_back(at, scratch.size());
  return at + frame;
}

void copy_pieces(const std::vector<WrittenPiece>& pieces, const PlacedFile& from,
                 std::uint64_t frame, PlacedFile& to, TileIndex& index) {
  std::vector<std::byte> scratch;
  for (const WrittenPiece& piece : pieces) {
    for (const StoredTile& tile : piece.tiles) {
      const std::uint64_t at = copy_tile(from, tile.offset, tile.bytes, frame, to, scratch);
      index.set(tile.index, at, tile.bytes);
    }
  }
}

void DirectTiff::finish() {
  setup_.head.directory.set_tiles(index_.offsets, index_.counts, setup_.head.big);
  const TiffDirectory& directory = setup_.head.directory;
  file_.write(write_tiff_head(setup_.head.big, "", {&directory, 1}), 0);
  file_.close();
}

void check_tiff_size(bool big, std::uint64_t end, const std::string& file) {
  if (big || end <= std::numeric_limits<std::uint32_t>::max()) return;
  throw Error(ErrorCode::kUnwritable, "cannot be written: a TIFF grows to 4 GB at most", file,
              "the option BIGTIFF=YES");
}

}  // namespace cube
