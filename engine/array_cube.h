// ArrayCube: the variables of a CF netCDF file or Zarr store as a cube, described and checked.
//
// Serves `ncdf` and `zarr`. Thread rule: immutable once made.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/cube_info.h"
#include "engine/gdal/array_store.h"
#include "engine/packing.h"
#include "engine/params.h"
#include "engine/view.h"

namespace cube {

// The arguments of both operators.
struct ArrayParams {
  std::string file;
  std::vector<std::string> band_selection;
  bool auto_unpack = true;
  std::optional<std::string> series;
  std::vector<std::string> datetime;
  std::optional<std::string> dt;
  std::optional<ChunkSize> chunk_size;

  void fields(FieldVisitor& v);
};

// What both operators say about themselves in their help.
extern const char* const kArrayHelp;

struct ArrayCube {
  struct Band {
    std::vector<std::size_t> arrays;     // one for all slices, or one a slice
    ArrayType type = ArrayType::kOther;  // what the stored bytes are read as
    std::optional<std::size_t> t;        // places among the array's dimensions
    std::size_t y = 0;
    std::size_t x = 0;
    std::vector<std::int64_t> fixed;  // index along each dimension that is none of these
    std::vector<double> missing;      // stored values that are missing,
    double low = -kNoBound;           // as are those beyond these
    double high = kNoBound;
    bool fill_is_missing = false;  // cells that were never written are missing
    Packing packing = {};          // applied to what is read
    bool plain = false;            // cells are stored as the cube has them

    static constexpr double kNoBound = std::numeric_limits<double>::infinity();
    bool has_range() const { return low > -kNoBound || high < kNoBound; }
  };

  std::shared_ptr<const ArrayStore> store;
  CubeInfo info;
  std::vector<Band> bands;           // of info.bands
  bool flip_x = false;               // stored from right to left
  bool flip_y = false;               // stored from bottom to top
  std::optional<ChunkShape> blocks;  // that cells are stored in, from the cube's first cell on
};

// How the file is opened; throws Error.
struct ArrayFormat {
  const char* cube_type;
  std::shared_ptr<const ArrayStore> (*open)(const std::string& file);
};

// Reads coordinates, no cells. Throws Error that points into the node ("/file").
ArrayCube make_array_cube(const ArrayParams& params, const ArrayFormat& format);

}  // namespace cube
