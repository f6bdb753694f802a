// Reading a catalog: ours and gdalcubes'.
#include <algorithm>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <tuple>

#include "catalog/catalog.h"
#include "catalog/descriptor.h"
#include "catalog/extent_tree.h"
#include "catalog/footprint.h"
#include "catalog/schema.h"
#include "catalog/sqlite.h"
#include "catalog/summary.h"
#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/gdal/crs.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::size_t kDateLength = 10;  // of "2018-01-06"
constexpr const char* kHint = "made by 'cube catalog create' or gdalcubes";

bool fits(DType type, double value) {
  return is_float(type) || (value >= lowest(type) && value <= highest(type));
}

// A row of `bands`.
BandInfo read_band(const Statement& row, const std::string& file) {
  BandInfo band;
  band.name = row.text(1);
  const auto dtype = parse_dtype(row.text(2));
  if (!dtype) {
    throw Error(ErrorCode::kUnreadable,
                "band '" + band.name + "' has the unknown type '" + row.text(2) + "'", file);
  }
  band.dtype = *dtype;
  band.offset = row.is_null(3) ? 0 : row.real(3);
  band.scale = row.is_null(4) ? 1 : row.real(4);
  band.unit = row.text(5);
  band.nodata = parse_number(row.text(6));
  band.note = row.text(7);
  if (band.nodata && !fits(band.dtype, *band.nodata)) {
    band.note = "nodata " + row.text(6) + " is no " + std::string(name(band.dtype)) + ", ignored";
    band.nodata.reset();
  }
  return band;
}

std::string list_of(std::size_t count, const std::string& item, const std::string& separator) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i > 0 ? separator : "") + item;
  return out;
}

// The year of an instant, within the four digits that a catalog can hold.
std::string year_text(Instant instant) {
  using namespace std::chrono;
  constexpr Instant kFirst = sys_days{year{0} / 1 / 1};
  constexpr Instant kLast = sys_days{year{9999} / 12 / 31};
  return to_text(std::clamp(instant, kFirst, kLast)).substr(0, 4);
}

class Catalog final : public ImageIndex {
 public:
  explicit Catalog(const std::filesystem::path& file)
      : file_(file.string()),
        folder_(std::filesystem::absolute(file).parent_path()),
        database_(file, Database::Mode::kRead) {
    check_tables();
    indexed_ = database_.has_table(kExtentTable);
    if (database_.has_table(kPackingTable)) {
      differ_ =
          Statement(database_, "SELECT 1 FROM " + std::string(kPackingTable) + " LIMIT 1").step();
    }
    const std::string note = database_.has_table("band_md")
                                 ? "(SELECT value FROM band_md WHERE band_id = id AND key = ?)"
                                 : "substr(?, 1, 0)";
    Statement rows(database_, "SELECT id, name, type, offset, scale, unit, nodata, " + note +
                                  " FROM bands ORDER BY id");
    rows.bind(kNoteKey);
    while (rows.step()) {
      band_ids_.push_back(rows.integer(0));
      bands_.push_back(read_band(rows, file_));
    }
    if (differ_) read_packings();
    srs_ = format_srs();
  }

  const std::vector<BandInfo>& bands() const override { return bands_; }
  std::vector<Image> find(const ImageQuery& query) const override;
  CollectionSummary summary() const override;
  // find(), one image after another in the order of rows: the caller may take what it is given.
  void read(const ImageQuery& query, const std::string& order,
            const std::function<void(Image&)>& use) const;

 private:
  void check_tables();
  void read_packings();
  // Whether the R*Tree finds the images; a query for all of them reads the tables instead.
  bool uses_tree(const ImageQuery& query) const {
    const bool all_times = query.start == Instant::min() && query.end == Instant::max();
    return indexed_ && !(query.area.empty() && all_times);
  }
  std::string sql(const ImageQuery& query) const;
  void bind(Statement& statement, const ImageQuery& query) const;
  Instant time(const std::string& text) const;
  std::string format_srs();
  std::vector<std::string> dates() const;
  std::optional<CollectionSummary> stored_summary() const;
  CollectionSummary counted_summary() const;

  std::string file_;
  std::filesystem::path folder_;
  mutable Database database_;
  bool indexed_ = false;  // has our R*Tree
  bool differ_ = false;   // some images have a scale or offset of their own
  std::vector<BandInfo> bands_;
  std::vector<std::int64_t> band_ids_;  // of bands_, ascending
  std::string srs_;                     // what the format says that all files are in; "" = nothing
  mutable std::mutex mutex_;            // one query at a time on the connection
};

void Catalog::check_tables() {
  for (const char* table : {"bands", "images", "gdalrefs"}) {
    bool found = false;
    try {
      found = database_.has_table(table);
    } catch (const Error& error) {
      if (!database_.is_damaged()) throw;  // what stands in the way may be gone the next time
      throw Error(ErrorCode::kUnreadable, "is not an image collection: " + error.message(), file_,
                  kHint);
    }
    if (found) continue;
    throw Error(ErrorCode::kUnreadable,
                "is not an image collection: it has no table '" + std::string(table) + "'", file_,
                kHint);
  }
}

