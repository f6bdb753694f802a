#include "engine/reducer_bands.h"

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

void ReducerBands::fields(FieldVisitor& v, bool required) {
  v.field(
      {.name = "reducer_bands",
       .help = "Pairs [reducer, band]. Reducers: min, max, mean, median, sum, prod, count, var, "
               "sd, first, last, which_min, which_max, mode, range, q1, q3, p90 (any "
               "percentile), any, all, rms, mad.",
       .required = required},
      reducer_bands);
  v.field({.name = "names",
           .help = "Names of the resulting bands, one a pair; by default BAND_REDUCER, e.g. "
                   "\"NDVI_median\"."},
          names);
}

namespace {

// A band where the reducer should stand.
void check_order(const std::string& reducer, const CubeInfo& in, const std::string& where) {
  if (find_name(reducer_names(), reducer) || !find_name(in.band_names(), reducer)) return;
  throw Error(ErrorCode::kInvalid, "there is no reducer '" + reducer + "'", where,
              "it is a band: the reducer comes first, as in [\"mean\", \"" + reducer + "\"]");
}

}  // namespace

std::vector<ReducedBand> reduced_bands(const ReducerBands& params, const CubeInfo& in,
                                       std::int64_t length) {
  const auto& pairs = params.reducer_bands;
  if (pairs.empty()) {
    throw Error(ErrorCode::kInvalid, "no reducer is given", "/reducer_bands",
                "e.g. [[\"median\", \"NDVI\"]]");
  }
  if (!params.names.empty() && params.names.size() != pairs.size()) {
    throw Error(ErrorCode::kInvalid,
                "the number of names, " + std::to_string(params.names.size()) +
                    ", is not that of reducers, " + std::to_string(pairs.size()),
                "/names", "one a pair of reducer_bands");
  }
  std::vector<ReducedBand> bands;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::string where = "/reducer_bands" + pointer_step(i);
    check_order(pairs[i].first.name, in, where + "/0");
    Reducer reducer = Reducer::make(pairs[i].first, where + "/0");
    const std::size_t source = in.band(pairs[i].second, where + "/1");
    BandInfo info = reducer.result_band(in.bands[source], length);
    info.name = params.names.empty() ? info.name + "_" + reducer.name() : params.names[i];
    bands.push_back({source, std::move(reducer), std::move(info)});
  }
  check_unique_bands(infos(bands), params.names.empty() ? "/reducer_bands" : "/names");
  return bands;
}

std::vector<ReducedBand> reduced_bands(const std::vector<ReducerSpec>& reducers, const CubeInfo& in,
                                       std::int64_t length) {
  std::vector<ReducedBand> bands;
  for (std::size_t source = 0; source < in.bands.size(); ++source) {
    for (std::size_t i = 0; i < reducers.size(); ++i) {
      Reducer reducer = Reducer::make(reducers[i], "/reducers" + pointer_step(i));
      BandInfo info = reducer.result_band(in.bands[source], length);
      info.name += "_" + reducer.name();
      bands.push_back({source, std::move(reducer), std::move(info)});
    }
  }
  check_unique_bands(infos(bands), "/reducers");
  return bands;
}

std::vector<BandInfo> infos(const std::vector<ReducedBand>& bands) {
  std::vector<BandInfo> out;
  for (const ReducedBand& band : bands) out.push_back(band.info);
  return out;
}

}  // namespace cube
