#!/bin/sh
# image.sh [OUT]: builds the box's disk image into OUT (out):
#   meetbox.img   to write to a disk or stick
#   meetbox.update  the same for a box that runs already, signed
#   update.pub    the public key that it is signed with
#   root.img      the root file system in it
#   vmlinuz       the kernel in it
#   sbom.cdx.json what it is made of (CycloneDX)
#   licences.txt  and under which terms
#   SHA256SUMS
# The same commit gives the same bytes, in any folder. Needs no root; with warm
# caches (Go's modules, scripts/firmware.sh), no network. MEETBOX_BOOT_SETTINGS
# names a file to put on the image in place of image/box/meetbox.txt.
# MEETBOX_SIGNING_KEY names a secret key (appliance/mkupdate makes them, or
# minisign): the update is signed with it, and the image trusts it. Without one
# the update is signed with a key of this user, made at the first time, which
# the image does not know: so nothing of this user gets into the image.
# MEETBOX_VERSION and MEETBOX_COUNTER stand for the commit and its time; a box
# only takes updates with a higher counter than its own.
# For tests: MEETBOX_BUILD_FLAGS are further flags of "go build", and
# MEETBOX_UPDATE_ONLY=1 leaves out what is not needed for an update.
# MEETBOX_DEBUG=1 adds a shell on the serial line, for developers only.
set -eu
cd "$(dirname "$0")/.."
out=${1:-out}
begun=$(date +%s)
mkdir -p "$out"
out=$(cd "$out" && pwd)
settings=${MEETBOX_BOOT_SETTINGS:-image/box/meetbox.txt}
parts=$out/parts
mkdir -p "$parts"
umask 022
export GOTOOLCHAIN=local GOWORK=off PATH="$PATH:/usr/sbin:/sbin"
say() { printf '%s\n' "$*" >&2; }

# All times in the image are the commit's.
version=${MEETBOX_VERSION:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)}
counter=${MEETBOX_COUNTER:-$epoch}
# The base of all partitions' GUIDs; the kernel finds its root by it.
disk=4d454554-424f-5800-8000-000000000000

say 'image: tools'
gok=$(cd image/tools && go list -f '{{.Module.Dir}}' github.com/gokrazy/tools/cmd/gok) # which fetches it, if need be
# gok with three files of ours, so that nothing of this machine gets into the
# image: see image/tools/gok/README.md.
rm -rf "$parts/gok.src"
cp -r "$gok" "$parts/gok.src"
chmod -R u+w "$parts/gok.src"
rm "$parts/gok.src/internal/packer/cacerts_linux.go"
for f in cacerts localtime; do cp "image/tools/gok/$f.go.txt" "$parts/gok.src/internal/packer/$f.go"; done
cp image/tools/go.sum "$parts/gok.sum"
sed '/^go /a replace github.com/gokrazy/tools => '"$parts/gok.src" image/tools/go.mod >"$parts/gok.mod"
(
	cd image/tools
	export GOFLAGS='-buildvcs=false' CGO_ENABLED=0
	go build -o "$parts/" ./imgnorm ./mkimage ./bom
	go build -modfile "$parts/gok.mod" -o "$parts/" github.com/gokrazy/tools/cmd/gok
)
GOFLAGS=-buildvcs=false CGO_ENABLED=0 go build -o "$parts/" ./appliance/mkupdate
kernel=$(cd image/box/builddir/github.com/gokrazy && go list -f '{{.Dir}}' github.com/gokrazy/kernel.amd64)

# gok lets the go command write go.mod; here nothing may change in it.
cp go.mod "$parts/go.mod.before"
cp go.sum "$parts/go.sum.before"
restore() {
	cmp -s go.mod "$parts/go.mod.before" || cp "$parts/go.mod.before" go.mod
	cmp -s go.sum "$parts/go.sum.before" || { say 'image: go.sum was incomplete'; cp "$parts/go.sum.before" go.sum; }
}
trap restore EXIT

# Everything that mke2fs would draw by lot or from the clock is given.
extra=image/box/extra
rm -rf "$extra"
# A single file would be in the root with the name of its folder here.
mkdir -p "$extra/share"
truncate -s 128M "$extra/share/perm.ext4"
E2FSPROGS_FAKE_TIME=$epoch mke2fs -q -t ext4 -b 4096 -i 16384 -J size=16 -L perm -e remount-ro \
	-U "${disk%00}f0" -E "hash_seed=${disk%00}f1,root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,nodiscard" "$extra/share/perm.ext4"
scripts/firmware.sh "$extra/firmware"
if [ -n "${MEETBOX_DEBUG:-}" ]; then
	cp "$(command -v busybox)" "$extra/busybox"
	instance=box-debug
	rm -rf image/box-debug
	mkdir image/box-debug
	ln -s ../box/builddir ../box/extra ../box/keys image/box-debug/
	sed 's|"ExtraFilePaths": {|&\n                "/bin/busybox": "extra/busybox",|' image/box/config.json >image/box-debug/config.json
else
	instance=box
fi

