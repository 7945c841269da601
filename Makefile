# Everything a person or a build machine does here is a target below; `make` lists them.
# GNU make and Go are all it takes: the linter is built from tools/go.mod, and `make test` uses the race detector wherever a C compiler is.

MODULES      := . $(patsubst %/go.mod,%,$(wildcard */go.mod))
# Modules whose tests stand alone. The others need peers or servers and have targets of their own.
TEST_MODULES := . $(patsubst %/go.mod,%,$(wildcard examples/go.mod tools/go.mod))

# Packages that must hold COVER_FLOOR percent of their statements under their own tests.
CORE         := claims reason jwks verifier middleware internal/...
COVER_FLOOR  := 90

# How long `make soak` lasts.
SOAK         ?= 10m

# The same sources with jwx/v3 in the place of v2: one file is replaced (-overlay), and go.mod by one that requires v3.
JWX3         := -modfile=internal/jose/jwxv3/go.mod -overlay=internal/jose/jwxv3/overlay.json

# What make fuzz and make mutate look at, and for how long each fuzz target.
PKG          ?= ./...
FUZZTIME     ?= 30s

# Packages of which make mutate must see MUTATE_FLOOR percent of the mutants killed; docs/trust.md lists who survives.
MUTATED      := ./internal/jose ./internal/strictjson ./claims ./jwks ./verifier ./middleware
MUTATE_FLOOR := 90

# The binary's directory names the Go release, because a linter built by an older Go refuses newer code.
BIN          := $(CURDIR)/bin/$(shell go env GOVERSION)
GOLANGCI     := $(BIN)/golangci-lint

# Each module stands alone: a go.work somewhere above must not change what is built.
export GOWORK := off

.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt cover soak tidy clean test-jwx3 fuzz test-trust test-bench mutate vuln licenses verify test-pure test-latest bench bench-check

help: ## list the targets
	@sed -nE '/^[a-z0-9-]+:.*## /{s/^([a-z0-9-]+):.*## (.*)/  \1                \2/;s/^(.{14}) */\1/p}' $(firstword $(MAKEFILE_LIST))

demo: ## play real client-credentials schemes against a protected API (ARGS=-once ends after the play)
	@cd examples && go build -o ../bin/play ./play
	@exec bin/play $(ARGS)

test: ## run the tests of every module that stands alone, under the race detector where there is a C compiler
	@race=-race; \
	if ! go build -race runtime/cgo >/dev/null 2>&1; then \
		if [ "$(CI)" = true ]; then echo "make test: CI=true wants the race detector, and it does not build here: install a C compiler (gcc and the C library's headers), keep CGO_ENABLED on" >&2; exit 1; fi; \
		race=; echo "make test: no working C compiler, so the race detector is off"; \
	fi; \
	for module in $(TEST_MODULES); do \
		echo "== go test $$race -shuffle=on ./...  ($$module)"; \
		(cd $$module && go test $$race -shuffle=on ./...) || exit 1; \
	done

test-jwx3: ## run the tests over jwx/v3 in the place of v2, to show that the switch costs one file
	@! go list $(JWX3) -deps ./internal/jose | grep -q '^github.com/lestrrat-go/jwx/v2' || { echo "make test-jwx3: jwx/v2 is still built in" >&2; exit 1; }
	@go list $(JWX3) -deps ./internal/jose | grep -q '^github.com/lestrrat-go/jwx/v3/jws$$' || { echo "make test-jwx3: jwx/v3 is not built in" >&2; exit 1; }
	go vet $(JWX3) ./internal/jose
	go test $(JWX3) -shuffle=on ./internal/jose ./jwks/... ./verifier/... ./middleware/...
	@go mod tidy $(JWX3) -diff || { echo "make test-jwx3: internal/jose/jwxv3/go.mod is not tidy, run go mod tidy $(JWX3)" >&2; exit 1; }

test-trust: ## ask other libraries about the same tokens, and hold the forgeries against them
	cd trust && go test -shuffle=on ./... $(ARGS)

test-bench: ## hold every contestant of the benchmarks to what it is timed for, and run every case once
	cd bench && go test -shuffle=on ./...

# Of interesting inputs few are minimised: it takes minutes and finds nothing. One that fails is kept under testdata/fuzz.
fuzz: ## run every fuzz target for FUZZTIME (30s) each; PKG=./claims for one package
	@mkdir -p bin; for package in $$(go list $(PKG)); do \
		listed=$$(go test -list '^Fuzz' $$package) || { echo "$$listed" >&2; exit 1; }; \
		for target in $$(echo "$$listed" | grep '^Fuzz'); do \
			echo "== $$target  ($$package)"; \
			{ go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 50x $$package && echo passed; } 2>&1 | tee bin/fuzz.log; \
			tail -n 1 bin/fuzz.log | grep -q '^passed$$' && continue; \
			grep -q 'context deadline exceeded' bin/fuzz.log && ! grep -q 'Failing input' bin/fuzz.log || exit 1; \
			echo "make fuzz: the time was up in the middle of an execution, which go test calls a failure: no input failed"; \
		done; \
	done

