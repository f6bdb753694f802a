#include "engine/gdal/geotiff_options.h"

#include <cpl_vsi.h>

#include <algorithm>

#include "engine/gdal/gdal_types.h"
#include "engine/gdal/handles.h"
#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

namespace {

bool takes_predictor(const std::string& compress) {
  const std::string name = lower(compress);
  return name == "deflate" || name == "lzw" || name == "zstd";
}

std::string driver_options(const char* name, const std::string& ours) {
  const char* list = tiff_driver(name, "").GetMetadataItem(GDAL_DMD_CREATIONOPTIONLIST);
  return "<Ours>" + ours + "</Ours>" + (list ? list : "");
}

constexpr const char* kDefaultLevel = "1";  // of DEFLATE and ZSTD

constexpr const char* kResamplingValues =
    "<Value>NEAREST</Value><Value>AVERAGE</Value><Value>RMS</Value><Value>BILINEAR</Value>"
    "<Value>GAUSS</Value><Value>CUBIC</Value><Value>CUBICSPLINE</Value><Value>LANCZOS</Value>"
    "<Value>MODE</Value></Option>";

}  // namespace

MemoryFile::MemoryFile(const std::string& suffix)
    : path("/vsimem/cube-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + suffix) {}

MemoryFile::~MemoryFile() {
  VSIUnlink(path.c_str());
  VSIUnlink((path + ".aux.xml").c_str());
}

// One storage for all bands.
Storage common_storage(const std::vector<BandInfo>& bands) {
  DType type = bands[0].dtype;
  std::vector<double> candidates;
  for (const BandInfo& band : bands) {
    type = common_dtype(type, band.dtype);
    if (band.nodata) candidates.push_back(*band.nodata);
  }
  if (is_float(type)) return {type, kMissing};
  if (candidates.empty()) return {type, std::nullopt};
  candidates.push_back(lowest(type));
  candidates.push_back(highest(type));
  for (const double value : candidates) {
    const bool free = std::all_of(bands.begin(), bands.end(), [&](const BandInfo& band) {
      return band.nodata == value || !can_hold(band.dtype, value);
    });
    if (free && can_hold(type, value)) return {type, value};
  }
  return with_missing(type, std::nullopt);
}

OutputOptions geotiff_creation(OutputOptions options, const Storage& storage, std::int64_t tile_x,
                               std::int64_t tile_y) {
  const auto put = [&](const char* name, const std::string& value) {
    options.try_emplace(name, value);
  };
  const std::string compress = option(options, "COMPRESS", "DEFLATE");
  put("COMPRESS", compress);
  if (takes_predictor(compress)) put("PREDICTOR", is_float(storage.dtype) ? "3" : "2");
  const std::string kind = lower(compress);
  const char* level = kind.ends_with("zstd")   ? "ZSTD_LEVEL"
                      : kind == "lzma"         ? "LZMA_PRESET"
                      : kind.ends_with("late") ? "ZLEVEL"
                                               : nullptr;
  if (level && options.contains("LEVEL")) put(level, options["LEVEL"]);
  options.erase("LEVEL");
  // The drivers' defaults, 6 and 9, take 1.4 to 9 times as long and save 2 % (README, Compression).
  if (kind == "deflate" || kind.ends_with("zstd")) put(level, kDefaultLevel);
  const std::string size = option(options, "BLOCKSIZE", "");
  options.erase("BLOCKSIZE");
  put("TILED", "YES");
  if (CPLTestBool(options["TILED"].c_str())) {
    put("BLOCKXSIZE", size.empty() ? std::to_string(tile_x) : size);
    put("BLOCKYSIZE", size.empty() ? std::to_string(tile_y) : size);
  }
  put("BIGTIFF", "IF_SAFER");
  put("SPARSE_OK", "YES");
  put("INTERLEAVE", "BAND");  // a chunk comes band by band
  return options;
}

OutputOptions cog_creation(OutputOptions options, const Storage& storage) {
  const std::string compress = option(options, "COMPRESS", "DEFLATE");
  options.try_emplace("COMPRESS", compress);
  if (takes_predictor(compress)) options.try_emplace("PREDICTOR", "YES");
  const std::string kind = lower(compress);
  if (kind == "deflate" || kind == "zstd") options.try_emplace("LEVEL", kDefaultLevel);
  options.try_emplace("BIGTIFF", "IF_SAFER");
  options.try_emplace("SPARSE_OK", "YES");
  // 8 bits mostly hold classes and flags, of which there is no average.
  const bool classes = storage.dtype == DType::kUInt8;
  if (!options.contains("RESAMPLING")) {
    options.try_emplace("OVERVIEW_RESAMPLING", classes ? "NEAREST" : "AVERAGE");
  }
  return options;
}

std::int64_t tile_side(const OutputOptions& options, const char* name, std::int64_t otherwise) {
  const auto given = parse_number(option(options, name, ""));
  return given ? std::max<std::int64_t>(1, static_cast<std::int64_t>(*given)) : otherwise;
}

CPLStringList to_string_list(const OutputOptions& options) {
  CPLStringList list;
  for (const auto& [name, value] : options) list.SetNameValue(name.c_str(), value.c_str());
  return list;
}

GDALDriver& tiff_driver(const char* name, const std::string& file) {
  GDALDriver* found = GetGDALDriverManager()->GetDriverByName(name);
  if (!found) {
    throw Error(ErrorCode::kInternal, std::string("GDAL was built without ") + name, file);
  }
  return *found;
}

GDALDatasetUniquePtr create_tiff(const std::string& path, std::int64_t width, std::int64_t height,
                                 std::size_t bands, const Storage& storage,
                                 const OutputOptions& options, const std::string& file) {
  return GDALDatasetUniquePtr(tiff_driver("GTiff", file)
                                  .Create(path.c_str(), static_cast<int>(width),
                                          static_cast<int>(height), static_cast<int>(bands),
                                          gdal_type(storage.dtype),
                                          to_string_list(options).List()));
}

void try_options(const Storage& storage, std::size_t bands, const OutputOptions& raw,
                 const OutputOptions* cog, const std::string& file) {
  constexpr int kSize = 16;
  constexpr std::size_t kMostBands = 8;
  const MemoryFile target(".tif");
  const MemoryFile copy_target(".cog.tif");
  const GdalErrors errors;
  bands = std::min(bands, kMostBands);
  GDALDatasetUniquePtr dataset = create_tiff(target.path, kSize, kSize, bands, storage, raw, file);
  bool good = dataset != nullptr;
  std::vector<float> ones(static_cast<std::size_t>(kSize) * kSize, 1.0F);
  for (int b = 1; good && b <= dataset->GetRasterCount(); ++b) {
    good = dataset->GetRasterBand(b)->RasterIO(GF_Write, 0, 0, kSize, kSize, ones.data(), kSize,
                                               kSize, GDT_Float32, 0, 0, nullptr) == CE_None;
  }
  if (good) dataset->FlushCache(false);
  if (good && cog) {
    const GDALDatasetUniquePtr copy(tiff_driver("COG", file)
                                        .CreateCopy(copy_target.path.c_str(), dataset.get(), TRUE,
                                                    to_string_list(*cog).List(), nullptr, nullptr));
    good = copy != nullptr;
  }
  dataset.reset();
  if (!good || errors.any()) {
    throw Error(ErrorCode::kInvalid, "GDAL refuses these options: " + errors.first(), file);
  }
}

std::string geotiff_options() {
  // Tighter than the driver's own list, whose ranges stand in its descriptions only.
  return driver_options(
      "GTiff",
      "<Option name='BLOCKSIZE' type='int' min='16'/><Option name='LEVEL' type='int' min='1'/>"
      "<Option name='PREDICTOR' type='int' min='1' max='3'/>"
      "<Option name='ZLEVEL' type='int' min='1' max='12'/>"
      "<Option name='ZSTD_LEVEL' type='int' min='1' max='22'/>");
}

std::string cog_options() {
  std::string ours =
      "<Option name='PREDICTOR' type='string-select'><Value>YES</Value>"
      "<Value>NO</Value><Value alias='2'>STANDARD</Value>"
      "<Value alias='3'>FLOATING_POINT</Value></Option>"
      "<Option name='BLOCKSIZE' type='int' min='128'/>";
  for (const char* name : {"RESAMPLING", "OVERVIEW_RESAMPLING", "WARP_RESAMPLING"}) {
    ours += "<Option name='" + std::string(name) + "' type='string-select'>" + kResamplingValues;
  }
  return driver_options("COG", ours);
}

}  // namespace cube
