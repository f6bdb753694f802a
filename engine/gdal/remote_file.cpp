#include "engine/gdal/remote_file.h"

#include <cpl_vsi_error.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/gdal/near_ranges.h"
#include "engine/gdal/persist.h"
#include "engine/text.h"

namespace cube {

namespace {

// Requests of one read at a time.
constexpr std::size_t kAtATime = 8;

// Lives as long as GDAL's own statistics, of which a process has one set.
std::atomic<std::int64_t>& uncounted() {
  static std::atomic<std::int64_t> count = 0;
  return count;
}

void tell_gdal(const Refusal& refusal) {
  if (refusal.missing()) {  // no error of those who only look for a file
    VSIError(VSIE_HttpError, "%s", refusal.reason.c_str());
  } else {
    CPLError(CE_Failure, CPLE_FileIO, "%s", without_queries(refusal.reason).c_str());
  }
}

}  // namespace

std::int64_t uncounted_requests() { return uncounted(); }

std::unique_ptr<RemoteFile> RemoteFile::open(const std::string& path) {
  Opening* opening = Opening::innermost_;
  if (opening) {
    const auto before = opening->failed_.find(path);
    if (before != opening->failed_.end()) {
      tell_gdal(before->second);
      return nullptr;
    }
  }
  auto file = std::unique_ptr<RemoteFile>(new RemoteFile(path));
  const CloudSettings settings;
  const auto refusal = file->open_at_first(settings.patience());
  if (!refusal) return file;
  if (opening) {
    opening->failed_.emplace(path, *refusal);
    if (!opening->first_) opening->first_ = refusal;
  }
  tell_gdal(*refusal);
  return nullptr;
}

std::optional<Refusal> RemoteFile::open_at_first(const Patience& patience) {
  const auto attempt = [&](std::string& reason) { return reopen(reason); };
  auto refusal = persist(path_, patience, false, attempt);
  // GDAL asks for headers alone, for which a signature of another method does not hold.
  const bool elsewise = refusal && (refusal->status == 403 || refusal->status == 405) &&
                        path_.starts_with("/vsicurl");
  if (!elsewise) return refusal;
  with_headers_alone_ = false;
  return persist(path_, patience, false, attempt);
}

bool RemoteFile::reopen(std::string& reason) {
  const ThreadOption whole("CPL_VSIL_CURL_USE_HEAD", "NO", !with_headers_alone_);
  inner_.reset(VSIFOpenExL(path_.c_str(), "rb", 1));
  if (!inner_) {
    reason = "the file cannot be opened";
    return false;
  }
  VSIFSeekL(inner_.get(), 0, SEEK_END);
  const std::uint64_t size = VSIFTellL(inner_.get());
  VSIRewindL(inner_.get());
  if (size_ != 0 && size != size_) {
    reason = "the file has changed while it was read";
    inner_.reset();
    return false;
  }
  size_ = size;
  return true;
}

void RemoteFile::seek(std::uint64_t offset, int whence) {
  at_ = whence == SEEK_SET ? offset : whence == SEEK_CUR ? at_ + offset : size_ + offset;
  ended_ = false;
}

std::size_t RemoteFile::read(std::byte* out, std::size_t bytes) {
  const std::size_t left = at_ < size_ ? size_ - at_ : 0;
  const std::size_t wanted = std::min<std::size_t>(bytes, left);
  ended_ = wanted < bytes;
  if (wanted == 0) return 0;
  if (const auto again = just_failed()) {
    tell_gdal(*again);
    return 0;
  }
  const CloudSettings settings;
  const auto refusal = persist(path_, settings.patience(), true, [&](std::string& reason) {
    return read_piece(at_, out, wanted, reason);
  });
  if (refusal) {
    tell_gdal(*refusal);
    return 0;
  }
  at_ += wanted;
  return wanted;
}

// Ranges that GDAL's drivers cannot have at once they ask for one by one, which is no news.
std::optional<Refusal> RemoteFile::just_failed() {
  constexpr std::chrono::seconds kNow{1};
  if (!failed_ || at_ < failed_->begin || at_ >= failed_->end) return std::nullopt;
  const Failed failed = *std::exchange(failed_, std::nullopt);
  if (Clock::now() - failed.at > kNow) return std::nullopt;
  return failed.refusal;
}

// A large piece is one request, of which GDAL keeps nothing: what it reads one after the other it
// rounds up to 16 kB and, where that goes on, doubles. GDAL does so with a single range too, so it
// is given two halves, which it puts together.
bool RemoteFile::read_piece(std::uint64_t offset, void* out, std::size_t bytes,
                            std::string& reason) {
  constexpr std::size_t kLarge = std::size_t{32} << 10;
  if (!inner_ && !reopen(reason)) return false;
  if (bytes <= kLarge) return read_plainly(offset, out, bytes, reason);
  const std::size_t half = bytes / 2;
  std::array<void*, 2> data = {out, static_cast<std::byte*>(out) + half};
  const std::array<vsi_l_offset, 2> offsets = {offset, offset + half};
  const std::array<std::size_t, 2> sizes = {half, bytes - half};
  reason = "the answer was not whole";
  return read_apart(data, offsets, sizes);
}

// From GDAL's own cache where it has the bytes.
bool RemoteFile::read_plainly(std::uint64_t offset, void* out, std::size_t bytes,
                              std::string& reason) {
  std::size_t count = 0;
  if (VSIFSeekL(inner_.get(), offset, SEEK_SET) == 0) {
    count = VSIFReadL(out, 1, bytes, inner_.get());
  }
  if (count == bytes) return true;
  reason = "the server sent " + std::to_string(count) + " of " + counted(bytes, "byte");
  inner_.reset();
  return false;
}

// Several ranges at the same time.
bool RemoteFile::read_apart(std::span<void*> data, std::span<const vsi_l_offset> offsets,
                            std::span<const std::size_t> sizes) {
  const bool done = VSIFReadMultiRangeL(static_cast<int>(data.size()), data.data(), offsets.data(),
                                        sizes.data(), inner_.get()) == 0;
  for (std::size_t i = 1; i < data.size(); ++i) {
    if (offsets[i] != offsets[i - 1] + sizes[i - 1]) ++uncounted();
  }
  if (!done) inner_.reset();
  return done;
}

bool RemoteFile::read_batch(std::span<void*> data, std::span<const vsi_l_offset> offsets,
                            std::span<const std::size_t> sizes) {
  const CloudSettings settings;
  const auto refusal = persist(path_, settings.patience(), true, [&](std::string& reason) {
    if (data.size() == 1) return read_piece(offsets[0], data[0], sizes[0], reason);
    if (!inner_ && !reopen(reason)) return false;
    reason = "an answer was not whole";
    return read_apart(data, offsets, sizes);
  });
  if (!refusal) return true;
  failed_ = {offsets.front(), offsets.back() + sizes.back(), *refusal, Clock::now()};
  tell_gdal(*refusal);
  return false;
}

bool RemoteFile::read_ranges(std::span<void*> data, std::span<const vsi_l_offset> offsets,
                             std::span<const std::size_t> sizes) {
  const std::vector<NearRanges> all = near_ranges(offsets, sizes);
  for (std::size_t first = 0; first < all.size(); first += kAtATime) {
    const auto batch = std::span(all).subspan(first, std::min(kAtATime, all.size() - first));
    std::vector<std::vector<std::byte>> buffers(batch.size());
    std::vector<void*> targets;
    std::vector<vsi_l_offset> begins;
    std::vector<std::size_t> lengths;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const NearRanges& one = batch[i];
      const bool alone = one.parts.size() == 1;
      if (!alone) buffers[i].resize(one.end - one.begin);
      targets.push_back(alone ? data[one.parts.front()] : buffers[i].data());
      begins.push_back(one.begin);
      lengths.push_back(one.end - one.begin);
    }
    if (!read_batch(targets, begins, lengths)) return false;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (buffers[i].empty()) continue;
      for (const std::size_t part : batch[i].parts) {
        std::memcpy(data[part], buffers[i].data() + (offsets[part] - batch[i].begin), sizes[part]);
      }
    }
  }
  return true;
}

}  // namespace cube
