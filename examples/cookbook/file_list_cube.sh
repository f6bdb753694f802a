# A cube of dated files, without a catalog: mean and median over time, to Zarr and back again.
set -eu
cube sample try
cat > series.json <<'JSON'
{"cube_type": "simple_cube", "files": "try/archive/S2?_31UGR_*/B08.tif",
 "datetime_pattern": "_([0-9]{8})_", "datetime_format": "%Y%m%d", "band_names": ["nir"]}
JSON
cat > mean_median.json <<'JSON'
{"cube_type": "reduce_time", "reducer_bands": [["mean", "nir"], ["median", "nir"]],
 "in_cube": {"cube_type": "saved", "file": "series.json"}}
JSON
cube run series.json -o series.zarr
cube run mean_median.json -o mean_median.tif
# The Zarr is a source of the same cube.
cat > again.json <<'JSON'
{"cube_type": "reduce_time", "reducer_bands": [["mean", "nir"], ["median", "nir"]],
 "in_cube": {"cube_type": "zarr", "file": "series.zarr", "auto_unpack": false}}
JSON
cube info series.zarr
cube run again.json -o again.tif
# One date after another: the slices of a run are put behind those that are there.
for date in 20230114 20230218 20230315; do
  cat > date.json <<JSON
{"cube_type": "simple_cube", "files": "try/archive/S2?_31UGR_${date}_*/B08.tif",
 "datetime_pattern": "_([0-9]{8})_", "datetime_format": "%Y%m%d", "band_names": ["nir"]}
JSON
  cube run date.json -o dates.zarr --append
done
cube info dates.zarr
