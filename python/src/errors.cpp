#include "errors.h"

#include <pybind11/pybind11.h>

#include <exception>

namespace cube::python {

namespace py = pybind11;

const char* name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kUnreadable:
      return "unreadable";
    case ErrorCode::kUnwritable:
      return "unwritable";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kInternal:
      break;
  }
  return "internal";
}

void raise_errors() {
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& error) {
      const py::object type = py::module_::import("cube._errors").attr("Error");
      const py::object made =
          type(error.message(), name(error.code()), error.where(), error.hint());
      PyErr_SetObject(type.ptr(), made.ptr());
    }
  });
}

}  // namespace cube::python
