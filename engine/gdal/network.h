// Files on servers and in object stores: GDAL's names for them, and what reading them costs.
//
// All that is read of them goes through a file system of ours, /vsicube/, registered once with GDAL
// as its drivers are, whose files are RemoteFile's: GDAL's own file systems do the requests, with
// settings that suit cloud reads (cloud_settings.h), what fails is asked for again (persist.h), and
// near ranges are read together (near_ranges.h).
//
// Thread rule: any thread.
#pragma once

#include <cstdint>
#include <string>

namespace cube {

// What GDAL opens for a file: the name of a local one, a URL or name of a remote one as a name in
// /vsicube/.
std::string network_name(const std::string& name);

// The text with names in /vsicube/ as the names that they stand for.
std::string without_network_names(std::string text);

// Whether a remote file that this thread has just failed to open, or to ask about, is not there:
// the server says so (404). Else it could not be told.
bool server_has_none();

// Of this process.
struct NetworkUse {
  std::int64_t requests = 0;  // as sent, those that failed too
  std::int64_t bytes = 0;     // received in answers
  std::int64_t retries = 0;   // reads that were done again

  bool operator==(const NetworkUse&) const = default;
};

// Has GDAL count requests from now on. That is a setting of the whole process: for programs, not
// for libraries.
void count_network_use();

// So far; without count_network_use() only retries are known.
NetworkUse network_use();

}  // namespace cube
