#include "engine/declared_bands.h"

namespace cube {

namespace {

// The place of element `i` of a list that may have one for all.
template <class T>
std::string item(std::string_view key, const std::vector<T>& list, std::size_t i) {
  return pointer_step(key) + pointer_step(list.size() == 1 ? 0 : i);
}

void check_nodata(DType type, double nodata, const std::string& where) {
  if (is_float(type)) {
    throw Error(ErrorCode::kInvalid,
                "a band of type " + std::string(name(type)) + " needs no nodata value", where,
                "missing is NaN there; give an integer dtype too");
  }
  if (!can_hold(type, nodata)) {
    throw Error(
        ErrorCode::kInvalid,
        "type " + std::string(name(type)) + " has no value " + number_text(nodata), where,
        "a whole number from " + number_text(lowest(type)) + " to " + number_text(highest(type)));
  }
}

}  // namespace

BandInfo DeclaredStorage::apply(BandInfo band, std::size_t i, std::size_t count, DType preset,
                                const std::string& each, std::string_view reason) const {
  band.dtype = preset;
  if (const auto wanted = choice("dtype", dtype, i, count, each)) {
    const auto parsed = parse_dtype(*wanted);
    if (!parsed) {
      const std::vector<std::string> known(dtype_names().begin(), dtype_names().end());
      throw Error(ErrorCode::kInvalid, "there is no type '" + *wanted + "'",
                  item("dtype", dtype, i), suggest(known, *wanted));
    }
    band.dtype = *parsed;
  }
  band.nodata = choice("nodata", nodata, i, count, each);
  if (band.nodata) check_nodata(band.dtype, *band.nodata, item("nodata", nodata, i));
  return with_gaps(std::move(band), reason);
}

}  // namespace cube
