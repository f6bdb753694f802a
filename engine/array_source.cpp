#include "engine/array_source.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "engine/error.h"
#include "engine/gdal/block_cache.h"
#include "engine/missing.h"
#include "engine/remote_names.h"
#include "engine/stopwatch.h"

namespace cube {

namespace {

// Decoded chunks that a kernel keeps: what is pulled slice by slice lies in the same ones.
constexpr std::int64_t kKeptBytes = std::int64_t{32} << 20;
// Of larger chunks only the last is kept, unless they hold several slices.
constexpr std::int64_t kMostKept = kKeptBytes / 8;
// Where those under a single place take more than this, they are not kept either.
constexpr std::int64_t kMostLayer = std::int64_t{512} << 20;
// Read at a time of an array that is not stored in chunks.
constexpr std::int64_t kPieceBytes = std::int64_t{4} << 20;

std::int64_t product(const std::vector<std::int64_t>& sides) {
  std::int64_t n = 1;
  for (const std::int64_t side : sides) n *= side;
  return n;
}

// A box of an array's cells.
struct ArrayBox {
  std::vector<std::int64_t> start;
  std::vector<std::int64_t> count;

  std::int64_t cells() const { return product(count); }
  std::int64_t end(std::size_t d) const { return start[d] + count[d]; }
};

// How an array is cut into pieces that are read at once.
struct Tiles {
  enum class Use { kKeep, kKeepLast, kReadPart };  // read whole and kept, or as far as needed

  std::vector<std::int64_t> shape;
  Use use = Use::kReadPart;

  std::int64_t cells() const { return product(shape); }
};

Tiles tiles_of(const ArrayInfo& array, const ArrayCube::Band& band) {
  const auto cell = static_cast<std::int64_t>(size_of(array.type));
  if (!array.chunks.empty()) {
    Tiles tiles;
    tiles.shape = array.chunks;
    tiles.use = tiles.cells() * cell <= kMostKept ? Tiles::Use::kKeep : Tiles::Use::kKeepLast;
    return tiles;
  }
  // Along the fastest dimensions first, which lie side by side in the file.
  Tiles tiles;
  tiles.shape.assign(array.shape.size(), 1);
  std::int64_t room = kPieceBytes / cell;
  for (std::size_t d = array.shape.size(); d-- > 0;) {
    if (d != band.t && d != band.y && d != band.x) continue;
    tiles.shape[d] = std::clamp<std::int64_t>(room, 1, std::max<std::int64_t>(1, array.shape[d]));
    room /= tiles.shape[d];
  }
  return tiles;
}

// Calls work(box, number) for each tile that `wanted` touches; the box is all of it that lies in
// the array, the number its own.
template <class F>
void each_tile(const std::vector<std::int64_t>& shape, const Tiles& tiles, const ArrayBox& wanted,
               F&& work) {
  const std::size_t rank = shape.size();
  std::vector<std::int64_t> tile(rank);
  for (std::size_t d = 0; d < rank; ++d) tile[d] = wanted.start[d] / tiles.shape[d];
  while (true) {
    ArrayBox box{std::vector<std::int64_t>(rank), std::vector<std::int64_t>(rank)};
    std::uint64_t number = 0;
    for (std::size_t d = 0; d < rank; ++d) {
      box.start[d] = tile[d] * tiles.shape[d];
      box.count[d] = std::min(tiles.shape[d], shape[d] - box.start[d]);
      const std::int64_t tiles_along = (shape[d] + tiles.shape[d] - 1) / tiles.shape[d];
      number =
          number * static_cast<std::uint64_t>(tiles_along) + static_cast<std::uint64_t>(tile[d]);
    }
    work(std::move(box), number);
    std::size_t d = rank;
    while (d-- > 0) {
      if (++tile[d] * tiles.shape[d] < wanted.end(d)) break;
      tile[d] = wanted.start[d] / tiles.shape[d];
    }
    if (d >= rank) return;
  }
}

ArrayBox common(const ArrayBox& a, const ArrayBox& b) {
  ArrayBox out = a;
  for (std::size_t d = 0; d < a.start.size(); ++d) {
    out.start[d] = std::max(a.start[d], b.start[d]);
    out.count[d] = std::min(a.end(d), b.end(d)) - out.start[d];
  }
  return out;
}

// How many tiles of a length touch a range.
std::int64_t tiles_along(const Range& range, std::int64_t length) {
  return range.empty() ? 0 : (range.end - 1) / length - range.begin / length + 1;
}

// Indices along an axis that is stored the other way round.
Range turned(const Range& range, std::int64_t size, bool flip) {
  return flip ? Range{size - range.end, size - range.begin} : range;
}

}  // namespace

class ArrayKernel final : public Kernel {
 public:
  explicit ArrayKernel(const ArraySource& op) : op_(op), cube_(op.cube_), kept_(kKeptBytes) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    seconds_read_ = 0;
    blocks_read_ = 0;
    const std::int64_t layer = op_.layer_bytes(request);
    keeps_layer_ = layer > 0;
    kept_.resize(std::max(kKeptBytes, layer));
    Chunk out{request.region, {}};
    for (const std::size_t band : request.bands) {
      out.bands.push_back(read_band(band, request.region));
    }
    inputs.spent(Stage::kRead, seconds_read_);
    inputs.decoded(blocks_read_);
    return out;
  }

