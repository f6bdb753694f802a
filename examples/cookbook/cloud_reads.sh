# Cloud reads: files on a server as sources, and what that takes. A server of the tests stands in for
# the cloud.
set -eu
cube sample try
python3 "$(dirname "$0")"/../../tests/range_server.py try/archive address &
trap "kill $!" EXIT
until [ -s address ]; do sleep 0.1; done
scene=$(cat address)/S2A_31UGR_20230315_0_L2A
cube calc "(im2b1-im1b1)/(im2b1+im1b1)" $scene/B04.tif $scene/B08.tif --stats stats.json -v -o ndvi.tif
grep -A 3 '"network"' stats.json
