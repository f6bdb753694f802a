#include "engine/operator.h"

namespace cube {

Cost Operator::cost(const Request&) const { return {}; }

std::optional<PullPlan> Operator::pulls(const Request&, std::size_t) const { return std::nullopt; }

std::optional<PullPlan> Operator::pulls_series(const Request& out, std::size_t input) const {
  return pulls(out, input);
}

}  // namespace cube
