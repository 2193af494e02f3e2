#!/bin/sh
# build.sh FOLDER: mediasoup with its worker, built from npm's package. Takes
# some minutes the first time. 3.8.4 (2021) is the newest release whose package
# has all sources; later ones fetch some, or a program, from elsewhere.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
worker=node_modules/mediasoup/worker
cp "$here/server.cjs" "$here/package.json" "$here/package-lock.json" .
[ -x $worker/out/Release/mediasoup-worker ] && exit 0
npm ci --ignore-scripts --no-audit --no-fund
cd $worker
# Python has moved the classes of collections since.
sed -i 's/^import collections$/import collections.abc as collections/' deps/gyp/pylib/gyp/common.py
# And SIGSTKSZ is no constant any more.
sed -i 's/SIGSTKSZ/65536/' deps/libwebrtc/deps/abseil-cpp/abseil-cpp/absl/debugging/failure_signal_handler.cc
python3 ./scripts/configure.py -R mediasoup-worker
make -s -j"$(nproc)" BUILDTYPE=Release -C out
