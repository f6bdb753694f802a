// RAII for GDAL's C handles, and GDAL's error messages as values.
// Only files of engine/gdal include this.
#pragma once

#include <cpl_conv.h>
#include <cpl_error.h>
#include <gdal.h>
#include <gdal_alg.h>
#include <ogr_srs_api.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace cube {

struct DatasetClose {
  void operator()(GDALDatasetH dataset) const { GDALClose(dataset); }
};
using Dataset = std::unique_ptr<void, DatasetClose>;

struct SrsDestroy {
  void operator()(OGRSpatialReferenceH srs) const { OSRDestroySpatialReference(srs); }
};
using Srs = std::unique_ptr<std::remove_pointer_t<OGRSpatialReferenceH>, SrsDestroy>;

struct TransformationDestroy {
  void operator()(OGRCoordinateTransformationH t) const { OCTDestroyCoordinateTransformation(t); }
};
using Transformation =
    std::unique_ptr<std::remove_pointer_t<OGRCoordinateTransformationH>, TransformationDestroy>;

struct TransformerDestroy {
  void operator()(void* transformer) const { GDALDestroyGenImgProjTransformer(transformer); }
};
using Transformer = std::unique_ptr<void, TransformerDestroy>;

// While it lives, GDAL's messages on this thread are kept here instead of being printed.
class GdalErrors {
 public:
  GdalErrors();
  ~GdalErrors();
  GdalErrors(const GdalErrors&) = delete;
  GdalErrors& operator=(const GdalErrors&) = delete;

  // The first error since the start or clear(); "" when there was none. Warnings are none, but that
  // a file lacks its end, or what lost() tells of.
  const std::string& first() const { return first_; }
  bool any() const { return !first_.empty(); }
  // first() as the reason of an error that names the raster already.
  std::string reason(const std::string& descriptor) const;
  // Whether there was an error for which the system was to blame, as far as it is known.
  bool system() const { return system_; }
  // Whether something could not be read which GDAL goes on without, where a mask, a CRS, nodata, or
  // names and scales of bands are missing then: a tag of a TIFF, a file beside an image.
  bool lost() const { return lost_; }
  // Throws Error(kUnreadable) of the raster where lost().
  void refuse_loss(const std::string& descriptor) const;
  void clear() { first_.clear(); }

  // Tells the innermost of this thread, if any, that a file could not be read, and why.
  static void lose(const std::string& reason);

 private:
  static void CPL_STDCALL keep(CPLErr kind, CPLErrorNum number, const char* message);
  static inline thread_local GdalErrors* innermost_ = nullptr;
  GdalErrors* outer_;
  std::string first_;
  bool lost_ = false;
  bool system_ = false;
};

// Sets an option of GDAL for this thread while it lives, where it is `wanted`; what the user has
// set stays.
class ThreadOption {
 public:
  ThreadOption(const char* name, const char* value, bool wanted = true);
  ~ThreadOption();
  ThreadOption(const ThreadOption&) = delete;
  ThreadOption& operator=(const ThreadOption&) = delete;

 private:
  const char* name_;  // null = it is not set
};

// GDAL does not write NAME.gz.properties beside compressed files that it has read to their end.
ThreadOption leave_no_notes();

// How many files the system lets the process have open, where it has as many; else nullopt.
std::optional<std::int64_t> used_up_handles();

// Opens a raster for reading; throws Error(kNotFound) or Error(kUnreadable) with GDAL's reason.
Dataset open_raster(const std::string& descriptor);

// The same without what upright() does, for what a file says of itself.
Dataset open_as_is(const std::string& descriptor);

// An overview of it as a raster, 0 is the finest.
Dataset open_overview(const std::string& descriptor, int overview);

}  // namespace cube
