# Everything that a person or a build machine does here is a target below; `make` lists them.
# GNU make and Go are all it takes. The tools are pinned in tools/go.mod; go builds them on first use (a minute or two).

ADAPTERS     := $(patsubst %/go.mod,%,$(wildcard adapters/*/go.mod))
MODULES      := . examples examples/observability bench integration stores/redisstore $(ADAPTERS)
SERVERS      := $(addprefix integration/,fosite go-oidc zitadel)
TOOL         := go tool -modfile=$(CURDIR)/tools/go.mod
CORE         := claims reason jwks verifier middleware/... introspection revocation internal/...
COVER_FLOOR  := 90
MUTATED      := internal/jose internal/strictjson claims jwks verifier middleware revocation
PKG          ?= ./...
FUZZTIME     ?= 30s
SOAK         ?= 10m
REPLACING    ?= 3m
# A program with the race detector sleeps for a second before it ends, for the sake of goroutines that outlive it: 45 test binaries in turn.
UNHURRIED    := GORACE=atexit_sleep_ms=0
PATIENCE     := : compiles without a word (the first time for a minute or two) and then prints each package that is done

# Each module stands alone: a go.work somewhere above must not change what is built.
export GOWORK := off

# The race detector needs a C compiler. Without one the tests run without it, but not in CI.
RACE = race=-race; if ! go build -race runtime/cgo >/dev/null 2>&1; then \
	if [ "$(CI)" = true ]; then echo "make: CI=true wants the race detector, and it does not build here: install a C compiler (gcc and the C library's headers), keep CGO_ENABLED on" >&2; exit 1; fi; \
	race=; echo "make: no working C compiler, so the race detector is off"; fi

# $(call each,MODULES,COMMAND,NOTE) runs a command in the directory of each module, and says so before.
each = for module in $(1); do echo "== $$module$(3)"; (cd $$module && $(2)) || exit 1; done

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-pure test-adapters test-bench test-stores integration lint fmt cover corpus field fuzz mutate soak bench bench-check release vuln licenses verify tidy clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## play real client-credentials schemes against a protected API (ARGS="-once -all" plays all and ends)
	@cd examples && go build -o ../bin/demo ./demo
	@exec bin/demo $(ARGS)

test: ## run the tests of the library and the examples, under the race detector where there is a C compiler; make lint vets them
	@$(RACE); \
	$(call each,. examples,$(UNHURRIED) go test $$race -vet=off -shuffle=on ./...,$(PATIENCE)); \
	$(call each,examples/observability,go test -vet=off -shuffle=on ./...) # plays a day, which the race detector makes minutes of

test-adapters: ## run the tests of the adapters that are modules of their own, likewise
	@$(RACE); \
	$(call each,$(ADAPTERS),$(UNHURRIED) go test $$race -vet=off -shuffle=on ./...,$(PATIENCE))

test-slow: ## run the tests that take minutes: sallyport attack against more than sixty weak APIs, faults and examples/orders, and ten thousand tenants
	go test -vet=off -tags slow . ./internal/attack
	cd examples && go test -vet=off -tags slow ./orders

test-pure: ## run the same tests without cgo, and so without the race detector
	@$(call each,. examples examples/observability $(ADAPTERS),CGO_ENABLED=0 go test -vet=off -shuffle=on ./...,$(PATIENCE))

test-bench: ## ask other libraries about the same tokens and forgeries, and run every benchmark once
	cd bench && go test -shuffle=on ./...

integration: ## check tokens of authorization servers that others wrote; CI=true installs them (.ci/integration) and wants most of them to run
	@[ "$(CI)" != true ] || .ci/integration
	@rm -rf bin/integration/report && mkdir -p bin/integration/report
	@cd integration && INTEGRATION_REPORT=$(CURDIR)/bin/integration/report go test -count=1 -timeout 8m -parallel 4 ./...; code=$$?; cat ../bin/integration/report/*; exit $$code

test-stores: ## test the stores that a fleet shares, against a redis-server that the tests start; REQUIRE_REDIS=1 fails without one
	cd stores/redisstore && go test -shuffle=on ./...

lint: ## formatting, vet, golangci-lint with the arrows between the packages, tidy go.mod files
	@$(TOOL) golangci-lint fmt --diff || { echo "make lint: not formatted by gofumpt, run make fmt" >&2; exit 1; }
	@$(call each,$(MODULES),go vet ./... && $(TOOL) golangci-lint run ./...)
	@$(call each,$(SERVERS),if go list -deps ./... >/dev/null 2>&1; then go vet ./... && $(TOOL) golangci-lint run ./...; else echo "not linted: its sources cannot be had"; fi)
	@($(call each,$(MODULES) tools,go mod tidy -diff)) || { echo "make lint: a go.mod is not tidy, run make tidy" >&2; exit 1; }

fmt: ## format every Go file with gofumpt
	@$(TOOL) golangci-lint fmt

cover: ## measure statement coverage per package, fail when a core package is below the floor
	@mkdir -p bin && go test -vet=off -tags slow -coverprofile=coverage.out ./... >bin/cover.txt || { cat bin/cover.txt; exit 1; }
	@awk -v module=$$(go list -m) -v floor=$(COVER_FLOOR) -v core="$(CORE)" -f .ci/cover.awk bin/cover.txt

corpus: ## write corpus/: known answers for verifiers in any language, the same bytes each time
	@go run ./internal/corpus/write corpus

field: ## take corpus/ to the libraries that people use, attack servers of others; writes docs/field.md, which says what to install
	@cd bench && go run ./field -corpus ../corpus -out ../docs/field.md

fuzz: ## run every fuzz target for FUZZTIME=30s each; PKG=./claims for one package
	@mkdir -p bin && .ci/fuzz "$(PKG)" $(FUZZTIME)

mutate: ## break packages on purpose and count what their tests notice (.gremlins.yaml); PKG=./claims for one; takes an hour
	@for package in $(if $(filter-out ./...,$(PKG)),$(PKG:./%=%),$(MUTATED)); do \
		echo "== $$package"; nice $(TOOL) gremlins unleash ./$$package || exit 1; \
	done

soak: ## 64 clients against a Gate for SOAK=10m while keys rotate and the issuer fails, REPLACING=3m while it is replaced; writes docs/faults.md, docs/soak.svg
	@go test -count=1 -timeout 0 -v -run '^TestSoak$$' ./internal/faults -soak $(SOAK) -out $(CURDIR)/docs
	@go test -count=1 -timeout 0 -v -run '^TestSoakOfReplace$$' ./internal/faults -soak $(REPLACING)

bench: ## measure against the bare signature check and the peers, write bench/RESULTS.md and its chart (4 minutes)
	@mkdir -p bin && cd bench && go test ./internal/contest && go run ./run -out RESULTS.md -svg results.svg -raw ../bin/bench.txt

bench-check: ## fail, with the figures, where a goal of bench/RESULTS.md is missed (3 minutes, up to 8 where it measures again)
	@cd bench && go test ./internal/... && go run ./run -check

release: ## build sallyport for linux, macOS and windows into bin/release, reproducibly, with checksums and an SBOM; uploads nothing
	@.ci/release

vuln: ## look for known vulnerabilities in what a user's program calls; VULNDB=file:///DIR for a database on this machine
	@$(if $(filter file://%,$(VULNDB)),[ -s "$(VULNDB:file://%=%)/index/modules.json" ] || { echo "make vuln: no database at $(VULNDB)" >&2; exit 1; })
	@$(call each,. examples examples/observability stores/redisstore $(ADAPTERS),$(TOOL) govulncheck $(if $(VULNDB),-db=$(VULNDB)) ./...)

licenses: ## list the licenses of all dependencies, fail at one that asks for more than a notice
	@.ci/licenses

verify: ## check that the downloaded modules are those of go.sum
	@$(call each,$(MODULES) $(SERVERS) tools,go mod verify)

tidy: ## go mod tidy in every module
	@$(call each,$(MODULES) $(SERVERS) integration/hydra tools,go mod tidy)

clean: ## remove what was built
	rm -rf bin coverage.out
