// Blocks, dtypes and text helpers: the small parts that everything stands on.
#include <cmath>
#include <limits>

#include "engine/block.h"
#include "engine/text.h"
#include "tests/support.h"

using namespace cube;

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr Region kRegion{{0, 1}, {2, 4}, {10, 13}};
}  // namespace

TEST_CASE("a new block is all missing and shares as null") {
  for (const DType type : {DType::kUInt8, DType::kInt16, DType::kUInt16, DType::kInt32,
                           DType::kUInt32, DType::kFloat32, DType::kFloat64}) {
    Block block(kRegion, with_missing(type, 0));
    CHECK(block.all_missing());
    CHECK(share(std::move(block)) == nullptr);
  }
}

TEST_CASE("rows go in and out as doubles with NaN for missing") {
  Block block(kRegion, {DType::kUInt16, 0});
  block.set_row(0, 3, std::vector<double>{7.5, kNaN, 70000});
  std::vector<double> scratch;
  const auto row = block.row(0, 3, scratch);
  CHECK(row[0] == 8);  // nearest, ties to even
  CHECK(std::isnan(row[1]));
  CHECK(row[2] == 65535);  // clamped
  CHECK(std::isnan(block.row(0, 2, scratch)[0]));
  CHECK(block.row(0, 3, Range{12, 13}, scratch)[0] == 65535);
}

TEST_CASE("crop takes the part and drops it when nothing is in it") {
  Block block(kRegion, {DType::kFloat32, kNaN});
  block.set_row(0, 2, 11, std::vector<double>{5});
  const BlockPtr whole = share(std::move(block));
  CHECK(crop(whole, kRegion) == whole);
  CHECK(crop(whole, {{0, 1}, {3, 4}, {10, 13}}) == nullptr);
  std::vector<double> scratch;
  CHECK(crop(whole, {{0, 1}, {2, 3}, {11, 12}})->row(0, 2, scratch)[0] == 5);
}

TEST_CASE("copy_moved puts cells elsewhere and converts between storages") {
  Block source(kRegion, {DType::kUInt8, 9});
  source.set_row(0, 2, std::vector<double>{1, kNaN, 3});
  Block same({{5, 6}, {0, 2}, {0, 2}}, {DType::kUInt8, 9});
  same.copy_moved(source, 5, -2, -11);
  std::vector<double> scratch;
  CHECK(std::isnan(same.row(5, 0, scratch)[0]));
  CHECK(same.row(5, 0, scratch)[1] == 3);
  CHECK(std::isnan(same.row(5, 1, scratch)[1]));
  Block wider(kRegion, with_missing(DType::kUInt8, {}));
  wider.copy_moved(source, 0, 0, 0);
  CHECK(wider.row(0, 2, scratch)[0] == 1);
  CHECK(std::isnan(wider.row(0, 2, scratch)[1]));
}

TEST_CASE("a band that needs a missing value is widened so that no datum is lost") {
  CHECK(with_missing(DType::kUInt16, 0).dtype == DType::kUInt16);
  CHECK(with_missing(DType::kUInt8, {}).dtype == DType::kInt16);
  CHECK(*with_missing(DType::kUInt16, {}).nodata == lowest(DType::kInt32));
  CHECK(with_missing(DType::kUInt32, {}).dtype == DType::kFloat64);
}

TEST_CASE("common dtypes hold every value of both") {
  CHECK(common_dtype(DType::kUInt8, DType::kInt16) == DType::kInt16);
  CHECK(common_dtype(DType::kUInt16, DType::kInt16) == DType::kInt32);
  CHECK(common_dtype(DType::kUInt32, DType::kInt32) == DType::kFloat64);
  CHECK(common_dtype(DType::kUInt16, DType::kFloat32) == DType::kFloat32);
  CHECK(common_dtype(DType::kInt32, DType::kFloat32) == DType::kFloat64);
}

TEST_CASE("names are found exactly first, then ignoring case when unambiguous") {
  const std::vector<std::string> names = {"B04", "b05", "B05"};
  CHECK(*find_name(names, "b04") == 0);
  CHECK(*find_name(names, "b05") == 1);
  CHECK(*find_name(names, "B05") == 2);
  const std::vector<std::string> clash = {"Ab", "aB"};
  CHECK_FALSE(find_name(clash, "ab").has_value());
  CHECK(suggest(names, "B0") == "did you mean 'B04'?");
  CHECK(suggest(names, "40b") == "one of B04, b05, B05");
  CHECK(suggest(std::vector<std::string>{"reduce_space", "reduce_time", "crop"}, "Reduce") ==
        "did you mean 'reduce_space' or 'reduce_time'?");
  CHECK(suggest(names, "ndvi") == "one of B04, b05, B05");
}

TEST_CASE("a swap of neighbouring letters is one typing error") {
  const std::vector<std::string> names = {"bands", "expr"};
  CHECK(*nearest_name(names, "bnads") == "bands");
  CHECK(*nearest_name(names, "abnds") == "bands");
  CHECK(*nearest_name(names, "BANSD") == "bands");
  CHECK(*nearest_name(names, "epxr") == "expr");
  // Two swaps are two errors, and too many for five letters.
  CHECK_FALSE(nearest_name(names, "abnsd").has_value());
  CHECK_FALSE(nearest_name(names, "nbads").has_value());
}

TEST_CASE("steps of JSON pointers are escaped") {
  CHECK(pointer_step("bands") == "/bands");
  CHECK(pointer_step("a/b~c") == "/a~1b~0c");
  CHECK(pointer_step("") == "/");
  CHECK(pointer_step(std::size_t{12}) == "/12");
}

TEST_CASE("numbers and byte counts as text") {
  CHECK(number_text(0.1) == "0.1");
  CHECK(*parse_number("1e3") == 1000);
  CHECK_FALSE(parse_number("1,5").has_value());
  CHECK(bytes_text(1234567) == "1.2 MB");
  CHECK(*parse_bytes("4G") == 4.0 * (1 << 30));
  CHECK(*parse_bytes("512MB") == 512.0 * (1 << 20));
  CHECK_FALSE(parse_bytes("lots").has_value());
}
