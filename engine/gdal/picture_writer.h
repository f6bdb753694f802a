// PictureWriter: what the picture formats share: which bands and slices are shown, a sample of the
// cells, their colours, label and legend.
//
// Large rasters are shrunk by a whole factor; the cell in the middle of each group stands for it,
// so that the picture does not depend on the order in which chunks come. The samples of all slices
// shown are held as float32 until finish(), which makes one picture after another of them, and lie
// in a file for a run that goes on after this one.
//
// Thread rule: as FileWriter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/gdal/cell_spool.h"
#include "engine/gdal/output_file.h"
#include "engine/picture.h"

namespace cube {

class PictureWriter : public FileWriter {
 public:
  // What a format can do.
  struct Format {
    bool animated = false;  // all slices, else one
    int ramp_levels = 0;    // as of ColourMap::at()
  };

  // Throws Error(kInvalid) for options that contradict each other or the cube.
  PictureWriter(const FilePart& part, const OutputOptions& options, const Format& format);

  void begin(const std::string& path, const ChunkShape& tiling,
             const Provenance& provenance) override;
  bool resumes() const override { return true; }
  void resume(const std::string& path, const ChunkShape& tiling, const Provenance& provenance,
              const std::vector<WrittenPiece>& pieces) override;
  bool holds(const std::string& path, const ChunkShape& tiling,
             const WrittenPiece& piece) const override;
  void adopt(const std::string& path, const std::vector<WrittenPiece>& pieces) override;
  void forget() override;
  void write(const Piece& piece, TileLog& log) override;
  void finish() override;
  std::int64_t resident_bytes() const override;

 protected:
  const FilePart& part() const { return part_; }
  const Provenance& provenance() const { return provenance_; }
  const std::string& path() const { return path_; }
  std::int64_t width() const { return width_ * enlarge_; }  // pixels
  std::int64_t height() const { return height_ * enlarge_; }
  std::int64_t frames() const { return slices_.size(); }
  std::string label(std::int64_t frame) const {
    return part_.info.time.label(slices_.begin + frame);
  }

  // A frame as it is to be shown. REQUIRES: called by encode().
  Picture render(std::int64_t frame) const;

  // Writes the file; called by finish().
  virtual void encode() = 0;

  // Memory that encode() takes besides one picture.
  virtual std::int64_t encoder_bytes() const = 0;

 private:
  void choose_bands(const OutputOptions& options);
  void choose_slices(const OutputOptions& options);
  void choose_colours(const OutputOptions& options);
  void choose_stretch(const OutputOptions& options);
  void choose_size(const OutputOptions& options);
  void choose_texts(const OutputOptions& options);
  void check_fits(const std::string& name, const PixelSize& box) const;
  void start_from(const std::string& path, const Provenance& provenance);
  void open_spool(CellSpool& spool, CellSpool::Mode mode) const;
  void read_samples();
  void sample(const Piece& piece, std::size_t channel, std::int64_t slice);
  void put(const Piece& piece, std::size_t channel, std::int64_t slice,
           const CellSpool& spool) const;
  Range samples_in(const Range& cells, std::int64_t samples, std::int64_t size) const;
  const std::vector<float>& samples(std::int64_t frame, std::size_t channel) const;
  std::vector<float>& samples(std::int64_t frame, std::size_t channel);
  void stretch_all();
  Stretch stretch_of(std::int64_t frame, std::size_t channel) const;
  void paint(Picture& picture, std::int64_t frame) const;
  std::int64_t cell(std::int64_t i, std::int64_t n) const;

  FilePart part_;
  Format format_;
  std::vector<std::size_t> channels_;  // bands shown: one, or red, green and blue
  Range slices_;                       // shown
  ColourMap map_;
  std::vector<LegendClass> classes_;  // of the band itself, where they give the colours
  StretchRule rule_;
  bool by_slice_ = false;     // each slice is stretched by itself
  std::int64_t factor_ = 1;   // cells a sample, both ways
  std::int64_t enlarge_ = 1;  // pixels a sample, both ways
  std::int64_t width_ = 0;    // samples
  std::int64_t height_ = 0;
  bool label_ = false;
  bool legend_ = false;
  std::string path_;
  Provenance provenance_;
  // [frame * channels + channel][row * width_ + column], NaN = missing
  std::vector<std::vector<float>> samples_;
  std::vector<Stretch> stretches_;  // one a channel, or one a frame and channel
};

// The options that all of them know, for the list of a format: "<Option .../>...". `most` is how
// many pixels the format can hold either way.
std::string picture_options(int most);

// Those of formats that show slices after each other: pictures a second, and how often all are
// shown, 0 = for ever.
std::string animation_options();
inline constexpr int kMostPictureSize = 16384;
inline constexpr const char* kDefaultFps = "2";

}  // namespace cube
