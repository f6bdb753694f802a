#include "engine/user_function.h"

#include <algorithm>
#include <utility>

#include "engine/demand.h"
#include "engine/error.h"
#include "engine/limits.h"
#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

namespace {

Range grown(const Range& range, std::int64_t by, const Range& within) {
  return intersect(Range{range.begin - by, range.end + by}, within);
}

void check_halo(const Halo& halo) {
  for (const auto& [name, cells] :
       {std::pair{"t", halo.t}, std::pair{"y", halo.y}, std::pair{"x", halo.x}}) {
    if (cells >= 0 && cells <= limits::kCellsAside) continue;
    throw Error(ErrorCode::kInvalid, "a halo of " + counted(cells, "cell") + " cannot be",
                "/halo" + pointer_step(std::string_view(name)),
                "0 to " + std::to_string(limits::kCellsAside));
  }
}

CubeInfo with_kept_bands(const UserFunction::Setup& setup) {
  CubeInfo out = setup.output;
  if (setup.keep_bands) {
    out.bands.insert(out.bands.begin(), setup.input.bands.begin(), setup.input.bands.end());
    check_unique_bands(out.bands, "/names");
  }
  return out;
}

}  // namespace

void Halo::fields(FieldVisitor& v) {
  v.field({.name = "t", .help = "Slices before and after."}, t);
  v.field({.name = "y", .help = "Rows above and below."}, y);
  v.field({.name = "x", .help = "Columns left and right."}, x);
}

UserAnswer::UserAnswer(const CubeInfo& output, const Request& asked)
    : region_(asked.region), bands_(asked.bands) {
  for (const std::size_t band : bands_) {
    blocks_.push_back(Block(region_, output.bands[band].storage()));
  }
}

void UserAnswer::set_row(std::size_t band, std::int64_t t, std::int64_t y, std::int64_t x,
                         std::span<const double> row) {
  if (!region_.t.contains(t) || !region_.y.contains(y)) return;
  const auto place = std::find(bands_.begin(), bands_.end(), band);
  if (place == bands_.end()) return;
  const auto skipped = static_cast<std::size_t>(region_.x.begin - x);
  const auto count = static_cast<std::size_t>(region_.x.size());
  blocks_[static_cast<std::size_t>(place - bands_.begin())].set_row(t, y,
                                                                    row.subspan(skipped, count));
}

Chunk UserAnswer::take() {
  Chunk chunk{region_, {}};
  for (Block& block : blocks_) chunk.bands.push_back(share(std::move(block)));
  return chunk;
}

class UserFunction::Work final : public Kernel {
 public:
  explicit Work(const UserFunction& op) : op_(op), worker_(op.setup_.code->worker()) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    const UserCall call = op_.call(request.region);
    const Chunk in = inputs.pull(0, op_.demand(request, 0));
    if (op_.setup_.skip_empty && in.empty()) {
      return {request.region, std::vector<BlockPtr>(request.bands.size())};
    }
    Request made{request.region, {}};
    for (const std::size_t band : request.bands) {
      if (band >= op_.kept()) made.bands.push_back(band - op_.kept());
    }
    UserAnswer answer(op_.setup_.output, made);
    if (!made.bands.empty()) {
      worker_->call(call, in, answer, [&] { return inputs.cancelled(); });
    }
    return with_kept(request, in, answer.take());
  }

 private:
  Chunk with_kept(const Request& request, const Chunk& in, Chunk made) const {
    if (op_.kept() == 0) return made;
    Chunk out{request.region, {}};
    auto next = made.bands.begin();
    for (const std::size_t band : request.bands) {
      out.bands.push_back(band < op_.kept() ? crop(in.bands[band], request.region) : *next++);
    }
    return out;
  }

  const UserFunction& op_;
  std::unique_ptr<UserWorker> worker_;
};

UserFunction::UserFunction(Setup setup)
    : Operator(with_kept_bands(setup)), setup_(std::move(setup)) {
  check_halo(setup_.halo);
}

std::unique_ptr<Kernel> UserFunction::kernel() const { return std::make_unique<Work>(*this); }

UserCall UserFunction::call(const Region& asked) const {
  const Region all = setup_.input.extent();
  const Halo& halo = setup_.halo;
  UserCall call{setup_.input, setup_.output, asked, asked};
  call.given = {grown(asked.t, halo.t, all.t), grown(asked.y, halo.y, all.y),
                grown(asked.x, halo.x, all.x)};
  if (setup_.whole_time) {
    call.given.t = all.t;
    call.made.t = info().extent().t;
  }
  if (setup_.whole_space) {
    const Region made = info().extent();
    call.given = {call.given.t, all.y, all.x};
    call.made = {call.made.t, made.y, made.x};
  }
  return call;
}

Request UserFunction::demand(const Request& out, std::size_t) const {
  return all_bands(setup_.input, call(out.region).given);
}

Cost UserFunction::cost(const Request& request) const {
  Cost cost;
  cost.scratch_bytes = setup_.code->bytes(call(request.region));
  return cost;
}

// Whole series are asked for once: chunks of few cells and all slices.
std::optional<ChunkWish> UserFunction::preferred_chunk() const {
  if (!setup_.whole_time) return std::nullopt;
  constexpr std::int64_t kMostBytes = std::int64_t{32} << 20;
  constexpr std::int64_t kMostSide = 256;
  std::int64_t bytes = 0;
  for (const BandInfo& band : setup_.input.bands) {
    bytes += static_cast<std::int64_t>(size_of(band.dtype)) * setup_.input.time.size();
  }
  for (const BandInfo& band : info().bands) {
    bytes += static_cast<std::int64_t>(size_of(band.dtype)) * info().time.size();
  }
  std::int64_t side = kMostSide;
  while (side > 1 && bytes * side * side > kMostBytes) side /= 2;
  return ChunkShape{std::max<std::int64_t>(1, info().time.size()), side, side};
}

std::span<const double> row_or_missing(const BlockPtr& block, std::int64_t t, std::int64_t y,
                                       const Range& columns, std::vector<double>& scratch) {
  if (block) return block->row(t, y, columns, scratch);
  scratch.assign(static_cast<std::size_t>(columns.size()), kMissing);
  return scratch;
}

}  // namespace cube
