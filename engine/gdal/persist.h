// persist: what fails of a server is asked for again after growing delays.
//
// GDAL 3.6 repeats no request by itself unless it is told to, repeats none that ended early or
// timed out, takes what came of an interrupted transfer for the end of the file, and keeps that for
// later.
//
// Thread rule: any thread.
// Only files of engine/gdal include this.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/gdal/cloud_settings.h"
#include "engine/gdal/server_answers.h"

namespace cube {

// Does `attempt` until it succeeds, there is no point in going on or the caller wants to stop (see
// StopAsked); what stood in its way at last, nullopt = it succeeded. An attempt puts into its
// argument what it knows where GDAL says nothing. Before another attempt GDAL forgets what it knows
// of the file `path`. `open`: it could be opened before.
std::optional<Refusal> persist(const std::string& path, const Patience& patience, bool open,
                               const std::function<bool(std::string&)>& attempt);

// How often this process has asked again.
std::int64_t retries_so_far();

}  // namespace cube
