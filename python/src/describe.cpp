#include "describe.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <variant>

#include "engine/gdal/cf.h"

namespace cube::python {

namespace py = pybind11;
using namespace py::literals;

namespace {

// What netCDF-4 has where no value was written to an int.
constexpr std::int32_t kUnwritten = -2147483647;

template <class T>
py::array array_of(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

// `cells`: the type of those that count cells' values.
py::dict attributes_dict(const CfAttributes& attributes, const py::dtype& cells) {
  py::dict out;
  for (const auto& [key, value] : attributes) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      out[key.c_str()] = *text;
    } else if (const auto* number = std::get_if<double>(&value)) {
      out[key.c_str()] = *number;
    } else {
      py::object list = array_of(std::get<std::vector<double>>(value));
      if (key == kFlagValues) list = list.attr("astype")(cells);
      // A list of one is a number to those who read netCDF.
      out[key.c_str()] = py::len(list) == 1 ? list[py::int_(0)] : list;
    }
  }
  return out;
}

py::dict variable_dict(const CfVariable& variable, const py::dict& sizes) {
  py::object values =
      std::visit([](const auto& list) -> py::object { return array_of(list); }, variable.values);
  py::list shape;
  for (const std::string& dimension : variable.dimensions) shape.append(sizes[dimension.c_str()]);
  return py::dict("dims"_a = py::tuple(py::cast(variable.dimensions)),
                  "values"_a = values.attr("reshape")(shape),
                  "attributes"_a = attributes_dict(variable.attributes, py::dtype::of<double>()));
}

py::dict band_dict(const BandInfo& band, const CfAttributes& attributes, const py::tuple& dims) {
  const py::dtype type = numpy_type(band.dtype);
  py::dict about = attributes_dict(attributes, type);
  if (band.nodata) about["_FillValue"] = type.attr("type")(*band.nodata);
  return py::dict("name"_a = band.name, "dims"_a = dims, "dtype"_a = std::string(name(band.dtype)),
                  "attributes"_a = about);
}

py::tuple shape_tuple(const ChunkShape& shape) { return py::make_tuple(shape.t, shape.y, shape.x); }

py::tuple range_tuple(const Range& range) { return py::make_tuple(range.begin, range.end); }

py::dict failure_dict(const Report::Failure& failure) {
  const Region& region = failure.region;
  return py::dict("chunk"_a = failure.chunk, "slices"_a = range_tuple(region.t),
                  "rows"_a = range_tuple(region.y), "columns"_a = range_tuple(region.x),
                  "region"_a = to_text(region), "reason"_a = failure.reason);
}

}  // namespace

py::dtype numpy_type(DType type) { return py::dtype(std::string(name(type))); }

py::dict info_dict(const Cube& cube) {
  const CubeInfo& info = cube.info();
  py::list bands;
  for (const BandInfo& band : info.bands) {
    bands.append(py::dict("name"_a = band.name, "dtype"_a = std::string(name(band.dtype)),
                          "nodata"_a = band.nodata, "unit"_a = band.unit, "scale"_a = band.scale,
                          "offset"_a = band.offset));
  }
  py::list times;
  for (std::int64_t i = 0; i < info.time.size(); ++i) {
    times.append(info.time.start(i).time_since_epoch().count());
  }
  py::list notes;
  for (const Note& note : cube.notes()) notes.append(py::make_tuple(note.where, note.text));
  const Grid& grid = info.grid;
  return py::dict("bands"_a = bands,
                  "shape"_a = py::make_tuple(info.time.size(), grid.height, grid.width),
                  "chunk"_a = shape_tuple(cube.chunk_shape()), "crs"_a = grid.crs,
                  "transform"_a = py::make_tuple(grid.dx, 0.0, grid.left, 0.0, -grid.dy, grid.top),
                  "times"_a = times, "notes"_a = notes);
}

py::dict cf_dict(const Cube& cube, const Provenance& provenance) {
  const CubeInfo& info = cube.info();
  const CfCube cf = describe_cf(info, provenance);
  py::dict sizes;
  sizes[cf.time.c_str()] = info.time.size();
  if (info.time.is_regular()) sizes["nv"] = 2;
  sizes[cf.y.c_str()] = info.grid.height;
  sizes[cf.x.c_str()] = info.grid.width;
  const py::dtype none = py::dtype::of<double>();
  py::dict variables;
  if (!cf.grid_mapping.empty()) {
    variables[cf.grid_mapping.c_str()] =
        py::dict("dims"_a = py::tuple(), "values"_a = py::dtype("int32").attr("type")(kUnwritten),
                 "attributes"_a = attributes_dict(cf.crs, none));
  }
  for (const CfVariable& variable : cf.coordinates) {
    variables[variable.name.c_str()] = variable_dict(variable, sizes);
  }
  const py::tuple dims = py::make_tuple(cf.time, cf.y, cf.x);
  py::list bands;
  for (std::size_t b = 0; b < info.bands.size(); ++b) {
    bands.append(band_dict(info.bands[b], cf.bands[b], dims));
  }
  return py::dict("attributes"_a = attributes_dict(cf.global, none), "sizes"_a = sizes,
                  "variables"_a = variables, "bands"_a = bands,
                  "chunk"_a = shape_tuple(cube.chunk_shape()));
}

py::dict report_dict(const Report& report) {
  py::list failures;
  for (const Report::Failure& failure : report.failures) failures.append(failure_dict(failure));
  py::list skipped;
  for (const SkippedImage& image : report.skipped) {
    skipped.append(py::dict("image"_a = image.image, "reason"_a = image.reason));
  }
  return py::dict("outputs"_a = report.outputs, "failures"_a = failures, "skipped"_a = skipped,
                  "chunks"_a = report.chunks, "chunks_done"_a = report.chunks_done,
                  "chunks_resumed"_a = report.chunks_resumed,
                  "empty_chunks"_a = report.empty_chunks, "seconds"_a = report.seconds,
                  "threads"_a = report.threads, "notes"_a = report.notes,
                  "unwritten"_a = report.unwritten);
}

}  // namespace cube::python
