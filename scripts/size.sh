#!/bin/sh
# size.sh: what a browser loads before the first picture, compressed. Prints
# the figures and says which one is over its budget (docs/decisions.md).
set -eu
dist=${1:-web/ui/dist}
failed=0

# entry PAGE: the bytes of the page's own scripts and styles and of everything
# that they import at once, each compressed as the box sends it.
entry() {
	todo=$(grep -oE '(src|href)="/assets/[^"]+\.(js|css)"' "$dist/$1" | grep -oE 'assets/[^"]+' | sort -u)
	seen=''
	while [ -n "$todo" ]; do
		seen="$seen
$todo"
		more=$(for f in $todo; do
			case $f in *.js) grep -oE '(from|import)"\./[^"]+\.js"' "$dist/$f" | grep -oE '[^"/]+\.js' | sed 's#^#assets/#' || : ;; esac
		done | sort -u)
		todo=$(for f in $more; do printf '%s\n' "$seen" | grep -qxF "$f" || echo "$f"; done)
	done
	sum=0
	for f in $seen "$1"; do sum=$((sum + $(gzip -9c "$dist/$f" | wc -c))); done
	echo "$sum"
}

# budget NAME PAGE KB
budget() {
	kb=$(entry "$2" | awk '{ printf "%.1f", $1 / 1000 }')
	echo "figure: $1 $kb kB"
	if ! awk "BEGIN { exit !($kb <= $3) }"; then
		echo "size.sh: $2 loads $kb kB before it shows anything; the budget is $3 kB" >&2
		failed=1
	fi
}

[ -e "$dist/index.html" ] || { echo "size.sh: the pages are not built: run make ui" >&2; exit 1; }
budget meeting_entry_kb index.html 90
budget console_entry_kb admin.html 120
budget trust_entry_kb trust.html 40
budget check_entry_kb check.html 45
exit $failed
