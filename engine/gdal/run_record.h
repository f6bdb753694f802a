// What an output carries of the run that made it, and reading it back.
//
// Three texts: the canonical graph (CUBE_GRAPH in GDAL's metadata, the attribute cube_graph of CF
// formats), the images it was made from, a line each (CUBE_IMAGES, cube_images), and a record of
// the rest as a JSON object (CUBE_RUN, cube_run), whose members README lists. Formats that have a
// place for one text only hold the graph, then the images, then the record.
//
// Thread rule: pure functions; reading takes NetcdfLock itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/sink.h"

namespace cube {

// The version of the record.
inline constexpr int kRecordVersion = 1;

// Where the texts stand.
inline constexpr const char* kGraphItem = "CUBE_GRAPH";
inline constexpr const char* kImagesItem = "CUBE_IMAGES";
inline constexpr const char* kRecordItem = "CUBE_RUN";
inline constexpr const char* kGraphAttribute = "cube_graph";
inline constexpr const char* kImagesAttribute = "cube_images";
inline constexpr const char* kRecordAttribute = "cube_run";

// The provenance of one file of an output, to which belong the output's format and options, its
// name where it stands for several files, and the way from the file to the folder of the graph.
// `format` is the name of the format.
Provenance of_file(const Provenance& run, const OutputSpec& output, const std::string& format,
                   const std::string& file);

// Names, a line each. Of more than 64 kB the first ones, and how many more there are: "(and 99000
// more)". Where the last of `names` is such a line it is counted.
std::string images_text(const std::vector<std::string>& names);

// The record as JSON in ASCII; "" where nothing is to be recorded. `appended`: the output also
// holds what other runs made.
std::string record_text(const Provenance& provenance, bool appended = false);

// All three in one text.
std::string one_text(const Provenance& provenance);

// What a file says of the run that made it.
struct RecordedTexts {
  std::string graph;
  std::string record;  // "" = none: an older version wrote it
};

// Of a GeoTIFF, netCDF, Zarr, GeoPackage or GeoJSON of this machine; nullopt where it says nothing.
// Throws Error(kUnreadable) for a file that cannot be opened, and Error(kInvalid) where several
// runs made it.
std::optional<RecordedTexts> read_record(const std::string& file);

// What is wrong with such an output; its record says "appended".
Error several_runs(const std::string& file);

}  // namespace cube