// Says in the notes of bands what images have instead.
void Catalog::read_packings() {
  Statement rows(database_, "SELECT band_id, value FROM band_md WHERE key = ?");
  rows.bind(kPackingsKey);
  while (rows.step()) {
    const auto at = std::ranges::find(band_ids_, rows.integer(0));
    if (at == band_ids_.end()) continue;
    std::string& note = bands_[static_cast<std::size_t>(at - band_ids_.begin())].note;
    note += (note.empty() ? "" : "; ") + rows.text(1);
  }
}

Instant Catalog::time(const std::string& text) const {
  const auto span = parse_time(text);
  if (!span) throw Error(ErrorCode::kUnreadable, "'" + text + "' is not a time", file_);
  return span->start;
}

std::string Catalog::format_srs() {
  if (!database_.has_table("collection_md")) return {};
  Statement row(database_, "SELECT value FROM collection_md WHERE key = ?");
  if (!row.bind(kFormatKey).step()) return {};
  const auto format = nlohmann::json::parse(row.text(0), nullptr, false);
  if (!format.is_object() || !format.contains("srs") || !format["srs"].is_string()) return {};
  return canonical_crs(format["srs"].get<std::string>(), file_);
}

// In our catalogs the R*Tree names the images and everything else is looked up by their ids
// (CROSS JOIN keeps the order); to list all, walking the tables is quicker. In gdalcubes' files
// times are text of any precision: years are compared here, the rest by find().
std::string Catalog::sql(const ImageQuery& query) const {
  static const std::string kTouches =
      "(i.top >= ? AND i.bottom <= ? AND CASE WHEN i.left <= i.right"
      " THEN i.right >= ? AND i.left <= ? ELSE i.right >= ? OR i.left <= ? END)";
  static const std::string kCandidates =
      "SELECT image_id FROM " + std::string(kExtentTable) + " WHERE last >= ? AND first < ?";
  static const std::string kInBox = " AND top >= ? AND bottom <= ? AND right >= ? AND left <= ?";
  static const std::string kPacking = " LEFT JOIN " + std::string(kPackingTable) +
                                      " p ON p.image_id = r.image_id AND p.band_id = r.band_id";
  std::string text =
      "SELECT i.id, i.name, i.left, i.bottom, i.right, i.top, i.datetime, i.proj,"
      " r.band_id, r.descriptor, r.band_num" +
      std::string(differ_ ? ", p.scale, p.offset" : "") +
      " FROM images i CROSS JOIN gdalrefs r ON r.image_id = i.id" + (differ_ ? kPacking : "") +
      " WHERE ";
  if (uses_tree(query)) {
    const std::size_t boxes = query.area.size();
    text += "i.id IN (" +
            (boxes == 0 ? kCandidates : list_of(boxes, kCandidates + kInBox, " UNION ")) + ")";
  } else {
    text += "substr(i.datetime, 1, 4) BETWEEN ? AND ?";
  }
  if (!query.area.empty()) {
    text += " AND (" + list_of(query.area.size(), kTouches, " OR ") + ")";
  }
  if (!query.bands.empty()) {
    text += " AND r.band_id IN (" + list_of(query.bands.size(), "?", ", ") + ")";
  }
  return text;
}

void Catalog::bind(Statement& statement, const ImageQuery& query) const {
  const auto in_time = [&] { statement.bind(tree_days(query.start)).bind(tree_days(query.end)); };
  if (!uses_tree(query)) {
    statement.bind(year_text(query.start)).bind(year_text(query.end));
  } else if (query.area.empty()) {
    in_time();
  }
  for (const Box& box : query.area) {
    if (!uses_tree(query)) break;
    in_time();
    statement.bind(box.bottom).bind(box.top).bind(box.left).bind(box.right);
  }
  for (const Box& box : query.area) {
    statement.bind(box.bottom).bind(box.top);
    for (int branch = 0; branch < 2; ++branch) {
      statement.bind(box.left).bind(box.right);
    }
  }
  for (const std::size_t band : query.bands) statement.bind(band_ids_.at(band));
}

std::vector<Image> Catalog::find(const ImageQuery& query) const {
  std::vector<Image> images;
  read(query, "i.id, r.band_id", [&](Image& image) {
    if (static_cast<std::int64_t>(images.size()) == query.most) {
      throw Error(ErrorCode::kInvalid, "more than " + counted(query.most, "image") + " are wanted",
                  file_, "a smaller area or a shorter time");
    }
    images.push_back(std::move(image));
  });
  std::sort(images.begin(), images.end(), [](const Image& a, const Image& b) {
    return std::tie(a.datetime, a.name) < std::tie(b.datetime, b.name);
  });
  return images;
}

