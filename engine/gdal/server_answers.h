// What a server, or the way to it, answered to what GDAL asked.
//
// GDAL 3.6 tells the status of an answer in errors (of opening), in messages of several forms (of
// ranges) or only where debugging is on (of reading on), so all of them are read.
//
// Thread rule: of the thread that made it.
// Only files of engine/gdal include this.
#pragma once

#include <string>
#include <string_view>

#include "engine/error.h"
#include "engine/gdal/handles.h"

namespace cube {

// Why something is not there.
struct Refusal {
  int status = 0;  // of HTTP; 0 = there was no answer, or of another kind
  std::string reason;

  // The server says that there is no such file.
  bool missing() const { return status == 404 || status == 410; }

  // Whether it stays so however often one asks: wrong names and missing rights, a server that knows
  // no ranges, and, of a file that was not `open` yet, that there is no server.
  bool is_final(bool open) const;

  // What a user can do about it, "" where there is nothing to say. `name`: the file's.
  std::string advice(std::string_view name) const;

  // For the file `name`.
  Error error(const std::string& name) const;
};

// While it lives, GDAL's messages on this thread are read here instead of being printed.
class AnswerLog {
 public:
  AnswerLog();
  ~AnswerLog();
  AnswerLog(const AnswerLog&) = delete;
  AnswerLog& operator=(const AnswerLog&) = delete;

  // What the messages say; `otherwise` where they say nothing.
  Refusal refusal(const std::string& otherwise) const;

 private:
  static void CPL_STDCALL keep(CPLErr kind, CPLErrorNum number, const char* message);
  void read(CPLErr kind, std::string_view message);

  int status_ = 0;
  std::string failure_;     // the first error
  std::string connection_;  // what went wrong on the way
  ThreadOption told_{"CPL_DEBUG", "VSICURL,S3,GS,AZURE,ADLS,OSS"};
};

}  // namespace cube
