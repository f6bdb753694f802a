// What a cube is, as Python's dicts. REQUIRES, of all: the interpreter's lock.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "cube/cube.h"

namespace cube::python {

// For cube.Info: "bands", "shape", "chunk", "crs", "transform", "times", "notes".
pybind11::dict info_dict(const Cube& cube);

// The cube in the words of CF, before decoding, as netCDF outputs have it: "attributes", "sizes"
// (of dimensions), "variables" (coordinates, bounds and the grid mapping: name -> "dims", "values",
// "attributes"), "bands" (a list of "name", "dims", "dtype", "attributes") and "chunk".
pybind11::dict cf_dict(const Cube& cube, const Provenance& provenance);

// A run's report, in the words of those of the program (see README): "outputs", "failures",
// "skipped", "chunks", "seconds", ...
pybind11::dict report_dict(const Report& report);

pybind11::dtype numpy_type(DType type);

}  // namespace cube::python
