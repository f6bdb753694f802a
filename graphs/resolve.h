// resolve: the nodes a document's result is made of, with their parameters read.
//
// This is what compile() builds operators from and what the canonical form is written from. Nodes
// that are the same (same operator, parameters and inputs) are there once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/registry.h"
#include "graphs/document.h"
#include "graphs/json_reader.h"

namespace cube {

struct ResolvedNode {
  const OperatorType* type;            // of the registry
  std::shared_ptr<AnyParams> params;   // paths absolute
  std::vector<std::size_t> inputs;     // nodes before this one, in the order of type->inputs
  std::vector<std::size_t> per_input;  // how many of `inputs` each of type->inputs has
  std::string where;                   // pointer; "FILE#/pointer" in a saved cube
  std::string name;                    // under "cubes", "" for an inline node
  MovedPlaces moved = {};              // of the parameters
};

// An error of a node, seen from the document: its place there is before that in the node. One that
// is about the node as a whole says which operator it is.
Error placed_in(const ResolvedNode& node, const Error& error);

struct ResolvedGraph {
  std::vector<ResolvedNode> nodes;  // inputs before their consumers
  std::size_t result = 0;
};

enum class SavedCubes { kKeep, kFollow };

// REQUIRES: `registry` outlives the result.
// Throws Error for everything that is wrong with the document's structure and arguments.
ResolvedGraph resolve(const Document& document, const Registry& registry, SavedCubes saved);

// The operator type of {"cube_type": "saved", "file": ...}, the file that it names and the values,
// as texts, that it gives the parameters of that.
OperatorType saved_type();
const std::string& saved_file(const AnyParams& params);
std::map<std::string, std::string> saved_arguments(const AnyParams& params);

}  // namespace cube
