// RunJournal: what a run has done for one output, written down while it goes, so that a later run
// can go on after this one was stopped, was killed or lost its machine's power.
//
// First comes what the cells depend on (RunIdentity), then a record for each chunk when all of it
// has been written, with the places of its tiles. A record is written after the cells it tells of,
// so that what a killed process leaves is right: the system holds what was written. A loss of power
// takes what the system had not put on the disk yet; so every ten seconds a thread has it do that
// and then writes down that what stands before is durable, and records beyond the last such mark
// count only as long as the machine has not been started again.
//
// Runs of less than ten seconds wait for no disk.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/gdal/output_file.h"
#include "engine/gdal/record_file.h"
#include "engine/operator.h"
#include "engine/run_identity.h"
#include "engine/sink.h"

namespace cube {

// A chunk that is written, by its number in the order t, y, x, and what the writers of the output's
// files noted of their pieces of it.
struct FinishedChunk {
  struct Part {
    std::uint64_t file = 0;
    TileLog tiles = {};
  };
  std::int64_t chunk = 0;
  std::vector<Part> parts = {};  // files without tiles may be absent
};

// What an earlier run wrote, as far as it counts.
struct EarlierRun {
  IdentityCheck identity;
  std::vector<FinishedChunk> chunks;
  std::vector<SkippedImage> skipped;
  std::vector<FailedChunk> failed;  // the regions are not known
  bool publishing = false;          // all files are whole, some may have their final names
};

// An identity as records, which others may follow, and back: true for records that are of one.
void append_identity(RecordFile& records, const RunIdentity& identity);
bool take_identity(char kind, std::string_view payload, IdentityCheck& identity, bool& known);

class RunJournal {
 public:
  // `file`: the output, in errors. Throws Error(kUnwritable).
  RunJournal(const std::string& path, const std::string& file);
  ~RunJournal();

  // Reads what is there; nullopt when it is nothing of use. Called once, before begin() or go_on().
  std::optional<EarlierRun> read();

  // Begins anew.
  void begin(const RunIdentity& identity);
  // Goes on behind what read() gave.
  void go_on();

  // Thread rule: any thread, after begin() or go_on(). Each throws Error(kUnwritable).
  void finished(const FinishedChunk& chunk);
  void skipped(const SkippedImage& image);
  void failed(const FailedChunk& chunk);
  void publishing();

  // Waits until the disk has all of it, and of what else this process has written. What the journal
  // says then also counts on another machine. Called by one thread, last.
  void make_durable();

 private:
  void begin_session();
  void sync(const std::stop_token& stop);

  RecordFile records_;
  std::string file_;  // the output
  std::uint64_t counts_until_ = 0;
  std::mutex mutex_;
  std::condition_variable_any stopping_;
  std::jthread sync_;
};

}  // namespace cube
