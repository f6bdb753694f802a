// Resources: what the engine needs from outside, handed in by the program that embeds it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

namespace cube {

class ImageIndex;
class ImageReader;

struct Resources {
  // Opens an image collection; throws Error when the file is none. Called while a graph is
  // compiled, on one thread.
  std::function<std::shared_ptr<const ImageIndex>(const std::filesystem::path&)> open_index;

  // Makes a reader for one worker thread.
  std::function<std::unique_ptr<ImageReader>()> make_reader;

  // Graphs may run programs and load libraries that they name (`stream`, `plugin`, `apply_time`).
  // Without it such a graph is refused before any pixel is read, with this hint.
  bool allow_exec = false;
  static constexpr const char* kConsent =
      "--allow-exec, or allow_exec in Python and C++, lets it, if you trust it";
};

}  // namespace cube
