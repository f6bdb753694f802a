// What cube plan tells of each node, and the picture that is made of it.
// Thread rule: pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/picture.h"
#include "engine/block_reads.h"
#include "engine/node_facts.h"
#include "engine/readings.h"
#include "engine/run.h"

namespace cube {

// All that the forms of a plan (JSON, DOT, SVG) show. REQUIRES: the plan outlives it.
struct PlanView {
  const Plan& plan;
  std::string title;  // of the document
  Plan::Estimate estimate;
  std::vector<NodeFacts> facts;                // of each node
  std::vector<Note> notes;                     // "where" points into the document
  std::vector<BlockReads> blocks;              // of sources
  std::vector<std::vector<Reading>> readings;  // of each node

  PlanView(const Plan& plan_, std::string title_, std::vector<Note> notes_)
      : plan(plan_),
        title(std::move(title_)),
        estimate(plan.estimate()),
        facts(node_facts(plan)),
        notes(std::move(notes_)),
        blocks(block_reads(plan)),
        readings(readings_of(plan.graph())) {}
};

nlohmann::ordered_json plan_json(const PlanView& view);
Picture plan_picture(const PlanView& view);

// The same graph with what a run of it spent on each node.
Picture run_picture(const Graph& graph, const Report& report, const std::string& title);

// "12 x 520 x 430": slices, rows, columns.
std::string shape_text(const ChunkShape& shape);

// A count for people: "950", "12.3 k", "5.4 M", "1.2 G".
std::string amount_text(std::int64_t count);

}  // namespace cube
