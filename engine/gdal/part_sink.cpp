#include "engine/gdal/part_sink.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include "engine/gdal/output_files.h"
#include "engine/gdal/parts_file.h"
#include "engine/gdal/run_journal.h"
#include "engine/gdal/work_folder.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

class PartSink final : public Sink {
 public:
  PartSink(const OutputSpec& spec, const CubeInfo& info, SinkFormat format,
           std::vector<FilePart> files)
      : part_(*spec.part),
        name_(spec.file + ", part " + to_text(part_)),
        files_(spec, info, std::move(format), std::move(files)) {
    if (files_.resumes() && !spec.append) return;
    throw Error(ErrorCode::kInvalid, "slices cannot be appended in parts", spec.file,
                "make a Zarr of its own in parts, or append without --part");
  }

  PartsPlan agree(const PartsPlan& proposal, const RunIdentity& identity) override {
    files_.set_tiling(proposal.tiling);
    PartsPlan mine = proposal;
    mine.output = files_.spec();
    const PartsFile file = share_folder(mine, parts_identity(identity));
    files_.set_tiling(file.plan().tiling);
    const std::string difference = file.difference(parts_identity(identity));
    if (!difference.empty()) {
      throw Error(ErrorCode::kInvalid, "the other parts are of something else: " + difference,
                  name_, "rm -r " + shared_->path() + " gives up what they have done");
    }
    token_ = file.token();
    plan_ = file.plan();
    return *plan_;
  }

  Claim claim(const ChunkShape& tiling, const RunIdentity&) override {
    if (!plan_ || tiling != plan_->tiling) {
      throw Error(ErrorCode::kInternal, "the part was not agreed on", name_);
    }
    own_.emplace(part_folder(shared_->path(), part_.index), name_);
    own_->keep(true);
    files_.set_folder(files_.format().folder ? shared_->path() : own_->path());
    journal_ = std::make_unique<RunJournal>(own_->path("journal"), name_);
    const Ingredient parts{"the parts", token_};
    Claim claim;
    std::optional<EarlierRun> earlier = journal_->read();
    if (earlier) earlier->identity.is(parts);
    if (earlier && earlier->identity.difference().empty() && take_over(*earlier)) {
      journal_->go_on();
      claim.skipped = std::move(earlier->skipped);
      claim.done = done_;
    } else {
      own_->empty();
      journal_ = std::make_unique<RunJournal>(own_->path("journal"), name_);
      journal_->begin([&](const auto& take) { take(parts); });
    }
    journal_ready_ = true;
    return claim;
  }

  std::optional<Kept> kept() const override {
    if (!keeps()) return std::nullopt;
    return Kept{own_->path(), own_->bytes(), chunks_done_};
  }
  bool keeps() const override { return journal_ready_ && !finished_ && chunks_done_ > 0; }

  void skipped(const SkippedImage& image) override { journal_->skipped(image); }
  void failed(const FailedChunk& chunk) override { journal_->failed(chunk); }

  void begin(const ChunkShape&, const Provenance& provenance) override {
    files_.set_provenance(provenance);
    files_.check_handles();
  }

  void write(const Chunk& chunk) override {
    const std::int64_t number = files_.tiling().chunk_at(chunk.region);
    if (!done_.empty() && done_[static_cast<std::size_t>(number)]) return;
    journal_->finished(files_.write(chunk, false));
    ++chunks_done_;
  }

  void complete() override { journal_->make_durable(); }

  // The output is made of all parts.
  std::vector<std::string> finish() override {
    finished_ = true;
    return {};
  }

  double seconds_encoding() const override { return files_.seconds_encoding(); }
  ChunkShape tile() const override { return files_.tile(); }
  std::int64_t resident_bytes() const override { return files_.resident_bytes(); }
  std::int64_t bytes_per_write(const ChunkShape& shape) const override {
    return files_.bytes_per_write(shape);
  }

 private:
  RunIdentity parts_identity(const RunIdentity& run) const {
    return [this, all = files_.identity(run)](const auto& take) {
      take({"the number of parts", std::to_string(part_.count)});
      all(take);
    };
  }

  // Takes the folder together with the other parts, of which the first writes down what all have in
  // common; several may come at the same time, and each has the folder alone for a moment.
  PartsFile share_folder(const PartsPlan& mine, const RunIdentity& identity) {
    constexpr int kTries = 40;
    constexpr auto kPause = std::chrono::milliseconds(25);
    const std::string& output = files_.spec().file;
    const std::string folder = files_.work_folder();
    for (int left = kTries;; --left) {
      try {
        shared_.emplace(folder, output, WorkFolder::Hold::kShared);
        if (auto file = PartsFile::read(folder, output)) return std::move(*file);
        shared_.reset();
        PartsFile::make(folder, output, mine, identity);
      } catch (const WorkFolder::Held&) {
        if (left == 0) throw;
        std::this_thread::sleep_for(kPause);
      }
    }
  }

  // What the part did before; false where the files are not those that the journal tells of.
  bool take_over(EarlierRun& earlier) {
    done_.assign(static_cast<std::size_t>(files_.tiling().counts().cells()), false);
    const Range mine = plan_->chunks(part_.index);
    for (FinishedChunk& chunk : earlier.chunks) {
      if (!mine.contains({chunk.chunk, chunk.chunk + 1})) return false;
      if (done_[static_cast<std::size_t>(chunk.chunk)] || !files_.holds(chunk)) continue;
      done_[static_cast<std::size_t>(chunk.chunk)] = true;
      ++chunks_done_;
      files_.take_over(chunk);
    }
    return chunks_done_ > 0;
  }

  const Part part_;
  const std::string name_;  // in errors
  std::optional<WorkFolder> shared_;
  std::optional<WorkFolder> own_;
  OutputFiles files_;
  std::optional<PartsPlan> plan_;
  std::string token_;
  std::unique_ptr<RunJournal> journal_;
  bool journal_ready_ = false;
  bool finished_ = false;
  std::vector<bool> done_;  // chunks that the part did before
  std::atomic<std::int64_t> chunks_done_ = 0;
};

}  // namespace

std::unique_ptr<Sink> make_part_sink(const OutputSpec& spec, const CubeInfo& info,
                                     SinkFormat format, std::vector<FilePart> files) {
  return std::make_unique<PartSink>(spec, info, std::move(format), std::move(files));
}

PartsPlan Sink::agree(const PartsPlan& proposal, const RunIdentity&) { return proposal; }

}  // namespace cube
