// The journal of a run that was stopped: what a later one makes of any bytes.
#include "engine/gdal/run_journal.h"
#include "tests/fuzz/fuzz.h"

CUBE_FUZZ_TARGET(journal) {
  using namespace cube;
  RunJournal journal(fuzz::scratch_file(bytes, ".journal"), "out.tif");
  const auto earlier = journal.read();
  if (!earlier) return;
  for (const FinishedChunk& chunk : earlier->chunks) {
    fuzz::require(chunk.parts.size() <= bytes.size(), "parts are written down one by one");
  }
}
