#!/bin/sh
# firmware.sh OUT: puts the firmware that network cards want into OUT: Realtek's
# (rtl_nic), with its copyright. Intel's cards with UEFI machines want none.
#
# It comes from one version of a Debian package, known by its checksum, and is
# kept in the user's cache: fetched once from the mirror that this machine's
# apt uses (its component need not be switched on), or put there by hand.
set -eu
out=$1
name=firmware-realtek_20230210-5_all.deb
sum=586ce39fc23f8b1d121bd430f5e187c80701df650f4baba05771d828444b075c
place=pool/non-free-firmware/f/firmware-nonfree/$name
cache=${XDG_CACHE_HOME:-$HOME/.cache}/meetbox

good() { [ -e "$cache/$name" ] && echo "$sum  $cache/$name" | sha256sum -c --status; }

fail() {
	printf 'firmware: %s\nPut %s (SHA-256 %s), from a Debian mirror below %s, into %s.\n' "$1" "$name" "$sum" "${place%/*}" "$cache" >&2
	exit 1
}

mkdir -p "$cache" "$out"
if ! good; then
	[ -x /usr/lib/apt/apt-helper ] || fail 'this is not Debian'
	site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Component: main' | grep -m 1 '/debian/*$') || fail 'apt knows no mirror of Debian'
	/usr/lib/apt/apt-helper -q download-file "${site%/}/$place" "$cache/$name" "SHA256:$sum" >&2 || fail 'could not be fetched'
	good || fail 'the package is another one'
fi
dpkg-deb -x "$cache/$name" "$out/package"
mkdir -p "$out/rtl_nic"
cp "$out"/package/lib/firmware/rtl_nic/rtl81[0-6]*.fw "$out"/package/lib/firmware/rtl_nic/rtl84*.fw "$out/rtl_nic/"
rm -f "$out"/rtl_nic/rtl815*.fw # of adapters on USB, for which the kernel has no driver
cp "$out/package/usr/share/doc/firmware-realtek/copyright" "$out/copyright"
rm -rf "$out/package"
