# Meetbox. "make run" starts it, "make test" tests it.
# Settings are variables: make run MEETBOX_HTTPS_PORT=9443 (README.md has the list).

SERVICES := appliance signaling focus bridge web
UI       := web/ui
T        ?= 20s

# A work tree that git does not trust (another owner) only loses its version.
export GOFLAGS += $(shell git rev-parse HEAD >/dev/null 2>&1 || echo -buildvcs=false)

.PHONY: run build ui test check fuzz clean

run: build
	@exec bin/run process-compose.yaml

build: ui
	@go build -o bin/ $(SERVICES:%=./%) ./scripts/run github.com/f1bonacc1/process-compose

# The pages are built again only when one of their sources is newer.
ui: $(UI)/dist/index.html

$(UI)/node_modules/.package-lock.json: $(UI)/package-lock.json
	@scripts/need.sh node
	cd $(UI) && npm ci --no-audit --no-fund

$(UI)/dist/index.html: $(UI)/node_modules/.package-lock.json $(shell find $(UI) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/e2e/*')
	cd $(UI) && npm run build
	@touch $@

# Everything, with the counts of all parts in the last line.
test:
	@scripts/need.sh go node gcc chromium
	@$(MAKE) --no-print-directory build
	@go run ./scripts/verify

check: ui
	@scripts/check.sh

fuzz:
	@scripts/fuzz.sh $(T)

clean:
	rm -rf bin $(UI)/node_modules
	find $(UI)/dist -mindepth 1 -not -name .embed -delete
