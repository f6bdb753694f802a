#include "catalog/summary.h"

#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

CollectionSummary count_images(Database& database, const std::string& file) {
  CollectionSummary out;
  Statement crs(database, "SELECT coalesce(proj, ''), count(*) FROM images GROUP BY 1");
  while (crs.step()) out.crs[crs.text(0)] = crs.integer(1);
  Statement row(database,
                "SELECT count(*), min(datetime), max(datetime),"
                " min(CASE WHEN left > right THEN -180 ELSE left END), min(bottom),"
                " max(CASE WHEN left > right THEN 180 ELSE right END), max(top) FROM images");
  row.step();
  out.images = row.integer(0);
  if (out.images == 0) return out;
  const auto time = [&](const std::string& text) {
    const auto span = parse_time(text);
    if (!span) throw Error(ErrorCode::kUnreadable, "'" + text + "' is not a time", file);
    return span->start;
  };
  out.first = time(row.text(1));
  out.last = time(row.text(2));
  out.extent = Box{row.real(3), row.real(4), row.real(5), row.real(6)};
  return out;
}

std::string summary_json(const CollectionSummary& summary) {
  nlohmann::ordered_json out = {{"images", summary.images}, {"files", summary.files}};
  if (summary.first) out["first"] = to_text(*summary.first);
  if (summary.last) out["last"] = to_text(*summary.last);
  if (summary.extent) {
    const Box& box = *summary.extent;
    out["extent"] = {box.left, box.bottom, box.right, box.top};
  }
  out["crs"] = summary.crs;
  return out.dump();
}

}  // namespace cube
