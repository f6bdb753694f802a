#include "engine/gdal/checked_output.h"

#include <cpl_vsi.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "engine/gdal/tile_store.h"

namespace cube {

struct CheckedOutput::Target {
  Target(const std::string& path, const std::string& name)
      : file(path, name, PlacedFile::Mode::kNew) {}

  void put(std::span<const std::byte> bytes) {
    constexpr std::size_t kMost = 65536;
    if (held.size() + bytes.size() > kMost) flush();
    held.insert(held.end(), bytes.begin(), bytes.end());
    at += bytes.size();
    end = std::max(end, at);
  }

  void flush() {
    file.write(held, at - held.size());
    held.clear();
  }

  PlacedFile file;
  std::uint64_t at = 0;
  std::uint64_t end = 0;
  std::vector<std::byte> held;  // before `at`, not written yet
  std::exception_ptr failure;   // the first
};

namespace {

using Target = CheckedOutput::Target;

constexpr const char* kPrefix = "/vsicubeoutput/";

// The files that GDAL may open, which it names; it has one set of file systems a process.
class Targets {
 public:
  std::string add(std::shared_ptr<Target> target, const std::string& extension) {
    const std::lock_guard lock(mutex_);
    std::string name = std::to_string(next_++) + extension;
    targets_[name] = std::move(target);
    return name;
  }
  void remove(const std::string& name) {
    const std::lock_guard lock(mutex_);
    targets_.erase(name);
  }
  Target* find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = targets_.find(name);
    return found == targets_.end() ? nullptr : found->second.get();
  }

 private:
  std::mutex mutex_;
  std::uint64_t next_ = 0;
  std::map<std::string, std::shared_ptr<Target>> targets_;
};

Targets& targets() {
  static Targets all;
  return all;
}

Target& target_of(void* file) { return *static_cast<Target*>(file); }

void* open_file(void*, const char* name, const char*) { return targets().find(name); }

vsi_l_offset tell(void* file) { return target_of(file).at; }

// Calls work(); false where it fails or something has failed before, which is kept.
template <class Work>
bool attempt(Target& target, const Work& work) {
  if (target.failure) return false;
  try {
    work();
  } catch (...) {
    target.failure = std::current_exception();
  }
  return !target.failure;
}

int seek(void* file, vsi_l_offset offset, int whence) {
  Target& target = target_of(file);
  if (!attempt(target, [&] { target.flush(); })) return -1;
  target.at = whence == SEEK_SET   ? offset
              : whence == SEEK_CUR ? target.at + offset
                                   : target.end + offset;
  return 0;
}

std::size_t write(void* file, const void* bytes, std::size_t size, std::size_t count) {
  Target& target = target_of(file);
  const std::span all(static_cast<const std::byte*>(bytes), size * count);
  return attempt(target, [&] { target.put(all); }) ? count : 0;
}

std::size_t read(void*, void*, std::size_t, std::size_t) { return 0; }

int close_file(void* file) {
  Target& target = target_of(file);
  return attempt(target, [&] { target.flush(); }) ? 0 : -1;
}

int no_file(void*, const char*, VSIStatBufL*, int) { return -1; }

void install() {
  static std::once_flag once;
  std::call_once(once, [] {
    VSIFilesystemPluginCallbacksStruct* calls = VSIAllocFilesystemPluginCallbacksStruct();
    calls->open = open_file;
    calls->tell = tell;
    calls->seek = seek;
    calls->read = read;
    calls->write = write;
    calls->close = close_file;
    calls->stat = no_file;
    VSIInstallPluginHandler(kPrefix, calls);
    VSIFreeFilesystemPluginCallbacksStruct(calls);
  });
}

}  // namespace

CheckedOutput::CheckedOutput(const std::string& path, const std::string& file,
                             const std::string& extension)
    : target_(std::make_shared<Target>(path, file)) {
  install();
  name_ = kPrefix + targets().add(target_, extension);
}

CheckedOutput::~CheckedOutput() { targets().remove(name_.substr(std::string(kPrefix).size())); }

void CheckedOutput::finish() {
  if (target_->failure) std::rethrow_exception(target_->failure);
  target_->file.close();
}

}  // namespace cube
