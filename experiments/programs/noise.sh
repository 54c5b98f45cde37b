#!/bin/sh
# The smallest program for prabench's [[external]]: noise of one mean grey, by the shell
# and awk alone. docs/reference/outside.md has the contract.
set -eu
number() { sed -n "s/^ *\"$1\": *\([0-9]*\),*$/\1/p" "$job"; }
path() { sed -n "s/^ *\"$1\": *\"\(.*\)\",*$/\1/p" "$job"; }
job=$1
size=$(number size)
channels=$(number channels)
seed=$(number seed)
mean=$(number mean)

# draw N: N images as bytes, a function of the seed
draw() {
	LC_ALL=C awk -v n=$(($1 * size * size * channels)) -v seed="$seed" -v mean="$mean" \
		'BEGIN { srand(seed); for (i = 0; i < n; i++) printf "%c", int(mean / 2 + rand() * mean) % 127 + 1 }'
}

if grep -q '"task": "sample"' "$job"; then
	n=$(number count)
	shape="{'descr': '|u1', 'fortran_order': False, 'shape': ($n, $size, $size, $channels), }"
	images=$(path images)
	{ printf '\223NUMPY\1\0v\0%-117s\n' "$shape" && draw "$n"; } >"${images%z}y" # NumPy's format, version 1
else
	while read -r n; do
		draw "$n" >/dev/null
		echo "{\"done\": $n}"
	done
fi
