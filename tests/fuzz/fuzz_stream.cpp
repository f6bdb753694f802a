// What commands answer: by the stream protocol in one or two pieces (first byte even), or in a file
// as gdalcubes has it (odd).
#include "engine/command_code.h"
#include "engine/files_code.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace cube;

CubeInfo cube_of(DType type) {
  CubeInfo out;
  out.grid = {"EPSG:3857", 0, 30, 10, 10, 4, 3};
  out.time = TimeAxis::regular(parse_time("2020-01")->start, {.months = 1}, 2);
  out.bands = {{.name = "a", .dtype = type}, {.name = "b", .dtype = DType::kFloat64}};
  if (!is_float(type)) out.bands[0].nodata = 0;
  return out;
}

}  // namespace

CUBE_FUZZ_TARGET(stream) {
  if (bytes.size() < 2) return;
  const auto choice = static_cast<unsigned char>(bytes[0]);
  const std::size_t cut =
      std::min<std::size_t>(static_cast<unsigned char>(bytes[1]), bytes.size() - 2);
  bytes.remove_prefix(2);
  static const CubeInfo in = cube_of(DType::kFloat32);
  static const CubeInfo outs[] = {cube_of(DType::kUInt8), cube_of(DType::kInt32)};
  const CubeInfo& out = outs[choice / 2 % 2];
  const Region made = {{0, 2}, {1, 3}, {0, 4}};
  const UserCall call{in, out, made, made};
  UserAnswer answer(out, {{{1, 2}, {1, 3}, {1, 3}}, {1, 0}});
  if (choice % 2 == 1) {
    read_gdalcubes_answer(fuzz::scratch_file(bytes, ".bin"), call, answer);
  } else {
    const auto all = std::as_bytes(std::span(bytes));
    const std::span<const std::byte> pieces[] = {all.first(cut), all.subspan(cut)};
    read_stream_answer(call, pieces, answer);
  }
  fuzz::require(answer.take().bands.size() == 2, "an answer has the bands that were asked for");
}
