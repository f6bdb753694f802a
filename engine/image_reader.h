// ImageReader: one band of one image onto a piece of a cube's grid.
//
// Stated here because the engine needs it; implemented by engine/gdal.
// Thread rule: one reader a worker thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/block.h"
#include "engine/dtype.h"
#include "engine/grid.h"

namespace cube {

// GDAL's methods. Interpolation weighs the cells round a centre; area methods sum up the source
// cells under a target cell; see engine/gdal/sampling.h.
enum class Resampling : std::uint8_t {
  kNearest,
  kBilinear,  // interpolation
  kCubic,
  kCubicSpline,
  kLanczos,
  kAverage,  // area methods
  kRms,
  kSum,
  kMode,
  kMin,
  kMax,
  kMedian,
  kQ1,
  kQ3,
};

// GDAL's names: "near" (also "nearest"), "bilinear", "cubic", "cubicspline", "lanczos", "average",
// "rms", "sum", "mode", "min", "max", "med" (also "median"), "q1", "q3". Throws Error(kInvalid)
// with `where`.
Resampling parse_resampling(std::string_view text, std::string_view where);
std::string_view name(Resampling method);
std::vector<std::string> resampling_names();

// True when results are values of cells: near, mode, min, max.
bool picks(Resampling method);

// The results are values of source cells: the cells keep their type (others compute in
// arithmetic_dtype()).
inline bool keeps_values(Resampling method) {
  return method == Resampling::kNearest || method >= Resampling::kMode;
}

inline bool is_area_method(Resampling method) { return method >= Resampling::kAverage; }

// Which overview is read where none is named for certain, as gdalwarp's -ovr has it.
struct OverviewChoice {
  static constexpr int kAllFiner = 1 << 20;  // the image itself

  int finer = 0;             // so many finer than the one that suits the grid (AUTO-n, NONE)
  std::optional<int> level;  // this one, from 0, or the coarsest there is

  bool operator==(const OverviewChoice&) const = default;
};

// A raster band in a file.
struct RasterBand {
  std::string descriptor;        // what GDAL opens
  int band = 1;                  // from 1
  std::optional<double> nodata;  // overrides what the file says
  // Read from exactly this overview, from 0 as GDAL counts; else as `overviews` says.
  std::optional<int> overview = {};
  // What coordinates are in, whatever the file says: making GDAL find that out takes longer than
  // opening the file. "" = what it says.
  std::string crs = {};
  OverviewChoice overviews = {};
  // Options of GDAL's transformer that place it by ground control points or RPCs:
  // "METHOD=GCP_TPS", "RPC_HEIGHT=100". Empty: by what the file has, as GDAL chooses.
  std::vector<std::string> placing = {};

  bool operator==(const RasterBand&) const = default;
};

// Which source cells a mask hides, by the value of a mask band.
struct MaskRule {
  std::vector<double> values;  // hidden when equal to one of these
  std::optional<double> min;   // or when min <= value <= max
  std::optional<double> max;
  std::vector<int> bits;    // if given, value = these bits of the mask band, as a number
  bool shift = true;        // the lowest of `bits` becomes bit 0 (false: stays in place)
  bool invert = false;      // hide what is not listed; missing mask cells stay hidden
  std::int64_t dilate = 0;  // grow hidden areas by this many cells of the mask band

  bool operator==(const MaskRule&) const = default;
};

// Masks that act on the image's own grid, before resampling; a cell is hidden if any rule says so.
struct NativeMask {
  struct Layer {
    RasterBand band;
    MaskRule rule;

    bool operator==(const Layer&) const = default;
  };
  std::vector<Layer> layers;
};

// Where the cells go.
struct ReadTarget {
  const Grid* grid = nullptr;  // the whole view: sampling is anchored to it, never to the window
  Range rows;                  // the wanted window, inside the grid
  Range columns;
  Resampling resampling = Resampling::kNearest;
  // Of the result. Has a nodata value, unless each target cell surely has a valid source cell.
  Storage storage;
  // What cells hold that lie outside of the image; then only those inside need a valid source cell.
  std::optional<double> fill = {};
};

// What a reader holds at most while it reads: source cells as decoded and as doubles, and where the
// cells of a piece of the target lie in them, and masks it has found.
inline constexpr std::int64_t kReaderBytes = 48 << 20;

class ImageReader {
 public:
  virtual ~ImageReader() = default;

  // The image's cells on the target window as a block of one slice (t 0:1); null when the image
  // does not touch it or has no valid cell there, and there is no fill. A target cell is missing
  // where the source cell that holds its centre is missing, hidden or outside the image; elsewhere
  // the weights count only valid source cells and are renormalised. Throws Error(kNotFound) when
  // there is no such file, Error(kUnreadable) when it cannot be read.
  virtual BlockPtr read(const RasterBand& source, const ReadTarget& target,
                        const NativeMask* mask) = 0;

  // What has been done so far, for --stats.
  struct Stats {
    std::int64_t opened = 0;          // files opened (not taken from the pool)
    std::int64_t pasted = 0;          // windows read straight onto the grid
    std::int64_t warped = 0;          // windows resampled
    std::int64_t cells_decoded = 0;   // source cells asked of the format drivers
    std::int64_t blocks_decoded = 0;  // blocks of files; one that is decoded again counts again
    double seconds_open = 0;
    double seconds_read = 0;    // reading and decoding
    double seconds_decode = 0;  // of that, decoding, where it is done apart from reading
    double seconds_warp = 0;
  };
  virtual const Stats& stats() const = 0;
};

}  // namespace cube
