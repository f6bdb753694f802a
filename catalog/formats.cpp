#include "catalog/formats.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "catalog/descriptor.h"
#include "catalog/format_node.h"
#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/text.h"

namespace cube {

namespace {

using nlohmann::json;

// The name of a subdataset without the quotes that GDAL puts round fields with spaces since version
// 2, which patterns of gdalcubes' older formats (".+NDVI$") do not expect; nullopt without such.
std::optional<std::string> unquoted(const std::string& name) {
  const std::size_t quote = name.rfind(":\"");
  if (quote == std::string::npos || !name.ends_with('"') || quote + 2 >= name.size()) {
    return std::nullopt;
  }
  return name.substr(0, quote + 1) + name.substr(quote + 2, name.size() - quote - 3);
}

FormatBand read_band(const std::string& name, const FormatNode& node) {
  node.check_keys(
      {"pattern", "band", "nodata", "offset", "scale", "unit", "dtype", "stored_offset"});
  FormatBand band;
  band.name = name;
  band.nodata = node.number("nodata");
  band.offset = node.number("offset").value_or(0);
  band.scale = node.number("scale").value_or(1);
  band.unit = node.text("unit", false);
  const std::string dtype = node.text("dtype", false);
  band.dtype = parse_dtype(dtype);
  if (!dtype.empty() && !band.dtype) {
    throw Error(ErrorCode::kInvalid, "'" + dtype + "' is no type of cells", node.below("dtype"),
                kDTypeNames);
  }
  const double number = node.number("band").value_or(1);
  if (number < 1 || number != static_cast<int>(number)) {
    throw Error(ErrorCode::kInvalid, number_text(number) + " is not a band number",
                node.below("band"), "bands count from 1");
  }
  band.raster_band = static_cast<int>(number);
  if (const auto id = node.number("stored_offset")) band.stored_offset = static_cast<int>(*id);
  return band;
}

}  // namespace

struct CollectionFormat::Impl {
  std::string id;
  std::string description;
  std::string text;
  std::optional<Pattern> pattern;
  Use use = Use::kPatterns;
  Pattern image;
  Pattern datetime;
  std::string datetime_format;  // "" = ISO 8601
  std::vector<FormatBand> bands;
  std::vector<Pattern> band_patterns;  // one each of `bands`
  bool subdatasets = false;
  std::optional<Pattern> files;
  std::optional<Period> band_period;
  std::string srs;
  std::vector<std::string> metadata_fields;
  std::optional<StoredOffset> stored_offset;
  Note note;

  void read_note(const FormatNode& node) {
    node.check_keys({"text", "since"});
    note.text = node.text("text", true);
    const std::string since = node.text("since", false);
    if (since.empty()) return;
    const auto span = parse_time(since);
    if (!span) {
      throw Error(ErrorCode::kInvalid, "'" + since + "' is not a time", node.below("since"));
    }
    note.since = span->start;
  }

  void read_stored_offset(const FormatNode& node) {
    node.check_keys({"folder", "file", "element", "number", "from", "offset"});
    StoredOffset& rule = stored_offset.emplace();
    rule.folder = *node.pattern("folder", true);
    rule.file = node.text("file", true);
    rule.element = node.text("element", true);
    rule.number = *node.pattern("number", true);
    rule.from = node.number("from").value_or(0);
    rule.offset = node.number("offset").value_or(0);
  }

  void read_band_period(const FormatNode& node) {
    node.check_keys({"dt"});
    const std::string period = node.text("dt", true);
    band_period = Period::parse(period);
    if (band_period) return;
    throw Error(ErrorCode::kInvalid, "'" + period + "' is not a duration", node.below("dt"),
                "such as P1D, P1M or PT3H");
  }

  void read_datetime(const FormatNode& node) {
    node.check_keys({"pattern", "format", "bands"});
    if (node.has("bands")) read_band_period(node.child("bands"));
    datetime = *node.pattern("pattern", true);
    datetime_format = node.text("format", false);
  }

  void read_bands(const FormatNode& root) {
    const FormatNode node = root.child("bands");
    for (const auto& [name, value] : root.at("bands").items()) {
      const FormatNode band(value, node.below(name));
      bands.push_back(read_band(name, band));
      band_patterns.push_back(band.pattern("pattern", use == Use::kPatterns).value_or(Pattern{}));
    }
    if (bands.empty()) node.fail("has no bands", {});
    if (band_period) check_times_of_bands(node);
  }

  // A band of a file is a time or a band, not both.
  void check_times_of_bands(const FormatNode& node) const {
    for (const FormatBand& band : bands) {
      if (band.raster_band == 1) continue;
      throw Error(ErrorCode::kInvalid, "is given, and /datetime/bands makes each band a time",
                  node.below(band.name) + "/band");
    }
  }

  // What is not said of single bands and times.
  void read_rest(const FormatNode& root) {
    description = root.text("description", false);
    pattern = root.pattern("pattern", false);
    subdatasets = root.flag("subdatasets");
    files = root.pattern("files", false);
    srs = root.text("srs", false);
    if (!srs.empty()) srs = canonical_crs(srs, root.below("srs"));
    metadata_fields = root.texts("image_md_fields");
    if (root.has("note")) read_note(root.child("note"));
    if (root.has("stored_offset")) read_stored_offset(root.child("stored_offset"));
  }

