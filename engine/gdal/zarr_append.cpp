// Slices put behind those of a Zarr that is there, as xarray's to_zarr(append_dim="time") does.
//
// Chunks are made in a folder beside the store and moved into it when all are done; then the
// metadata are replaced. Readers of the old metadata see the old cube at any moment, since nothing
// that they can see is changed: new chunks lie beyond its shape, and a last chunk in time that is
// not full keeps its slices when it is replaced. What a run that was killed leaves behind the shape
// is replaced or removed by the next.
#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>

#include "engine/error.h"
#include "engine/gdal/output_file.h"
#include "engine/gdal/run_record.h"
#include "engine/gdal/tile_store.h"
#include "engine/gdal/zarr_series.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

// Copies the cells of a box between two regions in C order.
void copy_box(const Region& box, std::span<const std::byte> from, const Region& source,
              std::span<std::byte> to, const Region& target, std::size_t cell) {
  const auto at = [&](const Region& region, std::int64_t t, std::int64_t y) {
    const std::int64_t row = (t - region.t.begin) * region.y.size() + y - region.y.begin;
    return static_cast<std::size_t>(row * region.x.size() + box.x.begin - region.x.begin) * cell;
  };
  const auto length = static_cast<std::size_t>(box.x.size()) * cell;
  for (std::int64_t t = box.t.begin; t < box.t.end; ++t) {
    for (std::int64_t y = box.y.begin; y < box.y.end; ++y) {
      std::memcpy(&to[at(target, t, y)], &from[at(source, t, y)], length);
    }
  }
}

using ChunkIndex = std::array<std::int64_t, 3>;

// Calls f(index, region of the whole chunk) for the chunks that touch a region.
template <class F>
void each_chunk(const std::vector<std::int64_t>& chunks, const Region& region, F&& f) {
  const std::int64_t ct = chunks[0];
  const std::int64_t cy = chunks[1];
  const std::int64_t cx = chunks[2];
  for (std::int64_t t = region.t.begin / ct; t * ct < region.t.end; ++t) {
    for (std::int64_t y = region.y.begin / cy; y * cy < region.y.end; ++y) {
      for (std::int64_t x = region.x.begin / cx; x * cx < region.x.end; ++x) {
        f(ChunkIndex{t, y, x},
          Region{{t * ct, (t + 1) * ct}, {y * cy, (y + 1) * cy}, {x * cx, (x + 1) * cx}});
      }
    }
  }
}

std::vector<std::string> texts_of(const Json& value) {
  if (value.GetType() == Json::Type::String) return {value.ToString()};
  std::vector<std::string> out;
  if (value.GetType() != Json::Type::Array) return out;
  for (const Json& item : value.ToArray()) out.push_back(item.ToString());
  return out;
}

// The new slices' numbers of a coordinate.
std::vector<double> numbers_of(const std::vector<Instant>& instants, const std::string& units,
                               const std::string& calendar, const std::string& file) {
  std::vector<double> out;
  for (const Instant instant : instants) {
    const auto number = number_of(instant, units, calendar, false);
    if (!number) {
      throw Error(ErrorCode::kInvalid,
                  "cannot be appended to: '" + units + "' has no number for " + to_text(instant),
                  file);
    }
    out.push_back(*number);
  }
  return out;
}

class ZarrAppender final : public FileWriter {
 public:
  explicit ZarrAppender(const FilePart& part)
      : part_(part), series_(open_series(part.file, part.info)), first_(series_.slices()) {
    const TimeAxis& more = part.info.time;
    axis_ = joined(series_.info.time, more);
    std::vector<Instant> starts;
    std::vector<Instant> ends;
    for (std::int64_t i = first_; i < axis_.size(); ++i) {
      starts.push_back(axis_.start(i));
      ends.push_back(axis_.start(i));
      ends.push_back(axis_.end(i));
    }
    starts_ = numbers_of(starts, series_.time_units, series_.calendar, part.file);
    if (keeps_bounds()) {
      ends_ = numbers_of(ends, series_.bounds_units, series_.calendar, part.file);
    }
  }

