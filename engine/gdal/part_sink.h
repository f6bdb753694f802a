// The sink of a part of an output (see parts.h), and what makes the output when all parts are done.
// Thread rule: as Sink and FinishedParts.
#pragma once

#include <memory>
#include <vector>

#include "engine/gdal/output_sink.h"
#include "engine/parts.h"

namespace cube {

// In the work folder of the output lie "parts" (parts_file.h) and, for each part, the folder
// "part-N" with its journal and its files; files of formats that are folders (Zarr), in which no
// two chunks have a file in common, are shared by all parts and lie where a single run has them.
// REQUIRES: spec.part.
std::unique_ptr<Sink> make_part_sink(const OutputSpec& spec, const CubeInfo& info,
                                     SinkFormat format, std::vector<FilePart> files);

std::unique_ptr<FinishedParts> make_parts_finisher(const PartsPlan& parts, const OutputSpec& spec,
                                                   const CubeInfo& info, SinkFormat format,
                                                   std::vector<FilePart> files);

}  // namespace cube
