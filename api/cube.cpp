#include "cube/cube.h"

#include <algorithm>

#include "api/copy_cells.h"
#include "api/cube_state.h"
#include "api/file_resources.h"
#include "api/identity.h"
#include "api/input_summary.h"
#include "api/plan_options.h"
#include "engine/demand.h"
#include "engine/gdal/output_file.h"
#include "engine/text.h"

namespace cube {

namespace {

std::vector<std::size_t> indices_of(const CubeInfo& info, const std::vector<std::string>& names) {
  std::vector<std::size_t> bands;
  if (names.empty()) bands = all_bands(info, {}).bands;
  for (const std::string& name : names) {
    const std::size_t band = info.band(name, "");
    if (std::ranges::find(bands, band) != bands.end()) {
      throw Error(ErrorCode::kInvalid, "the band '" + name + "' is asked for twice");
    }
    bands.push_back(band);
  }
  return bands;
}

void check_inside(const CubeInfo& info, const Region& region) {
  const Region all = info.extent();
  const auto ordered = [](const Range& range) { return range.begin <= range.end; };
  const bool good = ordered(region.t) && ordered(region.y) && ordered(region.x) &&
                    all.t.contains(region.t) && all.y.contains(region.y) &&
                    all.x.contains(region.x);
  if (!good) {
    throw Error(ErrorCode::kInvalid, "the region " + to_text(region) + " is not inside the cube",
                "", "inside " + to_text(all));
  }
}

// The pieces of a range between multiples of `size`.
std::vector<Range> cut(const Range& range, std::int64_t size) {
  std::vector<Range> pieces;
  for (std::int64_t begin = range.begin; begin < range.end;) {
    const std::int64_t end = std::min(range.end, (begin / size + 1) * size);
    pieces.push_back({begin, end});
    begin = end;
  }
  return pieces;
}

// The parts of a region in which it is computed: itself where it is no larger than a chunk.
std::vector<Region> pieces_of(const Region& region, const ChunkShape& chunk) {
  if (region.cells() <= chunk.cells()) return {region};
  std::vector<Region> pieces;
  for (const Range& t : cut(region.t, chunk.t)) {
    for (const Range& y : cut(region.y, chunk.y)) {
      for (const Range& x : cut(region.x, chunk.x)) pieces.push_back({t, y, x});
    }
  }
  return pieces;
}

Resources with_library_readers(Resources resources, const std::shared_ptr<BlockCache>& blocks) {
  const Resources own = file_resources(blocks);
  if (!resources.open_index) resources.open_index = own.open_index;
  if (!resources.make_reader) resources.make_reader = own.make_reader;
  return resources;
}

std::shared_ptr<const CubeInfo> info_of(const Graph& graph) {
  const auto& op = graph.nodes[graph.result].op;
  return {op, &op->info()};
}

}  // namespace

Cube::State::State(std::shared_ptr<const Environment::State> environment_given,
                   Document document_given)
    : environment(std::move(environment_given)),
      document(std::move(document_given)),
      blocks(std::make_shared<BlockCache>(0)),
      resources(with_library_readers(environment->resources, blocks)),
      graph(compile(document, environment->operators, resources)),
      info(info_of(graph)),
      readers(graph, resources, static_cast<std::size_t>(plan_options().threads)) {}

PlanOptions Cube::State::plan_options() const {
  return cube::plan_options(graph, environment->settings, environment->host);
}

void Cube::State::keep_blocks(const Plan& plan) const {
  blocks->resize(kept_block_bytes(plan) / 2);  // the other half is GDAL's
}

const Plan& Cube::State::plan() {
  std::call_once(planned_, [this] {
    plan_.emplace(graph, plan_options());
    keep_blocks(*plan_);
  });
  return *plan_;
}

const CubeInfo& Cube::info() const { return *state_->info; }
const Document& Cube::document() const { return state_->document; }
const Graph& Cube::graph() const { return state_->graph; }
const Plan& Cube::plan() const { return state_->plan(); }
std::vector<SkippedImage> Cube::skipped() const { return state_->readers.skipped(); }

std::vector<Note> Cube::notes() const {
  std::vector<Note> notes = gdalcubes_notes(document());
  notes.insert(notes.end(), graph().notes.begin(), graph().notes.end());
  return notes;
}

std::string Cube::text(const std::filesystem::path& folder) const {
  return canonical_text(document(), state_->environment->operators, folder);
}

std::string Cube::whole_text(const std::filesystem::path& folder) const {
  return cube::whole_text(document(), state_->environment->operators, folder);
}

std::string Cube::inputs() const {
  InputSummary summary(document().base());
  const RunIdentity inputs = inputs_of(document(), whole_text(document().base()), graph());
  inputs([&](const Ingredient& ingredient) { summary.take(ingredient); });
  return summary.json().dump();
}

void Cube::save(const std::filesystem::path& file, bool overwrite) const {
  const std::filesystem::path whole = std::filesystem::absolute(file).lexically_normal();
  if (!overwrite && std::filesystem::exists(whole)) {
    throw Error(ErrorCode::kUnwritable, "the file exists", file.string());
  }
  write_whole(whole.string(), text(whole.parent_path()));
}

Cells Cube::read(const Region& region, const std::vector<std::string>& bands,
                 const ReadOptions& options) const {
  const std::vector<std::size_t> indices = state_->wanted(region, bands);
  const std::vector<Region> pieces = pieces_of(region, chunk_shape());
  if (pieces.size() == 1) {
    return {state_->info, indices, state_->readers.read({region, indices}, options.cancelled)};
  }
  std::vector<std::shared_ptr<Block>> joined(indices.size());
  for (const Region& piece : pieces) {
    const Chunk part = state_->readers.read({piece, indices}, options.cancelled);
    for (std::size_t i = 0; i < joined.size(); ++i) {
      if (!part.bands[i]) continue;
      if (!joined[i]) joined[i] = std::make_shared<Block>(region, part.bands[i]->storage());
      joined[i]->copy_from(*part.bands[i]);
    }
  }
  return {state_->info, indices, {region, {joined.begin(), joined.end()}}};
}

void Cube::read_into(const Region& region, const std::vector<std::string>& bands,
                     std::span<const CellsOut> out, const ReadOptions& options) const {
  const std::vector<std::size_t> indices = state_->wanted(region, bands);
  if (out.size() != indices.size()) {
    throw Error(ErrorCode::kInvalid, "there is room for " + counted(out.size(), "band") + ", and " +
                                         counted(indices.size(), "band") + " are read");
  }
  for (std::size_t i = 0; i < out.size(); ++i) check_out(out[i], info().bands[indices[i]], region);
  for (const Region& piece : pieces_of(region, chunk_shape())) {
    const Chunk part = state_->readers.read({piece, indices}, options.cancelled);
    for (std::size_t i = 0; i < out.size(); ++i) {
      copy_cells(part.bands[i].get(), info().bands[indices[i]], piece, region, out[i]);
    }
  }
}

std::vector<std::size_t> Cube::State::wanted(const Region& region,
                                             const std::vector<std::string>& bands) const {
  check_consent(graph, resources);
  check_inside(*info, region);
  return indices_of(*info, bands);
}

ChunkRange Cube::chunks(const ReadOptions& options) const { return {*this, options}; }

ChunkIterator::ChunkIterator(const Cube& cube, const ReadOptions& options)
    : cube_(cube), options_(options) {
  ++*this;
}

ChunkIterator& ChunkIterator::operator++() {
  cells_.reset();
  if (next_ < cube_.plan().chunks())
    cells_ = cube_.read(cube_.plan().region(next_++), {}, options_);
  return *this;
}

}  // namespace cube