  void begin(const std::string& path, const ChunkShape&, const Provenance& provenance) override {
    if (ZarrMetadata(part_.file).text() != series_.metadata.text()) {
      throw Error(ErrorCode::kUnwritable, "was changed by another run since this one looked at it",
                  part_.file, "run it again");
    }
    staged_ = path;
    provenance_ = provenance;
  }

  bool holds(const std::string&, const ChunkShape&, const WrittenPiece&) const override {
    return false;  // appending begins anew
  }

  void write(const Piece& piece, TileLog&) override {
    const Region region = piece.region.shifted(first_, 0, 0);
    for (std::size_t b = 0; b < series_.bands.size(); ++b) {
      each_chunk(series_.bands[b].chunks, region,
                 [&](const ChunkIndex& index, const Region& whole) {
                   const Chunk chunk{b, series_.bands[b].chunk_name(index), whole};
                   add(chunk, intersect(whole, region), region, piece.bands[b]);
                 });
    }
  }

  // Chunks that were not filled: those of parts that failed.
  void finish() override {
    for (const auto& [name, gathered] : gathered_) put_gathered(gathered.chunk);
    gathered_.clear();
    each_new_chunk([&](const Chunk& chunk) {
      const bool matters = has_old(chunk) || !layout(chunk).has_fill;
      if (matters && !fs::exists(staged(chunk.name))) put(chunk, begun(chunk));
    });
  }

  bool publish() override {
    each_new_chunk([&](const Chunk& chunk) { move_in(chunk.name); });
    append_numbers(series_.times, starts_);
    if (keeps_bounds()) append_numbers(*series_.bounds, ends_);
    describe();
    series_.metadata.publish(part_.file, part_.file);
    std::error_code ignored;
    if (series_.bounds && !keeps_bounds()) {
      fs::remove_all(part_.file + "/" + series_.bounds->name, ignored);
    }
    return true;
  }

  ChunkShape tile() const override {
    const auto& chunks = series_.bands.front().chunks;
    return {1, chunks[1], chunks[2]};
  }

  // A chunk, what it was, both compressed, and as much again that compressors take.
  std::int64_t bytes_per_write(const ChunkShape&) const override {
    std::size_t largest = 0;
    for (const ZarrLayout& layout : series_.bands) {
      largest = std::max(largest, layout.chunk_bytes());
    }
    return 6 * static_cast<std::int64_t>(largest);
  }

 private:
  struct Chunk {
    std::size_t band;
    std::string name;
    Region whole;  // its cells in the longer cube, also those beyond
  };
  // A chunk that comes in several pieces, which are put into a file.
  struct Gathered {
    Chunk chunk;
    std::int64_t cells_left;
  };

  const ZarrLayout& layout(const Chunk& chunk) const { return series_.bands[chunk.band]; }
  std::string staged(const std::string& name) const { return staged_ + "/" + name; }
  std::string gathering(const std::string& name) const { return staged(name) + ".cells"; }
  bool keeps_bounds() const { return series_.bounds && axis_.is_regular(); }

  Region new_cells() const {
    Region out = part_.info.extent();
    out.t = {first_, axis_.size()};
    return out;
  }

  template <class F>
  void each_new_chunk(F&& f) const {
    for (std::size_t b = 0; b < series_.bands.size(); ++b) {
      each_chunk(series_.bands[b].chunks, new_cells(),
                 [&](const ChunkIndex& index, const Region& whole) {
                   f(Chunk{b, series_.bands[b].chunk_name(index), whole});
                 });
    }
  }

  // Whether the store has the chunk for slices of its own.
  bool has_old(const Chunk& chunk) const {
    return chunk.whole.t.begin < first_ && file_exists(part_.file + "/" + chunk.name);
  }

  // A chunk without new cells: the slices it has, missing cells elsewhere.
  std::vector<std::byte> begun(const Chunk& chunk) const {
    const ZarrLayout& how = layout(chunk);
    const auto storage = part_.info.bands[chunk.band].storage();
    std::vector<std::byte> cells =
        padded_cells({}, {}, storage, {how.chunks[0], how.chunks[1], how.chunks[2]});
    if (!has_old(chunk)) return cells;
    const std::string file = part_.file + "/" + chunk.name;
    std::vector<std::byte> old(cells.size());
    how.codec.decode(*read_whole_file(file), old, file);
    const std::int64_t slices = first_ - chunk.whole.t.begin;
    const auto kept =
        cells.size() / static_cast<std::size_t>(how.chunks[0]) * static_cast<std::size_t>(slices);
    std::copy_n(old.begin(), kept, cells.begin());
    return cells;
  }

