// CloudSettings: what holds for the calling thread while GDAL is asked for something of a server,
// unless the environment says otherwise: no listing of folders, several ranges at a time, time
// limits. README, "Cloud reads", lists them. Credentials are left to GDAL, which looks for them in
// the environment (AWS_*, GS_*, AZURE_*, ~/.aws, ...).
//
// Thread rule: of the thread that made it; not within another.
// Only files of engine/gdal include this.
#pragma once

#include <optional>
#include <string>

#include "engine/gdal/handles.h"

namespace cube {

// How often and after how many seconds what failed is asked for again; the seconds double.
struct Patience {
  int times;
  double delay;
};

class CloudSettings {
 public:
  const Patience& patience() const { return patience_; }

 private:
  // An option for this thread, whatever was set before.
  class FixedOption {
   public:
    FixedOption(const char* name, const char* value);
    ~FixedOption();
    FixedOption(const FixedOption&) = delete;
    FixedOption& operator=(const FixedOption&) = delete;

   private:
    const char* name_;
    std::optional<std::string> before_;
  };

  static Patience wanted_patience();

  Patience patience_ = wanted_patience();
  FixedOption once_{"GDAL_HTTP_MAX_RETRY", "0"};  // GDAL does not try again besides
  ThreadOption no_listing_{"GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR"};
  ThreadOption ranges_{"GDAL_HTTP_MULTIRANGE", "YES"};
  ThreadOption merged_{"GDAL_HTTP_MERGE_CONSECUTIVE_RANGES", "YES"};
  ThreadOption connect_{"GDAL_HTTP_CONNECTTIMEOUT", "10"};
  ThreadOption timeout_{"GDAL_HTTP_TIMEOUT", "120"};
  ThreadOption stalled_{"GDAL_HTTP_LOW_SPEED_TIME", "20"};
  ThreadOption slow_{"GDAL_HTTP_LOW_SPEED_LIMIT", "1"};
  ThreadOption alive_{"GDAL_HTTP_TCP_KEEPALIVE", "YES"};
};

}  // namespace cube
