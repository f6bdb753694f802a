#include "catalog/formats.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "catalog/descriptor.h"
#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/text.h"

namespace cube {

namespace {

using nlohmann::json;

// What std::regex, which recurses once a character, is trusted with.
constexpr std::size_t kLongestPath = 4096;

bool is_literal(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '/';
}

// The text that everything a pattern matches ends with: "_B4.TIF" of ".+_B4\.TIF". Comparing it
// first spares most of the bands' regular expressions, which cost microseconds each.
std::string literal_suffix(const std::string& pattern) {
  if (pattern.find('|') != std::string::npos) return {};
  std::string reversed;
  for (std::size_t i = pattern.size(); i-- > 0;) {
    const char c = pattern[i];
    const bool escaped = i > 0 && pattern[i - 1] == '\\';
    if (escaped && (c != '.' || (i > 1 && pattern[i - 2] == '\\'))) return {};
    if (escaped) {
      --i;
    } else if (!is_literal(c)) {
      break;
    }
    reversed += c;
  }
  return {reversed.rbegin(), reversed.rend()};
}

// A regular expression that matches a whole path.
struct Pattern {
  std::string text;
  std::regex regex;
  std::string suffix;

  // The captured group, or all of `path` where there is none; nullopt when it does not match.
  std::optional<std::string> match(const std::string& path) const {
    if (!path.ends_with(suffix)) return std::nullopt;
    std::smatch groups;
    if (!std::regex_match(path, groups, regex)) return std::nullopt;
    return groups.size() > 1 && groups[1].matched ? groups[1].str() : groups[0].str();
  }
};

// The name of a subdataset without the quotes that GDAL puts round fields with spaces since version
// 2, which patterns of gdalcubes' older formats (".+NDVI$") do not expect; nullopt without such.
std::optional<std::string> unquoted(const std::string& name) {
  const std::size_t quote = name.rfind(":\"");
  if (quote == std::string::npos || !name.ends_with('"') || quote + 2 >= name.size()) {
    return std::nullopt;
  }
  return name.substr(0, quote + 1) + name.substr(quote + 2, name.size() - quote - 3);
}

// Reads one object of a format file and keeps track of where it stands.
class Node {
 public:
  Node(const json& value, std::string where) : value_(&value), where_(std::move(where)) {
    if (!value.is_object()) fail("must be an object", {});
  }

  [[noreturn]] void fail(const std::string& message, const std::string& hint) const {
    throw Error(ErrorCode::kInvalid, message, where_, hint);
  }

  bool has(const char* key) const { return value_->contains(key) && !value_->at(key).is_null(); }
  const json& at(const char* key) const { return value_->at(key); }
  std::string below(const std::string& key) const { return where_ + pointer_step(key); }

  Node child(const char* key) const {
    if (!has(key)) fail("'" + std::string(key) + "' is missing", {});
    return {at(key), below(key)};
  }

  std::string text(const char* key, bool required) const {
    if (!has(key) && !required) return {};
    if (!has(key)) fail("'" + std::string(key) + "' is missing", {});
    if (at(key).is_string()) return at(key).get<std::string>();
    throw Error(ErrorCode::kInvalid, "must be a text", below(key));
  }

  std::optional<double> number(const char* key) const {
    if (!has(key)) return std::nullopt;
    if (at(key).is_number()) return at(key).get<double>();
    throw Error(ErrorCode::kInvalid, "must be a number", below(key));
  }

  std::optional<Pattern> pattern(const char* key, bool required) const {
    if (!has(key) && !required) return std::nullopt;
    const std::string expression = text(key, true);
    try {
      return Pattern{expression,
                     std::regex(expression, std::regex::ECMAScript | std::regex::optimize),
                     literal_suffix(expression)};
    } catch (const std::regex_error& error) {
      throw Error(ErrorCode::kInvalid,
                  "'" + expression + "' is not a regular expression: " + error.what(), below(key));
    }
  }

  // Other keys are somebody's remarks, unless they look like a slip of the pen.
  void check_keys(std::initializer_list<std::string> known) const {
    const std::vector<std::string> names(known);
    for (const auto& [key, unused] : value_->items()) {
      if (std::find(names.begin(), names.end(), key) != names.end()) continue;
      if (const auto near = nearest_name(names, key)) {
        throw Error(ErrorCode::kInvalid, "unknown key", below(key),
                    "did you mean '" + *near + "'?");
      }
    }
  }

