# What a graph will do, as a picture, for graphviz and as numbers, before a pixel is read.
set -eu
cube sample try
cube catalog create try/s2.db try/archive
cube plan try/ndvi.json --svg plan.svg
cube plan try/ndvi.json --dot plan.dot --json >plan.json
