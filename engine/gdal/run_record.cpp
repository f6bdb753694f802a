#include "engine/gdal/run_record.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>

#include "engine/file_kind.h"
#include "engine/gdal/array_store.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/zarr_json.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

std::string object_text(const Members& members) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : members) parts.push_back(json_text(name) + ": " + value);
  std::string out = "{";
  return out.append(join(parts)).append("}");
}

constexpr std::string_view kAndMore = "(and ";
constexpr std::string_view kMore = " more)";

// The number in such a line.
std::optional<std::int64_t> more_of(std::string_view line) {
  if (!line.starts_with(kAndMore) || !line.ends_with(kMore)) return std::nullopt;
  line.remove_prefix(kAndMore.size());
  line.remove_suffix(kMore.size());
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (error != std::errc() || end != line.data() + line.size()) return std::nullopt;
  return number;
}

std::optional<RecordedTexts> texts_of(const char* graph, const char* record) {
  if (!graph) return std::nullopt;
  return RecordedTexts{graph, record ? record : ""};
}

std::optional<RecordedTexts> read_raster(const std::string& file) {
  const Dataset dataset = open_as_is(file);
  return texts_of(GDALGetMetadataItem(dataset.get(), kGraphItem, nullptr),
                  GDALGetMetadataItem(dataset.get(), kRecordItem, nullptr));
}

// Of a text made by one_text(): the graph ends with the first line that is a brace alone.
std::optional<RecordedTexts> parts_of(const std::string& text) {
  constexpr std::string_view kEnd = "\n}\n";
  const std::size_t end = text.find(kEnd);
  if (!text.starts_with('{') || end == std::string::npos) return std::nullopt;
  const std::size_t last = text.rfind('\n');
  const std::string record = text.substr(last + 1);
  return RecordedTexts{text.substr(0, end + kEnd.size()), record.starts_with('{') ? record : ""};
}

// GeoPackages have metadata, GeoJSON a description of its layer.
std::optional<RecordedTexts> read_table(const std::string& file) {
  register_gdal();
  const GdalErrors errors;
  const Dataset dataset(GDALOpenEx(file.c_str(), GDAL_OF_VECTOR, nullptr, nullptr, nullptr));
  if (!dataset) return std::nullopt;  // pictures in a GeoPackage
  if (const char* graph = GDALGetMetadataItem(dataset.get(), kGraphItem, nullptr)) {
    return texts_of(graph, GDALGetMetadataItem(dataset.get(), kRecordItem, nullptr));
  }
  OGRLayerH layer = GDALDatasetGetLayer(dataset.get(), 0);
  const char* text = layer ? GDALGetMetadataItem(layer, "DESCRIPTION", nullptr) : nullptr;
  return text ? parts_of(text) : std::nullopt;
}

std::optional<RecordedTexts> read_netcdf(const std::string& file) {
  const std::shared_ptr<const ArrayStore> store = open_netcdf(file);
  const CfAttributes& attributes = store->attributes();
  const std::string graph = text_attribute(attributes, kGraphAttribute);
  if (graph.empty()) return std::nullopt;
  return RecordedTexts{graph, text_attribute(attributes, kRecordAttribute)};
}

std::optional<RecordedTexts> read_zarr(const std::string& file) {
  const auto attributes = read_json((fs::path(file) / ".zattrs").string());
  if (!attributes) return std::nullopt;
  const Json graph = json_member(*attributes, kGraphAttribute);
  if (!graph.IsValid()) return std::nullopt;
  if (graph.GetType() != Json::Type::String) throw several_runs(file);
  const Json record = json_member(*attributes, kRecordAttribute);
  return RecordedTexts{graph.ToString(), record.IsValid() ? record.ToString() : ""};
}

}  // namespace

Error several_runs(const std::string& file) {
  return Error(ErrorCode::kInvalid,
               "several runs made it, one after the other (--append), so that none can be repeated",
               file, std::string("its attribute ") + kGraphAttribute + " holds their graphs");
}

Provenance of_file(const Provenance& run, const OutputSpec& output, const std::string& format,
                   const std::string& file) {
  Provenance out = run;
  if (run.about.empty()) return out;
  Members options;
  for (const auto& [name, value] : output.options) options.emplace_back(name, json_text(value));
  Members members = {{"format", json_text(format)}, {"options", object_text(options)}};
  // The same run into another file makes the same bytes; one of several files has to know of all.
  const std::string name = fs::path(output.file).filename().string();
  if (name.find('{') != std::string::npos) members.emplace_back("file", json_text(name));
  if (!run.folder.empty()) {
    const fs::path folder = fs::absolute(file).lexically_normal().parent_path();
    const fs::path way = fs::path(run.folder).lexically_relative(folder);
    out.about.emplace_back("folder", json_text(run.folder));
    if (!way.empty()) members.emplace_back("folder", json_text(way.string()));
  }
  out.about.emplace_back("output", object_text(members));
  return out;
}

std::string images_text(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 65536;
  std::string out;
  std::int64_t left = 0;
  for (const std::string& name : names) {
    if (const auto more = more_of(name)) {
      left += *more;
    } else if (left > 0 || out.size() + name.size() > kMost) {
      ++left;
    } else {
      if (!out.empty()) out += '\n';
      out += name;
    }
  }
  if (left == 0) return out;
  return out.append("\n").append(kAndMore).append(std::to_string(left)).append(kMore);
}

std::string record_text(const Provenance& provenance, bool appended) {
  if (provenance.about.empty()) return {};
  Members members = {{"version", std::to_string(kRecordVersion)}};
  if (appended) members.emplace_back("appended", "true");
  members.insert(members.end(), provenance.about.begin(), provenance.about.end());
  return object_text(members);
}

std::string one_text(const Provenance& provenance) {
  std::string out = provenance.graph + "\n" + images_text(provenance.sources);
  const std::string record = record_text(provenance);
  return record.empty() ? out : out + "\n" + record;
}

std::optional<RecordedTexts> read_record(const std::string& file) {
  switch (kind_of_file(file)) {
    case FileKind::kTiff:
      return read_raster(file);
    case FileKind::kFeatures:
      return read_table(file);
    case FileKind::kNetcdf:
      return read_netcdf(file);
    case FileKind::kZarr:
      return read_zarr(file);
    default:
      return std::nullopt;
  }
}

}  // namespace cube
