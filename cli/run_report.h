// What a run says when it is over: for people on standard error, for programs as JSON.
#pragma once

#include <string>

#include "engine/gdal/network.h"
#include "engine/run.h"

namespace cube {

// Writes where the time went, and every failure, as JSON; "-" is standard output. `network`: what
// the process has read. Throws Error(kUnwritable).
void write_stats(const std::string& file, const Report& report, const NetworkUse& network);

enum class Detail { kErrors, kFiles, kNodes };

// Failures and skipped images, then the files made, then the times by node.
void print_report(const Report& report, Detail detail);

}  // namespace cube