  std::optional<Instant> time(const std::string& found) const {
    if (!datetime_format.empty()) return parse_time(found, datetime_format);
    const auto span = parse_time(found);
    return span ? std::optional(span->start) : std::nullopt;
  }

  Match match(const std::string& path) const {
    const auto no = [](std::string reason) { return Match{{}, {}, {}, std::move(reason), false}; };
    if (pattern && !pattern->match(path)) {
      Match other = no("the name does not match /pattern '" + pattern->text() + "'");
      other.other = true;
      return other;
    }
    const auto name = image.match(path);
    if (!name) return no("no image name: /images/pattern '" + image.text() + "' does not match");
    const auto when = datetime.match(path);
    if (!when) return no("no time: /datetime/pattern '" + datetime.text() + "' does not match");
    const auto instant = time(*when);
    if (!instant) {
      return no("no time: '" + *when + "' is not of the form '" +
                (datetime_format.empty() ? "ISO 8601" : datetime_format) + "'");
    }
    Match match{*name, *instant, {}, {}, false};
    const auto plain = unquoted(path);
    for (std::size_t i = 0; i < bands.size(); ++i) {
      const Pattern& band = band_patterns[i];
      if (band.match(path) || (plain && band.match(*plain))) match.bands.push_back(i);
    }
    if (match.bands.empty()) return no("no band: none of the patterns in /bands matches");
    return match;
  }
};

CollectionFormat CollectionFormat::parse(std::string_view text, std::string_view name, Use use) {
  const nlohmann::json document = parse_format(text, name);
  const FormatNode root(document, std::string(name) + "#");
  root.check_keys({"description", "tags", "references", "source", "pattern", "images", "datetime",
                   "bands", "subdatasets", "files", "srs", "image_md_fields", "aliases",
                   "stored_offset", "note"});
  auto impl = std::make_shared<Impl>();
  impl->id = name;
  impl->text = text;
  impl->use = use;
  impl->read_rest(root);
  if (use == Use::kPatterns) {
    impl->image = *root.child("images").pattern("pattern", true);
    impl->read_datetime(root.child("datetime"));
  }
  impl->read_bands(root);
  CollectionFormat format;
  format.impl_ = std::move(impl);
  return format;
}

CollectionFormat CollectionFormat::load(const std::string& name_or_path, Use use) {
  const auto presets = preset_formats();
  std::vector<std::string> names;
  for (const PresetFormat& preset : presets) names.push_back(preset.id);
  const std::size_t ids = names.size();
  std::vector<std::size_t> owners;  // of names beyond the ids
  for (std::size_t i = 0; i < ids; ++i) {
    for (std::string& alias : FormatNode(json::parse(presets[i].json), "").texts("aliases")) {
      names.push_back(std::move(alias));
      owners.push_back(i);
    }
  }
  if (const auto index = find_name(names, name_or_path)) {
    const PresetFormat& preset = presets[*index < ids ? *index : owners[*index - ids]];
    return parse(preset.json, preset.id, use);
  }
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(name_or_path, ignored)) {
    throw Error(ErrorCode::kNotFound, "there is no collection format of this name and no such file",
                name_or_path, suggest(names, name_or_path));
  }
  std::ifstream in(name_or_path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw Error(ErrorCode::kUnreadable, "cannot be read", name_or_path);
  return parse(text.str(), name_or_path, use);
}

const std::string& CollectionFormat::id() const { return impl_->id; }
const std::string& CollectionFormat::description() const { return impl_->description; }
const std::string& CollectionFormat::json() const { return impl_->text; }
const std::vector<FormatBand>& CollectionFormat::bands() const { return impl_->bands; }
bool CollectionFormat::subdatasets() const { return impl_->subdatasets; }
const std::optional<Period>& CollectionFormat::band_period() const { return impl_->band_period; }
const std::string& CollectionFormat::srs() const { return impl_->srs; }
const std::vector<std::string>& CollectionFormat::metadata_fields() const {
  return impl_->metadata_fields;
}

const CollectionFormat::Note& CollectionFormat::note() const { return impl_->note; }

const StoredOffset* CollectionFormat::stored_offset() const {
  return impl_->stored_offset ? &*impl_->stored_offset : nullptr;
}

bool CollectionFormat::holds_subdatasets(const std::string& path) const {
  if (!impl_->subdatasets || path.size() > Pattern::kLongestPath) return false;
  return !impl_->files || impl_->files->match(path);
}

CollectionFormat::Match CollectionFormat::match(const std::string& path) const {
  if (path.size() > Pattern::kLongestPath) return {{}, {}, {}, "the name is too long", false};
  return impl_->match(path);
}

std::optional<std::string> CollectionFormat::guess(const std::vector<std::string>& paths) {
  constexpr std::size_t kSample = 1000;  // enough to tell formats apart in any archive
  const std::size_t stride = paths.size() / kSample + 1;
  std::optional<std::string> best;
  std::size_t most = 0;
  for (const PresetFormat& preset : preset_formats()) {
    const CollectionFormat format = parse(preset.json, preset.id);
    const auto fits = [&](const std::string& path) {
      return (format.impl_->files && format.holds_subdatasets(path)) ||
             format.match(path).reason.empty();
    };
    std::size_t count = 0;
    for (std::size_t i = 0; i < paths.size(); i += stride) {
      if (fits(absolute_name(paths[i]))) ++count;
    }
    if (count > most) {
      most = count;
      best = preset.id;
    }
  }
  return best;
}

}  // namespace cube
