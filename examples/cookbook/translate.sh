# Badly stored files (striped, uncompressed, pixel by pixel) become COGs with overviews.
set -eu
cube sample try
scene=try/archive/S2A_31UGR_20230315_0_L2A
gdal_translate -q -co TILED=NO -co COMPRESS=NONE $scene/B04.tif striped.tif
cube translate striped.tif --format COG --co COMPRESS=ZSTD --co BLOCKSIZE=256 -o cog.tif
cube translate --to cogs --format COG $scene/*.tif
cube translate --to cogs --format COG $scene/*.tif  # what is there already is left
