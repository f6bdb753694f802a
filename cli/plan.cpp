// cube plan: what a run would read, compute and need, without reading a pixel.
#include "engine/plan.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/plan_picture.h"
#include "cli/simulation.h"
#include "engine/block_reads.h"
#include "engine/readings.h"
#include "engine/text.h"

namespace cube {

namespace {

struct PlanCommand {
  GraphArguments graph;
  PlanArguments plan;
  bool json = false;
  std::string simulate;  // "" = not asked for
  std::string svg;       // files; the same
  std::string dot;
};

std::string amount(std::int64_t bytes) { return bytes_text(static_cast<double>(bytes)); }

// "source  /in_cube image_collection: B04 pasted; B05 warped by near" for each that reads files.
std::string sources_text(const Graph& graph) {
  const auto readings = readings_of(graph);
  std::string out;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    if (readings[i].empty()) continue;
    const Graph::Node& node = graph.nodes[i];
    out += "source  " + node.where + (node.where.empty() ? "" : " ") + node.type + ": " +
           join(readings_lines(readings[i], node.op->info().band_names()), "; ") + "\n";
  }
  return out;
}

void print_text(const Plan& plan) {
  const Plan::Estimate estimate = plan.estimate();
  const ChunkShape& shape = plan.chunk_shape();
  std::cout << describe(plan.info()) << "chunks  " << estimate.chunks << " of " << shape.t << " x "
            << shape.y << " x " << shape.x << " (t, y, x)"
            << (plan.chunk_reduced() ? ", cut to fit --memory" : "") << ", "
            << estimate.empty_chunks << " of them empty\n"
            << "reads   " << counted(estimate.images, "image") << ", "
            << counted(estimate.files, "file") << ", " << amount(estimate.read_bytes)
            << " of cells\n"
            << sources_text(plan.graph()) << "result  " << amount(estimate.result_bytes)
            << " of cells\n"
            << "memory  at most " << amount(estimate.peak_bytes) << " on "
            << counted(plan.threads(), "thread") << " (budget "
            << amount(plan.options().memory_bytes)
            << (plan.threads() < plan.options().threads ? "; more do not fit" : "") << ")\n";
}

void show(const Plan& plan, const Document& document, const PlanCommand& args) {
  if (!args.json && args.svg.empty() && args.dot.empty()) return print_text(plan);
  std::vector<Note> notes = all_notes(plan.graph(), document);
  if (const auto note = block_reads_note(plan)) notes.push_back(*note);
  const PlanView view(plan, title_of(document, args.graph.graph), std::move(notes));
  if (args.json) std::cout << plan_json(view).dump(2) << '\n';
  if (args.svg.empty() && args.dot.empty()) return;
  const Picture picture = plan_picture(view);
  if (!args.svg.empty()) write_text(args.svg, to_svg(picture), "the picture");
  if (!args.dot.empty()) write_text(args.dot, to_dot(picture), "the graph");
}

void simulate_run(const Plan& plan, const PlanCommand& args) {
  const SimulationRequest asked = parse_simulation(args.simulate);
  const Simulation made = simulate(plan, asked.workers, asked.rates);
  if (args.json) {
    std::cout << simulation_json(made, asked.rates).dump(2) << '\n';
  } else {
    std::cout << simulation_text(made);
  }
}

}  // namespace

void add_plan(CLI::App& app, Program& program) {
  auto args = std::make_shared<PlanCommand>();
  CLI::App* command = app.add_subcommand(
      "plan", "Say what a run would read and need: chunks, images, files, bytes, memory");
  args->graph.add_to(*command);
  args->plan.add_to(*command);
  command->add_flag("--json", args->json, "Print JSON");
  command
      ->add_option("--svg", args->svg,
                   "Draw the graph with what each node makes and costs; - is standard output")
      ->type_name("FILE");
  command
      ->add_option("--simulate", args->simulate,
                   "Say how long 'cube run --part' and 'cube finish' would take on 1, 2, 4, ... "
                   "workers, by measured rates (workers=64,threads=4,read=5e9; --json names all), "
                   "and where that stops growing with them")
      ->type_name("workers=N,...");
  command->add_option("--dot", args->dot, "The same for graphviz; - is standard output")
      ->type_name("FILE");
  command->footer(
      "Examples:\n  cube plan ndvi.json --threads 4 --memory 8G\n  cube plan ndvi.json --svg "
      "ndvi.svg");
  command->callback([args, &program] {
    const Document document = args->graph.load();
    Graph graph = compile(document, program.registry, args->graph.resources(program));
    const PlanOptions options = args->plan.options(graph);
    const Plan plan(std::move(graph), options);
    if (!args->simulate.empty()) return simulate_run(plan, *args);
    print_notes(plan.graph(), document);
    if (const auto note = block_reads_note(plan)) print_note(*note);
    show(plan, document, *args);
  });
}

}  // namespace cube
