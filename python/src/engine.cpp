#include "engine.h"

#include <netcdf.h>
#include <pybind11/stl.h>

#include <atomic>
#include <utility>

#include "api/identity.h"
#include "api/provenance.h"
#include "describe.h"
#include "interrupt.h"
#include "riding.h"

namespace cube::python {

namespace py = pybind11;

namespace {

Settings settings_of(const RunWish& wish, bool allow_exec) {
  Settings settings{
      .threads = wish.threads, .memory_bytes = wish.memory_bytes, .allow_exec = allow_exec};
  if (wish.chunk) {
    const auto [t, y, x] = *wish.chunk;
    settings.chunk = ChunkShape{t, y, x};
  }
  return settings;
}

Region region_of(const std::tuple<Span, Span, Span>& spans) {
  const auto range = [](const Span& span) { return Range{span.first, span.second}; };
  return {range(std::get<0>(spans)), range(std::get<1>(spans)), range(std::get<2>(spans))};
}

// Calls `progress` with what workers have told, on the thread that Python waits on.
class ProgressTeller {
 public:
  explicit ProgressTeller(py::object progress) : progress_(std::move(progress)) {}

  // Thread rule: any thread.
  void note(const Progress& progress) {
    all_ = progress.chunks;
    done_ = progress.chunks_done;
  }
  void tell() {
    const std::int64_t done = done_;
    if (progress_.is_none() || done == told_) return;
    told_ = done;
    progress_(done, all_.load());
  }

 private:
  py::object progress_;
  std::atomic<std::int64_t> done_ = 0;
  std::atomic<std::int64_t> all_ = 0;
  std::int64_t told_ = 0;
};

}  // namespace

Engine::Engine(const Document& document, const Parameters& parameters, bool allow_exec)
    : environment_({.allow_exec = allow_exec}),
      cube_(environment_.open(document, parameters)),
      text_(whole_text(cube_.document(), environment_.operators(), cube_.document().base())) {}

py::dict Engine::info() const {
  {
    const py::gil_scoped_release release;
    cube_.plan();  // looks at files
  }
  return info_dict(cube_);
}

py::dict Engine::describe() const {
  Provenance provenance;
  {
    const py::gil_scoped_release release;
    const Document& document = cube_.document();
    const std::string graph = graph_without_secrets(document, environment_.operators());
    provenance =
        provenance_of(document, graph, cube_.graph(), inputs_of(document, graph, cube_.graph()));
    cube_.plan();
  }
  return cf_dict(cube_, provenance);
}

std::vector<std::vector<std::size_t>> Engine::riding_bands() const {
  const py::gil_scoped_release release;
  return python::riding_bands(cube_.graph());
}

std::pair<py::list, std::vector<std::pair<std::string, std::string>>> Engine::read(
    const std::vector<std::size_t>& bands, const std::tuple<Span, Span, Span>& region) {
  const Region wanted = region_of(region);
  const std::vector<py::ssize_t> shape = {wanted.t.size(), wanted.y.size(), wanted.x.size()};
  py::list arrays;
  std::vector<std::string> names;
  std::vector<CellsOut> out;
  for (const std::size_t band : bands) {
    const BandInfo& about = cube_.info().bands.at(band);
    py::array cells(numpy_type(about.dtype), shape);
    names.push_back(about.name);
    out.push_back({about.dtype,
                   {static_cast<std::byte*>(cells.mutable_data()),
                    static_cast<std::size_t>(cells.nbytes())}});
    arrays.append(std::move(cells));
  }
  SignalWatch signals;
  try {
    const py::gil_scoped_release release;
    if (!names.empty()) cube_.read_into(wanted, names, out, {.cancelled = std::ref(signals)});
  } catch (const Error&) {
    signals.rethrow();
    throw;
  }
  return {std::move(arrays), newly_skipped()};
}

std::vector<std::pair<std::string, std::string>> Engine::newly_skipped() {
  std::vector<std::pair<std::string, std::string>> out;
  const std::lock_guard lock(mutex_);
  for (const SkippedImage& image : cube_.skipped()) {
    if (told_.insert(image.image).second) out.emplace_back(image.image, image.reason);
  }
  return out;
}

py::dict Engine::run(const RunWish& wish) const {
  // HDF5 prints what goes wrong on each thread but the one that libnetcdf begins on, which had
  // better be one that Python reads files on than one of ours.
  nc_initialize();
  ProgressTeller progress(wish.progress);
  std::atomic<bool> stopped = false;
  RunOptions options{.keep_going = wish.keep_going};
  options.progress = [&](const Progress& done) { progress.note(done); };
  options.cancelled = [&] { return stopped.load(); };
  std::optional<Report> report;
  const auto work = [&] {
    const Environment environment(settings_of(wish, environment_.settings().allow_exec));
    report = environment.open(cube_.document()).write(wish.outputs, options);
  };
  run_aside(
      work, [&] { progress.tell(); }, [&] { stopped = true; });
  return report_dict(*report);
}

}  // namespace cube::python