 private:
  BlockPtr read_band(std::size_t index, const Region& region) {
    const ArrayCube::Band& band = cube_.bands[index];
    std::optional<Block> out;
    Target target{region, cube_.info.bands[index].storage(), &out};
    if (band.arrays.size() == 1) {
      read_array(band, band.arrays.front(), target);
    } else {
      for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
        target.part.t = {t, t + 1};
        read_array(band, band.arrays[static_cast<std::size_t>(t)], target);
      }
    }
    return out ? share(std::move(*out)) : nullptr;
  }

  // Where cells go: a part of the slices of a block that is made when there is a cell for it.
  struct Target {
    Target(const Region& region, Storage stored, std::optional<Block>* to)
        : whole(region), part(region), storage(stored), block(to) {}
    Region whole;
    Region part;
    Storage storage;
    std::optional<Block>* block;

    Block& get() {
      if (!*block) block->emplace(whole, storage);
      return **block;
    }
  };

  void read_array(const ArrayCube::Band& band, std::size_t array, Target& target) {
    const ArrayInfo& info = cube_.store->arrays()[array];
    const Tiles tiles = tiles_of(info, band);
    const ArrayBox wanted = box_of(band, target.part);
    each_tile(info.shape, tiles, wanted, [&](const ArrayBox& tile, std::uint64_t number) {
      const ArrayBox part = common(tile, wanted);
      if (tiles.use == Tiles::Use::kReadPart) {
        if (fetch(band, array, part)) copy(band, cells_.data(), part, part, target);
      } else if (tiles.use == Tiles::Use::kKeepLast && !keeps_layer_) {
        if (fetch_last(band, array, tile, number)) copy(band, cells_.data(), tile, part, target);
      } else if (const auto cells = kept(band, array, tile, number)) {
        copy(band, cells->data(), tile, part, target);
      }
    });
  }

  // The cells of an array under a region of the cube.
  ArrayBox box_of(const ArrayCube::Band& band, const Region& region) const {
    ArrayBox box{band.fixed, std::vector<std::int64_t>(band.fixed.size(), 1)};
    const auto set = [&](std::size_t d, const Range& range) {
      box.start[d] = range.begin;
      box.count[d] = range.size();
    };
    if (band.t) set(*band.t, region.t);
    set(band.y, turned(region.y, cube_.info.grid.height, cube_.flip_y));
    set(band.x, turned(region.x, cube_.info.grid.width, cube_.flip_x));
    return box;
  }

  // As fetch(), unless cells_ still holds that tile.
  bool fetch_last(const ArrayCube::Band& band, std::size_t array, const ArrayBox& tile,
                  std::uint64_t number) {
    const std::pair wanted{array, number};
    if (last_ == wanted) return true;
    if (!fetch(band, array, tile)) return false;
    last_ = wanted;
    return true;
  }

  std::size_t bytes_of(std::size_t array, const ArrayBox& box) const {
    return static_cast<std::size_t>(box.cells()) * size_of(cube_.store->arrays()[array].type);
  }

  // Reads into cells_. False where all cells are missing.
  bool fetch(const ArrayCube::Band& band, std::size_t array, const ArrayBox& box) {
    last_.reset();
    cells_.resize(bytes_of(array, box));
    return read(band, array, box, cells_);
  }

  bool read(const ArrayCube::Band& band, std::size_t array, const ArrayBox& box,
            std::span<std::byte> out) {
    const Stopwatch start;
    const bool written = cube_.store->read(array, box.start, box.count, out);
    seconds_read_ += start.seconds();
    if (written && !cube_.store->arrays()[array].chunks.empty()) ++blocks_read_;
    if (written) return true;
    if (band.fill_is_missing) return false;
    const ArrayInfo& info = cube_.store->arrays()[array];
    dispatch_array(info.type, [&]<class T>(std::type_identity<T>) {
      const auto value = array_cast<T>(info.fill.value_or(0));
      for (std::size_t i = 0; i < out.size(); i += sizeof(T)) {
        std::memcpy(out.data() + i, &value, sizeof(T));
      }
    });
    return true;
  }

  BlockCache::Cells kept(const ArrayCube::Band& band, std::size_t array, const ArrayBox& tile,
                         std::uint64_t number) {
    const std::size_t bytes = bytes_of(array, tile);
    return kept_.get({std::to_string(array), number}, bytes, bytes,
                     [&](std::span<std::byte> out) { return read(band, array, tile, out); });
  }

  // Copies the cells of `part` out of those of `box`.
  void copy(const ArrayCube::Band& band, const std::byte* cells, const ArrayBox& box,
            const ArrayBox& part, Target& target) {
    const std::size_t rank = box.count.size();
    std::vector<std::int64_t> strides(rank, 1);
    for (std::size_t d = rank - 1; d-- > 0;) strides[d] = strides[d + 1] * box.count[d + 1];
    std::int64_t first = 0;
    for (std::size_t d = 0; d < rank; ++d) first += (part.start[d] - box.start[d]) * strides[d];
    const auto range = [&](std::size_t d) { return Range{part.start[d], part.end(d)}; };
    const Range t = band.t ? range(*band.t) : target.part.t;
    const Range y = turned(range(band.y), cube_.info.grid.height, cube_.flip_y);
    const Range x = turned(range(band.x), cube_.info.grid.width, cube_.flip_x);
    const std::int64_t step_t = band.t ? strides[*band.t] : 0;
    const std::int64_t step_y = cube_.flip_y ? -strides[band.y] : strides[band.y];
    const std::int64_t step_x = cube_.flip_x ? -strides[band.x] : strides[band.x];
    if (cube_.flip_y) first += (y.size() - 1) * strides[band.y];
    if (cube_.flip_x) first += (x.size() - 1) * strides[band.x];
    Block& block = target.get();
    dispatch_array(band.type, [&]<class T>(std::type_identity<T>) {
      for (std::int64_t row_t = t.begin; row_t < t.end; ++row_t) {
        for (std::int64_t row_y = y.begin; row_y < y.end; ++row_y) {
          const std::int64_t at = first + (row_t - t.begin) * step_t + (row_y - y.begin) * step_y;
          const std::byte* row = cells + at * static_cast<std::int64_t>(sizeof(T));
          if (band.plain && step_x == 1) {
            copy_row<T>(row, x, block.offset(row_t, row_y, x.begin), block);
          } else {
            convert_row<T>(band, row, step_x, x);
            block.set_row(row_t, row_y, x.begin, values_);
          }
        }
      }
    });
  }

  template <class T>
  static void copy_row(const std::byte* row, const Range& x, std::size_t offset, Block& block) {
    if constexpr (sizeof(T) <= sizeof(double)) {
      std::memcpy(reinterpret_cast<std::byte*>(block.cells<T>().data() + offset), row,
                  static_cast<std::size_t>(x.size()) * sizeof(T));
    }
  }

  // A row as physical values in values_. In passes, each without a branch.
  template <class T>
  void convert_row(const ArrayCube::Band& band, const std::byte* row, std::int64_t step,
                   const Range& x) {
    const auto n = static_cast<std::size_t>(x.size());
    stored_.resize(n);
    values_.resize(n);
    const auto load = [&](std::int64_t bytes) {
      for (std::size_t i = 0; i < n; ++i) {
        T value;
        std::memcpy(&value, row + static_cast<std::int64_t>(i) * bytes, sizeof(T));
        stored_[i] = static_cast<double>(value);
      }
    };
    constexpr auto kCell = static_cast<std::int64_t>(sizeof(T));
    step == 1 ? load(kCell) : load(step * kCell);  // a known step makes a vector loop
    const Packing& packing = band.packing;
    for (std::size_t i = 0; i < n; ++i) values_[i] = stored_[i] * packing.scale + packing.offset;
    for (const double hole : band.missing) {
      // A whole number that T cannot hold marks no cell; 2^64 stands for the largest of all, as it
      // does in stored_.
      const double value = std::is_integral_v<T> ? hole : static_cast<double>(static_cast<T>(hole));
      for (std::size_t i = 0; i < n; ++i) {
        values_[i] = stored_[i] == value ? kMissing : values_[i];
      }
    }
    if (!band.has_range()) return;
    for (std::size_t i = 0; i < n; ++i) {
      const bool valid = (stored_[i] >= band.low) & (stored_[i] <= band.high);
      values_[i] = valid ? values_[i] : kMissing;
    }
  }

  double seconds_read_ = 0;  // of a run
  std::int64_t blocks_read_ = 0;
  const ArraySource& op_;
  const ArrayCube& cube_;
  BlockCache kept_;
  bool keeps_layer_ = false;
  BlockCache::Buffer cells_;
  std::optional<std::pair<std::size_t, std::uint64_t>> last_;  // array and tile in cells_
  std::vector<double> stored_;                                 // a row
  std::vector<double> values_;
};