# Outside of CI: minutes of both cores. Interrupted, it goes on where it was; with new tests it tries the survivors again.
mutate: ## break the packages on purpose and see which tests notice; PKG=./claims for one package
	@cd tools && go build -o ../bin/mutate-tool ./mutate
	@nice bin/mutate-tool -state bin/mutate -floor $(MUTATE_FLOOR) $(if $(filter-out ./...,$(PKG)),$(PKG),$(MUTATED))

lint: $(GOLANGCI) ## formatting, vet, golangci-lint, tidy go.mod files, and the arrows between the packages
	@$(GOLANGCI) fmt --diff || { echo "make lint: not formatted by gofumpt, run make fmt" >&2; exit 1; }
	@for module in $(MODULES); do \
		echo "== lint  ($$module)"; \
		(cd $$module && go vet ./... && $(GOLANGCI) run ./...) || exit 1; \
		(cd $$module && go mod tidy -diff) || { echo "make lint: $$module/go.mod is not tidy, run make tidy" >&2; exit 1; }; \
	done
	@go test ./internal/arrows

fmt: $(GOLANGCI) ## format every Go file with gofumpt
	@$(GOLANGCI) fmt

cover: ## measure statement coverage per package, fail when a core package is below the floor
	@go test -coverprofile=coverage.out ./...
	@module=$$(go list -m) && cd tools && go run ./coverfloor -profile ../coverage.out -module $$module -floor $(COVER_FLOOR) $(CORE)

soak: ## 64 clients against a Gate for SOAK=10m while keys rotate and the issuer fails; writes the table in docs/faults.md and docs/soak.svg
	@go test -count=1 -timeout 0 -v -run '^TestSoak$$' ./internal/faults -soak $(SOAK) -out $(CURDIR)/docs

# What a user builds. The peers in bench and trust are there with all that is known against them, and tools are not shipped.
VULN_MODULES := . examples

# govulncheck asks a database on the net. Where that cannot be reached nothing was checked, and that is said, not passed over;
# VULN_REQUIRED=true makes it a failure.
vuln: ## look for known vulnerabilities in what a user's program calls, where the database can be reached
	@cd tools && go build -o ../bin/govulncheck golang.org/x/vuln/cmd/govulncheck
	@for module in $(VULN_MODULES); do \
		echo "== govulncheck  ($$module)"; \
		out=$$(cd $$module && $(CURDIR)/bin/govulncheck ./... 2>&1); status=$$?; \
		case "$$status $$out" in \
		0*) echo "$$out" ;; \
		*"fetching vulnerabilities"*) echo "make vuln: NOT CHECKED: the vulnerability database cannot be reached from here" >&2; [ "$(VULN_REQUIRED)" != true ] || exit 1 ;; \
		*) echo "$$out" >&2; exit 1 ;; \
		esac; \
	done

licenses: ## list the licenses of all dependencies, fail at one that asks for more than a notice
	@cd tools && go run ./licenses -module ..

verify: ## check that the downloaded modules are those of go.sum
	@for module in $(MODULES); do echo "== go mod verify  ($$module)"; (cd $$module && go mod verify) || exit 1; done

test-pure: ## run the tests without cgo, and so without the race detector
	@for module in $(TEST_MODULES); do echo "== go test, CGO_ENABLED=0  ($$module)"; (cd $$module && CGO_ENABLED=0 go test -shuffle=on ./...) || exit 1; done

# The build list of a user who has updated everything that this Go can build. go.mod stays as it is. What was held back is
# said before the tests and after them.
test-latest: ## run the tests with the latest versions of all dependencies that this Go can build
	@mkdir -p bin && cp go.mod bin/latest.mod && cp go.sum bin/latest.sum
	@cd tools && go build -o ../bin/latest ./latest
	@bin/latest -modfile bin/latest.mod > bin/latest.txt && cat bin/latest.txt
	go test -modfile=bin/latest.mod -shuffle=on ./...
	@! grep '^HELD BACK' bin/latest.txt || echo "make test-latest: the tests passed with what this Go can build, see HELD BACK"

bench: ## measure against the bare signature check and the peers, write bench/RESULTS.md and its chart (4 minutes)
	@cd bench && go test ./internal/contest && go build -o ../bin/bench ./run && ../bin/bench -out RESULTS.md -svg results.svg -raw ../bin/bench.txt

bench-check: ## fail, with the figures, where a goal of bench/RESULTS.md is missed (3 minutes)
	@cd bench && go test ./... && go build -o ../bin/bench ./run && ../bin/bench -check

tidy: ## go mod tidy in every module
	@for module in $(MODULES); do (cd $$module && go mod tidy) || exit 1; done
	@go mod tidy $(JWX3)

clean: ## remove what was built
	rm -rf bin coverage.out

# touch: an unchanged build leaves the old time on the file, and make would build again on every run.
$(GOLANGCI): tools/go.mod tools/go.sum
	@echo "building golangci-lint from tools/go.mod (about a minute the first time)"
	@cd tools && go build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@
