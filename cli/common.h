// What several subcommands share: loading graphs, --set, numbers of threads, tables of text.
#pragma once

#include <CLI/CLI.hpp>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/recorded_run.h"
#include "engine/plan.h"
#include "graphs/document.h"

namespace cube {

// A graph named on the command line with its --set values.
struct GraphArguments {
  std::string graph;
  std::vector<std::string> sets;  // "name=value"
  bool allow_exec = false;

  void add_to(CLI::App& command);
  void add_options_to(CLI::App& command);  // all but the graph
  // The resources that the graph is compiled and run with.
  Resources resources(const Program& program) const;
  // Reads the document, or the one that made an output, and puts the parameters in. `recorded` is
  // recorded_run(graph), for who needs that too.
  Document load() const;
  Document load(const std::optional<RecordedRun>& recorded) const;
};

// How much of the machine a plan may use, and the chunk shape.
struct PlanArguments {
  int threads = 0;     // 0 = all cores, and more where files are remote
  std::string memory;  // "" = default_memory_bytes() of the host
  std::string chunk;   // "t,y,x" or "auto"; "" = chosen

  void add_to(CLI::App& command);
  // For a graph, whose sources tell how many threads have something to do. Throws Error(kInvalid)
  // naming the option.
  PlanOptions options(const Graph& graph) const;
  // No fewer are made for want of memory without a word to the user.
  int least_threads() const;
  // The budget as the user writes it.
  std::string memory_text() const;
};

// An argument that stands by itself, and that has to be there.
CLI::Option* add_operand(CLI::App& command, const std::string& name, std::string& value,
                         const std::string& help);

// "key=value" pairs of an option; throws Error(kInvalid) naming the option.
std::map<std::string, std::string> parse_pairs(const std::vector<std::string>& pairs,
                                               const std::string& option);

// "NDVI float32, missing = nan" lines, the grid and the time axis of a cube, for people.
std::string describe(const CubeInfo& info);

// What is odd about a graph but no error, on standard error: what its operators note, and what
// means something else in gdalcubes, which wrote the document.
void print_notes(const Graph& graph, const Document& document);
void print_note(const Note& note);
// The same, without what may be secret in URLs.
std::vector<Note> all_notes(const Graph& graph, const Document& document);
// A list of {"where", "text"}.
nlohmann::ordered_json notes_json(const std::vector<Note>& notes);

// The document's "title", else the name of its file without the folder.
std::string title_of(const Document& document, const std::string& file);

// Writes a text to a file, which then holds all of it or what it held before; "-" is standard
// output. Throws Error(kUnwritable) that names `what`.
void write_text(const std::string& file, const std::string& text, const std::string& what);

// Throws Error(kUnwritable) where write_text() could not make the file.
void check_text_place(const std::string& file, const std::string& what);

// What an exception says, for people.
std::string failure_text(const std::exception& error);

// Seconds for people: "0.8 s", "12 s", "3 min 05 s", "2 h 10 min".
std::string duration_text(double seconds);

}  // namespace cube