ArraySource::ArraySource(const ArrayParams& params, ArrayCube cube)
    : Operator(cube.info),
      cube_(std::move(cube)),
      file_(params.file),
      chunk_(make_chunk_wish(params.chunk_size, "/chunk_size")) {
  for (std::string text : {cube_.store->note(), note_of_signed_bytes(info().bands)}) {
    if (!text.empty()) note("/file", std::move(text));
  }
}

std::unique_ptr<Kernel> ArraySource::kernel() const { return std::make_unique<ArrayKernel>(*this); }

std::optional<StoredBlocks> ArraySource::stored_blocks() const {
  if (!cube_.blocks) return std::nullopt;
  const ArrayInfo& array = cube_.store->arrays()[cube_.bands.front().arrays.front()];
  const auto cell = static_cast<std::int64_t>(size_of(array.type));
  // Others than those of several slices: of these a kernel keeps what it needs.
  const bool last = product(array.chunks) * cell > kMostKept && cube_.blocks->t == 1;
  return StoredBlocks{.shape = *cube_.blocks,
                      .kept = StoredBlocks::Kept::kForWorker,
                      .kept_bytes = last ? product(array.chunks) * cell : kKeptBytes,
                      .cell_bytes = product(array.chunks) / cube_.blocks->cells() * cell};
}

