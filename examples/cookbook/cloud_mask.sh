# Clouds cut out of a picture of three bands, into a COG: a class layer of half the resolution says
# where they are, and the picture is read from the overview that matches it. Nothing is resampled.
set -eu
cube sample try
scene=$PWD/try/archive/S2A_31UGR_20230315_0_L2A
# The picture: uint8, 0 is nodata, with overviews.
cube calc "clamp(im1b1/20, 1, 255); clamp(im2b1/20, 1, 255); clamp(im2b1/30, 1, 255)" \
  $scene/B08.tif $scene/B04.tif --dtype uint8 --nodata 0 --name nir,red,dark \
  --format COG --co BLOCKSIZE=256 -o picture.tif
cube run "$(dirname "$0")/cloud_mask.json" --set image="$PWD/picture.tif" \
  --set classes=$scene/SCL.tif --format COG -o clear.tif -o clear.png
