// RAII for the C handles of GDAL's vector side (OGR).
// Only files of engine/gdal include this.
#pragma once

#include <ogr_api.h>

#include <memory>
#include <string>
#include <type_traits>

#include "engine/gdal/handles.h"

namespace cube {

struct GeometryDestroy {
  void operator()(OGRGeometryH geometry) const { OGR_G_DestroyGeometry(geometry); }
};
using Geometry = std::unique_ptr<std::remove_pointer_t<OGRGeometryH>, GeometryDestroy>;

struct FeatureDestroy {
  void operator()(OGRFeatureH feature) const { OGR_F_Destroy(feature); }
};
using FeatureHandle = std::unique_ptr<std::remove_pointer_t<OGRFeatureH>, FeatureDestroy>;

// The geometry of a WKB that was made by wkb_of(); null for "".
Geometry geometry_of(const std::string& wkb);

// "" for an empty geometry.
std::string wkb_of(OGRGeometryH geometry);

}  // namespace cube
