// What a run says of itself in its outputs and its report: the graph, the images, the inputs and
// their state, the versions. Secrets in URLs are left out.
// Thread rule: pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/plan.h"
#include "engine/run_identity.h"
#include "engine/sink.h"
#include "graphs/document.h"

namespace cube {

// The document's whole_text() with paths relative to its folder; queries of URLs are "?...", users
// and passwords "...@".
std::string graph_without_secrets(const Document& document, const Registry& registry);

// The first place in a document where such a mark stands for what was left out; "" = none.
std::string place_of_secret(const nlohmann::json& document);

// `text` is graph_without_secrets(), `inputs` inputs_of().
Provenance provenance_of(const Document& document, std::string text, const Graph& graph,
                         const RunIdentity& inputs);

// "cube" and the "libraries".
nlohmann::ordered_json versions_json();

}  // namespace cube
