#include "engine/gdal/run_journal.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace cube {

namespace {

// The kinds of records.
constexpr char kIngredients = 'i';  // some
constexpr char kIdentity = 'I';     // all stand before
constexpr char kSession = 's';      // a run begins or goes on, with the boot of the machine
constexpr char kChunk = 'c';
constexpr char kSkipped = 'x';
constexpr char kFailed = 'f';
constexpr char kPublishing = 'p';
constexpr char kDurable = 'd';

constexpr std::uint64_t kVersion = 1;

// A text that is another one after the machine was started again.
std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

std::string payload_of(const FinishedChunk& chunk) {
  PayloadWriter out;
  out.put(static_cast<std::uint64_t>(chunk.chunk)).put(std::uint64_t{chunk.parts.size()});
  for (const FinishedChunk::Part& part : chunk.parts) {
    out.put(part.file).put(std::uint64_t{part.tiles.size()});
    for (const StoredTile& tile : part.tiles) {
      out.put(tile.store).put(tile.index).put(tile.offset).put(tile.bytes);
    }
  }
  return out.payload();
}

FinishedChunk chunk_of(PayloadReader in) {
  FinishedChunk chunk;
  chunk.chunk = static_cast<std::int64_t>(in.number());
  const std::uint64_t parts = in.number();
  for (std::uint64_t i = 0; i < parts && in.good(); ++i) {
    FinishedChunk::Part part{in.number()};
    const std::uint64_t tiles = in.number();
    for (std::uint64_t k = 0; k < tiles && in.good(); ++k) {
      StoredTile tile;
      tile.store = in.number();
      tile.index = in.number();
      tile.offset = in.number();
      tile.bytes = in.number();
      part.tiles.push_back(tile);
    }
    chunk.parts.push_back(std::move(part));
  }
  return chunk;
}

void add_ingredient(PayloadReader& in, IdentityCheck& identity) {
  Ingredient ingredient{in.text(), {}};
  ingredient.state = in.text();
  identity.was(ingredient);
}

// Gathers records, of which those behind the last durable mark may turn out not to count.
class History {
 public:
  void take(char kind, std::string_view payload, std::uint64_t end) {
    PayloadReader in(payload);
    switch (kind) {
      case kIngredients:
      case kIdentity:
        take_identity(kind, payload, run_.identity, known_);
        break;
      case kSession:
        boot_ = in.text();
        break;
      case kChunk:
        run_.chunks.push_back(chunk_of(in));
        chunk_ends_.push_back(end);
        break;
      case kSkipped:
        add_skipped(in);
        break;
      case kFailed:
        add_failed(in);
        break;
      case kPublishing:
        publishing_end_ = end;
        break;
      case kDurable:
        durable_ = in.number();
        break;
      default:
        break;
    }
    end_ = end;
  }

  // How far the file counts.
  std::uint64_t end() const { return boot_ == boot_id() ? end_ : durable_; }

  std::optional<EarlierRun> result() {
    if (!known_ || end() == 0) return std::nullopt;
    const auto counted = std::ranges::upper_bound(chunk_ends_, end()) - chunk_ends_.begin();
    run_.chunks.resize(static_cast<std::size_t>(counted));
    run_.publishing = publishing_end_ > 0 && publishing_end_ <= end();
    return std::move(run_);
  }

 private:
  void add_skipped(PayloadReader& in) {
    SkippedImage image{in.text(), {}};
    image.reason = in.text();
    run_.skipped.push_back(std::move(image));  // one too many does no harm
  }

  void add_failed(PayloadReader& in) {
    FailedChunk chunk{static_cast<std::int64_t>(in.number()), {}, {}};
    chunk.reason = in.text();
    run_.failed.push_back(std::move(chunk));  // nor here: it may have been done since
  }

  EarlierRun run_;
  bool known_ = false;
  std::string boot_;
  std::vector<std::uint64_t> chunk_ends_;
  std::uint64_t publishing_end_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace

void append_identity(RecordFile& records, const RunIdentity& identity) {
  constexpr std::size_t kBatch = 65536;
  PayloadWriter batch;
  identity([&](const Ingredient& ingredient) {
    batch.put(ingredient.name).put(ingredient.state);
    if (batch.payload().size() < kBatch) return;
    records.append(kIngredients, batch.payload());
    batch = {};
  });
  records.append(kIngredients, batch.payload());
  records.append(kIdentity, PayloadWriter().put(kVersion).payload());
}

bool take_identity(char kind, std::string_view payload, IdentityCheck& identity, bool& known) {
  PayloadReader in(payload);
  if (kind == kIdentity) known = in.number() == kVersion;
  while (kind == kIngredients && in.more()) add_ingredient(in, identity);
  return kind == kIdentity || kind == kIngredients;
}

RunJournal::RunJournal(const std::string& path, const std::string& file)
    : records_(path, file), file_(file) {}

RunJournal::~RunJournal() = default;

std::optional<EarlierRun> RunJournal::read() {
  History history;
  records_.read([&](char kind, std::string_view payload, std::uint64_t end) {
    history.take(kind, payload, end);
  });
  counts_until_ = history.end();
  return history.result();
}

void RunJournal::begin(const RunIdentity& identity) {
  records_.cut(0);
  append_identity(records_, identity);
  begin_session();
}

void RunJournal::go_on() {
  records_.cut(counts_until_);
  begin_session();
}

void RunJournal::begin_session() {
  records_.append(kSession, PayloadWriter().put(boot_id()).payload());
  sync_ = std::jthread([this](const std::stop_token& stop) { sync(stop); });
}

void RunJournal::finished(const FinishedChunk& chunk) {
  records_.append(kChunk, payload_of(chunk));
}

void RunJournal::skipped(const SkippedImage& image) {
  records_.append(kSkipped, PayloadWriter().put(image.image).put(image.reason).payload());
}

void RunJournal::failed(const FailedChunk& chunk) {
  records_.append(
      kFailed,
      PayloadWriter().put(static_cast<std::uint64_t>(chunk.chunk)).put(chunk.reason).payload());
}

void RunJournal::publishing() { records_.append(kPublishing, {}); }

void RunJournal::make_durable() {
  sync_ = {};  // ends the thread
  const std::uint64_t end = records_.end();
  if (!records_.sync_all()) throw unwritable(file_, std::strerror(errno));
  records_.append(kDurable, PayloadWriter().put(end).payload());
}

void RunJournal::sync(const std::stop_token& stop) {
  constexpr auto kInterval = std::chrono::seconds(10);
  constexpr std::uint64_t kMarkBytes = 17;
  std::uint64_t durable = 0;
  std::unique_lock lock(mutex_);
  while (!stopping_.wait_for(lock, stop, kInterval, [] { return false; }) &&
         !stop.stop_requested()) {
    const std::uint64_t end = records_.end();
    if (end == durable || !records_.sync_all()) continue;
    try {
      const std::uint64_t mark = records_.append(kDurable, PayloadWriter().put(end).payload());
      // Others may have put records between.
      durable = mark - end == kMarkBytes ? mark : end;
    } catch (const Error&) {
      continue;  // a full disk, which the workers tell of
    }
  }
}

}  // namespace cube
