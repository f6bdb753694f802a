// What a run of a graph is made from, for going on with it later: see engine/run_identity.h.
#pragma once

#include <string>

#include "engine/plan.h"
#include "engine/run_identity.h"
#include "graphs/document.h"

namespace cube {

// The program, the graph value by value, the files of this machine that it names, and of the
// sources what they say and the size and time of the last change of the files that the result will
// read; of catalogs only what is read of them. `canonical` is the document's canonical text with
// paths relative to its folder. REQUIRES: `graph` outlives the result.
RunIdentity identity_of(const Document& document, const std::string& canonical, const Graph& graph);

// Of these the files that the graph names, and what is said of the sources.
RunIdentity inputs_of(const Document& document, const std::string& canonical, const Graph& graph);

// "1234 bytes of 2023-05-01T10:20:30.500000000"; "" for what is no file of this machine.
std::string file_state(const std::string& file);

}  // namespace cube
