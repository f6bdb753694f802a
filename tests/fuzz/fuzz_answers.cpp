// What servers answer, as GDAL tells it: lines of messages, errors or of its log.
#include <cpl_error.h>

#include "engine/gdal/server_answers.h"
#include "tests/fuzz/fuzz.h"

CUBE_FUZZ_TARGET(answers) {
  using namespace cube;
  const AnswerLog log;
  while (!bytes.empty()) {
    const std::string line(fuzz::take_line(bytes));
    if (line.starts_with("e ")) {
      CPLError(CE_Failure, CPLE_AppDefined, "%s", line.c_str() + 2);
    } else {
      CPLDebug("VSICURL", "%s", line.c_str());
    }
  }
  const Refusal refusal = log.refusal("nothing was said");
  fuzz::require(!refusal.reason.empty(), "a refusal has a reason");
  fuzz::require(refusal.error("https://h/a?sig=SECRET").what() ==
                    std::string(refusal.error("https://h/a?...").what()),
                "no signature is told");
}
