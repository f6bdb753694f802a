// What `cube run` does where it computes a part of an output only.
// Thread rule: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/parts.h"
#include "engine/plan.h"
#include "engine/run.h"
#include "graphs/document.h"

namespace cube {

// What --part asks for, "" = all; a note of the launcher goes to standard error unless `quiet`.
// Throws Error(kInvalid) naming --part.
std::optional<Part> wanted_part(const std::string& text, bool quiet);

// The chunks of the part, of which all parts of all outputs have the same; where others have begun
// with other chunks than `plan` has, it is made anew. nullopt = no part is asked for. Throws as
// Sink::agree().
std::optional<Range> agreed_chunks(const std::vector<std::unique_ptr<Sink>>& sinks,
                                   const std::vector<OutputSpec>& outputs, const Document& document,
                                   const std::string& canonical, const RunIdentity& identity,
                                   Plan& plan);

// `text`: --chunk. Throws Error(kInvalid) where the other parts have larger chunks.
void check_chunk_asked_for(const std::string& text, const PlanOptions& options,
                           const PartsPlan& parts);

// What is left to do when a part has come to its end, on standard error.
void print_part_done(const std::vector<OutputSpec>& outputs, const Report& report);

}  // namespace cube
