#!/bin/sh
# Runs prabench's checks and measurements on a machine that has an NVIDIA driver and
# nothing else: no Go, no compiler, no toolkit. Python with PyTorch is used if present.
#
#   ./run.sh right     checks that results are correct; 4 minutes at most, no timings
#   ./run.sh speed     measures speed, also beside PyTorch; 6 minutes at most
#   ./run.sh facts     describes this machine; some seconds
#   ./run.sh env       prints the lines that make bin/prabench find everything:
#                      eval "$(./run.sh env)"
#   ./run.sh verify    checks that the files are those that were packed
#
# right and speed leave their reports in $OUT, or in ./report: NAME.md with the
# table, NAME.log with all output, NAME.json. Please send the whole folder. Every part
# has a time limit of its own; parts that were cut off are reported as such. The exit
# status is 0 if every part passed, 1 if one did not, and 2 for a wrong command.
#
# BUDGET=seconds changes the time of all parts together, PARTS='a b' selects parts by
# name, PYTHON is another Python than python3, NEED=cublas makes a missing cuBLAS a
# failure, and ROWS=seconds ends the self-test's rows of models earlier than after 110.
# For a driver on the CPU: SHORT=1 leaves out what takes long there, and STRETCH=n
# multiplies every limit by n.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
OUT=${OUT:-$PWD/report}
PYTHON=${PYTHON:-python3}

usage() { sed -n '2,/^set -u/p' "$HERE/run.sh" | sed -e '$d' -e 's/^# \{0,1\}//'; }
have() { command -v "$1" >/dev/null 2>&1; }

# paths are folders for the loader: of the driver, where containers put it out of
# its sight. What came with the bundle is found by the programs themselves, and so
# is cuBLAS, wherever wheels or toolkits have it (PRABENCH_CUBLAS names another).
paths() {
	at=
	for dir in /usr/local/nvidia/lib64 /usr/local/nvidia/lib /usr/lib/wsl/lib /usr/lib64-nvidia; do
		[ -e "$dir/libcuda.so.1" ] && at=${at:+$at:}$dir
	done
	printf '%s' "$at"
}

setup() {
	if [ "${PRABENCH_BUNDLE:-}" != "$HERE" ]; then # a part: it was set for all
		at=$(paths)
		[ -n "$at" ] && export LD_LIBRARY_PATH="$at${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
	fi
	# What the driver compiles of our kernels is kept here and serves all parts.
	CUDA_CACHE_PATH=${CUDA_CACHE_PATH:-${TMPDIR:-/tmp}/prabench-cuda-cache}
	CUDA_CACHE_MAXSIZE=${CUDA_CACHE_MAXSIZE:-1073741824}
	HOME=${HOME:-/tmp}
	GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-30000}
	PRABENCH_CUDA_KEEP=1 PRABENCH_BUNDLE=$HERE
	export CUDA_CACHE_PATH CUDA_CACHE_MAXSIZE HOME GOMP_SPINCOUNT PRABENCH_CUDA_KEEP PRABENCH_BUNDLE
}

environment() {
	at=$(paths)
	[ -n "$at" ] && printf "export LD_LIBRARY_PATH='%s'\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}\n" "$at"
	printf "export PATH='%s':\$PATH\n" "$HERE/bin"
	printf "export CUDA_CACHE_PATH=\${CUDA_CACHE_PATH:-%s}\n" "${TMPDIR:-/tmp}/prabench-cuda-cache"
}

verify() {
	(cd "$HERE" && sed -n 's/^sha256 //p' VERSION | sha256sum -c --quiet) && echo "all files are those that were packed ($(sed -n 's/^revision //p' "$HERE/VERSION"))"
}

show() { # show COMMAND…: its output under its name, if the command is there
	if have "$1"; then
		echo "\$ $*"
		timeout 20 "$@" 2>&1 | head -n "${LINES_MOST:-60}"
	else
		echo "\$ $1: not here"
	fi
}

