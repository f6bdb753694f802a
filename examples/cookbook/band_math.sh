# Band math: an NDVI of two files, as OTB's BandMath and gdal_calc make it.
set -eu
cube sample try
scene=try/archive/S2A_31UGR_20230315_0_L2A
cube calc "(im2b1-im1b1)/(im2b1+im1b1)" $scene/B04.tif $scene/B08.tif --name NDVI -o ndvi.tif
# The same as a graph, to keep and to go on with.
cube calc "(im2b1-im1b1)/(im2b1+im1b1)" $scene/B04.tif $scene/B08.tif --name NDVI --save ndvi.json
cube run ndvi.json -o ndvi.png
