#include "cli/part_run.h"

#include <cstdlib>
#include <iostream>

#include "cli/part_option.h"
#include "engine/cost_model.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

std::optional<Part> wanted_part(const std::string& text, bool quiet) {
  if (text.empty()) return std::nullopt;
  const PartChoice choice = parse_part(text, [](const char* name) { return std::getenv(name); });
  if (!choice.note.empty() && !quiet) std::cerr << "cube: note: " << choice.note << '\n';
  return choice.part;
}

std::optional<Range> agreed_chunks(const std::vector<std::unique_ptr<Sink>>& sinks,
                                   const std::vector<OutputSpec>& outputs, const Document& document,
                                   const std::string& canonical, const RunIdentity& identity,
                                   Plan& plan) {
  const std::optional<Part>& part = outputs[0].part;
  if (!part) return std::nullopt;
  PartsPlan parts;
  if (const auto known = parts_of(outputs[0].file)) {
    parts = *known;
  } else {
    parts.tiling = plan.chunk_shape();
    parts.begins = cut_evenly(chunk_seconds(plan), part->count);
    parts.graph = canonical;
    parts.folder = document.base().string();
  }
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    const PartsPlan agreed = sinks[i]->agree(parts, identity);
    if (i > 0 && (agreed.tiling != parts.tiling || agreed.begins != parts.begins)) {
      throw Error(ErrorCode::kInvalid,
                  "its parts are of other chunks than those of " + outputs[0].file, outputs[i].file,
                  "parts make the same outputs each");
    }
    parts = agreed;
  }
  if (parts.tiling != plan.chunk_shape()) {
    PlanOptions options = plan.options();
    options.fixed_chunk = parts.tiling;
    plan = Plan(plan.graph(), options);
  }
  return parts.chunks(part->index);
}

void check_chunk_asked_for(const std::string& text, const PlanOptions& options,
                           const PartsPlan& parts) {
  const ChunkShape* asked = options.chunk ? std::get_if<ChunkShape>(&*options.chunk) : nullptr;
  const ChunkShape& theirs = parts.tiling;
  // Theirs are smaller where the cube or the memory of the first part was.
  if (!asked || (theirs.t <= asked->t && theirs.y <= asked->y && theirs.x <= asked->x)) return;
  throw Error(ErrorCode::kInvalid,
              "is " + text + ", and other parts have chunks of " + to_text(theirs), "--chunk",
              "leave it away: parts take what the first one has");
}

void print_part_done(const std::vector<OutputSpec>& outputs, const Report& report) {
  std::string files;
  for (const OutputSpec& output : outputs) files += " " + output.file;
  std::cerr << "cube: part " << to_text(*outputs[0].part) << " has " << report.chunks_done << " of "
            << counted(report.chunks, "chunk") << "; when all parts are done: cube finish" << files
            << '\n';
}

}  // namespace cube
