#include "engine/gdal/output_sink.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>

#include "engine/gdal/run_journal.h"
#include "engine/gdal/run_record.h"
#include "engine/gdal/work_folder.h"
#include "engine/text.h"
#include "engine/tiling.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

std::string shape_text(const ChunkShape& shape) {
  return std::to_string(shape.t) + "," + std::to_string(shape.y) + "," + std::to_string(shape.x);
}

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

// One file.
struct Output {
  std::size_t number = 0;
  FilePart part;
  std::unique_ptr<FileWriter> writer;
  std::vector<WrittenPiece> pieces;  // that an earlier run has written
  std::atomic<std::int64_t> cells_left = 0;
  bool whole = false;      // an earlier run has finished it
  bool published = false;  // and put it under its final name
  std::mutex opening;
  bool open_done = false;
  bool close_done = false;
};

class OutputSink final : public Sink {
 public:
  OutputSink(const OutputSpec& spec, const CubeInfo& info, SinkFormat format,
             std::vector<FilePart> parts)
      : spec_(spec), info_(info), format_(std::move(format)) {
    for (FilePart& part : parts) {
      auto output = std::make_unique<Output>();
      output->number = outputs_.size();
      output->part = std::move(part);
      output->part.encoding = encoding_;
      output->writer = format_.make(output->part);
      output->cells_left = output->part.info.extent().cells();
      outputs_.push_back(std::move(output));
    }
  }

  ~OutputSink() override {
    if (work_ && !undecided_) work_->keep(keeps());
    for (const auto& output : outputs_) output->writer.reset();  // open handles go first
    journal_.reset();
  }

  Claim claim(const ChunkShape& tiling, const RunIdentity& identity) override {
    tiling_ = {info_.extent(), tiling};
    take_folder();
    std::error_code error;
    undecided_ = fs::exists(work_->path("journal"), error) || error;
    work_->keep(undecided_);
    journal_ = std::make_unique<RunJournal>(work_->path("journal"), spec_.file);
    const RunIdentity all = [&](const std::function<void(const Ingredient&)>& take) {
      take({"the format", format_.name});
      for (const auto& [key, value] : spec_.options) take({"option " + key, value});
      each_ingredient(info_, take);
      take({"the shape of chunks", shape_text(tiling_.shape)});
      identity(take);
    };
    Claim claim;
    std::optional<EarlierRun> earlier = journal_->read();
    if (earlier && is_sound(*earlier)) {
      all([&](const Ingredient& ingredient) { earlier->identity.is(ingredient); });
      const std::string difference = earlier->identity.difference();
      if (decide(*earlier, difference)) return go_on(std::move(*earlier));
      if (!spec_.overwrite) {
        claim.note = spec_.file + ": what an earlier run had done is removed: " + difference;
      }
    }
    check_absent(false);
    undecided_ = false;
    work_->empty();
    journal_ = std::make_unique<RunJournal>(work_->path("journal"), spec_.file);
    journal_->begin(all);
    journal_ready_ = true;
    return claim;
  }

  std::optional<Kept> kept() const override {
    if (!keeps()) return std::nullopt;
    return Kept{work_->path(), work_->bytes(), chunks_done_};
  }

  bool keeps() const override {
    return journal_ready_ && !finished_ && chunks_done_ > 0 && resumes();
  }

  void skipped(const SkippedImage& image) override {
    if (journal_) journal_->skipped(image);
  }

  void begin(const ChunkShape& tiling, const Provenance& provenance) override {
    tiling_ = {info_.extent(), tiling};
    provenance_ = provenance;
    check_handles();
    if (!work_) {
      take_folder();
      check_absent(false);
      work_->empty();
    }
    open(*outputs_.front());  // the others when their first cells come
  }

  void write(const Chunk& chunk) override {
    FinishedChunk record{tiling_.chunk_at(chunk.region)};
    if (!done_.empty() && done_[static_cast<std::size_t>(record.chunk)]) return;
    for (const auto& output : outputs_) {
      const Range slices = intersect(chunk.region.t, output->part.slices);
      if (slices.empty() || output->whole) continue;
      Region region = chunk.region;
      region.t = slices;
      open(*output);
      FinishedChunk::Part part{output->number};
      output->writer->write(piece_of(chunk, output->part, region), part.tiles);
      if (!part.tiles.empty()) record.parts.push_back(std::move(part));
      // A file is closed as soon as it is whole, so that few are open at a time.
      if ((output->cells_left -= region.cells()) == 0) close(*output);
    }
    if (journal_) journal_->finished(record);
    ++chunks_done_;
  }

