# Superimpose: an image onto the grid of another one, as OTB's Superimpose and rioxarray's
# reproject_match do it, and into another CRS, as gdalwarp does.
set -eu
cube sample try
scene=try/archive/S2A_31UGR_20230315_0_L2A
cube warp $scene/SCL.tif --like $scene/B04.tif -o classes_10m.tif
cube warp $scene/B04.tif $scene/B08.tif --srs EPSG:3857 --res 25 -r bilinear --nodata 0 -o mercator.tif
# An image without a grid, which control points place: polynomials or thin plate splines.
gdal_translate -q -a_srs EPSG:4326 -gcp 0 0 3.0 45.0 -gcp 100 0 3.01 45.001 -gcp 0 100 2.999 44.99 \
  -gcp 100 100 3.01 44.991 -srcwin 0 0 100 100 $scene/B04.tif points.tif
cube warp points.tif --srs EPSG:32631 --tps --fill 0 -r cubic -o placed.tif
