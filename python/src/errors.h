// cube::Error as the package's own exception.
#pragma once

#include "engine/error.h"

namespace cube::python {

// "invalid", "not_found", "unreadable", "unwritable", "cancelled", "internal".
const char* name(ErrorCode code);

// From now on functions of the module that throw Error raise cube.Error. REQUIRES: the
// interpreter's lock.
void raise_errors();

}  // namespace cube::python
