# Pictures: a film of a year and a quick look in true colours of one's own choice.
set -eu
cube sample try
cube catalog create try/s2.db try/archive
cube run try/monthly.json -o ndvi.gif --co RAMP=RdYlGn --co LEGEND=YES
cube run try/monthly.json -o ndvi.webp --co RAMP=RdYlGn --co SIZE=800 --co FPS=4
cube run try/ndvi.json -o ndvi.png --co PERCENTILES=5,95 --co LEGEND=YES
# What values there are, and the series of a pixel as a chart.
cube hist try/ndvi.json --svg values.svg
cat > pixel.json <<'JSON'
{"cube_type": "slice_space", "ix": 100, "iy": 200, "in_cube": {"cube_type": "saved", "file": "try/monthly.json"}}
JSON
cube run pixel.json -o pixel.svg --co TITLE="NDVI of a pixel"
