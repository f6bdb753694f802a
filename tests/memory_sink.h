// A sink that keeps the whole cube in memory, for comparing cells.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/sink.h"

namespace cube::test {

class MemorySink final : public Sink {
 public:
  explicit MemorySink(const CubeInfo& info) {
    for (const BandInfo& band : info.bands) bands_.emplace_back(info.extent(), band.storage());
  }

  void begin(const ChunkShape&, const Provenance&) override {}
  void write(const Chunk& chunk) override {
    const std::lock_guard lock(mutex_);
    cells_ += chunk.region.cells();
    for (std::size_t i = 0; i < bands_.size(); ++i) {
      if (chunk.bands[i]) bands_[i].copy_from(*chunk.bands[i]);
    }
  }
  std::vector<std::string> finish() override {
    finished_ = true;
    return {"memory"};
  }

  const std::vector<Block>& bands() const { return bands_; }
  std::int64_t cells() const { return cells_; }  // written, each region once
  bool finished() const { return finished_; }

 private:
  std::mutex mutex_;
  std::vector<Block> bands_;
  std::int64_t cells_ = 0;
  bool finished_ = false;
};

}  // namespace cube::test