facts() {
	echo "bundle of $(sed -n 's/^revision //p' "$HERE/VERSION")"
	show date -u
	show uname -a
	head -n 2 /etc/os-release 2>/dev/null
	grep -m 1 'model name' /proc/cpuinfo; show nproc; grep MemTotal /proc/meminfo
	df -k "${TMPDIR:-/tmp}" /dev/shm 2>/dev/null
	show ldd --version
	show nvidia-smi
	LINES_MOST=400 show nvidia-smi -q -d CLOCK,POWER,PERFORMANCE,TEMPERATURE,MEMORY,ECC
	cat /proc/driver/nvidia/version 2>/dev/null
	for dir in /usr/local/nvidia/lib* /usr/lib/x86_64-linux-gnu; do ls -l "$dir"/libcuda.so* "$dir"/libnvidia-ml.so* 2>/dev/null; done
	{ ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null; } | grep -E 'libcuda\.so|libnvidia-ml|libcublas|libnccl|libdnnl|libgomp'
	ls -d /usr/local/cuda* 2>/dev/null
	show nvcc --version
	show ncu --version
	show compute-sanitizer --version
	if have "$PYTHON"; then
		timeout 60 "$PYTHON" -c 'import sys; print(sys.version, sys.executable); import torch; print("PyTorch", torch.__version__, "CUDA", torch.version.cuda, torch.cuda.is_available() and torch.cuda.get_device_name())' 2>&1
	else
		echo "$PYTHON: not here"
	fi
	echo "loader: ${LD_LIBRARY_PATH:-its own folders}"
	timeout 60 "$HERE/bin/prabench" doctor 2>&1
	return 0
}

# ---- parts, their limits and their table

left() { echo $((START + BUDGET - $(date +%s))); }

wanted() { # whether a part was chosen
	[ -z "${PARTS:-}" ] && return 0
	case " $PARTS " in *" $1 "*) return 0 ;; esac
	return 1
}

row() { # row NAME VERDICT SECONDS SAYS
	printf '| %s | %s | %s | %s |\n' "$1" "$2" "$3" "$4" >>"$WORK/rows"
	printf '%s{"part":"%s","verdict":"%s","seconds":%s,"says":"%s"}' "$COMMA" "$1" "$2" "${3:-0}" "$(printf '%s' "$4" | tr -d '"\\\n')" >>"$WORK/parts"
	COMMA=,
	write
}

