#include "engine/time_reduction.h"

#include <algorithm>
#include <utility>

#include "engine/source_bands.h"
#include "engine/time_groups.h"

namespace cube {

namespace {

// Columns that order statistics take at a time: 365 values of each are 1.5 MB, which the
// second-level cache holds.
constexpr std::int64_t kStripColumns = 512;

std::int64_t slices_of(const std::vector<Range>& group) {
  std::int64_t sum = 0;
  for (const Range& range : group) sum += range.size();
  return sum;
}

}  // namespace

TimeReduction::TimeReduction(const CubeInfo& input, std::vector<Band> bands,
                             std::vector<std::vector<Range>> groups)
    : bands_(std::move(bands)), groups_(std::move(groups)), slabs_(input) {
  for (std::int64_t t = 0; t < input.time.size(); ++t) {
    instants_.push_back(epoch_seconds(input.time.start(t)));
  }
  for (const auto& group : groups_) longest_ = std::max(longest_, slices_of(group));
}

std::vector<std::size_t> TimeReduction::sources(const std::vector<std::size_t>& bands) const {
  return source_bands(bands, [&](std::size_t band) { return bands_[band].source; });
}

bool TimeReduction::holds_values(const std::vector<std::size_t>& bands) const {
  return std::any_of(bands.begin(), bands.end(),
                     [&](std::size_t band) { return bands_[band].reducer.holds_values(); });
}

Request TimeReduction::demand(const Request& out) const {
  return {{hull_of(groups_, out.region.t), out.region.y, out.region.x}, sources(out.bands)};
}

Cost TimeReduction::cost(const Request& request) const {
  const bool holds = holds_values(request.bands);
  const Region& region = request.region;
  const std::int64_t cells =
      holds ? std::min(kStripColumns, region.x.size()) : region.y.size() * region.x.size();
  Cost cost;
  for (const std::size_t band : request.bands) {
    cost.scratch_bytes += bands_[band].reducer.state_bytes(cells, longest_);
  }
  return cost;
}

PullPlan TimeReduction::pulls(const Request& out) const {
  const std::int64_t slab = slabs_.slices({out.region, sources(out.bands)});
  return {std::min(slab, longest_), holds_values(out.bands) ? longest_ : 0};
}

bool TimeReduction::passes_emptiness() const {
  return std::none_of(bands_.begin(), bands_.end(),
                      [](const Band& band) { return band.reducer.counts(); });
}

class TimeReduction::Work final : public Kernel {
 public:
  explicit Work(const TimeReduction& what) : what_(what) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    request_ = &request;
    sources_ = what_.sources(request.bands);
    holds_ = what_.holds_values(request.bands);
    make_states();
    blocks_.clear();
    blocks_.resize(request.bands.size());
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (band(i).reducer.counts()) make_block(i);  // zeros stand where nothing comes
    }
    for (std::int64_t t = request.region.t.begin; t < request.region.t.end; ++t) {
      holds_ ? collect(t, inputs) : fold(t, inputs);
    }
    Chunk out{request.region, {}};
    for (auto& block : blocks_) out.bands.push_back(block ? share(std::move(*block)) : nullptr);
    return out;
  }

 private:
  using States = std::vector<std::unique_ptr<ReducerState>>;  // one a requested band

  const Band& band(std::size_t i) const { return what_.bands_[request_->bands[i]]; }
  const Range& rows() const { return request_->region.y; }

  void make_block(std::size_t i) {
    if (!blocks_[i]) blocks_[i].emplace(request_->region, band(i).storage);
  }

  // States are kept from one request to the next as long as the bands are the same: one set a row
  // for folds, one set altogether for order statistics.
  void make_states() {
    if (state_bands_ != request_->bands) states_.clear();
    state_bands_ = request_->bands;
    const auto sets = holds_ ? std::size_t{1} : static_cast<std::size_t>(rows().size());
    while (states_.size() < sets) {
      States set;
      for (std::size_t i = 0; i < request_->bands.size(); ++i) {
        set.push_back(band(i).reducer.state(what_.longest_));
      }
      states_.push_back(std::move(set));
    }
  }

  // Calls work(slab) for one slab after another of the slices that make result slice t.
  template <class F>
  void each_slab(std::int64_t t, Inputs& inputs, F&& work) {
    Request wanted{request_->region, sources_};
    for (const Range& range : what_.groups_[static_cast<std::size_t>(t)]) {
      wanted.region.t = range;
      what_.slabs_.each(wanted, inputs, [&](Chunk slab) {
        if (!slab.empty()) work(std::move(slab));
      });
    }
  }

  // Result slice t of folds.
  void fold(std::int64_t t, Inputs& inputs) {
    const Range& columns = request_->region.x;
    bool any = false;
    each_slab(t, inputs, [&](const Chunk& slab) {
      if (!any) {
        for (std::int64_t y = rows().begin; y < rows().end; ++y) begin(states_of(y), columns);
      }
      any = true;
      for (std::int64_t y = rows().begin; y < rows().end; ++y) {
        add(slab, y, columns, states_of(y));
      }
    });
    if (!any) return;
    for (std::int64_t y = rows().begin; y < rows().end; ++y) finish(t, y, columns, states_of(y));
  }

  // Result slice t where there are order statistics.
  void collect(std::int64_t t, Inputs& inputs) {
    std::vector<Chunk> slabs;
    each_slab(t, inputs, [&](Chunk slab) { slabs.push_back(std::move(slab)); });
    if (slabs.empty()) return;
    const Range& all = request_->region.x;
    for (std::int64_t y = rows().begin; y < rows().end; ++y) {
      for (std::int64_t x = all.begin; x < all.end; x += kStripColumns) {
        const Range columns{x, std::min(x + kStripColumns, all.end)};
        begin(states_[0], columns);
        for (const Chunk& slab : slabs) add(slab, y, columns, states_[0]);
        finish(t, y, columns, states_[0]);
      }
    }
  }

  States& states_of(std::int64_t y) { return states_[static_cast<std::size_t>(y - rows().begin)]; }

  static void begin(States& states, const Range& columns) {
    for (auto& state : states) state->begin(static_cast<std::size_t>(columns.size()));
  }

  // Each row is converted once, however many reducers see it.
  void add(const Chunk& slab, std::int64_t y, const Range& columns, States& states) {
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      if (!slab.bands[s]) continue;
      for (std::int64_t t = slab.region.t.begin; t < slab.region.t.end; ++t) {
        const auto row = slab.bands[s]->row(t, y, columns, row_);
        for (std::size_t i = 0; i < states.size(); ++i) {
          if (band(i).source != sources_[s]) continue;
          const bool index = band(i).reducer.wants_index();
          states[i]->add(
              row, index ? static_cast<double>(t) : what_.instants_[static_cast<std::size_t>(t)]);
        }
      }
    }
  }

  void finish(std::int64_t t, std::int64_t y, const Range& columns, States& states) {
    result_.resize(static_cast<std::size_t>(columns.size()));
    for (std::size_t i = 0; i < states.size(); ++i) {
      states[i]->finish(result_);
      make_block(i);
      blocks_[i]->set_row(t, y, columns.begin, result_);
    }
  }

  const TimeReduction& what_;
  const Request* request_ = nullptr;  // the one that runs
  std::vector<std::size_t> sources_;  // bands pulled
  bool holds_ = false;
  std::vector<States> states_;
  std::vector<std::size_t> state_bands_;  // that states_ are for
  std::vector<std::optional<Block>> blocks_;
  std::vector<double> row_;
  std::vector<double> result_;
};

std::unique_ptr<Kernel> TimeReduction::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace cube
