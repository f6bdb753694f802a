#include "tests/differential/ways.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "engine/cost_model.h"
#include "engine/error.h"
#include "engine/gdal/block_cache.h"
#include "engine/gdal/raster_info.h"
#include "engine/image_reader.h"
#include "engine/parts.h"
#include "engine/run.h"
#include "engine/run_identity.h"
#include "engine/text.h"
#include "graphs/document.h"
#include "tests/counted_allocations.h"
#include "tests/memory_sink.h"

namespace cube::fuzz {

namespace {

constexpr std::int64_t kAnyMemory = std::int64_t{1} << 40;

ChunkShape whole(const CubeInfo& info) {
  const auto side = [](std::int64_t size) { return std::max<std::int64_t>(1, size); };
  return {side(info.time.size()), side(info.grid.height), side(info.grid.width)};
}

Json random_chunk(const CubeInfo& info, Dice& dice) {
  const ChunkShape all = whole(info);
  const auto side = [&](std::int64_t size, std::int64_t least) {
    // Few chunks as often as many.
    const std::int64_t some = dice.chance(0.3) ? size : dice.number(1, size);
    return std::max(std::min(size, least), dice.chance(0.4) ? some / 3 : some);
  };
  return {side(all.t, 1), side(all.y, 2), side(all.x, 3)};
}

ChunkShape shape_of(const Json& chunk) { return {chunk.at(0), chunk.at(1), chunk.at(2)}; }

bool same_bits(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return true;
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

std::string cell_text(double value) {
  return number_text(value) + (value == 0 && std::signbit(value) ? " (minus)" : "");
}

std::string difference(const Block& a, const Block& b, const std::string& band) {
  if (a.dtype() != b.dtype()) return "band " + band + ": the types differ";
  std::string out;
  dispatch(a.dtype(), [&]<class T>(std::type_identity<T>) {
    const auto p = a.cells<T>();
    const auto q = b.cells<T>();
    const Region& all = a.region();
    std::int64_t count = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (same_bits(static_cast<double>(p[i]), static_cast<double>(q[i]))) continue;
      if (++count > 1) continue;
      const auto at = static_cast<std::int64_t>(i);
      out = "band " + band + ", cell " + std::to_string(at / (all.y.size() * all.x.size())) + ", " +
            std::to_string(at / all.x.size() % all.y.size()) + ", " +
            std::to_string(at % all.x.size()) + ": " + cell_text(static_cast<double>(p[i])) +
            " and " + cell_text(static_cast<double>(q[i]));
    }
    if (count > 1) out += " (" + std::to_string(count) + " cells differ)";
  });
  return out;
}

std::string unequal(const std::string& what, const std::string& a, const std::string& b) {
  return a == b ? "" : what + ": " + a + " and " + b;
}

std::string unequal(const std::string& what, double a, double b) {
  return a == b || same_bits(a, b) ? "" : what + ": " + number_text(a) + " and " + number_text(b);
}

std::string difference(const BandInfo& a, const BandInfo& b) {
  const double kNone = -123456789;
  for (const std::string& found :
       {unequal("name", a.name, b.name),
        unequal("type", std::string(name(a.dtype)), std::string(name(b.dtype))),
        unequal("nodata", a.nodata.value_or(kNone), b.nodata.value_or(kNone)),
        unequal("unit", a.unit, b.unit), unequal("scale", a.scale, b.scale),
        unequal("offset", a.offset, b.offset)}) {
    if (!found.empty()) return "band " + a.name + ", " + found;
  }
  return {};
}

// Whole cubes by runs.
Way runs() {
  return {"run", 6,
          [](const Case& c, Dice& dice) -> Json {
            Json settings = {{"chunk", random_chunk(c.info(), dice)},
                             {"threads", dice.one_of(std::vector<int>{1, 2, 3, 4, 7})}};
            if (dice.chance(0.3)) settings["cache"] = dice.one_of(std::vector<int>{1000, 1 << 20});
            return settings;
          },
          [](const Case& c, const Json& settings) {
            return difference(c.reference(), c.run(c.graph(), settings));
          }};
}

// The chunk shape and threads that the plan chooses within a budget that is nearly too small.
Way tight_memory() {
  return {
      "tight", 1,
      [](const Case& c, Dice& dice) -> Json {
        const Plan plan(c.graph(), {.memory_bytes = kAnyMemory});
        const std::int64_t least = plan.base_bytes() - plan.cache_bytes();
        return {{"threads", dice.number(1, 4)}, {"memory", least + (dice.number(12, 90) << 20)}};
      },
      [](const Case& c, const Json& settings) -> std::string {
        try {
          return difference(c.reference(), c.run(c.graph(), settings));
        } catch (const Error& error) {
          if (error.where() == "--memory") return {};  // it does not fit
          throw;
        }
      }};
}

// A window of some of the bands.
Way requests() {
  return {"request", 2,
          [](const Case& c, Dice& dice) -> Json {
            const Region all = c.info().extent();
            if (all.empty()) return nullptr;
            Json region = Json::array();
            for (const std::int64_t size : {all.t.size(), all.y.size(), all.x.size()}) {
              const std::int64_t from = dice.number(0, size - 1);
              region.push_back({from, dice.number(from + 1, size)});
            }
            Json bands = Json::array();
            for (std::size_t b = 0; b < c.info().bands.size(); ++b) {
              if (dice.chance(0.6)) bands.push_back(b);
            }
            if (bands.empty()) bands.push_back(dice.index(c.info().bands.size()));
            return {{"region", region}, {"bands", bands}};
          },
          [](const Case& c, const Json& settings) -> std::string {
            if (!c.reference().failure.empty()) return {};
            const auto range = [&](std::size_t axis) {
              const Json& pair = settings.at("region").at(axis);
              return Range{pair.at(0), pair.at(1)};
            };
            Request request{intersect(c.info().extent(), {range(0), range(1), range(2)}), {}};
            for (const std::size_t band : settings.at("bands").get<std::vector<std::size_t>>()) {
              if (band < c.info().bands.size()) request.bands.push_back(band);
            }
            if (request.region.empty() || request.bands.empty()) return {};
            const Chunk chunk = compute(c.graph(), c.archive().resources(), request);
            for (std::size_t i = 0; i < request.bands.size(); ++i) {
              const BandInfo& band = c.info().bands[request.bands[i]];
              Block expected(request.region, band.storage());
              expected.copy_from(c.reference().bands[request.bands[i]]);
              Block got(request.region, band.storage());
              if (chunk.bands.at(i)) got.copy_from(*chunk.bands[i]);
              const std::string found = difference(expected, got, band.name);
              if (!found.empty()) return found;
            }
            return {};
          }};
}

// The graph as the program writes it, or by way of a file that a graph names.
Way rewritten() {
  return {"rewritten", 1,
          [](const Case& c, Dice& dice) -> Json {
            return {{"saved", dice.chance(0.5)}, {"chunk", random_chunk(c.info(), dice)}};
          },
          [](const Case& c, const Json& settings) {
            const auto& folder = c.archive().folder();
            const std::string text =
                canonical_text(Document::parse(c.document().dump(), folder), c.registry(), folder);
            if (!settings.value("saved", false)) {
              return difference(c.reference(), c.run(c.compiled(Json::parse(text)), settings));
            }
            std::ofstream(folder / "virtual.json") << text;
            const Json saved = {{"cube_type", "saved"}, {"file", "virtual.json"}};
            return difference(c.reference(), c.run(c.compiled(saved), settings));
          }};
}

RunIdentity same_graph() {
  return [](const auto& take) { take(Ingredient{"graph", "the same"}); };
}

// Writes the cube to an array file in the archive's folder; ends once `stop_after` chunks are done.
Report written(const Case& c, const Json& settings, OutputSpec output, std::int64_t stop_after) {
  const Plan plan(c.graph(), {.threads = settings.at("threads"),
                              .memory_bytes = kAnyMemory,
                              .chunk = shape_of(settings.at("chunk"))});
  output.file = (c.archive().folder() / output.file).string();
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(make_sink(output, plan.info()));
  std::atomic<std::int64_t> done = 0;
  RunOptions options{.threads = settings.at("threads")};
  options.progress = [&](const Progress& progress) { done = progress.chunks_done; };
  options.cancelled = [&] { return done >= stop_after; };
  options.identity = same_graph();
  if (output.part) {
    const PartsPlan parts{
        plan.chunk_shape(), cut_evenly(chunk_seconds(plan), output.part->count), {}, "{}", {}};
    options.chunks = sinks[0]->agree(parts, options.identity).chunks(output.part->index);
  }
  return cube::run(plan, c.archive().resources(), sinks, {"{}", {}}, options);
}

// How what was written differs from the reference. What such a file cannot say is left aside.
std::string difference_of_file(const Case& c, const Report& report, const std::string& name) {
  if (!report.failures.empty()) {
    return unequal("failure", c.reference().failure, report.failures[0].reason);
  }
  const Json read = {{"cube_type", name.ends_with(".nc") ? "ncdf" : "zarr"},
                     {"file", name},
                     {"auto_unpack", false}};
  return difference(c.reference(), c.run(c.compiled(read), Json::object()));
}

Json file_settings(const Case& c, Dice& dice) {
  // A place that no CRS is known of, as of tables.
  if (c.info().grid.crs.empty() || c.info().extent().empty()) return nullptr;
  return {{"file", dice.chance(0.5) ? "stored.zarr" : "stored.nc"},
          {"threads", dice.number(1, 3)},
          {"chunk", random_chunk(c.info(), dice)}};
}

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

// Written to an array file and read again.
Way stored() {
  return {"stored", 1, file_settings, [](const Case& c, const Json& settings) {
            const std::string name = settings.at("file");
            const OutputSpec output{.file = name, .overwrite = true};
            return difference_of_file(c, written(c, settings, output, kNever), name);
          }};
}

// Stopped, gone on with, and stopped and gone on with again.
Way resumed() {
  return {"resumed", 1,
          [](const Case& c, Dice& dice) -> Json {
            Json settings = file_settings(c, dice);
            if (!settings.is_null()) settings["stops"] = {dice.number(0, 3), dice.number(1, 9)};
            return settings;
          },
          [](const Case& c, const Json& settings) {
            const std::string name = settings.at("file");
            std::filesystem::remove_all(c.archive().folder() / name);
            OutputSpec output{.file = name, .overwrite = true};
            for (const std::int64_t stop : settings.at("stops").get<std::vector<std::int64_t>>()) {
              const Report report = written(c, settings, output, stop);
              if (!report.cancelled) return difference_of_file(c, report, name);
              output.overwrite = false;
              output.resume = true;
            }
            return difference_of_file(c, written(c, settings, output, kNever), name);
          }};
}

// In parts, the last one first; one of them is stopped and run again.
Way in_parts() {
  return {"parts", 1,
          [](const Case& c, Dice& dice) -> Json {
            Json settings = file_settings(c, dice);
            if (settings.is_null()) return settings;
            settings["parts"] = dice.number(1, 3);
            settings["stop"] = dice.number(0, 4);
            return settings;
          },
          [](const Case& c, const Json& settings) -> std::string {
            const std::string name = settings.at("file");
            const auto& folder = c.archive().folder();
            std::filesystem::remove_all(folder / name);
            std::filesystem::remove_all(folder / ("." + name + ".part"));
            const std::int64_t count = settings.at("parts");
            for (std::int64_t part = count - 1; part >= 0; --part) {
              const OutputSpec output{.file = name, .part = Part{part, count}};
              if (part == 0) written(c, settings, output, settings.at("stop"));
              const Report report = written(c, settings, output, kNever);
              if (!report.failures.empty()) return difference_of_file(c, report, name);
            }
            const auto parts = parts_of((folder / name).string());
            const auto finished = make_finished_parts(parts.value(), c.info());
            finished->claim(same_graph());
            finished->complete({"{}", {}});
            finished->finish();
            return difference_of_file(c, {}, name);
          }};
}

// The cells that are held while a chunk is computed are no more than the plan says. Objects that do
// not grow with the cells are not counted by plans.
Way memory() {
  return {"memory", 1,
          [](const Case& c, Dice& dice) -> Json {
            return {{"chunk", random_chunk(c.info(), dice)}};
          },
          [](const Case& c, const Json& settings) -> std::string {
            constexpr std::int64_t kObjects = std::int64_t{192} << 10;
            const Plan plan(c.graph(),
                            {.memory_bytes = kAnyMemory, .chunk = shape_of(settings.at("chunk"))});
            const std::int64_t count = plan.chunks();
            for (const std::int64_t chunk : {std::int64_t{0}, count / 2, count - 1}) {
              if (chunk < 0 || chunk >= count) continue;
              Request request{plan.region(chunk), {}};
              for (std::size_t b = 0; b < plan.info().bands.size(); ++b) request.bands.push_back(b);
              const std::int64_t promised = plan.peak_bytes(plan.graph().result, request);
              const std::int64_t held =
                  test::peak_of([&] { compute(plan.graph(), c.archive().resources(), request); });
              if (held > promised + kObjects) {
                return "chunk " + std::to_string(chunk) + " holds " + std::to_string(held) +
                       " bytes, the plan says " + std::to_string(promised);
              }
            }
            return {};
          }};
}

}  // namespace

Case::Case(Json document, const Archive& archive, const Registry& registry)
    : document_(std::move(document)),
      archive_(archive),
      registry_(registry),
      graph_(compiled(document_)),
      reference_(run(graph_, Json::object())) {}

Graph Case::compiled(const Json& document) const {
  return compile(Document::parse(document.dump(), archive_.folder()), registry_,
                 archive_.resources());
}

Result Case::run(const Graph& graph, const Json& settings) const {
  PlanOptions options{.threads = settings.value("threads", 1), .memory_bytes = kAnyMemory};
  if (settings.contains("memory")) {
    options.memory_bytes = settings.at("memory");
  } else {
    options.chunk =
        settings.contains("chunk") ? shape_of(settings.at("chunk")) : whole(graph.info());
  }
  const Plan plan(graph, options);
  Resources resources = archive_.resources();
  if (settings.contains("cache")) {
    const auto blocks = std::make_shared<BlockCache>(settings.at("cache").get<std::int64_t>());
    resources.make_reader = [blocks] { return make_image_reader(blocks); };
  }
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<test::MemorySink>(plan.info()));
  const Report report = cube::run(plan, resources, sinks, {"{}", {}}, {.threads = plan.threads()});
  Result result{plan.info(), {}, {}};
  if (!report.ok()) {
    result.failure = report.failures.empty() ? "skipped" : report.failures[0].reason;
    return result;
  }
  const auto& sink = static_cast<const test::MemorySink&>(*sinks[0]);
  if (sink.cells() != plan.info().extent().cells()) result.failure = "not all cells were written";
  result.bands = sink.bands();
  return result;
}

