#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "engine/gdal/output_files.h"
#include "engine/gdal/part_sink.h"
#include "engine/gdal/parts_file.h"
#include "engine/gdal/parts_mosaic.h"
#include "engine/gdal/run_journal.h"
#include "engine/gdal/run_record.h"
#include "engine/gdal/work_folder.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

class PartsFinisher final : public FinishedParts {
 public:
  PartsFinisher(const PartsPlan& parts, const OutputSpec& spec, const CubeInfo& info,
                SinkFormat format, std::vector<FilePart> files)
      : plan_(parts), files_(spec, info, std::move(format), std::move(files)) {
    files_.set_tiling(plan_.tiling);
  }

  void claim(const RunIdentity& identity) override {
    take_folder();
    const std::string& output = files_.spec().file;
    const auto file = PartsFile::read(work_->path(), output);
    if (!file) throw unwritable(output, "its parts are gone");
    const std::string difference = file->difference([&](const auto& take) {
      take({"the number of parts", std::to_string(plan_.count())});
      files_.identity(identity)(take);
    });
    if (!difference.empty()) {
      throw Error(ErrorCode::kInvalid,
                  "its parts were made of something else than is there now: " + difference, output,
                  "rm -r " + work_->path() + " gives up what they have done");
    }
    find_whole(file->token());
    check_absent();
    std::vector<std::string> missing;
    for (std::int64_t part = 0; part < plan_.count(); ++part) gather(part, *file, missing);
    std::ranges::sort(skipped_, {}, &SkippedImage::image);
    std::ranges::sort(failed_, {}, &FailedChunk::chunk);
    if (missing.empty()) return;
    throw Error(ErrorCode::kInvalid, "chunks are missing: " + listed(missing), output,
                "run those parts again, they go on with what they have");
  }

  const std::vector<SkippedImage>& skipped() const override { return skipped_; }
  const std::vector<FailedChunk>& failed() const override { return failed_; }
  std::int64_t chunks() const override { return plan_.begins.back(); }

  void set_mosaic() override {
    const std::string& format = files_.format().name;
    if (format != "GTiff" && format != "COG") {
      throw Error(ErrorCode::kInvalid, "a VRT of " + format + " parts is not made", "--vrt",
                  "of GeoTIFFs and COGs only");
    }
    mosaic_ = true;
  }

  void complete(const Provenance& provenance) override {
    files_.set_provenance(provenance);
    if (mosaic_) {
      for (const auto& file : files_.files()) make_mosaic(*file, provenance);
      return;
    }
    for (const auto& file : files_.files()) {
      if (file->whole) continue;
      files_.open(*file, true);
      for (std::int64_t part = 0; part < plan_.count(); ++part) {
        const auto p = static_cast<std::size_t>(part);
        if (pieces_[p].empty() || pieces_[p][file->number].empty()) continue;
        file->writer->adopt(path_of(part, *file), pieces_[p][file->number]);
      }
      files_.close(*file);
    }
  }

  std::vector<std::string> finish() override {
    journal_->publishing();
    std::vector<std::string> names =
        mosaic_ ? publish_mosaics() : files_.publish(files_.spec().overwrite);
    journal_.reset();
    work_->keep(false);
    work_.reset();
    return names;
  }

 private:
  using Pieces = std::vector<std::vector<WrittenPiece>>;  // of each file

  void take_folder() {
    const std::string folder = files_.work_folder();
    try {
      work_.emplace(folder, files_.spec().file);
    } catch (const Error& error) {
      for (std::int64_t part = 0; part < plan_.count(); ++part) {
        const std::string who = WorkFolder::holder(part_folder(folder, part));
        if (who.empty()) continue;
        throw Error(
            error.code(),
            "part " + to_text(Part{part, plan_.count()}) + " is being computed (" + who + ")",
            files_.spec().file, "wait until that has ended");
      }
      throw;
    }
    work_->keep(true);
    files_.set_folder(work_->path());
  }

