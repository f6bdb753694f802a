// Tables of images: CSV of any kind.
#include <sstream>

#include "catalog/table.h"
#include "tests/fuzz/fuzz.h"

CUBE_FUZZ_TARGET(csv) {
  using namespace cube;
  std::istringstream in{std::string(bytes)};
  ImageTable table(in, "table.csv", {.bands = {}, .format = {}, .bands_of = [](std::string_view) {
                                       return std::vector<std::string>{"b1"};
                                     }});
  TableBlock block;
  while (table.next(block)) {
    std::size_t files = 0;
    for (const TableRow& row : block.rows) files += row.files;
    fuzz::require(files == block.files.size(), "files belong to rows");
    for (const TableFile& file : block.files) {
      fuzz::require(file.band < table.bands().size(), "files are of bands");
    }
  }
}
