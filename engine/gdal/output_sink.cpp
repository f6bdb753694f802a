#include "engine/gdal/output_sink.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>

#include "engine/gdal/output_files.h"
#include "engine/gdal/parts_file.h"
#include "engine/gdal/run_journal.h"
#include "engine/gdal/work_folder.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

class OutputSink final : public Sink {
 public:
  OutputSink(const OutputSpec& spec, const CubeInfo& info, SinkFormat format,
             std::vector<FilePart> parts)
      : spec_(spec), files_(spec, info, std::move(format), std::move(parts)) {}

  ~OutputSink() override {
    if (work_ && !undecided_) work_->keep(keeps());
    journal_.reset();
  }

  Claim claim(const ChunkShape& tiling, const RunIdentity& identity) override {
    files_.set_tiling(tiling);
    take_folder();
    std::error_code error;
    undecided_ = fs::exists(work_->path("journal"), error) || error;
    work_->keep(undecided_);
    journal_ = std::make_unique<RunJournal>(work_->path("journal"), spec_.file);
    const RunIdentity all = files_.identity(identity);
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
    return journal_ready_ && !finished_ && chunks_done_ > 0 && files_.resumes();
  }

  void skipped(const SkippedImage& image) override {
    if (journal_) journal_->skipped(image);
  }

  void begin(const ChunkShape& tiling, const Provenance& provenance) override {
    files_.set_tiling(tiling);
    files_.set_provenance(provenance);
    files_.check_handles();
    if (!work_) {
      take_folder();
      check_absent(false);
      work_->empty();
    }
    files_.open(*files_.files().front());  // the others when their first cells come
  }

  void write(const Chunk& chunk) override {
    const std::int64_t number = files_.tiling().chunk_at(chunk.region);
    if (!done_.empty() && done_[static_cast<std::size_t>(number)]) return;
    const FinishedChunk record = files_.write(chunk, true);
    if (journal_) journal_->finished(record);
    ++chunks_done_;
  }

  void complete() override {
    for (const auto& file : files_.files()) {
      files_.open(*file);
      files_.close(*file);
    }
  }

  std::vector<std::string> finish() override {
    complete();
    if (journal_) journal_->publishing();
    std::vector<std::string> names = files_.publish(spec_.overwrite);
    finished_ = true;
    journal_.reset();
    std::error_code ignored;
    fs::remove(work_->path("journal"), ignored);  // first: what is left behind it is of no use
    work_->keep(false);
    work_.reset();
    return names;
  }

  double seconds_encoding() const override { return files_.seconds_encoding(); }
  ChunkShape tile() const override { return files_.tile(); }
  std::int64_t resident_bytes() const override { return files_.resident_bytes(); }
  std::int64_t bytes_per_write(const ChunkShape& shape) const override {
    return files_.bytes_per_write(shape);
  }

 private:
  std::string done_text(const EarlierRun& earlier) const {
    return std::to_string(earlier.chunks.size()) + " of " +
           counted(files_.tiling().counts().cells(), "chunk");
  }

  void take_folder() {
    const std::string folder = files_.work_folder();
    // Nothing of what parts have done is lost by a run that knows nothing of them.
    if (!spec_.overwrite) check_no_parts(folder, spec_.file);
    work_ = std::make_unique<WorkFolder>(folder, spec_.file);
    files_.set_folder(work_->path());
  }

  // A run that goes on may find outputs that the earlier one has put in place.
  void check_absent(bool publishing) const {
    if (spec_.overwrite || !spec_.resume) return;
    for (const auto& output : files_.files()) {
      if (publishing && !fs::exists(files_.whole_path(*output))) continue;
      std::error_code error;
      if (!fs::exists(fs::symlink_status(output->part.file, error))) continue;
      throw Error(ErrorCode::kUnwritable, "exists already", output->part.file,
                  "--overwrite replaces it");
    }
  }

  // Whether what is left has any use and all of what its journal speaks of is there.
  bool is_sound(const EarlierRun& earlier) const {
    if (!files_.resumes() || earlier.chunks.empty()) return false;
    if (earlier.publishing) {
      return std::ranges::all_of(files_.files(), [&](const auto& output) {
        return fs::exists(files_.whole_path(*output)) || fs::exists(output->part.file);
      });
    }
    std::vector<bool> slices(static_cast<std::size_t>(files_.tiling().extent.t.size()));
    for (const FinishedChunk& chunk : earlier.chunks) {
      if (chunk.chunk < 0) return false;
      if (chunk.chunk >= files_.tiling().counts().cells())
        continue;  // of another tiling, which is told
      const Range& t = files_.tiling().region(chunk.chunk).t;
      std::fill(slices.begin() + t.begin, slices.begin() + t.end, true);
    }
    return std::ranges::all_of(files_.files(), [&](const auto& output) {
      const auto begin = slices.begin() + output->part.slices.begin;
      const auto end = slices.begin() + output->part.slices.end;
      return std::find(begin, end, true) == end || fs::exists(files_.part_path(*output)) ||
             fs::exists(files_.whole_path(*output));
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
    done_.assign(static_cast<std::size_t>(files_.tiling().counts().cells()), false);
    for (FinishedChunk& chunk : earlier.chunks) take_over(chunk);
    for (const auto& output : files_.files()) {
      output->whole = fs::exists(files_.whole_path(*output));
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
    files_.take_over(chunk);
  }

  OutputSpec spec_;
  std::unique_ptr<WorkFolder> work_;
  OutputFiles files_;
  std::unique_ptr<RunJournal> journal_;  // of a run that claimed the output
  bool journal_ready_ = false;
  bool undecided_ = false;  // what becomes of what an earlier run has left
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
