#include "engine/gdal/parts_mosaic.h"

#include <cpl_minixml.h>
#include <gdal_priv.h>

#include <memory>

#include "engine/gdal/geotiff_describe.h"
#include "engine/gdal/handles.h"

namespace cube {

namespace {

struct XmlFree {
  void operator()(CPLXMLNode* node) const { CPLDestroyXMLNode(node); }
};
using Xml = std::unique_ptr<CPLXMLNode, XmlFree>;

// A VRT of one file, as GDAL makes it.
Xml vrt_of(const std::string& path, const std::string& output) {
  const GdalErrors errors;
  const GDALDatasetUniquePtr file(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER));
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("VRT");
  if (!file || !driver) throw unwritable(output, errors.first());
  const GDALDatasetUniquePtr vrt(
      driver->CreateCopy("", file.get(), FALSE, nullptr, nullptr, nullptr));
  char** text = vrt ? vrt->GetMetadata("xml:VRT") : nullptr;
  if (!text || !*text) throw unwritable(output, errors.first());
  return Xml(CPLParseXMLString(*text));
}

void remove_children(CPLXMLNode* parent, const char* name) {
  CPLXMLNode* child = parent->psChild;
  while (child) {
    CPLXMLNode* next = child->psNext;
    if (child->eType == CXT_Element && EQUAL(child->pszValue, name)) {
      CPLRemoveXMLChild(parent, child);
      CPLDestroyXMLNode(child);
    }
    child = next;
  }
}

void add_box(CPLXMLNode* source, const char* name, const Region& box) {
  CPLXMLNode* node = CPLCreateXMLNode(source, CXT_Element, name);
  const auto put = [&](const char* key, std::int64_t value) {
    CPLAddXMLAttributeAndValue(node, key, std::to_string(value).c_str());
  };
  put("xOff", box.x.begin);
  put("yOff", box.y.begin);
  put("xSize", box.x.size());
  put("ySize", box.y.size());
}

void add_source(CPLXMLNode* band, const std::string& name, int number, const Region& box) {
  CPLXMLNode* source = CPLCreateXMLNode(band, CXT_Element, "SimpleSource");
  CPLXMLNode* file = CPLCreateXMLElementAndValue(source, "SourceFilename", name.c_str());
  CPLAddXMLAttributeAndValue(file, "relativeToVRT", "1");
  CPLCreateXMLElementAndValue(source, "SourceBand", std::to_string(number).c_str());
  add_box(source, "SrcRect", box);
  add_box(source, "DstRect", box);
}

}  // namespace

std::vector<Region> boxes_of(const Tiling& tiling, const Range& chunks) {
  const ChunkShape counts = tiling.counts();
  const ChunkShape& shape = tiling.shape;
  const std::int64_t layer = counts.y * counts.x;
  std::vector<Region> out;
  const auto add = [&](std::int64_t t, const Range& rows, const Range& columns) {
    if (rows.empty() || columns.empty()) return;
    out.push_back(intersect(tiling.extent, {{t * shape.t, (t + 1) * shape.t},
                                            {rows.begin * shape.y, rows.end * shape.y},
                                            {columns.begin * shape.x, columns.end * shape.x}}));
  };
  for (std::int64_t t = chunks.begin / layer; t * layer < chunks.end; ++t) {
    const Range in_layer = intersect(Range{0, layer}, chunks.shifted(-t * layer));
    const std::int64_t first = in_layer.begin / counts.x;
    const std::int64_t last = in_layer.end / counts.x;
    const Range begun{in_layer.begin % counts.x, counts.x};
    const Range ended{0, in_layer.end % counts.x};
    if (first == last) {
      add(t, {first, first + 1}, {begun.begin, ended.end});
      continue;
    }
    const std::int64_t whole = begun.begin > 0 ? first + 1 : first;
    if (whole > first) add(t, {first, whole}, begun);
    add(t, {whole, last}, {0, counts.x});
    add(t, {last, last + 1}, ended);
  }
  return out;
}

std::string mosaic_text(const std::vector<MosaicPart>& parts, const Tiling& tiling,
                        const FilePart& file) {
  const Xml vrt = vrt_of(parts.front().path, file.file);
  CPLXMLNode* root = vrt ? CPLGetXMLNode(vrt.get(), "=VRTDataset") : nullptr;
  if (!root) throw unwritable(file.file, "GDAL makes no VRT");
  std::vector<CPLXMLNode*> bands;
  for (CPLXMLNode* node = root->psChild; node; node = node->psNext) {
    if (node->eType != CXT_Element || !EQUAL(node->pszValue, "VRTRasterBand")) continue;
    remove_children(node, "SimpleSource");
    remove_children(node, "ComplexSource");
    bands.push_back(node);
  }
  for (const MosaicPart& part : parts) {
    for (const Region& box : boxes_of(tiling, part.chunks)) {
      const Range slices = intersect(box.t, file.slices).shifted(-file.slices.begin);
      for (std::size_t b = 0; b < file.info.bands.size(); ++b) {
        for (std::int64_t t = slices.begin; t < slices.end; ++t) {
          const int number = band_number(file.info, b, t);
          add_source(bands.at(static_cast<std::size_t>(number) - 1), part.name, number, box);
        }
      }
    }
  }
  char* text = CPLSerializeXMLTree(root);
  std::string out(text ? text : "");
  CPLFree(text);
  return out;
}

}  // namespace cube
