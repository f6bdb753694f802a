#include "api/reader_pool.h"

#include <utility>

#include "engine/error.h"
#include "engine/stop_asked.h"

namespace cube {

// A reader that goes back to the pool, also where reading fails.
class ReaderPool::Loan {
 public:
  Loan(ReaderPool& pool, const std::function<bool()>& cancelled)
      : pool_(pool), reader_(pool.take()) {
    reader_->cancelled = &cancelled;
  }
  ~Loan() {
    reader_->cancelled = nullptr;
    reader_->evaluator.forget();
    pool_.give_back(std::move(reader_));
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;

  Reader& reader() { return *reader_; }

 private:
  ReaderPool& pool_;
  std::unique_ptr<Reader> reader_;
};

ReaderPool::ReaderPool(const Graph& graph, const Resources& resources, std::size_t most)
    : graph_(graph), resources_(resources) {
  idle_.reserve(most);
}

ReaderPool::~ReaderPool() = default;

Chunk ReaderPool::read(const Request& request, const std::function<bool()>& cancelled) {
  if (cancelled && cancelled()) throw Error(ErrorCode::kCancelled, "stopped");
  const StopAsked stop(cancelled);
  Loan loan(*this, cancelled);
  Chunk chunk = loan.reader().evaluator.evaluate(graph_.result, request);
  note_skipped(loan.reader());
  return chunk;
}

std::vector<SkippedImage> ReaderPool::skipped() const {
  const std::lock_guard lock(mutex_);
  return skipped_;
}

std::unique_ptr<ReaderPool::Reader> ReaderPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Reader> reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  return std::make_unique<Reader>(graph_, resources_);
}

void ReaderPool::note_skipped(Reader& reader) {
  const std::vector<SkippedImage>& left_out = reader.evaluator.skipped();
  const std::lock_guard lock(mutex_);
  for (; reader.told < left_out.size(); ++reader.told) {
    const SkippedImage& image = left_out[reader.told];
    if (skipped_names_.insert(image.image).second) skipped_.push_back(image);
  }
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader) noexcept {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < idle_.capacity()) idle_.push_back(std::move(reader));
}

}  // namespace cube