std::string difference(const CubeInfo& a, const CubeInfo& b) {
  std::string found = grid_difference(a.grid, b.grid);
  if (!found.empty()) return found;
  if ((a.grid.features == nullptr) != (b.grid.features == nullptr)) return "one is no table";
  if (a.time != b.time) {
    const auto text = [](const TimeAxis& axis) {
      return std::to_string(axis.size()) + " slices from " +
             (axis.size() > 0 ? to_text(axis.start(0)) : "nowhere") + " every " +
             (axis.step() ? axis.step()->text() : "now and then");
    };
    return "time axis: " + text(a.time) + " and " + text(b.time);
  }
  found = unequal("number of bands", static_cast<double>(a.bands.size()),
                  static_cast<double>(b.bands.size()));
  for (std::size_t i = 0; found.empty() && i < a.bands.size(); ++i) {
    found = difference(a.bands[i], b.bands[i]);
  }
  return found;
}

std::string difference(const Result& a, const Result& b) {
  std::string found = difference(a.info, b.info);
  if (found.empty()) found = unequal("failure", a.failure, b.failure);
  for (std::size_t i = 0; found.empty() && i < a.bands.size(); ++i) {
    found = difference(a.bands[i], b.bands.at(i), a.info.bands[i].name);
  }
  return found;
}

const std::vector<Way>& ways() {
  static const std::vector<Way> kWays = {runs(),   tight_memory(), requests(), rewritten(),
                                         stored(), resumed(),      in_parts(), memory()};
  return kWays;
}

const Way& way_of(const Json& settings) {
  for (const Way& way : ways()) {
    if (way.name == settings.at("way")) return way;
  }
  throw std::out_of_range("no way is called " + settings.at("way").dump());
}

}  // namespace cube::fuzz
