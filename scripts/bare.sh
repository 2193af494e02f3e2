#!/bin/sh
# bare.sh OUT: builds OUT/bare.img, gokrazy's own system with one program that
# says hello, on our boot partition; after scripts/image.sh OUT, whose tools it
# uses. For comparing how long the box takes to start.
set -eu
cd "$(dirname "$0")/.."
out=$(cd "$1" && pwd)
parts=$out/parts
export GOTOOLCHAIN=local GOWORK=off PATH="$PATH:/usr/sbin:/sbin"
disk=4d454554-424f-5800-9000-000000000000
(
	cd image
	GOFLAGS="-trimpath -buildvcs=false '-ldflags=-s -w'" "$parts/gok" --parent_dir=. -i bare overwrite --root="$parts/bare.root"
) >"$parts/bare.log" 2>&1 || { tail -n 30 "$parts/bare.log" >&2; exit 1; }
cat >"$parts/bare.conf" <<END
title bare
linux /a/vmlinuz
options console=tty1 console=ttyS0,115200 root=PARTUUID=${disk%00}01/PARTNROFF=1 ro rootwait init=/gokrazy/init panic=10 oops=panic pci=nommconf no_timer_check quiet loglevel=4
END
"$parts/mkimage" -disk "$disk" -o "$out/bare.img" -root "$parts/bare.root" -perm image/box/extra/share/perm.ext4 \
	-esp EFI/BOOT/BOOTX64.EFI="$parts/gok.src/third_party/systemd-250.5-1/systemd-bootx64.efi" \
	-esp loader/loader.conf="$parts/loader.conf" \
	-esp loader/entries/s000001-a.conf="$parts/bare.conf" \
	-esp a/vmlinuz="$out/vmlinuz"
