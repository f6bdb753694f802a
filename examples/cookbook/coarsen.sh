# Coarsen: blocks of cells become one cell, as xarray's coarsen does it.
set -eu
cube sample try
cat > coarse.json <<'EOF'
{"cube_type": "coarsen", "factor": {"x": 5, "y": 5}, "func": "median", "boundary": "pad",
 "in_cube": {"cube_type": "raster", "file": "try/archive/S2A_31UGR_20230315_0_L2A/B04.tif"}}
EOF
cube run coarse.json -o coarse.tif