  void complete() override {
    for (const auto& output : outputs_) {
      open(*output);
      close(*output);
    }
  }

  std::vector<std::string> finish() override {
    std::vector<std::string> files;
    complete();
    if (journal_) journal_->publishing();
    for (const auto& output : outputs_) {
      if (output->published || !output->writer->publish()) {
        if (!output->published) {
          put_in_place(whole_path(*output), output->part.file, spec_.overwrite);
        }
        write_sidecar(output->part.file, output->writer->sidecar());
      }
      files.push_back(output->part.file);
    }
    finished_ = true;
    journal_.reset();
    std::error_code ignored;
    fs::remove(work_->path("journal"), ignored);  // first: what is left behind it is of no use
    work_->keep(false);
    work_.reset();
    return files;
  }

  double seconds_encoding() const override { return encoding_.total(); }

  ChunkShape tile() const override { return outputs_.front()->writer->tile(); }

  // One slice's files, or the whole: the files of later slices count with the chunks they come in.
  std::int64_t resident_bytes() const override {
    std::int64_t bytes = 0;
    for (const auto& output : outputs_) {
      if (output->part.slices.begin == 0) bytes += output->writer->resident_bytes();
    }
    return bytes;
  }

  std::int64_t bytes_per_write(const ChunkShape& shape) const override {
    std::int64_t bytes = 0;
    for (const auto& output : outputs_) {
      ChunkShape part = shape;
      part.t = std::min(part.t, output->part.slices.size());
      bytes = std::max(bytes, output->writer->bytes_per_write(part));
    }
    const bool by_time = outputs_.back()->part.slices.begin > 0;
    return by_time ? bytes + shape.t * resident_bytes() : bytes;
  }

 private:
  std::string part_path(const Output& output) const {
    return work_->path(std::to_string(output.number) + ".part");
  }
  std::string whole_path(const Output& output) const {
    return output.writer->resumes() ? work_->path(std::to_string(output.number))
                                    : part_path(output);
  }
  bool resumes() const {
    return std::ranges::all_of(outputs_, [](const auto& o) { return o->writer->resumes(); });
  }
  std::string done_text(const EarlierRun& earlier) const {
    return std::to_string(earlier.chunks.size()) + " of " +
           counted(tiling_.counts().cells(), "chunk");
  }

  void take_folder() {
    const std::string folder = fs::path(outputs_.front()->part.file).parent_path().string();
    work_ = std::make_unique<WorkFolder>(
        WorkFolder::path_of(folder, fs::path(spec_.file).filename().string()), spec_.file);
  }

  // A run that goes on may find outputs that the earlier one has put in place.
  void check_absent(bool publishing) const {
    if (spec_.overwrite || !spec_.resume) return;
    for (const auto& output : outputs_) {
      if (publishing && !fs::exists(whole_path(*output))) continue;
      std::error_code error;
      if (!fs::exists(fs::symlink_status(output->part.file, error))) continue;
      throw Error(ErrorCode::kUnwritable, "exists already", output->part.file,
                  "--overwrite replaces it");
    }
  }

  // Whether what is left has any use and all of what its journal speaks of is there.
  bool is_sound(const EarlierRun& earlier) const {
    if (!resumes() || earlier.chunks.empty()) return false;
    if (earlier.publishing) {
      return std::ranges::all_of(outputs_, [&](const auto& output) {
        return fs::exists(whole_path(*output)) || fs::exists(output->part.file);
      });
    }
    std::vector<bool> slices(static_cast<std::size_t>(tiling_.extent.t.size()));
    for (const FinishedChunk& chunk : earlier.chunks) {
      if (chunk.chunk < 0) return false;
      if (chunk.chunk >= tiling_.counts().cells()) continue;  // of another tiling, which is told
      const Range& t = tiling_.region(chunk.chunk).t;
      std::fill(slices.begin() + t.begin, slices.begin() + t.end, true);
    }
    return std::ranges::all_of(outputs_, [&](const auto& output) {
      const auto begin = slices.begin() + output->part.slices.begin;
      const auto end = slices.begin() + output->part.slices.end;
      return std::find(begin, end, true) == end || fs::exists(part_path(*output)) ||
             fs::exists(whole_path(*output));
    });
  }

  // True: go on with what is left; false: begin anew. Throws where the user has to say.
  bool decide(const EarlierRun& earlier, const std::string& difference) const {
    if (spec_.resume && difference.empty()) return true;
    if (spec_.resume) {
      throw Error(ErrorCode::kInvalid,
                  "what an earlier run has left cannot be gone on with: " + difference, spec_.file,
                  "without --resume the run begins anew");
    }
    if (!difference.empty() || spec_.overwrite) return false;
    throw Error(ErrorCode::kUnwritable,
                "an earlier run of the same graph was stopped with " + done_text(earlier) + " done",
                spec_.file,
                spec_.append ? "--resume goes on" : "--resume goes on, --overwrite begins anew");
  }