  // Adds the cells of `part` to a chunk. `cells`: of `region`, empty = all missing.
  void add(const Chunk& chunk, const Region& part, const Region& region,
           std::span<const std::byte> cells) {
    if (part != intersect(chunk.whole, new_cells())) {
      gather(chunk, part, region, cells);
      return;
    }
    if (cells.empty() && !has_old(chunk) && layout(chunk).has_fill) return;
    std::vector<std::byte> all = begun(chunk);
    if (!cells.empty()) copy_box(part, cells, region, all, chunk.whole, layout(chunk).cell);
    put(chunk, all);
  }

  void gather(const Chunk& chunk, const Region& part, const Region& region,
              std::span<const std::byte> cells) {
    const std::string file = gathering(chunk.name);
    {
      const std::lock_guard lock(mutex_);
      const auto fresh = intersect(chunk.whole, new_cells());
      const auto [at, is_new] = gathered_.try_emplace(chunk.name, Gathered{chunk, fresh.cells()});
      if (is_new) put_bytes(file, begun(chunk));
    }
    if (!cells.empty()) {
      const std::size_t cell = layout(chunk).cell;
      const PlacedFile out(file, part_.file);
      std::vector<std::byte> row(static_cast<std::size_t>(part.x.size()) * cell);
      for (std::int64_t t = part.t.begin; t < part.t.end; ++t) {
        for (std::int64_t y = part.y.begin; y < part.y.end; ++y) {
          const Region line = {{t, t + 1}, {y, y + 1}, part.x};
          copy_box(line, cells, region, row, line, cell);
          out.write(row, place(chunk.whole, line) * cell);
        }
      }
    }
    const std::lock_guard lock(mutex_);
    const auto at = gathered_.find(chunk.name);
    if ((at->second.cells_left -= part.cells()) > 0) return;
    put_gathered(chunk);
    gathered_.erase(at);
  }

  // Of the first cell of `line` in the chunk.
  static std::uint64_t place(const Region& whole, const Region& line) {
    const std::int64_t row =
        (line.t.begin - whole.t.begin) * whole.y.size() + line.y.begin - whole.y.begin;
    return static_cast<std::uint64_t>(row * whole.x.size() + line.x.begin - whole.x.begin);
  }

  void put_gathered(const Chunk& chunk) {
    std::vector<std::byte> cells(layout(chunk).chunk_bytes());
    PlacedFile(gathering(chunk.name), part_.file).read(cells, 0);
    fs::remove(gathering(chunk.name));
    put(chunk, cells);
  }

  void put(const Chunk& chunk, std::span<const std::byte> cells) {
    Pool<std::vector<std::byte>>::Lease packed(packed_);
    const ZarrLayout& how = layout(chunk);
    put_bytes(staged(chunk.name), how.encoder.encode(cells, how.cell, *packed, part_.file));
  }

  void put_bytes(const std::string& path, std::span<const std::byte> bytes) const {
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    if (error) throw unwritable(part_.file, error.message());
    PlacedFile out(path, part_.file, PlacedFile::Mode::kNew);
    out.write(bytes, 0);
    out.close();
  }

  // Puts a chunk into the store; one that was not made is all missing, whatever lies there.
  void move_in(const std::string& name) const {
    const std::string target = part_.file + "/" + name;
    std::error_code error;
    if (fs::exists(target) && fs::exists(staged(name))) {
      sync_file(staged(name), part_.file);  // slices that were there are at stake
    }
    if (!fs::exists(staged(name))) {
      fs::remove(target, error);
      return;
    }
    fs::create_directories(fs::path(target).parent_path(), error);
    fs::rename(staged(name), target, error);
    if (error) throw unwritable(part_.file, error.message());
  }

