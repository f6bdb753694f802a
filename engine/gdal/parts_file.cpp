#include "engine/gdal/parts_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/gdal/output_file.h"
#include "engine/gdal/record_file.h"
#include "engine/gdal/run_journal.h"
#include "engine/gdal/work_folder.h"
#include "engine/hash.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

constexpr char kPlan = 'P';
constexpr std::uint64_t kVersion = 1;

std::string name_in(const std::string& folder) { return folder + "/parts"; }

std::uint64_t unsigned_of(std::int64_t number) { return static_cast<std::uint64_t>(number); }

std::string payload_of(const PartsPlan& plan) {
  PayloadWriter out;
  out.put(kVersion).put(unsigned_of(plan.tiling.t)).put(unsigned_of(plan.tiling.y));
  out.put(unsigned_of(plan.tiling.x)).put(std::uint64_t{plan.begins.size()});
  for (const std::int64_t begin : plan.begins) out.put(unsigned_of(begin));
  out.put(plan.graph).put(plan.folder).put(plan.output.file).put(plan.output.format);
  for (const auto& [key, value] : plan.output.options) out.put(key).put(value);
  return out.payload();
}

std::optional<PartsPlan> plan_of(PayloadReader in) {
  if (in.number() != kVersion) return std::nullopt;
  const auto number = [&] { return static_cast<std::int64_t>(in.number()); };
  PartsPlan plan;
  plan.tiling.t = number();
  plan.tiling.y = number();
  plan.tiling.x = number();
  const std::uint64_t begins = in.number();
  for (std::uint64_t i = 0; i < begins && in.good(); ++i) plan.begins.push_back(number());
  plan.graph = in.text();
  plan.folder = in.text();
  plan.output.file = in.text();
  plan.output.format = in.text();
  while (in.more()) {
    const std::string key = in.text();
    plan.output.options[key] = in.text();
  }
  const ChunkShape& shape = plan.tiling;
  const bool sound = in.good() && plan.begins.size() > 1 && plan.begins[0] == 0 &&
                     std::ranges::is_sorted(plan.begins) &&
                     std::min({shape.t, shape.y, shape.x}) > 0;
  return sound ? std::optional(std::move(plan)) : std::nullopt;
}

// Gives the file its name unless it is taken; the first one wins.
void give_name(const std::string& made, const std::string& name, const std::string& output) {
  if (::link(made.c_str(), name.c_str()) == 0 || errno == EEXIST) return;
  const int reason = errno;
  // Not every file system has links.
  if (reason != EPERM && reason != ENOTSUP) throw unwritable(output, std::strerror(reason));
  std::error_code error;
  if (fs::exists(name, error)) return;
  try {
    put_in_place(made, name, false);
  } catch (const Error&) {
    if (!fs::exists(name, error)) throw;
  }
}

// What a run without parts has left is not ours to remove.
void refuse_single_run(const WorkFolder& work, const std::string& output) {
  std::error_code error;
  const std::string journal = work.path("journal");
  if (!fs::exists(journal, error)) return;
  const auto earlier = RunJournal(journal, output).read();
  if (!earlier || earlier->chunks.empty()) return;
  throw Error(ErrorCode::kUnwritable,
              "a run without parts was stopped with " +
                  counted(static_cast<std::int64_t>(earlier->chunks.size()), "chunk") + " done",
              output, "--resume without --part goes on; rm -r " + work.path() + " gives it up");
}

// "3 of 8 chunks", of all parts.
std::string done_text(const PartsPlan& plan, const std::string& folder, const std::string& output) {
  std::int64_t done = 0;
  for (std::int64_t part = 0; part < plan.count(); ++part) {
    const std::string journal = part_folder(folder, part) + "/journal";
    std::error_code error;
    if (!fs::exists(journal, error)) continue;
    const auto earlier = RunJournal(journal, output).read();
    if (earlier) done += static_cast<std::int64_t>(earlier->chunks.size());
  }
  return std::to_string(done) + " of " + counted(plan.begins.back(), "chunk");
}

}  // namespace

std::optional<PartsFile> PartsFile::read(const std::string& folder, const std::string& output) {
  std::error_code error;
  if (!fs::exists(name_in(folder), error)) return std::nullopt;
  PartsFile out;
  std::optional<PartsPlan> plan;
  bool known = false;
  std::uint64_t sum = kFnvBasis;
  RecordFile(name_in(folder), output).read([&](char kind, std::string_view payload, std::uint64_t) {
    sum = fnv1a(payload, sum);
    if (kind == kPlan) plan = plan_of(PayloadReader(payload));
    take_identity(kind, payload, out.identity_, known);
  });
  if (!plan || !known) {
    throw Error(ErrorCode::kUnreadable, "what its parts have in common cannot be read", output,
                "rm -r " + folder + " gives up what they have done");
  }
  out.plan_ = std::move(*plan);
  out.token_ = std::to_string(sum);
  return out;
}

void PartsFile::make(const std::string& folder, const std::string& output, const PartsPlan& plan,
                     const RunIdentity& identity) {
  // Beside the folder, and before it is locked: looking at all inputs takes time.
  const TemporaryName made(folder, false);
  {
    RecordFile records(made.path(), output);
    records.append(kPlan, payload_of(plan));
    append_identity(records, identity);
  }
  sync_file(made.path(), output);
  WorkFolder work(folder, output);
  work.keep(true);
  std::error_code error;
  if (fs::exists(name_in(folder), error)) return;
  refuse_single_run(work, output);
  work.empty();
  give_name(made.path(), name_in(folder), output);
}

std::string PartsFile::difference(const RunIdentity& identity) const {
  IdentityCheck check = identity_;
  identity([&](const Ingredient& ingredient) { check.is(ingredient); });
  return check.difference();
}

std::string part_folder(const std::string& folder, std::int64_t part) {
  return folder + "/part-" + std::to_string(part);
}

void check_no_parts(const std::string& folder, const std::string& output) {
  const auto parts = PartsFile::read(folder, output);
  if (!parts) return;
  const std::int64_t count = parts->plan().count();
  throw Error(ErrorCode::kUnwritable,
              "it is made in " + counted(count, "part") + ", which have " +
                  done_text(parts->plan(), folder, output) + " done",
              output, "'cube finish' makes it of them, --overwrite begins anew");
}

std::optional<PartsPlan> parts_of(const std::string& output) {
  const fs::path path(output);
  const auto parts = PartsFile::read(
      WorkFolder::path_of(path.parent_path().string(), path.filename().string()), output);
  if (!parts) return std::nullopt;
  return parts->plan();
}

std::string to_text(const Part& part) {
  return std::to_string(part.index) + "/" + std::to_string(part.count);
}

}  // namespace cube
