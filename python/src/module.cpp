// The module cube._cube: what the package's Python is written upon. Its stubs are _cube.pyi.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "engine.h"
#include "errors.h"

namespace py = pybind11;
using namespace py::literals;

namespace {

using cube::Document;
using cube::OutputSpec;
using cube::Parameters;
using cube::python::Engine;
using cube::python::RunWish;
using cube::python::Triple;

std::unique_ptr<Engine> open_text(const std::string& text, const std::string& folder,
                                  const Parameters& parameters, bool allow_exec) {
  const py::gil_scoped_release release;
  return std::make_unique<Engine>(Document::parse(text, folder), parameters, allow_exec);
}

std::unique_ptr<Engine> open_file(const std::string& file, const Parameters& parameters,
                                  bool allow_exec) {
  const py::gil_scoped_release release;
  return std::make_unique<Engine>(Document::load(file), parameters, allow_exec);
}

py::dict run(const Engine& engine, std::vector<OutputSpec> outputs, int threads,
             std::int64_t memory, std::optional<Triple> chunk, bool keep_going,
             py::object progress) {
  return engine.run({.outputs = std::move(outputs),
                     .threads = threads,
                     .memory_bytes = memory,
                     .chunk = chunk,
                     .keep_going = keep_going,
                     .progress = std::move(progress)});
}

}  // namespace

PYBIND11_MODULE(_cube, module) {
  cube::python::raise_errors();
  module.attr("version") = cube::library_version();
  module.def("operators_json", [] { return operators_json(cube::document_operators()); });
  module.def("open", &open_text, "text"_a, "folder"_a, "parameters"_a, "allow_exec"_a);
  module.def("load", &open_file, "file"_a, "parameters"_a, "allow_exec"_a);

  py::class_<OutputSpec>(module, "Output")
      .def(py::init([](std::string file, std::string format,
                       std::map<std::string, std::string> options) {
             return OutputSpec{.file = std::move(file),
                               .format = std::move(format),
                               .options = std::move(options)};
           }),
           "file"_a, "format"_a = "", "options"_a = std::map<std::string, std::string>())
      .def_readwrite("overwrite", &OutputSpec::overwrite)
      .def_readwrite("append", &OutputSpec::append)
      .def_readwrite("resume", &OutputSpec::resume);

  py::class_<Engine>(module, "Engine")
      .def_property_readonly("text", &Engine::text)
      .def_property_readonly("folder", &Engine::folder)
      .def_property_readonly("outputs", &Engine::outputs)
      .def("info", &Engine::info)
      .def("describe", &Engine::describe)
      .def("riding_bands", &Engine::riding_bands)
      .def("read", &Engine::read, "bands"_a, "region"_a)
      .def("run", &run, "outputs"_a, "threads"_a, "memory"_a, "chunk"_a, "keep_going"_a,
           "progress"_a);
}
