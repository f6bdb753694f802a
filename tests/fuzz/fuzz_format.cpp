// Formats of collections: JSON, then after a line "==" the paths that are matched.
#include "catalog/explain_match.h"
#include "catalog/formats.h"
#include "tests/fuzz/fuzz.h"

CUBE_FUZZ_TARGET(format) {
  using namespace cube;
  const std::size_t end = bytes.find("\n==\n");
  const std::string_view json = bytes.substr(0, end);
  const CollectionFormat format = CollectionFormat::parse(json, "format");
  if (end == std::string_view::npos) return;
  bytes.remove_prefix(end + 4);
  ExplainMatch explain(format);
  for (int i = 0; i < 4 && !bytes.empty(); ++i) {
    const std::string path(fuzz::take_line(bytes));
    const CollectionFormat::Match match = format.match(path);
    fuzz::require(match.bands.empty() != match.reason.empty(), "what does not match has a reason");
    format.holds_subdatasets(path);
    if (!match.reason.empty()) explain.reason(path);
  }
}
