#!/bin/sh
# need.sh THING...: makes sure that a tool is there, or says how to get it.
# Debian packages are installed where that is possible without a question.
set -eu

fail() { printf 'Meetbox needs %s\n' "$1" >&2; exit 1; }

# at_least HAVE WANT: compares version numbers.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# debian PACKAGE... : installs them, or says why it may not.
debian() {
	if [ "$(id -u)" = 0 ]; then as_root=''
	elif sudo -n true 2>/dev/null; then as_root='sudo -n'
	else fail "the Debian package(s) $*: run  sudo apt install $*"
	fi
	command -v apt-get >/dev/null || fail "$* (this is not Debian: install it by hand)"
	echo "Installing $* …"
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null >&2 &&
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" </dev/null >&2 ||
		fail "the Debian package(s) $*, and apt could not install them (see above)"
}

for thing in "$@"; do
	case $thing in
	go)
		command -v go >/dev/null || fail 'Go 1.26 or newer: https://go.dev/dl/'
		have=$(go env GOVERSION) || fail 'Go 1.26 or newer (the one installed cannot read go.mod): https://go.dev/dl/'
		at_least "${have#go}" 1.26 || fail "Go 1.26 or newer, this is $have: https://go.dev/dl/"
		;;
	node)
		command -v node >/dev/null && command -v npm >/dev/null || fail 'Node.js 20.19 or newer with npm: apt install nodejs npm, or https://nodejs.org'
		have=$(node --version)
		at_least "${have#v}" 20.19 || fail "Node.js 20.19 or newer, this is $have: https://nodejs.org"
		;;
	gcc) # for the race detector
		command -v "${CC:-gcc}" >/dev/null || debian gcc libc6-dev
		;;
	ip)
		command -v ip >/dev/null || debian iproute2
		;;
	janus) # a peer of the benchmark; its package would also start it as a service
		command -v janus >/dev/null || {
			debian janus
			systemctl disable --now janus >/dev/null 2>&1 || :
		}
		;;
	network) # real servers and clients for the tests in network namespaces
		for pair in ip:iproute2 dnsmasq:dnsmasq-base udhcpc:udhcpc dig:bind9-dnsutils ntpdig:ntpsec-ntpdig \
			avahi-daemon:avahi-daemon avahi-browse:avahi-utils dbus-daemon:dbus-daemon; do
			PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || debian "${pair#*:}"
		done
		;;
	mediasoup) # what its worker is built with
		command -v g++ >/dev/null && command -v make >/dev/null && command -v python3 >/dev/null || debian g++ make python3
		;;
	prosody) # the other server of a test and of a benchmark; its package would also start it
		command -v prosody >/dev/null || {
			debian prosody
			systemctl disable --now prosody >/dev/null 2>&1 || :
		}
		;;
	directory) # an LDAP server for tests; its package would also start it
		[ -x /usr/sbin/slapd ] || {
			debian slapd
			systemctl disable --now slapd >/dev/null 2>&1 || :
		}
		;;
	shells) # that meetboxctl completes words for
		for shell in zsh fish; do command -v "$shell" >/dev/null || debian "$shell"; done
		;;
	certutil) # puts an authority among those that a browser trusts; openssl makes others
		command -v certutil >/dev/null || debian libnss3-tools
		command -v openssl >/dev/null || debian openssl
		;;
	chromium)
		command -v chromium >/dev/null || debian chromium
		;;
	firefox)
		command -v firefox-esr >/dev/null || debian firefox-esr
		;;
	webkit) # Safari's engine, its WebDriver, and a screen for it
		command -v WebKitWebDriver >/dev/null || debian webkit2gtk-driver
		command -v Xvfb >/dev/null || debian xvfb
		;;
	busybox) # the shell of images for debugging
		# A dynamic one would miss its libraries there.
		command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1 || debian busybox-static
		;;
	e2fsprogs) # the image's file system for state
		PATH=$PATH:/usr/sbin:/sbin command -v mke2fs >/dev/null || debian e2fsprogs
		;;
	qemu) # with the firmware of a machine of today
		command -v qemu-system-x86_64 >/dev/null && command -v qemu-img >/dev/null && [ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || debian qemu-system-x86 qemu-utils ovmf
		;;
	*) fail "an answer to: what is $thing?" ;;
	esac
done
