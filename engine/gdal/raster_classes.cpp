#include "engine/gdal/raster_classes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/gdal/handles.h"
#include "engine/text.h"
#include "engine/xml_text.h"

namespace cube {

namespace {

constexpr double kMostCategories = 65536;
constexpr Rgba kBlack = {0, 0, 0, 255};

struct TableDestroy {
  void operator()(GDALColorTableH table) const { GDALDestroyColorTable(table); }
};

// What metadata say in CF's words.
BandClasses stated_flags(GDALRasterBandH band) {
  const auto item = [&](const char* key) -> std::string {
    const char* text = GDALGetMetadataItem(band, key, nullptr);
    return text ? text : "";
  };
  if (!item("flag_masks").empty()) return {};
  Flags flags{{}, item("flag_meanings"), item("flag_colors")};
  for (const std::string& word : words_of(item("flag_values"))) {
    const auto value = parse_number(word);
    if (!value) return {};
    flags.values.push_back(*value);
  }
  return classes_of(flags);
}

void add_colours(GDALColorTableH table, std::map<double, BandClass>& classes) {
  if (!table || GDALGetPaletteInterpretation(table) != GPI_RGB) return;
  const auto colour_of = [&](int i) -> Rgba {
    const GDALColorEntry* entry = GDALGetColorEntry(table, i);
    return {static_cast<std::uint8_t>(entry->c1), static_cast<std::uint8_t>(entry->c2),
            static_cast<std::uint8_t>(entry->c3), static_cast<std::uint8_t>(entry->c4)};
  };
  int count = GDALGetColorEntryCount(table);
  // Tables are filled up with black to the end of the type.
  while (count > 0 && !classes.contains(count - 1) && colour_of(count - 1) == kBlack) --count;
  for (int i = 0; i < count; ++i) classes[i].colour = colour_of(i);
}

bool is_category(const BandClass& one) {
  return !one.name.empty() && one.value >= 0 && one.value < kMostCategories &&
         one.value == static_cast<double>(static_cast<int>(one.value));
}

}  // namespace

BandClasses classes_of(GDALRasterBandH band) {
  std::map<double, BandClass> classes;
  for (BandClass& one : stated_flags(band)) classes[one.value] = std::move(one);
  char** names = GDALGetRasterCategoryNames(band);
  for (int i = 0; names && names[i]; ++i) {
    if (*names[i]) classes[i].name = names[i];
  }
  add_colours(GDALGetRasterColorTable(band), classes);
  BandClasses out;
  for (auto& [value, one] : classes) {
    out.push_back(std::move(one));
    out.back().value = value;
  }
  return out;
}

void set_classes(GDALRasterBandH band, const BandClasses& classes, bool with_table) {
  const Flags flags = flags_of(classes);
  const auto set = [&](const char* key, const std::string& text) {
    if (!text.empty()) GDALSetMetadataItem(band, key, text.c_str(), nullptr);
  };
  std::vector<std::string> values;
  for (const double value : flags.values) values.push_back(number_text(value));
  set("flag_values", join(values, ","));
  set("flag_meanings", flags.meanings);
  set("flag_colors", flags.colours);
  if (!with_table) return;
  const std::unique_ptr<void, TableDestroy> table(GDALCreateColorTable(GPI_RGB));
  for (const BandClass& one : classes) {
    if (!one.colour) continue;
    const Rgba& colour = *one.colour;
    const GDALColorEntry entry = {colour[0], colour[1], colour[2], colour[3]};
    GDALSetColorEntry(table.get(), static_cast<int>(one.value), &entry);
  }
  GDALSetRasterColorTable(band, table.get());
}

bool has_colour_table(const BandClasses& classes, DType dtype) {
  return have_colours(classes) && (dtype == DType::kUInt8 || dtype == DType::kUInt16);
}

std::string category_sidecar(const std::vector<BandClasses>& bands) {
  std::string out;
  for (std::size_t b = 0; b < bands.size(); ++b) {
    const auto last = std::ranges::find_if(bands[b].rbegin(), bands[b].rend(), is_category);
    if (last == bands[b].rend()) continue;
    std::vector<std::string> names(static_cast<std::size_t>(last->value) + 1);
    for (const BandClass& one : bands[b]) {
      if (is_category(one)) names[static_cast<std::size_t>(one.value)] = xml_text(one.name);
    }
    out += "  <PAMRasterBand band=\"" + std::to_string(b + 1) + "\">\n    <CategoryNames>\n";
    for (const std::string& name : names) out += "      <Category>" + name + "</Category>\n";
    out += "    </CategoryNames>\n  </PAMRasterBand>\n";
  }
  return out.empty() ? out : "<PAMDataset>\n" + out + "</PAMDataset>\n";
}

}  // namespace cube
