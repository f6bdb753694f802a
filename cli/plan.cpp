// cube plan: what a run would read, compute and need, without reading a pixel.
#include "engine/plan.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "engine/text.h"

namespace cube {

namespace {

struct Arguments {
  GraphArguments graph;
  PlanArguments plan;
  bool json = false;
};

std::string amount(std::int64_t bytes) { return bytes_text(static_cast<double>(bytes)); }

void print_text(const Plan& plan, const Plan::Estimate& estimate) {
  const ChunkShape& shape = plan.chunk_shape();
  std::cout << describe(plan.info()) << "chunks  " << estimate.chunks << " of " << shape.t << " x "
            << shape.y << " x " << shape.x << " (t, y, x)"
            << (plan.chunk_reduced() ? ", cut to fit --memory" : "") << ", "
            << estimate.empty_chunks << " of them empty\n"
            << "reads   " << counted(estimate.images, "image") << ", "
            << counted(estimate.files, "file") << ", " << amount(estimate.read_bytes)
            << " of cells\n"
            << "result  " << amount(estimate.result_bytes) << " of cells\n"
            << "memory  at most " << amount(estimate.peak_bytes) << " on "
            << counted(plan.threads(), "thread") << " (budget "
            << amount(plan.options().memory_bytes)
            << (plan.threads() < plan.options().threads ? "; more do not fit" : "") << ")\n";
}

void print_json(const Plan& plan, const Plan::Estimate& estimate, const Document& document) {
  const ChunkShape& shape = plan.chunk_shape();
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const Graph::Node& node : plan.graph().nodes) {
    nodes.push_back({{"cube_type", node.type}, {"where", node.where}, {"inputs", node.inputs}});
  }
  const nlohmann::ordered_json out = {{"chunk_shape", {shape.t, shape.y, shape.x}},
                                      {"chunks", estimate.chunks},
                                      {"empty_chunks", estimate.empty_chunks},
                                      {"images", estimate.images},
                                      {"files", estimate.files},
                                      {"read_bytes", estimate.read_bytes},
                                      {"result_bytes", estimate.result_bytes},
                                      {"peak_bytes", estimate.peak_bytes},
                                      {"threads", plan.threads()},
                                      {"memory_bytes", plan.options().memory_bytes},
                                      {"nodes", nodes},
                                      {"notes", notes_of(plan.graph(), document)}};
  std::cout << out.dump(2) << '\n';
}

}  // namespace

void add_plan(CLI::App& app, Program& program) {
  auto args = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "plan", "Say what a run would read and need: chunks, images, files, bytes, memory");
  args->graph.add_to(*command);
  args->plan.add_to(*command);
  command->add_flag("--json", args->json, "Print JSON");
  command->footer("Example:\n  cube plan ndvi.json --threads 4 --memory 8G");
  command->callback([args, &program] {
    const Document document = args->graph.load();
    const Plan plan(compile(document, program.registry, args->graph.resources(program)),
                    args->plan.options());
    const Plan::Estimate estimate = plan.estimate();
    print_notes(plan.graph(), document);
    args->json ? print_json(plan, estimate, document) : print_text(plan, estimate);
  });
}

}  // namespace cube
