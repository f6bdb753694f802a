#!/usr/bin/env bash
# Submits an output in parts, and what makes it of them: submit.sh GRAPH OUTPUT [PARTS]
set -eu
graph=$1 output=$2 parts=${3:-8}
here=$(cd "$(dirname "$0")" && pwd)
array=$(PARTS=$parts sbatch --parsable --export=ALL --array="0-$((parts - 1))" "$here/parts.sbatch" "$graph" "$output")
# Waits for all of them; where one failed it says which parts are to be run again.
sbatch --parsable --dependency="afterany:$array" --job-name=cube-finish --wrap="cube finish '$output'"
echo "when parts are missing: PARTS=$parts sbatch --array=3,5 $here/parts.sbatch $graph $output" >&2
