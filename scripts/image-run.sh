#!/bin/sh
# image-run.sh [OUT]: boots OUT/meetbox.img in QEMU, on a copy of the disk that
# is kept between runs (OUT/run/disk.img; a new image begins a new one).
#   MEETBOX_HTTPS_PORT  8443   of this machine, to the box's 443
#   MEETBOX_HTTP_PORT   8080   to its 80
#   MEETBOX_ADMIN_PORT  8444   to its 8443, the console
#   MEETBOX_MEDIA_PORT  10000  UDP, the same on the box
#   MEETBOX_MEDIA_ADDRS        this machine's addresses, comma between
#   MEETBOX_QEMU_ACCEL  tcg    software; kvm where that is known to work
#   MEETBOX_QEMU_DISPLAY none  or gtk, sdl, vnc=:1 for the box's screen
# The serial line, with the status screen, is this terminal. Stop: Ctrl-A X.
set -eu
cd "$(dirname "$0")/.."
out=${1:-out}
run=$out/run
mkdir -p "$run"
if [ ! -e "$run/disk.img" ] || [ "$out/meetbox.img" -nt "$run/disk.img" ]; then
	cp --sparse=always "$out/meetbox.img" "$run/disk.img"
	truncate -s 16G "$run/disk.img"
	cp /usr/share/OVMF/OVMF_VARS_4M.fd "$run/vars.fd"
fi
# The box sits behind a port forward: it cannot know under which addresses
# browsers reach it.
media=${MEETBOX_MEDIA_ADDRS:-127.0.0.1$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -E '^[0-9.]+$' | sed 's/^/,/' | tr -d '\n')}
https=${MEETBOX_HTTPS_PORT:-8443} http=${MEETBOX_HTTP_PORT:-8080} admin=${MEETBOX_ADMIN_PORT:-8444} udp=${MEETBOX_MEDIA_PORT:-10000}
printf '\n  The box will be at https://localhost:%s; its own addresses, shown below, are inside QEMU.\n  Stop it with Ctrl-A X.\n\n' "$https"
exec nice -n 10 qemu-system-x86_64 -name meetbox -machine q35,pit=off -accel "${MEETBOX_QEMU_ACCEL:-tcg,thread=multi}" -cpu max -smp 2 -m 1024 \
	-display "${MEETBOX_QEMU_DISPLAY:-none}" -vga std -serial mon:stdio \
	-drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
	-drive if=pflash,format=raw,unit=1,file="$run/vars.fd" \
	-drive if=none,id=disk,format=raw,file="$run/disk.img" -device nvme,serial=meetbox,drive=disk,bootindex=0 \
	-netdev "user,id=net,hostfwd=tcp::$https-:443,hostfwd=tcp::$http-:80,hostfwd=tcp::$admin-:8443,hostfwd=udp::$udp-:$udp" -device e1000e,netdev=net \
	-smbios "type=11,value=meetbox:MEETBOX_MEDIA_PORT=$udp,value=meetbox:MEETBOX_MEDIA_ADDRS=$(printf %s "$media" | sed 's/,/,,/g'),value=meetbox:MEETBOX_UPDATE_KEYS=$(cat "$out/update.pub")"
