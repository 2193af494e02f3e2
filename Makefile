# Meetbox. "make run" starts it, "make test" tests it.
# Settings are variables: make run MEETBOX_HTTPS_PORT=9443 (README.md has the list).

SERVICES := appliance signaling focus bridge web
UI       := web/ui
UI_FILES := $(shell find $(UI) -type f -not -name '*.go' -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/e2e/*')
T        ?= 20s

# A work tree that git does not trust (another owner) only loses its version.
export GOFLAGS += $(shell git rev-parse HEAD >/dev/null 2>&1 || echo -buildvcs=false)

.PHONY: run build ui tools test check size fuzz bench-bridge bench-bridge-saturation bench-bridge-sizes bench-signaling bench-signaling-growth bench-pages clean image image-debug image-run image-test image-powercut

run: build
	@exec bin/run process-compose.yaml

build: tools ui
	@CGO_ENABLED=0 go build -o bin/ $(SERVICES:%=./%) ./appliance/selfcall ./appliance/meetboxctl ./scripts/run github.com/f1bonacc1/process-compose

tools:
	@scripts/need.sh go node

# The pages are built again only when one of their sources is newer.
ui: $(UI)/dist/index.html

$(UI)/node_modules/.package-lock.json: $(UI)/package-lock.json | tools
	cd $(UI) && npm ci --no-audit --no-fund
	@touch $@

$(UI)/dist/index.html: $(UI)/node_modules/.package-lock.json $(UI_FILES)
	cd $(UI) && npm run build
	@touch $@

# Everything, with the counts of all parts in the last line.
test:
	@scripts/need.sh go node gcc chromium firefox webkit network prosody directory certutil shells
	@$(MAKE) --no-print-directory build
	@go build -o bin/ ./scripts/verify
	@bin/verify

check: tools ui
	@scripts/check.sh

# What browsers load before the first picture, against the budgets.
size: ui
	@scripts/size.sh

# make fuzz T=1m: that long for every fuzz target there is.
fuzz:
	@scripts/fuzz.sh $(T)

# The box: out/meetbox.img, to write to a disk. The same commit gives the same bytes.
image: tools ui
	@scripts/need.sh e2fsprogs
	@nice -n 10 scripts/image.sh out

# The same with a shell on the serial line, in out/debug; never for others.
image-debug: tools ui
	@scripts/need.sh e2fsprogs busybox
	@MEETBOX_DEBUG=1 nice -n 10 scripts/image.sh out/debug

# Boots it in QEMU, with ports 8443, 8080 and 10000 (UDP) of this machine.
image-run: image
	@scripts/need.sh qemu
	@scripts/image-run.sh out

# Boots it, cuts its power, boots it again. Takes minutes, so "make test" does without.
image-test: image
	@scripts/need.sh qemu chromium
	@cd image/tools && go test ./...
	@cd image/init && go test ./...
	@go build -o bin/ ./scripts/imagetest
	@bin/imagetest out/meetbox.img

# Cuts the box's power N times at random moments: during first boots, changes of
# settings, updates. Each takes from half a minute to two on a machine with little else to do.
N ?= 100
image-powercut: image
	@scripts/need.sh qemu
	@go build -o bin/ ./scripts/imagetest
	@bin/imagetest -only cuts -cuts $(N) out/meetbox.img

# What the bridge costs beside other servers, and the largest meeting on one core
# (docs/performance.md); needs root. About 40 minutes, some more the first time;
# BENCH_REPS=1 BENCH_WINDOW=5s for a quick look (12), BENCH_SAT=0 without the last.
bench-bridge:
	@scripts/bench/bench.sh run

# Only how many people one core carries, beside LiveKit. A quarter of an hour in which
# both cores are busy: nothing else should run meanwhile.
bench-bridge-saturation:
	@scripts/bench/bench.sh sat

# What the bridge costs for 3 to 100 people in a room, and for 1 to 50 rooms.
# Six minutes; needs root.
bench-bridge-sizes:
	@scripts/bench/bench.sh sizes

# What a room of a hundred costs signaling, beside Debian's prosody
# (docs/performance.md). Four minutes; BENCH_REPS=1 for a quick look.
bench-signaling bench-signaling-growth:
	@scripts/need.sh go prosody
	@CGO_ENABLED=0 go build -o bin/ ./signaling && go build -o bin/bench-signaling ./signaling/internal/bench
	@bin/bench-signaling -reps $${BENCH_REPS:-3} $(if $(findstring growth,$@),-growth)

# How long people wait for the pages, and for each other's pictures. Two minutes.
bench-pages: build
	@scripts/need.sh chromium
	@cd $(UI) && npx vitest run --config e2e/bench.config.ts

clean:
	rm -rf bin out image/box/extra image/box-debug $(UI)/node_modules
	find $(UI)/dist -mindepth 1 -not -name .embed -delete