void Catalog::read(const ImageQuery& asked, const std::string& order,
                   const std::function<void(Image&)>& use) const {
  ImageQuery query = asked;
  query.area = wrap_longitudes(asked.area);
  const std::lock_guard lock(mutex_);
  Statement rows(database_, sql(query) + " ORDER BY " + order);
  bind(rows, query);
  Image image;
  std::optional<std::int64_t> current;
  bool wanted = false;
  while (rows.step()) {
    if (current != rows.integer(0)) {
      if (wanted) use(image);
      current = rows.integer(0);
      const Instant taken = time(rows.text(6));
      wanted = taken >= query.start && taken < query.end;
      if (wanted) {
        image = {rows.text(1),
                 taken,
                 from_row({rows.real(2), rows.real(3), rows.real(4), rows.real(5)}),
                 rows.text(7),
                 {}};
      }
    }
    if (!wanted) continue;
    const auto band = std::lower_bound(band_ids_.begin(), band_ids_.end(), rows.integer(8));
    if (band == band_ids_.end() || *band != rows.integer(8)) continue;
    image.bands.push_back({static_cast<std::size_t>(band - band_ids_.begin()),
                           resolve_descriptor(rows.text(9), folder_),
                           rows.is_null(10) ? 1 : static_cast<int>(rows.integer(10)),
                           srs_.empty() ? image.crs : srs_});
    if (!differ_ || rows.is_null(11)) continue;
    image.bands.back().packing = Packing{rows.real(11), rows.real(12)};
  }
  if (wanted) use(image);
}

// The days on which images were taken: each is looked up as the first time after the one before,
// which the index on time answers at once. gdalcubes' files have none.
std::vector<std::string> Catalog::dates() const {
  std::vector<std::string> out;
  if (!indexed_) {
    Statement rows(database_, "SELECT DISTINCT datetime FROM images");
    while (rows.step()) out.push_back(to_text(time(rows.text(0))).substr(0, kDateLength));
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }
  Statement next(database_, "SELECT min(datetime) FROM images WHERE datetime > ?");
  std::string last;
  for (;;) {
    next.bind(last.empty() ? last : last + "~").step();  // after every time of that day
    if (next.is_null(0)) break;
    last = next.text(0).substr(0, kDateLength);
    out.push_back(to_text(time(last)).substr(0, kDateLength));
    next.reset();
  }
  return out;
}

CollectionSummary Catalog::summary() const {
  const std::lock_guard lock(mutex_);
  const auto stored = stored_summary();
  CollectionSummary out = stored ? *stored : counted_summary();
  out.dates = dates();
  return out;
}

// What was written down when the catalog was made, unless somebody changed it since.
std::optional<CollectionSummary> Catalog::stored_summary() const {
  if (!indexed_) return std::nullopt;
  Statement row(database_, "SELECT value FROM collection_md WHERE key = ?");
  if (!row.bind(kSummaryKey).step()) return std::nullopt;
  const auto stored = nlohmann::json::parse(row.text(0), nullptr, false);
  try {
    CollectionSummary out;
    out.images = stored.at("images");
    out.files = stored.at("files");
    out.crs = stored.at("crs");
    if (out.images == 0) return out;
    out.first = time(stored.at("first"));
    out.last = time(stored.at("last"));
    const std::vector<double> box = stored.at("extent");
    out.extent = Box{box.at(0), box.at(1), box.at(2), box.at(3)};
    return out;
  } catch (const std::exception&) {  // not as we write it: counted instead
    return std::nullopt;
  }
}

CollectionSummary Catalog::counted_summary() const {
  CollectionSummary out = count_images(database_, file_);
  Statement files(database_, "SELECT count(DISTINCT descriptor) FROM gdalrefs");
  files.step();
  out.files = files.integer(0);
  return out;
}

}  // namespace

std::shared_ptr<const ImageIndex> open_catalog(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    throw Error(ErrorCode::kNotFound, "there is no such collection", file.string(), kHint);
  }
  if (std::filesystem::is_directory(file, ignored)) {
    throw Error(ErrorCode::kUnreadable, "is a folder, not an image collection", file.string(),
                kHint);
  }
  if (is_stream(file.string())) {
    throw Error(ErrorCode::kUnreadable, "is a pipe or a device, not an image collection",
                file.string(), kHint);
  }
  return std::make_shared<Catalog>(file);
}

void for_each_image(const std::filesystem::path& file, const ImageQuery& query,
                    const std::function<void(const Image&)>& use) {
  open_catalog(file);  // or says why it is none
  // Rows come by the index on time, so that nothing is kept but one day's to be put in order.
  Catalog(file).read(query, "i.datetime, i.name, i.id, r.band_id", use);
}

std::map<std::string, std::map<std::string, std::string>> image_metadata(
    const std::filesystem::path& file) {
  open_catalog(file);  // or says why it is none
  std::map<std::string, std::map<std::string, std::string>> out;
  Database database(file, Database::Mode::kRead);
  if (!database.has_table("image_md")) return out;
  Statement rows(
      database, "SELECT i.name, m.key, m.value FROM image_md m JOIN images i ON i.id = m.image_id");
  while (rows.step()) out[rows.text(0)][rows.text(1)] = rows.text(2);
  return out;
}

}  // namespace cube
