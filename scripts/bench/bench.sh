#!/bin/sh
# bench.sh run|sat|sizes [FLAG...]: builds the bridge, its peers and the harness,
# and measures. See README.md.
set -eu
cd "$(dirname "$0")/../.."

mode=${1:-run}
[ $# = 0 ] || shift
if [ "$(id -u)" != 0 ]; then
	echo 'This needs root: it makes two network namespaces, so that nothing but the benchmark is on the wire. Try: sudo make bench-bridge' >&2
	exit 1
fi
scripts/need.sh go ip
mkdir -p bin/bench
out=$PWD/bin/bench
go build -o bin/ ./bridge ./signaling
(cd scripts/bench && go build -o "$out/bench" . && go build -o "$out/limit-fwd" ./limit/fwd && go build -o "$out/limit-lgen" ./limit/lgen)

livekit() {
	echo 'Building LiveKit (several minutes the first time) …'
	(cd scripts/bench/livekit && go build -o "$out/livekit-server" github.com/livekit/livekit-server/cmd/server)
}

# Peers that cannot be had everywhere: without them it goes on, and says so.
peers='meetbox,meetbox@rw=1,livekit,janus'
others() {
	scripts/need.sh janus
	if [ "${BENCH_MEDIASOUP:-0}" = 1 ]; then
		echo 'Building mediasoup (a quarter of an hour the first time) …'
		if scripts/need.sh node gcc mediasoup && scripts/bench/mediasoup/build.sh "$out/mediasoup" >"$out/mediasoup.log" 2>&1; then
			peers=$peers,mediasoup
		else
			echo "Without mediasoup (see $out/mediasoup.log)."
		fi
	fi
	if [ -n "${GALENE_SRC:-}" ] && (cd "$GALENE_SRC" && CGO_ENABLED=0 go build -o "$out/galene" .); then :; fi
	if [ -x "$out/galene" ]; then
		peers=$peers,galene
	else
		echo 'Without Galene: Go'\''s module proxy does not serve it. GALENE_SRC=FOLDER names its sources.'
	fi
	peers=$peers,limit
}

# How many people one core carries: in rooms of eight, whose number grows, and in
# one room that grows. Light clients, which take segmented messages whole: else
# the generator's core is full before the server's.
saturate() {
	for shape in 8x8 ''; do
		bin/bench/bench sat -tag "sat$shape" -shape "$shape" -light -gro -notwcc -window 5s -settle 2s -gap 20ms \
			-from "$([ -n "$shape" ] && echo 3 || echo 12)" -step "$([ -n "$shape" ] && echo 1 || echo 4)" -peers meetbox,livekit "$@"
	done
}

case $mode in
run)
	livekit
	others
	log=$out/figures.txt
	# Six seconds, so that estimates of bandwidth have risen before the window.
	bin/bench/bench run -reps "${BENCH_REPS:-3}" -window "${BENCH_WINDOW:-10s}" -settle 6s -peers "$peers" "$@" | tee "$log"
	[ "${BENCH_SAT:-1}" = 0 ] || saturate | tee -a "$log"
	echo
	grep '^figure: ' "$log"
	;;
sat)
	livekit
	echo 'Saturation takes both cores for some ten minutes; nothing else should run meanwhile.'
	saturate "$@"
	;;
sizes)
	exec bin/bench/bench sizes "$@"
	;;
*)
	echo "bench.sh: run, sat or sizes, not $mode" >&2
	exit 1
	;;
esac
