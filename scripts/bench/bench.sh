#!/bin/sh
# bench.sh run|sat [FLAG...]: builds the bridge, its peers and the harness, and
# measures. See README.md.
set -eu
cd "$(dirname "$0")/../.."

mode=${1:-run}
[ $# = 0 ] || shift
if [ "$(id -u)" != 0 ]; then
	echo 'This needs root: it makes two network namespaces, so that nothing but the benchmark is on the wire. Try: sudo make bench-bridge' >&2
	exit 1
fi
scripts/need.sh go ip janus
mkdir -p bin/bench
out=$PWD/bin/bench
go build -o bin/ ./bridge ./signaling
(cd scripts/bench && go build -o "$out/bench" . && go build -o "$out/limit-fwd" ./limit/fwd && go build -o "$out/limit-lgen" ./limit/lgen)
echo 'Building LiveKit (several minutes the first time) …'
(cd scripts/bench/livekit && go build -o "$out/livekit-server" github.com/livekit/livekit-server/cmd/server)

case $mode in
run)
	# Six seconds, so that estimates of bandwidth have risen before the window.
	exec bin/bench/bench run -reps "${BENCH_REPS:-3}" -window "${BENCH_WINDOW:-10s}" -settle 6s "$@"
	;;
sat)
	echo 'Saturation takes both cores for about a quarter of an hour; nothing else should run meanwhile.'
	exec bin/bench/bench sat -tag sat -light -notwcc -window 6s -settle 2s -gap 20ms -peers meetbox,livekit "$@"
	;;
*)
	echo "bench.sh: run or sat, not $mode" >&2
	exit 1
	;;
esac