  // Files that were made of the parts before this process was begun.
  void find_whole(const std::string& token) {
    const Ingredient parts{"the parts", token};
    const std::string path = work_->path("journal");
    journal_ = std::make_unique<RunJournal>(path, files_.spec().file);
    std::optional<EarlierRun> earlier = journal_->read();
    if (earlier) earlier->identity.is(parts);
    if (!earlier || !earlier->identity.difference().empty()) {
      journal_->begin([&](const auto& take) { take(parts); });
      return;
    }
    for (const auto& file : files_.files()) {
      const bool made = fs::exists(files_.whole_path(*file));
      file->published = earlier->publishing && !made;
      file->whole = made || file->published;
    }
    journal_->go_on();
  }

  static std::string stem_of(const OutputFiles::File& file) {
    return fs::path(file.part.file).replace_extension().string();
  }
  // Names in the work folder.
  std::string mosaic_folder(const OutputFiles::File& file) const {
    return files_.part_path(file) + "s";
  }
  std::string mosaic_path(const OutputFiles::File& file) const {
    return files_.part_path(file) + ".vrt";
  }

  // A file of each part, of its own tiles, and the VRT.
  void make_mosaic(const OutputFiles::File& file, const Provenance& provenance) {
    const std::string& output = file.part.file;
    const std::string folder = mosaic_folder(file);
    reserve_anew(folder, true, output);
    const Provenance about = of_file(provenance, files_.spec(), files_.format().name, output);
    std::vector<MosaicPart> parts;
    for (std::int64_t part = 0; part < plan_.count(); ++part) {
      const auto p = static_cast<std::size_t>(part);
      if (pieces_[p].empty() || pieces_[p][file.number].empty()) continue;
      const std::string name = std::to_string(part) + ".tif";
      const std::string path = (fs::path(folder) / name).string();
      const std::unique_ptr<FileWriter> writer = files_.format().make(file.part);
      reserve_anew(path, false, output);
      writer->begin(path, plan_.tiling, about);
      writer->adopt(path_of(part, file), pieces_[p][file.number]);
      writer->finish();
      sync_file(path, output);
      writer->forget();
      const fs::path shown = fs::path(stem_of(file)).filename() += ".parts";
      parts.push_back({path, (shown / name).string(), plan_.chunks(part)});
    }
    if (parts.empty()) throw unwritable(output, "no part has cells of it");
    write_file(mosaic_path(file), mosaic_text(parts, files_.tiling(), file.part), output);
  }

  std::vector<std::string> publish_mosaics() {
    std::vector<std::string> names;
    for (const auto& file : files_.files()) {
      const bool overwrite = files_.spec().overwrite;
      names.push_back(stem_of(*file) + ".vrt");
      put_in_place(mosaic_folder(*file), stem_of(*file) + ".parts", overwrite);
      put_in_place(mosaic_path(*file), names.back(), overwrite);
      write_sidecar(names.back(), file->writer->sidecar());
    }
    return names;
  }

  // The VRT and its files are not there, or are to be replaced.
  void check_mosaic_absent() const {
    for (const auto& file : files_.files()) {
      for (const char* extension : {".vrt", ".parts"}) {
        std::error_code error;
        const std::string name = stem_of(*file) + extension;
        if (files_.spec().overwrite || !fs::exists(fs::symlink_status(name, error))) continue;
        throw Error(ErrorCode::kUnwritable, "exists already", name, "--overwrite replaces it");
      }
    }
  }

  // This process may find outputs that one before it has put in place.
  void check_absent() const {
    if (mosaic_) return check_mosaic_absent();
    for (const auto& file : files_.files()) {
      std::error_code error;
      const bool there = fs::exists(fs::symlink_status(file->part.file, error));
      if (!there || file->published || files_.spec().overwrite) continue;
      throw Error(ErrorCode::kUnwritable, "exists already", file->part.file,
                  "--overwrite replaces it");
    }
  }

