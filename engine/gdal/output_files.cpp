#include "engine/gdal/output_files.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "engine/gdal/run_record.h"
#include "engine/gdal/work_folder.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

// What is to be known of a cube besides its cells.
void each_ingredient(const CubeInfo& info, const std::function<void(const Ingredient&)>& take) {
  const Grid& grid = info.grid;
  take({"the grid", std::to_string(grid.width) + " x " + std::to_string(grid.height) +
                        " cells from " + number_text(grid.x_center(0)) + ", " +
                        number_text(grid.y_center(0)) + " to " +
                        number_text(grid.x_center(grid.width - 1)) + ", " +
                        number_text(grid.y_center(grid.height - 1)) + " in " +
                        (grid.crs.empty() ? "no CRS" : grid.crs)});
  const std::int64_t slices = info.time.size();
  take({"the time axis", counted(slices, "slice") + " from " + info.time.label(0) + " to " +
                             info.time.label(slices - 1)});
  for (const BandInfo& band : info.bands) {
    std::string state(name(band.dtype));
    if (band.nodata) state += ", missing = " + number_text(*band.nodata);
    take({"band " + band.name, state});
  }
}

// The cells of `chunk` that go into a file: no copy, slices of a block are contiguous.
Piece piece_of(const Chunk& chunk, const FilePart& part, const Region& region) {
  Piece piece{region.shifted(-part.slices.begin, 0, 0), {}};
  for (const std::size_t band : part.bands) {
    const BlockPtr& block = chunk.bands[band];
    if (!block) {
      piece.bands.emplace_back();
      continue;
    }
    const std::size_t cell = size_of(block->dtype());
    const std::size_t first = block->offset(region.t.begin, region.y.begin, region.x.begin);
    piece.bands.push_back(
        block->raw().subspan(first * cell, static_cast<std::size_t>(region.cells()) * cell));
  }
  return piece;
}

}  // namespace

OutputFiles::OutputFiles(const OutputSpec& spec, const CubeInfo& info, SinkFormat format,
                         std::vector<FilePart> parts)
    : spec_(spec), info_(info), format_(std::move(format)) {
  for (FilePart& part : parts) {
    auto file = std::make_unique<File>();
    file->number = files_.size();
    file->part = std::move(part);
    file->part.encoding = encoding_;
    file->writer = format_.make(file->part);
    file->cells_left = file->part.info.extent().cells();
    files_.push_back(std::move(file));
  }
}

OutputFiles::~OutputFiles() {
  for (const auto& file : files_) file->writer.reset();
}

RunIdentity OutputFiles::identity(const RunIdentity& run) const {
  return [this, run](const std::function<void(const Ingredient&)>& take) {
    take({"the format", format_.name});
    for (const auto& [key, value] : spec_.options) take({"option " + key, value});
    each_ingredient(info_, take);
    take({"the shape of chunks", to_text(tiling_.shape)});
    run(take);
  };
}

std::string OutputFiles::work_folder() const {
  return WorkFolder::path_of(fs::path(files_.front()->part.file).parent_path().string(),
                             fs::path(spec_.file).filename().string());
}

bool OutputFiles::resumes() const {
  return std::ranges::all_of(files_, [](const auto& file) { return file->writer->resumes(); });
}

std::string OutputFiles::part_path(const File& file) const {
  return folder_ + "/" + std::to_string(file.number) + ".part";
}

std::string OutputFiles::whole_path(const File& file) const {
  return file.writer->resumes() ? folder_ + "/" + std::to_string(file.number) : part_path(file);
}

void OutputFiles::each_piece(FinishedChunk& chunk, const TakePiece& take) const {
  const Region all = tiling_.region(chunk.chunk);
  for (const auto& file : files_) {
    Region region = all;
    region.t = intersect(all.t, file->part.slices);
    if (region.t.empty()) continue;
    WrittenPiece piece{region.shifted(-file->part.slices.begin, 0, 0), {}};
    for (FinishedChunk::Part& part : chunk.parts) {
      if (part.file == file->number) piece.tiles = std::move(part.tiles);
    }
    take(*file, std::move(piece));
  }
}

bool OutputFiles::holds(const FinishedChunk& chunk) const {
  bool all = true;
  FinishedChunk copy = chunk;
  each_piece(copy, [&](const File& file, WrittenPiece&& piece) {
    all = all && file.writer->holds(part_path(file), tiling_.shape, piece);
  });
  return all;
}

