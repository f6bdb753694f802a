// The states behind Reducer: folds that keep a few numbers a series (reducer_states.cpp) and order
// statistics that keep all values (order_statistics.cpp). Used by reducers.cpp, and of values by
// space_order.cpp; see
// ReducerState for the contract and the thread rule.
#pragma once

#include <memory>
#include <vector>

#include "engine/reducers.h"

namespace cube {

std::unique_ptr<ReducerState> min_state();
std::unique_ptr<ReducerState> max_state();
std::unique_ptr<ReducerState> range_state();
std::unique_ptr<ReducerState> first_state();
std::unique_ptr<ReducerState> last_state();
std::unique_ptr<ReducerState> count_state();
std::unique_ptr<ReducerState> sum_state();
std::unique_ptr<ReducerState> prod_state();
std::unique_ptr<ReducerState> mean_state();
std::unique_ptr<ReducerState> rms_state();
std::unique_ptr<ReducerState> var_state();
std::unique_ptr<ReducerState> sd_state();
std::unique_ptr<ReducerState> any_state();
std::unique_ptr<ReducerState> all_state();
std::unique_ptr<ReducerState> which_min_state();
std::unique_ptr<ReducerState> which_max_state();

// `quantile` in [0, 1].
std::unique_ptr<ReducerState> quantile_state(double quantile);
std::unique_ptr<ReducerState> mode_state();
std::unique_ptr<ReducerState> mad_state();

// Memory of one of these in bytes, for so many series of at most `length` values, if it expects
// them.
std::int64_t order_state_bytes(std::int64_t series, std::int64_t length);

// The same of one series, without missing values; they are reordered. Missing of nothing.
double quantile_of_values(std::vector<double>& values, double quantile);
double mode_of_values(std::vector<double>& values);
double mad_of_values(std::vector<double>& values);

}  // namespace cube
