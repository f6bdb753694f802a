#include <algorithm>

#include "engine/error.h"
#include "engine/find_slice.h"
#include "engine/registry.h"
#include "engine/text.h"

namespace cube {

namespace {

class SelectTime final : public Operator {
 public:
  struct Params {
    std::vector<std::string> t;

    void fields(FieldVisitor& v) {
      v.field({.name = "t",
               .help = "Times, each of the slice to keep, e.g. \"2020-03-05\"; in any order. One "
                       "that is coarser than a slice, as 2020 on months, stands for its start.",
               .required = true,
               .one_or_many = true},
              t);
    }
  };

  SelectTime(const Params& params, std::span<const CubeInfo> in)
      : SelectTime(in[0], pick(params, in[0].time)) {}

  Request demand(const Request& out, std::size_t) const override {
    Request in = out;
    if (out.region.t.empty()) return in;
    in.region.t = {slice(out.region.t.begin), slice(out.region.t.end - 1) + 1};
    return in;
  }

  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Gather>(*this); }

 private:
  struct Gather final : Kernel {
    explicit Gather(const SelectTime& op) : op_(op) {}

    // Slices that follow each other in the input are pulled together.
    Chunk run(const Request& request, Inputs& inputs) override {
      std::vector<std::optional<Block>> blocks(request.bands.size());
      Region run = request.region;
      for (; run.t.begin < request.region.t.end; run.t.begin = run.t.end) {
        run.t.end = run.t.begin + 1;
        while (run.t.end < request.region.t.end &&
               op_.slice(run.t.end) == op_.slice(run.t.end - 1) + 1) {
          ++run.t.end;
        }
        const std::int64_t shift = op_.slice(run.t.begin) - run.t.begin;
        const Chunk in = inputs.pull(0, {run.shifted(shift, 0, 0), request.bands});
        if (shift == 0 && run == request.region) return in;
        for (std::size_t i = 0; i < blocks.size(); ++i) {
          if (!in.bands[i]) continue;
          if (!blocks[i]) blocks[i].emplace(request.region, in.bands[i]->storage());
          blocks[i]->copy_moved(*in.bands[i], -shift, 0, 0);
        }
      }
      Chunk out{request.region, {}};
      for (auto& block : blocks) out.bands.push_back(block ? share(std::move(*block)) : nullptr);
      return out;
    }

    const SelectTime& op_;
  };

  SelectTime(const CubeInfo& in, std::vector<std::int64_t> slices)
      : Operator(selected(in, slices)), slices_(std::move(slices)) {}

  static std::vector<std::int64_t> pick(const Params& params, const TimeAxis& time) {
    if (params.t.empty())
      throw Error(ErrorCode::kInvalid, "no time is selected", "/t", slices_text(time));
    std::vector<std::int64_t> slices;
    for (std::size_t i = 0; i < params.t.size(); ++i) {
      const std::string where = "/t" + pointer_step(i);
      const std::int64_t found = find_slice(params.t[i], time, where);
      const auto before = std::find(slices.begin(), slices.end(), found);
      if (before != slices.end()) {
        const auto first = static_cast<std::size_t>(before - slices.begin());
        throw Error(ErrorCode::kInvalid,
                    "'" + params.t[i] + "' is in the same slice as '" + params.t[first] + "'",
                    where);
      }
      slices.push_back(found);
    }
    std::sort(slices.begin(), slices.end());
    return slices;
  }

  static CubeInfo selected(const CubeInfo& in, const std::vector<std::int64_t>& slices) {
    CubeInfo out = in;
    std::vector<Instant> labels;
    for (const std::int64_t slice : slices) labels.push_back(in.time.start(slice));
    out.time = TimeAxis::labelled(std::move(labels));
    return out;
  }

  // The input's slice of slice `i`.
  std::int64_t slice(std::int64_t i) const { return slices_[static_cast<std::size_t>(i)]; }

  std::vector<std::int64_t> slices_;
};

}  // namespace

namespace ops {

OperatorType select_time() {
  return operator_type<SelectTime>({
      .id = "select_time",
      .summary = "Keep some time slices.",
      .help =
          "The result has a labelled time axis, in ascending order; bands keep their types. On a "
          "labelled axis a date finds the label of that day, if there is one only. A time without "
          "a "
          "slice is an error. Other slices are not read.",
      .example = R"({"cube_type": "select_time", "t": ["2020-01", "2020-03"],
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to take slices from."}},
  });
}

}  // namespace ops

}  // namespace cube
