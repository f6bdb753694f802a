#include "engine/weighted_passes.h"

#include "engine/counted_mode.h"
#include "engine/weighted_select.h"

namespace cube {

namespace {

bool is_mode(const WeightedReducer& reducer) {
  return reducer.plain().kind() == Reducer::Kind::kMode;
}

class ModeInPasses final : public WeightedPasses {
 public:
  void begin(std::int64_t parts) override { mode_.begin(parts); }

  void add(std::span<const double> values, std::span<const double> weights) override {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (weights[i] >= 1) {
        mode_.add(values[i]);
      } else if (values[i] == values[i]) {
        mode_.add_part(values[i], weights[i]);
      }
    }
  }

  bool wants_again() override { return mode_.wants_again(); }
  double result() const override { return mode_.result(); }

 private:
  CountedMode mode_;
};

}  // namespace

std::unique_ptr<WeightedPasses> make_weighted_passes(const WeightedReducer& reducer) {
  if (is_mode(reducer)) return std::make_unique<ModeInPasses>();
  return std::make_unique<WeightedSelect>(reducer);
}

std::int64_t weighted_passes_bytes(const WeightedReducer& reducer, std::int64_t parts) {
  return is_mode(reducer) ? CountedMode::bytes(parts) : WeightedSelect::bytes(parts);
}

}  // namespace cube
