# A run that tells where its time went: as a table, as JSON and as a picture of the graph.
set -eu
cube sample try
cube catalog create try/s2.db try/archive
cube run try/ndvi.json -o ndvi.nc -v --stats stats.json --stats-svg time.svg
grep thread_seconds stats.json
test -s time.svg
