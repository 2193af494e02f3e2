#!/bin/sh
# check.sh: the rules that need no running Meetbox. Says everything it finds.
set -u
failed=0
rule() {
	name=$1; shift
	printf '== %s\n' "$name"
	"$@" || { failed=1; printf '   %s: see above\n' "$name"; }
}

formatted() {
	out=$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l)
	[ -z "$out" ] || { echo "$out"; return 1; }
}

rule gofmt       formatted
rule vet         go vet ./...
rule 'vet (box)' env CGO_ENABLED=0 go vet -tags gokrazy,netgo,osusergo ./...
rule fix         go fix -diff ./...
rule staticcheck go tool staticcheck ./...
rule archtest    go test -count=1 ./scripts/archtest
for module in image/init image/tools; do
	rule "vet ($module)"  go -C "$module" vet ./...
	rule "fix ($module)"  go -C "$module" fix -diff ./...
	rule "test ($module)" go -C "$module" test ./...
done
rule ui          sh -c 'cd web/ui && npm run --silent check'
rule size        scripts/size.sh
exit $failed