// A store that has something to say of itself is a copy.
bool ArraySource::reads_remote() const { return is_remote(file_) && cube_.store->note().empty(); }

std::int64_t ArraySource::layer_bytes(const Request& request) const {
  const Region& region = request.region;
  std::set<std::pair<std::size_t, std::vector<std::int64_t>>> arrays;  // and tiles of levels
  std::int64_t sum = 0;
  std::int64_t places = 0;
  for (const std::size_t index : request.bands) {
    const ArrayCube::Band& band = cube_.bands[index];
    const ArrayInfo& info = cube_.store->arrays()[band.arrays.front()];
    if (info.chunks.empty() || band.arrays.size() > 1) continue;
    if (band.t && info.chunks[*band.t] == 1) continue;  // without times it serves all slices
    std::vector<std::int64_t> level = band.fixed;
    for (std::size_t d = 0; d < level.size(); ++d) level[d] /= info.chunks[d];
    if (!arrays.emplace(band.arrays.front(), std::move(level)).second) continue;
    const Range y = turned(region.y, cube_.info.grid.height, cube_.flip_y);
    const Range x = turned(region.x, cube_.info.grid.width, cube_.flip_x);
    const std::int64_t count =
        tiles_along(y, info.chunks[band.y]) * tiles_along(x, info.chunks[band.x]);
    sum += count * product(info.chunks) * static_cast<std::int64_t>(size_of(info.type));
    places = std::max(places, count);
  }
  constexpr std::int64_t kFewPlaces = 4;  // smaller chunks would not take fewer
  return sum > kMostLayer && places <= kFewPlaces ? 0 : sum;
}

Cost ArraySource::cost(const Request& request) const {
  Cost cost;
  cost.images = 1;
  cost.files.push_back(file_);
  std::int64_t most = 0;
  bool keeps = false;
  for (const std::size_t index : request.bands) {
    const ArrayCube::Band& band = cube_.bands[index];
    const std::size_t array = band.arrays.front();
    const ArrayInfo& info = cube_.store->arrays()[array];
    const auto cell = static_cast<std::int64_t>(size_of(info.type));
    const Tiles tiles = tiles_of(info, band);
    keeps = keeps || tiles.use == Tiles::Use::kKeep;
    // One that is not kept, or beside those that are.
    most = std::max(most, tiles.cells() * cell + cube_.store->scratch_bytes(array));
    cost.read_bytes += request.region.cells() * cell;
  }
  const std::int64_t layer = layer_bytes(request);
  cost.scratch_bytes = most + std::max(keeps ? kKeptBytes : 0, layer) +
                       2 * request.region.x.size() * static_cast<std::int64_t>(sizeof(double));
  return cost;
}

}  // namespace cube