  bool flag(const char* key) const {
    if (!has(key)) return false;
    if (at(key).is_boolean()) return at(key).get<bool>();
    throw Error(ErrorCode::kInvalid, "must be true or false", below(key));
  }

  std::vector<std::string> texts(const char* key) const {
    if (!has(key)) return {};
    const json& list = at(key);
    if (list.is_array() &&
        std::all_of(list.begin(), list.end(), [](const json& item) { return item.is_string(); })) {
      return list.get<std::vector<std::string>>();
    }
    throw Error(ErrorCode::kInvalid, "must be a list of texts", below(key));
  }

 private:
  const json* value_;
  std::string where_;
};

std::string line_and_column(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(text.size(), byte > 0 ? byte - 1 : 0));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start = before.rfind('\n');
  const std::size_t column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

json parse_json(std::string_view text, std::string_view name) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    std::string reason = error.what();
    const std::size_t colon = reason.find(": ");
    if (colon != std::string::npos) reason = reason.substr(colon + 2);
    throw Error(ErrorCode::kInvalid,
                "is not JSON: " + line_and_column(text, error.byte) + ": " + reason,
                std::string(name));
  }
}

FormatBand read_band(const std::string& name, const Node& node) {
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

  void read_note(const Node& node) {
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

  void read_stored_offset(const Node& node) {
    node.check_keys({"folder", "file", "element", "number", "from", "offset"});
    StoredOffset& rule = stored_offset.emplace();
    rule.folder = node.pattern("folder", true)->regex;
    rule.file = node.text("file", true);
    rule.element = node.text("element", true);
    rule.number = node.pattern("number", true)->regex;
    rule.from = node.number("from").value_or(0);
    rule.offset = node.number("offset").value_or(0);
  }

  void read_band_period(const Node& node) {
    node.check_keys({"dt"});
    const std::string period = node.text("dt", true);
    band_period = Period::parse(period);
    if (band_period) return;
    throw Error(ErrorCode::kInvalid, "'" + period + "' is not a duration", node.below("dt"),
                "such as P1D, P1M or PT3H");
  }

  void read_datetime(const Node& node) {
    node.check_keys({"pattern", "format", "bands"});
    if (node.has("bands")) read_band_period(node.child("bands"));
    datetime = *node.pattern("pattern", true);
    datetime_format = node.text("format", false);
  }

  void read_bands(const Node& root) {
    const Node node = root.child("bands");
    for (const auto& [name, value] : root.at("bands").items()) {
      const Node band(value, node.below(name));
      bands.push_back(read_band(name, band));
      band_patterns.push_back(band.pattern("pattern", use == Use::kPatterns).value_or(Pattern{}));
    }
    if (bands.empty()) node.fail("has no bands", {});
    if (band_period) check_times_of_bands(node);
  }

  // A band of a file is a time or a band, not both.
  void check_times_of_bands(const Node& node) const {
    for (const FormatBand& band : bands) {
      if (band.raster_band == 1) continue;
      throw Error(ErrorCode::kInvalid, "is given, and /datetime/bands makes each band a time",
                  node.below(band.name) + "/band");
    }
  }

  // What is not said of single bands and times.
  void read_rest(const Node& root) {
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
      Match other = no("the name does not match /pattern '" + pattern->text + "'");
      other.other = true;
      return other;
    }
    const auto name = image.match(path);
    if (!name) return no("no image name: /images/pattern '" + image.text + "' does not match");
    const auto when = datetime.match(path);
    if (!when) return no("no time: /datetime/pattern '" + datetime.text + "' does not match");
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
  const nlohmann::json document = parse_json(text, name);
  const Node root(document, std::string(name) + "#");
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
    for (std::string& alias : Node(json::parse(presets[i].json), "").texts("aliases")) {
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
  if (!impl_->subdatasets || path.size() > kLongestPath) return false;
  return !impl_->files || impl_->files->match(path);
}

CollectionFormat::Match CollectionFormat::match(const std::string& path) const {
  if (path.size() > kLongestPath) return {{}, {}, {}, "the name is too long", false};
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
