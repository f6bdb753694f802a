#include "catalog/staged_images.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/gdal/output_file.h"

namespace cube {

namespace {

constexpr std::size_t kWritten = std::size_t{1} << 20;  // at a time
constexpr std::size_t kRead = std::size_t{1} << 14;     // around an image

template <class T>
void append_bytes(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T taken(const char*& at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

}  // namespace

StagedImages::StagedImages(const std::string& path, std::string catalog)
    : catalog_(std::move(catalog)) {
  const std::string name = path + ".images";
  handle_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (handle_ < 0) throw unwritable(catalog_, std::strerror(errno));
  ::unlink(name.c_str());
}

StagedImages::~StagedImages() {
  if (handle_ >= 0) ::close(handle_);
}

void StagedImages::add(const StagedImage& image) {
  const std::size_t begin = buffer_.size();
  auto crs = crs_index_.find(image.crs);
  if (crs == crs_index_.end()) {
    crs = crs_index_.emplace(image.crs, static_cast<std::uint32_t>(crs_.size())).first;
    crs_.emplace_back(image.crs);
  }
  append_bytes(buffer_, crs->second);
  append_bytes(buffer_, image.footprint.size());
  for (const Box& box : image.footprint) append_bytes(buffer_, box);
  append_bytes(buffer_, image.sources.size());
  for (const StagedImage::Source& source : image.sources) {
    append_bytes(buffer_, source.band);
    append_bytes(buffer_, source.raster_band);
    append_bytes(buffer_, source.packing);
    append_bytes(buffer_, source.descriptor.size());
    buffer_ += source.descriptor;
  }
  keys_.push_back({image.datetime, buffer_at_ + static_cast<std::int64_t>(begin), image.id,
                   static_cast<std::uint32_t>(buffer_.size() - begin)});
  if (buffer_.size() >= kWritten) flush();
}

void StagedImages::flush() {
  for (std::size_t done = 0; done < buffer_.size();) {
    const ::ssize_t some = ::write(handle_, buffer_.data() + done, buffer_.size() - done);
    if (some < 0 && errno == EINTR) continue;
    if (some < 0) throw unwritable(catalog_, std::strerror(errno));
    done += static_cast<std::size_t>(some);
  }
  buffer_at_ += static_cast<std::int64_t>(buffer_.size());
  buffer_.clear();
}

const char* StagedImages::bytes_of(const Key& key) {
  const auto size = static_cast<std::int64_t>(buffer_.size());
  if (key.at < buffer_at_ || key.at + key.bytes > buffer_at_ + size) {
    buffer_at_ = key.at;
    buffer_.resize(std::max<std::size_t>(kRead, key.bytes));
    std::size_t done = 0;
    while (done < key.bytes) {
      const ::ssize_t some = ::pread(handle_, buffer_.data() + done, buffer_.size() - done,
                                     static_cast<::off_t>(key.at) + static_cast<::off_t>(done));
      if (some < 0 && errno == EINTR) continue;
      if (some <= 0) throw unwritable(catalog_, some < 0 ? std::strerror(errno) : "is cut off");
      done += static_cast<std::size_t>(some);
    }
    buffer_.resize(done);
  }
  return buffer_.data() + (key.at - buffer_at_);
}

void StagedImages::read(const Key& key, StagedImage& image) {
  const char* at = bytes_of(key);
  image.id = key.id;
  image.datetime = key.datetime;
  image.crs = crs_[taken<std::uint32_t>(at)];
  image.footprint.resize(taken<std::size_t>(at));
  for (Box& box : image.footprint) box = taken<Box>(at);
  image.sources.resize(taken<std::size_t>(at));
  for (StagedImage::Source& source : image.sources) {
    source.band = taken<std::size_t>(at);
    source.raster_band = taken<int>(at);
    source.packing = taken<Packing>(at);
    const auto size = taken<std::size_t>(at);
    source.descriptor = {at, size};
    at += size;
  }
}

void StagedImages::for_each(const NameOf& name_of,
                            const std::function<void(const StagedImage&)>& use) {
  flush();
  std::ranges::sort(keys_, [&](const Key& a, const Key& b) {
    if (a.datetime != b.datetime) return a.datetime < b.datetime;
    return name_of(a.id) < name_of(b.id);
  });
  StagedImage image;
  for (const Key& key : keys_) {
    read(key, image);
    use(image);
  }
}

}  // namespace cube
