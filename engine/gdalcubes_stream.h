// GdalcubesStream: the operators that gdalcubes writes for functions of R over pixels, series and
// slices. A command made for gdalcubes is run, which reads and writes the files of files_code.h;
// what it is given and what it makes is what tells the operators apart.
//
// Thread rule: immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command_code.h"
#include "engine/user_function.h"

namespace cube {

// What a call of the command has, and what it makes of that.
struct StreamShape {
  bool whole_time = false;   // all slices, else those of a chunk
  bool whole_space = false;  // all rows and columns, else those of a chunk
  bool one_slice = false;    // makes one slice of all
  bool one_cell = false;     // makes one cell a slice
  std::string_view prefix;   // of the names of bands that have none, "X" for X1, X2, ...
};

class GdalcubesStream : public UserFunction {
 public:
  struct Params {
    CommandParams command;
    std::int64_t nbands = 1;
    std::vector<std::string> names;
    bool keep_bands = false;

    void fields(FieldVisitor& v, bool may_keep_bands);
  };

  // Throws Error that points into the node.
  GdalcubesStream(const Params& params, const CubeInfo& in, const StreamShape& shape);
};

// What the help of these operators has in common.
extern const char* const kGdalcubesStreamHelp;

}  // namespace cube
