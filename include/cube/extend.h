// What it takes to add to cube from outside: operators, collections of images, what reads them, and
// outputs of one's own.
//
//   Registry operators = document_operators();
//   operators.add(operator_type<MyOperator>({.id = "mine", ...}));   // operator.h, registry.h,
//   params.h Resources resources; resources.open_index = ...; // image_index.h
//   resources.make_reader = ...;                                     // image_reader.h
//   const Environment environment(settings, std::move(operators), std::move(resources));
//   environment.open("graph.json").run(sinks);                       // sink.h
//
// The headers say what each interface asks of those who implement it.
#pragma once

#include "cube/cube.h"
#include "cube/memory_images.h"
#include "engine/image_index.h"
#include "engine/image_reader.h"
#include "engine/operator.h"
#include "engine/params.h"
#include "engine/registry.h"
#include "engine/resources.h"
#include "engine/sink.h"

namespace cube {

// What an Environment uses where it is given nothing else: catalogs, and files that GDAL reads. For
// readers of one's own that leave to these what is not theirs.
Resources file_resources();

}  // namespace cube