say 'image: root file system'
(
	cd image # with a relative path, so that the folder's name gets into nothing
	export GOFLAGS="-trimpath -buildvcs=false '-ldflags=-s -w -buildid= -X main.release=$version -X main.counter=$counter -X main.built=$epoch' ${MEETBOX_BUILD_FLAGS:-}"
	"$parts/gok" --parent_dir=. -i "$instance" overwrite --root="$out/root.img"
) >"$parts/gok.log" 2>&1 || { tail -n 30 "$parts/gok.log" >&2; exit 1; }
"$parts/imgnorm" -time "$epoch" "$out/root.img"
cp "$kernel/vmlinuz" "$out/vmlinuz"
chmod 644 "$out/vmlinuz"

say 'image: update'
# The kernel's test of its timer is for PCs older than UEFI, and fails, in a panic,
# where an emulated machine without the i8254 has to wait for its processor.
options='console=tty1 console=ttyS0,115200 ro rootwait init=/gokrazy/init panic=10 oops=panic pci=nommconf no_timer_check quiet loglevel=4'
key=${MEETBOX_SIGNING_KEY:-}
if [ -z "$key" ]; then
	key=${XDG_CONFIG_HOME:-${HOME:?for the key that updates are signed with}/.config}/meetbox/update.key
	if [ ! -e "$key" ]; then
		mkdir -p "${key%/*}"
		"$parts/mkupdate" key "$key"
		say "image: made $key, to sign updates with; keep it"
	fi
fi
"$parts/mkupdate" public "$key" >"$out/update.pub"
trust=$(cat "$out/update.pub")
cp "$settings" "$parts/meetbox.txt"
if grep -qrF "$trust" image/box/keys; then
	: # every box trusts it
elif [ -n "${MEETBOX_SIGNING_KEY:-}" ]; then
	printf '\n# Whose updates are taken, beside those of the makers.\nMEETBOX_UPDATE_KEYS=%s\n' "$trust" >>"$parts/meetbox.txt"
else
	say 'image: the update is signed with your own key. For a box that trusts it, make the'
	say "image with MEETBOX_SIGNING_KEY=$key, or write this into its meetbox.txt:"
	say "MEETBOX_UPDATE_KEYS=$trust"
fi
"$parts/mkupdate" sign -key "$key" -version "$version" -counter "$counter" -options "$options" \
	-kernel "$out/vmlinuz" -root "$out/root.img" -o "$out/meetbox.update"
[ -z "${MEETBOX_UPDATE_ONLY:-}" ] || exit 0

say 'image: disk'
printf 'timeout 0\neditor no\n' >"$parts/loader.conf"
cat >"$parts/a.conf" <<END
title Meetbox $version
linux /a/vmlinuz
options root=PARTUUID=${disk%00}01/PARTNROFF=1 $options
END
# A kernel's place on the first partition is larger than the kernel, and there
# from the beginning: an update writes into it and leaves FAT's tables alone.
room=$((($(wc -c <"$out/vmlinuz") / 4194304 + 2) * 4194304))
cp "$out/vmlinuz" "$parts/a.vmlinuz"
rm -f "$parts/b.vmlinuz"
truncate -s "$room" "$parts/a.vmlinuz" "$parts/b.vmlinuz"
"$parts/mkimage" -time "$epoch" -disk "$disk" -o "$out/meetbox.img" -root "$out/root.img" -perm "$extra/share/perm.ext4" \
	-esp EFI/BOOT/BOOTX64.EFI="$gok/third_party/systemd-250.5-1/systemd-bootx64.efi" \
	-esp loader/loader.conf="$parts/loader.conf" \
	-esp loader/entries/s000001-a.conf="$parts/a.conf" \
	-esp a/vmlinuz="$parts/a.vmlinuz" \
	-esp b/vmlinuz="$parts/b.vmlinuz" \
	-esp meetbox.txt="$parts/meetbox.txt"
linux=${kernel##*@}
"$parts/bom" -version "$version" -time "$epoch" -sbom "$out/sbom.cdx.json" -licences "$out/licences.txt" \
	-part "operating-system,linux (github.com/gokrazy/kernel.amd64),$linux,GPL-2.0-only,$kernel/LICENSE.linux" \
	-part "application,systemd-boot,250.5-1,LGPL-2.1-or-later,/usr/share/common-licenses/LGPL-2.1" \
	-part "firmware,firmware-realtek,20230210-5,LicenseRef-Realtek,$extra/firmware/copyright"
(cd "$out" && sha256sum meetbox.img meetbox.update root.img vmlinuz sbom.cdx.json licences.txt >SHA256SUMS && cat SHA256SUMS)
mb() { echo $((($1 + 500000) / 1000000)); }
printf 'figure: image_seconds %d s\nfigure: image_mb %d MB\nfigure: update_mb %d MB\n' $(($(date +%s) - begun)) \
	"$(mb $(($(du -B 1 "$out/meetbox.img" | cut -f 1))))" "$(mb "$(wc -c <"$out/meetbox.update")")"
