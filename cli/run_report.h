// What a run says when it is over: for people on standard error, for programs as JSON.
//
// The JSON has one shape (README, "The report of a run"): the report is all of it, the statistics
// are the part that a finished run measures.
#pragma once

#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/gdal/network.h"
#include "engine/run.h"
#include "engine/time_axis.h"

namespace cube {

// Writes where the time went, and every failure, as JSON; "-" is standard output. `network`: what
// the process has read, `time`: the axis of the result. Throws Error(kUnwritable).
void write_stats(const std::string& file, const Report& report, const TimeAxis& time,
                 const NetworkUse& network);

// The report of a run (--report), which is told what is known as it becomes known, and is written
// once, however the run ends.
// Thread rule: any thread.
class RunReport {
 public:
  // "" = no report is wanted, "-" = to standard output. Throws Error(kUnwritable) for a file that
  // cannot be made, before there is anything to report.
  explicit RunReport(std::string file);

  bool wanted() const { return !file_.empty(); }

  // What is known before the first chunk: members of the JSON, the images that the result is made
  // from, the time axis of the result.
  void about(nlohmann::ordered_json members, std::vector<std::string> images, TimeAxis time);

  // While the run goes on, for a report of one that is ended in its midst.
  void progress(std::int64_t chunks_done, std::int64_t chunks);
  void failed(const Report::Failure& failure);
  void skipped(const SkippedImage& image);

  // The run is over.
  void ran(const Report& report, const NetworkUse& network);

  // Writes the report under its name, whole or not at all; only the first call does. `error`: what
  // was told last, "" = nothing. Throws Error(kUnwritable).
  void end(int exit_status, const std::string& error);

 private:
  nlohmann::ordered_json json(int exit_status, const std::string& error) const;

  const std::string file_;
  const Instant started_;
  std::mutex mutex_;  // guards what follows
  bool ended_ = false;
  nlohmann::ordered_json about_;
  std::vector<std::string> images_;
  TimeAxis time_;
  Report report_;
  NetworkUse network_;
  bool ran_ = false;
};

enum class Detail { kErrors, kFiles, kNodes };

// Failures and skipped images, then the files made, then the times by node.
void print_report(const Report& report, Detail detail);

}  // namespace cube
