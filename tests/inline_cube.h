// The "inline" operator: a cube whose cells stand in the document, for tests.
//
// Its one parameter is a text that holds the JSON of a golden test's input:
//   {"bands": {"a": {"dtype": "uint16", "nodata": 0, "cells": [[[1, 2], [3, null]]]}},
//    "grid": {"left": 0, "top": 20, "dx": 10, "dy": 10, "srs": "EPSG:32618"},
//    "time": {"t0": "2020-01-01", "dt": "P1D"} or {"labels": ["2020-01-01"]}}
// Cells are [t][y][x]; null is missing. Grid and time may be left away.
#pragma once

#include <nlohmann/json.hpp>

#include "engine/registry.h"

namespace cube::test {

OperatorType inline_cube();

// {"cube_type": "inline", ...} for an input written like that.
nlohmann::json inline_node(const nlohmann::ordered_json& input);

// document_operators() and "inline".
Registry test_operators();

}  // namespace cube::test
