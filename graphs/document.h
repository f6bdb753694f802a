// Document: a graph document as JSON, and what is made of it.
//
// A document is a cube node as gdalcubes writes it, or an object with named cubes, parameters and
// outputs round it (see README, "Graph documents"). Relative paths are relative to the file the
// document stands in.
//
// Every error carries the JSON pointer of the place in the document ("/in_cube/expr/0"); a syntax
// error carries line and column.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/plan.h"
#include "engine/registry.h"
#include "engine/resources.h"
#include "engine/sink.h"

namespace cube {

// What stands in a document, parsed but not checked against operators.
// Thread rule: immutable once made.
class Document {
 public:
  // Reads a file; "-" is standard input (paths are then relative to the working directory).
  static Document load(const std::string& file);
  // `base` is the folder that relative paths start from.
  static Document parse(std::string_view text, const std::filesystem::path& base,
                        std::string_view name = "graph");

  // Replaces "${name}" in all texts by the document's parameters, overridden by `values`. An
  // unknown name in `values` and a "${...}" without a value are errors.
  Document with_parameters(const std::map<std::string, std::string>& values) const;

  struct Content;  // see document_json.h
  const Content& content() const { return *content_; }
  const std::filesystem::path& base() const { return base_; }
  // False while "${name}" may still stand in texts; compile() then replaces it by the document's
  // own parameters.
  bool has_parameters_replaced() const { return replaced_; }

  // The document's own "outputs", in order, file names resolved.
  std::vector<OutputSpec> outputs() const;

 private:
  std::shared_ptr<const Content> content_;
  std::filesystem::path base_;
  bool replaced_ = false;
};

// Builds the result's operators (the same node once), collects what they note, and checks all that
// can be checked without reading pixels; of named cubes it does not need: types, arguments and
// references. `saved` nodes are read from their files; a file that refers to itself is an error.
Graph compile(const Document& document, const Registry& registry, const Resources& resources);

// Where a graph of gdalcubes leans on what was changed here on purpose (logarithms, months, sums of
// nothing), a line each. A document is taken for one of gdalcubes' if gdalcubes could read it: a
// bare node, none but its cubes and keys, without title or version, and with a chunk_size in every
// source. Documents of our own make no notes.
std::vector<Note> gdalcubes_notes(const Document& document);

// The canonical form: one cube node (with `cubes` where one is used several times), defaults
// filled in, keys in the order operators declare them, parameters replaced, paths relative to
// `folder` (absolute where they cannot be), saved cubes kept as references. Canonical text of
// canonical text is the same text. Ends with a newline.
std::string canonical_text(const Document& document, const Registry& registry,
                           const std::filesystem::path& folder);

// The same with saved cubes in place of the references to them: a text that stands by itself.
std::string whole_text(const Document& document, const Registry& registry,
                       const std::filesystem::path& folder);

// JSON Schema (draft 2020-12) of graph documents.
std::string schema_text(const Registry& registry);

// Help: the table of all operators, and one operator with its parameters and example.
std::string operators_text(const Registry& registry);
std::string operators_json(const Registry& registry);
std::string operators_markdown(const Registry& registry);  // README's table
std::string operator_text(const OperatorType& type);

// The built-in operators and "saved".
Registry document_operators();

}  // namespace cube