  Claim go_on(EarlierRun&& earlier) {
    check_absent(earlier.publishing);
    Claim claim;
    claim.skipped = std::move(earlier.skipped);
    done_.assign(static_cast<std::size_t>(tiling_.counts().cells()), false);
    for (FinishedChunk& chunk : earlier.chunks) take_over(chunk);
    for (const auto& output : outputs_) {
      output->whole = fs::exists(whole_path(*output));
      output->published = earlier.publishing && !output->whole;
      output->whole = output->whole || output->published;
      if (output->whole) output->pieces.clear();
    }
    undecided_ = false;
    journal_->go_on();
    journal_ready_ = true;
    claim.done = done_;
    return claim;
  }

  void take_over(FinishedChunk& chunk) {
    if (done_[static_cast<std::size_t>(chunk.chunk)]) return;
    done_[static_cast<std::size_t>(chunk.chunk)] = true;
    ++chunks_done_;
    const Region all = tiling_.region(chunk.chunk);
    for (const auto& output : outputs_) {
      Region region = all;
      region.t = intersect(all.t, output->part.slices);
      if (region.t.empty()) continue;
      output->cells_left -= region.cells();
      WrittenPiece piece{region.shifted(-output->part.slices.begin, 0, 0), {}};
      for (FinishedChunk::Part& part : chunk.parts) {
        if (part.file == output->number) piece.tiles = std::move(part.tiles);
      }
      output->pieces.push_back(std::move(piece));
    }
  }

  void open(Output& output) {
    const std::lock_guard lock(output.opening);
    if (output.open_done || output.whole) return;
    const std::string path = part_path(output);
    const Provenance provenance = of_file(provenance_, spec_, format_.name, output.part.file);
    if (output.pieces.empty()) {
      reserve_anew(path, format_.folder, output.part.file);
      output.writer->begin(path, tiling_.shape, provenance);
    } else {
      output.writer->resume(path, tiling_.shape, provenance, output.pieces);
      output.pieces.clear();
    }
    output.open_done = true;
  }

  void close(Output& output) {
    const std::lock_guard lock(output.opening);
    if (output.close_done || output.whole) return;
    output.writer->finish();
    const std::string path = part_path(output);
    if (!fs::is_directory(path)) sync_file(path, output.part.file);
    std::error_code error;
    if (output.writer->resumes()) fs::rename(path, whole_path(output), error);
    if (error) throw unwritable(output.part.file, error.message());
    output.writer->forget();
    output.close_done = true;
  }

  // A chunk of many slices opens the files of all of them.
  void check_handles() const {
    constexpr std::int64_t kOthers = 200;  // inputs, the catalog, libraries
    if (!format_.handle) return;
    std::int64_t open_files = 0;
    for (const auto& output : outputs_) open_files += output->part.slices.begin < tiling_.shape.t;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    const auto most = static_cast<std::int64_t>(limit.rlim_cur);
    if (open_files + kOthers <= std::max(most, kOthers + 1)) return;
    throw Error(ErrorCode::kUnwritable,
                "chunks of " + counted(tiling_.shape.t, "slice") + " would hold " +
                    counted(open_files, "file") + " open, of " + std::to_string(most) +
                    " that the system allows",
                outputs_.front()->part.file, "chunks of one slice, or a higher 'ulimit -n'");
  }

  // The cells of `chunk` that go into a file: no copy, slices of a block are contiguous.
  static Piece piece_of(const Chunk& chunk, const FilePart& part, const Region& region) {
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

  OutputSpec spec_;
  CubeInfo info_;
  SinkFormat format_;
  SharedSeconds encoding_;
  std::unique_ptr<WorkFolder> work_;
  std::unique_ptr<RunJournal> journal_;  // of a run that claimed the output
  bool journal_ready_ = false;
  bool undecided_ = false;  // what becomes of what an earlier run has left
  std::vector<std::unique_ptr<Output>> outputs_;
  Tiling tiling_;
  Provenance provenance_;
  std::vector<bool> done_;  // chunks of an earlier run
  std::atomic<std::int64_t> chunks_done_ = 0;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<Sink> make_output_sink(const OutputSpec& spec, const CubeInfo& info,
                                       SinkFormat format, std::vector<FilePart> parts) {
  return std::make_unique<OutputSink>(spec, info, std::move(format), std::move(parts));
}

}  // namespace cube
