// DocumentStates: what STAC documents and tables were like when a catalog was made from them, so
// that an update need not read those again which are the same.
//
// A document is the same where size, time of change and time of its entry in the file system are;
// where the times differ, or are so near to the reading that a change right after it might not show
// in them, where its size and digest are. One that changed while it was read never is.
// Thread rule: values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace cube {

class DocumentStates {
 public:
  // Notes a document, by its absolute name, that is about to be read; or that is not there.
  void note(const std::string& file);
  // Takes their digests. Call once all have been read.
  void settle();

  bool knows(const std::string& file) const { return states_.contains(file); }
  // Whether there are some, and all are as they were.
  bool all_same() const;
  void add(const DocumentStates& more);

  // As JSON, for a catalog in `folder` (absolute); "" where there are too many to be worth it.
  std::string json(const std::filesystem::path& folder) const;
  // Of none where the text is none of ours.
  static DocumentStates parse(const std::string& text, const std::filesystem::path& folder);

 private:
  struct State {
    std::int64_t size = -1;    // bytes; -1 = there is none
    std::int64_t changed = 0;  // nanoseconds since 1970
    std::int64_t entered = 0;  // ctime; 0 = the times are not to be trusted
    std::uint64_t digest = 0;
    bool known = false;  // it did not change while it was read
  };
  static State state_of_document(const std::string& file);
  static bool same(const std::string& file, const State& then);

  std::map<std::string, State> states_;
};

}  // namespace cube