void OutputFiles::take_over(FinishedChunk& chunk) {
  each_piece(chunk, [](File& file, WrittenPiece&& piece) {
    file.cells_left -= piece.region.cells();
    file.pieces.push_back(std::move(piece));
  });
}

FinishedChunk OutputFiles::write(const Chunk& chunk, bool closes) {
  FinishedChunk record{tiling_.chunk_at(chunk.region)};
  for (const auto& file : files_) {
    const Range slices = intersect(chunk.region.t, file->part.slices);
    if (slices.empty() || file->whole) continue;
    Region region = chunk.region;
    region.t = slices;
    open(*file, !closes);
    FinishedChunk::Part part{file->number};
    file->writer->write(piece_of(chunk, file->part, region), part.tiles);
    if (!part.tiles.empty()) record.parts.push_back(std::move(part));
    // A file is closed as soon as it is whole, so that few are open at a time.
    if ((file->cells_left -= region.cells()) == 0 && closes) close(*file);
  }
  return record;
}

void OutputFiles::open(File& file, bool shared) {
  const std::lock_guard lock(file.opening);
  if (file.open_done || file.whole) return;
  const std::string path = part_path(file);
  const Provenance provenance = of_file(provenance_, spec_, format_.name, file.part.file);
  if (!file.pieces.empty()) {
    file.writer->resume(path, tiling_.shape, provenance, file.pieces);
    file.pieces.clear();
  } else {
    if (shared && format_.folder) {
      std::error_code error;
      fs::create_directory(path, error);
      if (error) throw unwritable(file.part.file, error.message());
    } else {
      reserve_anew(path, format_.folder, file.part.file);
    }
    file.writer->begin(path, tiling_.shape, provenance);
  }
  file.open_done = true;
}

void OutputFiles::close(File& file) {
  const std::lock_guard lock(file.opening);
  if (file.close_done || file.whole) return;
  file.writer->finish();
  const std::string path = part_path(file);
  if (!fs::is_directory(path)) sync_file(path, file.part.file);
  std::error_code error;
  if (file.writer->resumes()) fs::rename(path, whole_path(file), error);
  if (error) throw unwritable(file.part.file, error.message());
  file.writer->forget();
  file.close_done = true;
}

std::vector<std::string> OutputFiles::publish(bool overwrite) {
  std::vector<std::string> names;
  for (const auto& file : files_) {
    if (file->published || !file->writer->publish()) {
      if (!file->published) put_in_place(whole_path(*file), file->part.file, overwrite);
      write_sidecar(file->part.file, file->writer->sidecar());
    }
    names.push_back(file->part.file);
  }
  return names;
}

// One slice's files, or the whole: the files of later slices count with the chunks they come in.
std::int64_t OutputFiles::resident_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& file : files_) {
    if (file->part.slices.begin == 0) bytes += file->writer->resident_bytes();
  }
  return bytes;
}

std::int64_t OutputFiles::bytes_per_write(const ChunkShape& shape) const {
  std::int64_t bytes = 0;
  for (const auto& file : files_) {
    ChunkShape part = shape;
    part.t = std::min(part.t, file->part.slices.size());
    bytes = std::max(bytes, file->writer->bytes_per_write(part));
  }
  const bool by_time = files_.back()->part.slices.begin > 0;
  return by_time ? bytes + shape.t * resident_bytes() : bytes;
}

// A chunk of many slices opens the files of all of them.
void OutputFiles::check_handles() const {
  constexpr std::int64_t kOthers = 200;  // inputs, the catalog, libraries
  if (!format_.handle) return;
  std::int64_t open_files = 0;
  for (const auto& file : files_) open_files += file->part.slices.begin < tiling_.shape.t;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const auto most = static_cast<std::int64_t>(limit.rlim_cur);
  if (open_files + kOthers <= std::max(most, kOthers + 1)) return;
  throw Error(ErrorCode::kUnwritable,
              "chunks of " + counted(tiling_.shape.t, "slice") + " would hold " +
                  counted(open_files, "file") + " open, of " + std::to_string(most) +
                  " that the system allows",
              files_.front()->part.file, "chunks of one slice, or a higher 'ulimit -n'");
}

}  // namespace cube
