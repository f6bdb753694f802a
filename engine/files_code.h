// Commands written for gdalcubes' chunk streaming: cells go through two files, whose names stand in
// GDALCUBES_STREAMING_FILE_IN and _FILE_OUT.
//
// The input file holds int32 numbers of bands, slices, rows and columns; for each band the length
// (int32) and text of its name; doubles of each slice (its date as the number 20200131), row and
// column (centres); length and text of the reference system; the cells as doubles over bands,
// slices, rows, columns, NaN = missing. The output file holds the four numbers and the cells. (What
// gdalcubes 0.7 writes and reads: stream_cube::stream_chunk_file.)
//
// Thread rule: immutable.
#pragma once

#include <memory>
#include <string>

#include "engine/command_code.h"

namespace cube {

// `note` is put to what is said about calls that fail, "" = nothing.
std::shared_ptr<const UserCode> gdalcubes_code(const CommandParams& params, std::string note = {});

// Reads the file that such a command writes. Throws Error that says what is wrong with it.
void read_gdalcubes_answer(const std::string& file, const UserCall& call, UserAnswer& answer);

// The bands of such a command, which does not say them: as many as the input has, band1, band2, ...
UserBands gdalcubes_bands(const CubeInfo& input);

}  // namespace cube