write() { # the report as it is now
	{
		echo "# prabench bundle: $NAME"
		echo
		echo "revision $(sed -n 's/^revision //p' "$HERE/VERSION"), $(date -u +%Y-%m-%dT%H:%M:%SZ), $(($(date +%s) - START)) s of $BUDGET s"
		echo
		echo '| part | | s | |'
		echo '|---|---|--:|---|'
		cat "$WORK/rows"
		for f in "$WORK"/*.md; do [ -f "$f" ] && { echo; cat "$f"; }; done
	} >"$OUT/$NAME.md"
	{
		printf '{"command":"%s","revision":"%s","budget":%s,"parts":[' "$NAME" "$(sed -n 's/^revision //p' "$HERE/VERSION")" "$BUDGET"
		cat "$WORK/parts"
		printf ']'
		for f in "$WORK"/*.json; do [ -f "$f" ] && { printf ',"%s":' "$(basename "$f" .json)"; cat "$f"; }; done
		printf '}\n'
	} >"$OUT/$NAME.json"
}

# part NAME LIMIT COMMAND…: runs it within LIMIT seconds and what is left in all,
# keeps the end of what it says, and notes how it ended. SAYS='grep pattern' picks
# the line for the table.
part() {
	name=$1 limit=$(($2 * ${STRETCH:-1}))
	shift 2
	wanted "$name" || return 0
	remaining=$(left)
	if [ "$remaining" -lt 5 ]; then
		row "$name" "not reached" 0 "no time was left"
		FAILED=1
		return 0
	fi
	[ "$limit" -gt "$remaining" ] && limit=$remaining
	printf '%s: %s s at most\n' "$name" "$limit"
	began=$(date +%s)
	timeout -k 5 "$limit" "$@" >"$WORK/out" 2>&1 </dev/null
	rc=$?
	took=$(($(date +%s) - began))
	{
		echo "======== $name: status $rc after $took s of $limit s"
		echo "\$ $*"
		if [ "$(wc -c <"$WORK/out")" -gt 1500000 ]; then
			head -c 500000 "$WORK/out"
			echo
			echo "… (the middle is left out) …"
			tail -c 1000000 "$WORK/out"
		else
			cat "$WORK/out"
		fi
		echo
	} >>"$OUT/$NAME.log"
	says=$(grep -aE "${SAYS:-^(ok|PASS|FAIL|---)}" "$WORK/out" | tail -n 1 | cut -c 1-160 | tr '|' '/')
	case $rc in
	0) verdict=ok ;;
	77) verdict=absent says=${says:-$(tail -n 1 "$WORK/out" | cut -c 1-160)} ;; # what it needs is not here
	124 | 137) verdict='**timed out**' FAILED=1 says="after $limit s; $(tail -n 1 "$WORK/out" | cut -c 1-120 | tr '|' '/')" ;;
	*) verdict="**FAILED** ($rc)" FAILED=1 says=$(grep -aE -- '--- FAIL|FAIL|rror|panic|fatal' "$WORK/out" | head -n 1 | cut -c 1-160 | tr '|' '/') ;;
	esac
	printf '  %s after %s s\n' "$verdict" "$took"
	row "$name" "$verdict" "$took" "$says"
}

absent() { # absent NAME WHY: in the table, and no failure
	wanted "$1" && row "$1" absent 0 "$2"
	return 0
}

begin() { # begin NAME BUDGET
	NAME=$1 BUDGET=${BUDGET:-$2} START=$(date +%s) FAILED=0 COMMA=
	WORK=$OUT/$NAME.work # what is kept when somebody stops all of it
	rm -rf "$WORK"
	mkdir -p "$WORK" || exit 1
	trap 'rm -rf "$WORK"' EXIT
	export WORK
	: >"$WORK/rows"
	: >"$WORK/parts"
	: >"$OUT/$NAME.log"
	setup
	echo "prabench $NAME: at most $BUDGET s; the report goes to $OUT"
}

end() {
	write
	echo
	sed -n '/^| part |/,/^$/p' "$OUT/$NAME.md"
	echo "send back: $OUT/$NAME.md, $NAME.json, $NAME.log"
	exit "$FAILED"
}

selftest() { # selftest PARTS ARGUMENTS…
	only=$1
	shift
	cd "$HERE/bin" && exec ./selftest -test.run '^TestSelftest$' -test.count=1 -test.timeout 0 -only "$only" \
		-revision "$(sed -n 's/^revision //p' "$HERE/VERSION")" "$@"
}

tests() { # tests PROGRAM FOLDER ARGUMENTS…: in the folder that has its testdata
	program=$1 folder=$2
	shift 2
	cd "$HERE/$folder" && exec "$HERE/bin/$program" -test.count=1 -test.timeout 0 "$@"
}

sanitized() { # sanitized TOOL: kernels under NVIDIA's checker, where it is, as far as its time goes
	have compute-sanitizer || { echo "compute-sanitizer is not here"; exit 77; }
	cd "$HERE/test" || exit 1
	timeout 35 compute-sanitizer --tool "$1" --error-exitcode 99 "$HERE/bin/cudatests" -test.count=1 -test.timeout 0 -test.v \
		-test.run 'TestConformance$/^(Norm|ModNorm|BiasActBackward|WeightedError|AttentionDecode|Attention)$|TestRecord$' >"$WORK/sanitized" 2>&1
	rc=$?
	cat "$WORK/sanitized"
	if [ $rc = 124 ] && ! grep -qE 'Invalid|hazard|Error:|--- FAIL' "$WORK/sanitized"; then
		echo "$1: stopped after 35 s; nothing was found in $(grep -c -- '--- PASS' "$WORK/sanitized") tests"
		exit 0
	fi
	exit $rc
}

profiled() { # a launch of every kernel, by its counters: of sampling, of training, and of decoding late in an image
	have ncu || { echo "ncu is not here"; exit 77; }
	cd "$HERE/bin" || exit 1
	: >"$WORK/ncu"
	look() { # look SECONDS PART ARGUMENTS…
		limit=$1 only=$2
		shift 2
		timeout "$limit" env PRABENCH_CUDA_NO_GRAPHS=1 ncu --clock-control none --set basic "$@" \
			./selftest -test.run '^TestSelftest$' -test.timeout 0 -only ops -ops "$only" 2>&1 | tee "$WORK/ncu.part"
		cat "$WORK/ncu.part" >>"$WORK/ncu"
	}
	# The hundredth launch of each kernel: what an AR step asks for once has come by then.
	look 40 sampling --kernel-id '::regex:.*:100'
	look 15 sampling --kill yes -k 'regex:decode' -s 1500 -c 1
	look 30 training --kernel-id '::regex:.*:2'
	if [ "$(grep -c Duration "$WORK/ncu")" -lt 5 ]; then # another ncu may read that differently
		for kernel in gemm norm attention bias flow; do look 12 training --kill yes -k "regex:$kernel" -s 3 -c 2; done
	fi
	{
		echo '# Kernels by ncu, a launch each'
		echo
		echo '```'
		grep -E '^  [A-Za-z_][^ ]* \(|^  [A-Za-z_].*Context [0-9]|  Duration |  DRAM Throughput|  Memory Throughput|  Compute \(SM\) Throughput|Registers Per Thread|  Achieved Occupancy' "$WORK/ncu"
		echo '```'
	} >"$WORK/ncu.md"
	found=$(grep -c '  Duration ' "$WORK/ncu")
	echo "ncu: $found launches measured"
	[ "$found" -ge 5 ]
}

beside() { # PyTorch beside ours, where there is a PyTorch that sees the device
	have "$PYTHON" || { echo "$PYTHON is not here"; exit 77; }
	cd "$HERE/py" && exec "$PYTHON" -u ongpu.py --ours "$HERE/bin/ours" "$@"
}

right() {
	begin right 240
	SAYS='^revision|packed' part verify 20 sh "$HERE/run.sh" verify
	SAYS='PyTorch|not here' part facts 60 sh "$HERE/run.sh" facts
	SAYS='failures|report' part selftest 100 sh "$HERE/run.sh" part selftest right ${SHORT:+-test.short} ${NEED:+-need "$NEED"} -report "$WORK/selftest.md"
	part cudatests 60 sh "$HERE/run.sh" part tests cudatests test ${SHORT:+-test.short} -test.skip '^(TestConformance|TestShapes|TestErrors|TestMutants)'
	part models 70 sh "$HERE/run.sh" part tests modelstests test/models/pra ${SHORT:+-test.short} -test.run 'TestCUDA|TestOracleCUDA|TestLaw'
	SAYS='ERROR SUMMARY|not here|^memcheck' part memcheck 40 sh "$HERE/run.sh" part sanitized memcheck
	SAYS='RACECHECK SUMMARY|ERROR SUMMARY|not here|^racecheck' part racecheck 40 sh "$HERE/run.sh" part sanitized racecheck
	SAYS='^PyTorch|not here|no CUDA' part pytorch 100 sh "$HERE/run.sh" part beside --only-equal --train 16 --precisions fp32 bf16 --seconds 90 --report "$WORK/pytorch"
	part errors 30 sh "$HERE/run.sh" part tests cudatests test -test.run '^TestErrors$' # last: it breaks a context
	end
}

speed() { # what is most asked for first: a small budget cuts off the end
	begin speed 360
	SAYS='PyTorch|not here' part facts 60 sh "$HERE/run.sh" facts
	SAYS='^PyTorch|not here|no CUDA' part pytorch 120 sh "$HERE/run.sh" part beside --precisions bf16 --seconds 108 --report "$WORK/pytorch"
	SAYS='failures|report' part selftest 130 sh "$HERE/run.sh" part selftest ops,speed,models ${SHORT:+-test.short} -budget "${ROWS:-110}s" -report "$WORK/selftest.md"
	SAYS='not here|^ncu:' part ncu 90 sh "$HERE/run.sh" part profiled
	end
}

[ $# -gt 0 ] || { usage; exit 2; }
command=$1
shift
case $command in
right | speed) "$command" ;;
facts) setup; facts ;;
env) environment ;;
verify) verify ;;
part) "$@" ;; # one part alone, as right and speed call it
help | -h | --help) usage ;;
*) usage; exit 2 ;;
esac