  // Puts numbers behind those of a coordinate, several (of its second dimension) a slice.
  void append_numbers(const ZarrLayout& array, const std::vector<double>& numbers) const {
    const std::int64_t side = array.chunks[0];
    const std::size_t width =
        array.chunks.size() == 2 ? static_cast<std::size_t>(array.chunks[1]) : 1;
    const std::string dtype =
        json_member(series_.metadata.description(array.name), "dtype").ToString();
    for (std::int64_t i = first_ / side; i * side < axis_.size(); ++i) {
      std::vector<std::int64_t> index(array.chunks.size());
      index[0] = i;
      const std::string name = array.chunk_name(index);
      const std::string file = part_.file + "/" + name;
      std::vector<std::byte> cells(array.chunk_bytes());
      if (i * side < first_) array.codec.decode(*read_whole_file(file), cells, file);
      const std::int64_t begin = std::max(first_, i * side);
      const std::int64_t end = std::min(axis_.size(), (i + 1) * side);
      dispatch_array(numpy_type(dtype).type, [&]<class T>(std::type_identity<T>) {
        for (std::int64_t slice = begin; slice < end; ++slice) {
          for (std::size_t k = 0; k < width; ++k) {
            const auto from = static_cast<std::size_t>(slice - first_) * width + k;
            const auto value = static_cast<T>(numbers[from]);
            const auto to = static_cast<std::size_t>(slice - i * side) * width + k;
            std::memcpy(&cells[to * sizeof(T)], &value, sizeof(T));
          }
        }
      });
      std::vector<std::byte> packed;
      put_bytes(staged(name), array.encoder.encode(cells, array.cell, packed, part_.file));
      move_in(name);
    }
  }

  // Tells the metadata of the new slices and where they come from.
  void describe() {
    ZarrMetadata& metadata = series_.metadata;
    for (const ZarrLayout& band : series_.bands) metadata.lengthen(band.name, axis_.size());
    metadata.lengthen(series_.times.name, axis_.size());
    if (keeps_bounds()) metadata.lengthen(series_.bounds->name, axis_.size());
    if (series_.bounds && !keeps_bounds()) metadata.drop_array(series_.bounds->name);
    if (!axis_.is_regular()) {
      metadata.drop_attribute(series_.times.name, "bounds");
      metadata.drop_attribute(series_.times.name, kTimeStep);
    }
    const Json before = metadata.attributes("");
    const auto lines = [&](const char* name) { return texts_of(json_member(before, name)); };
    std::vector<std::string> history = lines("history");
    history.push_back("cube appended " + counted(part_.info.time.size(), "slice") + " from " +
                      part_.info.time.label(0));
    metadata.set_attribute("", "history", join(history, "\n"));
    std::vector<std::string> graphs = lines(kGraphAttribute);
    if (graphs.empty() || graphs.back() != provenance_.graph) graphs.push_back(provenance_.graph);
    metadata.set_attribute("", kGraphAttribute, graphs);
    const std::string record = record_text(provenance_, true);
    if (!record.empty()) metadata.set_attribute("", kRecordAttribute, record);
    const std::string known = join(lines(kImagesAttribute), "\n");
    std::vector<std::string> sources =
        known.empty() ? std::vector<std::string>() : split(known, '\n');
    for (const std::string& source : provenance_.sources) {
      if (std::ranges::find(sources, source) == sources.end()) sources.push_back(source);
    }
    for (const char* name : {"source", kImagesAttribute}) {
      metadata.set_attribute("", name, images_text(sources));
    }
  }

  FilePart part_;
  ZarrSeries series_;
  std::int64_t first_;          // of the new slices
  TimeAxis axis_;               // old and new
  std::vector<double> starts_;  // of the new slices, as the store counts
  std::vector<double> ends_;    // their bounds, two a slice
  std::string staged_;
  Provenance provenance_;
  Pool<std::vector<std::byte>> packed_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Gathered> gathered_;
};

}  // namespace

std::unique_ptr<FileWriter> make_zarr_appender(const FilePart& part) {
  return std::make_unique<ZarrAppender>(part);
}

}  // namespace cube
