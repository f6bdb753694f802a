// OutputSink: hands the pieces of chunks to the writers of one or more files, which are made in a
// work folder (work_folder.h) with a journal (run_journal.h) and renamed when all are whole.
//
// In the folder, file number N is called "N.part" while it is written and "N" when it is whole.
// Thread rule: as Sink.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/gdal/output_file.h"
#include "engine/sink.h"

namespace cube {

// What a sink needs to know of its format.
struct SinkFormat {
  std::string name;
  bool folder = false;  // each output is a folder
  bool handle = false;  // a file is held open while it is written
  std::function<std::unique_ptr<FileWriter>(const FilePart&)> make;
};

// A sink for cubes like `info`, of which `parts` are made; names and options are checked. The
// constructors of the writers throw what is wrong with them.
std::unique_ptr<Sink> make_output_sink(const OutputSpec& spec, const CubeInfo& info,
                                       SinkFormat format, std::vector<FilePart> parts);

}  // namespace cube