  // Where a part has written a file: those that are folders lie in one place for all.
  std::string path_of(std::int64_t part, const OutputFiles::File& file) const {
    if (files_.format().folder) return files_.part_path(file);
    return part_folder(work_->path(), part) + "/" + std::to_string(file.number) + ".part";
  }

  // What a part has done; names it in `missing` where that is not all.
  void gather(std::int64_t part, const PartsFile& parts, std::vector<std::string>& missing) {
    pieces_.emplace_back();
    const Range chunks = plan_.chunks(part);
    if (chunks.empty()) return;
    std::vector<bool> there(static_cast<std::size_t>(chunks.size()));
    Pieces pieces(files_.files().size());
    std::optional<EarlierRun> run = read(part, parts);
    if (run) {
      for (FinishedChunk& chunk : run->chunks) {
        if (!chunks.contains({chunk.chunk, chunk.chunk + 1})) continue;
        const auto at = static_cast<std::size_t>(chunk.chunk - chunks.begin);
        if (!there[at]) there[at] = take(part, chunk, pieces);
      }
      for (SkippedImage& image : run->skipped) add(std::move(image));
      for (FailedChunk& chunk : run->failed) {
        if (!chunks.contains({chunk.chunk, chunk.chunk + 1})) continue;
        const auto at = static_cast<std::size_t>(chunk.chunk - chunks.begin);
        if (there[at]) continue;  // it was computed since, or failed twice
        there[at] = true;
        chunk.region = files_.tiling().region(chunk.chunk);
        failed_.push_back(std::move(chunk));
      }
    }
    if (!pieces.empty()) pieces_.back() = std::move(pieces);
    const std::int64_t lacking = std::ranges::count(there, false);
    if (lacking == 0) return;
    missing.push_back(std::to_string(lacking) + " of " + counted(chunks.size(), "chunk") +
                      " of part " + to_text(Part{part, plan_.count()}));
  }

  std::optional<EarlierRun> read(std::int64_t part, const PartsFile& parts) const {
    const std::string journal = part_folder(work_->path(), part) + "/journal";
    std::error_code error;
    if (!fs::exists(journal, error)) return std::nullopt;
    auto run = RunJournal(journal, files_.spec().file).read();
    if (run) run->identity.is({"the parts", parts.token()});
    if (run && !run->identity.difference().empty()) return std::nullopt;
    return run;
  }

  // False where the cells of a chunk are not where its part has put them.
  bool take(std::int64_t part, FinishedChunk& chunk, Pieces& pieces) const {
    bool there = true;
    files_.each_piece(chunk, [&](const OutputFiles::File& file, WrittenPiece&& piece) {
      if (file.whole) return;
      there = there && file.writer->holds(path_of(part, file), plan_.tiling, piece);
      pieces[file.number].push_back(std::move(piece));
    });
    return there;
  }

  void add(SkippedImage image) {
    if (known_.insert(image.image).second) skipped_.push_back(std::move(image));
  }

  static std::string listed(const std::vector<std::string>& missing) {
    constexpr std::size_t kShown = 20;
    std::vector<std::string> first(
        missing.begin(),
        missing.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, missing.size())));
    if (missing.size() > kShown) {
      first.push_back("and of " +
                      counted(static_cast<std::int64_t>(missing.size() - kShown), "more part"));
    }
    return join(first);
  }

  PartsPlan plan_;
  std::optional<WorkFolder> work_;
  OutputFiles files_;
  bool mosaic_ = false;
  std::unique_ptr<RunJournal> journal_;
  std::vector<Pieces> pieces_;  // of each part
  std::vector<SkippedImage> skipped_;
  std::set<std::string> known_;  // of these, the images
  std::vector<FailedChunk> failed_;
};

}  // namespace

std::unique_ptr<FinishedParts> make_parts_finisher(const PartsPlan& parts, const OutputSpec& spec,
                                                   const CubeInfo& info, SinkFormat format,
                                                   std::vector<FilePart> files) {
  return std::make_unique<PartsFinisher>(parts, spec, info, std::move(format), std::move(files));
}

}  // namespace cube
