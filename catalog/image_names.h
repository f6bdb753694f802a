// ImageNames: numbers for names, for millions of them.
//
// An open-addressing table of 8 bytes a slot, the names one after another in large pieces: a third
// of the memory of an unordered_map of strings, and no allocation a name.
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace cube {

class ImageNames {
 public:
  struct Found {
    std::uint32_t id;  // 1, 2, ... in the order of first sight
    bool fresh;
  };
  // Finds or adds a name. What is known of an image is kept beside it: `facts` is compared, `line`
  // is for messages.
  Found add(std::string_view name, std::uint64_t facts, std::int64_t line);

  std::string_view name(std::uint32_t id) const { return entries_[id - 1].name; }
  std::uint64_t facts(std::uint32_t id) const { return entries_[id - 1].facts; }
  std::int64_t line(std::uint32_t id) const { return entries_[id - 1].line; }

 private:
  struct Entry {
    std::string_view name;
    std::uint64_t facts;
    std::int64_t line;
  };
  std::string_view keep(std::string_view name);
  void grow();

  std::vector<Entry> entries_;
  std::vector<std::uint64_t> slots_;  // upper half: of the hash; lower half: id, 0 = free
  std::vector<std::unique_ptr<char[]>> pieces_;
  std::size_t used_ = 0;  // of the last piece
  std::size_t size_ = 0;
};

}  // namespace cube
