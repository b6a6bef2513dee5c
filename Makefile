# Leat. `make help` lists everything.
SHELL := /bin/bash
GO ?= go
MODULES := proto pkg services e2e
BIN := bin
# Build tags: TAGS=cloud links S3, Google's and Azure's blob stores (docs/adr/0025).
TAGS ?=
BUF := npx --yes @bufbuild/buf@1.75.0
LINT := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FLAGS ?=
# The commit goes into the binaries where there is one to be read.
STAMP := $(shell git rev-parse -q --verify HEAD >/dev/null 2>&1 && echo -buildvcs=true)
# Binaries do not name the folder that they were built in. Without (TRIM=), what the tests compile is compiled for them too.
TRIM ?= -trimpath
export CGO_ENABLED ?= 0

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | awk -F'\t' '{printf "  %-12s %s\n", $$1, $$2}'

.PHONY: up
up: build ## fetch the engine and a small model, build, and run everything in one process (FLAGS="--http :9000" passes flags)
	@$(BIN)/leat up $(FLAGS)

.PHONY: build
build: ## build bin/leat and one binary per service, without cgo
	@mkdir -p $(BIN)
	@$(GO) build $(TRIM) $(STAMP) $(if $(TAGS),-tags $(TAGS)) -o $(BIN)/ ./services/cmd/...

SOURCES := services/ingestor/sources
.PHONY: sources
sources: ## build the source programs with heavy dependencies into bin/ (docs/source-protocol.md)
	@mkdir -p $(BIN)
	@cd $(SOURCES) && for s in iceberg kafka object sql; do echo "build leat-source-$$s"; GOWORK=off $(GO) build $(TRIM) $(STAMP) -o $(CURDIR)/$(BIN)/leat-source-$$s ./$$s || exit 1; done

.PHONY: test-sources
test-sources: ## test the source programs: needs Python with pip, and Postgres (Debian: postgresql)
	@$(SOURCES)/install.sh
	@cd $(SOURCES) && GOWORK=off $(GO) test -shuffle=on -timeout 10m ./...

.PHONY: kafka-real
kafka-real: ## test the Kafka source against Apache Kafka's own broker: needs Java 17 and Maven
	@cd $(SOURCES) && GOWORK=off $(GO) test -count 1 -timeout 10m -v -tags kafka_real ./kafka

.PHONY: azure-real
azure-real: ## test object stores against Azurite, Microsoft's own server for tests, too: needs Node 20 with npm
	@cd $(SOURCES) && GOWORK=off $(GO) test -count 1 -timeout 10m -v -tags azure_real ./object

.PHONY: fetch
fetch: build ## fetch the engine libraries and the small model into the cache
	@$(BIN)/leat fetch

# End-to-end tests that are not about time, and may run beside other packages' tests.
BESIDE := '/e2e/(arrowbus|direction|docker|guide|helm|keda|natsusers|report|routing|sources|yardstick)(/|$$)'
.PHONY: test
test: fetch ## install what the tests need and run them all, the real model included
	@e2e/clients/install.sh
	@e2e/arrowbus/install.sh
	@e2e/report/install.sh
	@$(GO) test -p 3 -parallel 4 -shuffle=on -timeout 20m ./proto/... ./pkg/... ./services/... $$($(GO) list ./e2e/... | grep -E $(BESIDE)) # more than there are cores: they mostly wait
	@$(MAKE) --no-print-directory test-sources
	@$(GO) test -p 1 -shuffle=on -timeout 20m $$($(GO) list ./e2e/... | grep -vE $(BESIDE)) # one at a time: they start whole fleets

.PHONY: structured
structured: fetch ## 200 answers by JSON schema and 100 with calls of tools by the small model (COUNT="200 100"), each validated
	@e2e/clients/install.sh
	@LEAT_STRUCTURED="$(or $(COUNT),200 100)" $(GO) test -count 1 -timeout 20m -v -run 'TestClients/structured' ./e2e/clients/

.PHONY: race
race: fetch ## run the unit tests under the race detector (needs a C compiler)
	@CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 20m ./pkg/... ./services/...

.PHONY: fuzz
fuzz: ## run every fuzz target a while (FUZZTIME=2000x inputs, or a time such as 1m)
	@scripts/fuzz.sh $(or $(FUZZTIME),2000x)

.PHONY: verify
verify: verify-fmt verify-proto verify-direction verify-lint ## check everything that needs no running (make fix mends what can be mended)

.PHONY: verify-fmt
verify-fmt:
	@out=$$(gofmt -l $(MODULES)); test -z "$$out" || { echo "not formatted (make fix):"; echo "$$out"; exit 1; }

.PHONY: verify-proto
verify-proto: ## buf lint, breaking changes against main, drift of the generated code
	@$(BUF) lint
	@scripts/breaking.sh $(BUF)
	@scripts/drift.sh $(BUF)

.PHONY: verify-direction
verify-direction: ## the import direction of the repository
	@$(GO) run ./e2e/direction

.PHONY: verify-lint
verify-lint: ## golangci-lint, pinned; its govet is go vet
	@for m in $(MODULES); do echo "lint $$m"; (cd $$m && $(LINT) run --allow-parallel-runners --timeout 10m ./...) || exit 1; done
	@echo "lint $(SOURCES)"; cd $(SOURCES) && GOWORK=off $(LINT) run --allow-parallel-runners --timeout 10m ./...

.PHONY: fix
fix: ## format, fix what the linter can, tidy modules, generate code
	@gofmt -w $(MODULES)
	@for m in $(MODULES); do (cd $$m && $(LINT) run --fix --allow-parallel-runners --timeout 10m ./...; GOWORK=off $(GO) mod tidy); done
	@cd $(SOURCES) && GOWORK=off $(GO) mod tidy
	@$(BUF) generate

.PHONY: proto
proto: ## generate code from proto/
	@$(BUF) generate

.PHONY: tilt
tilt: ## run everything in your cluster with live updates (FLAGS="--namespace dev"); see tilt/README.md
	@tilt/tilt.sh up -- $(FLAGS)

.PHONY: tilt-local
tilt-local: ## run every service as a process with live updates (FLAGS="--engine llama")
	@tilt/tilt.sh up -- --local $(FLAGS)

.PHONY: tilt-ci
tilt-ci: ## start every service by Tilt, wait for an answer, and stop them (FLAGS="--ports 28080")
	@tilt/tilt.sh ci --web-mode prod --port 0 --timeout 10m -- --local $(FLAGS)

.PHONY: bench
bench: build fetch ## measure and write docs/benchmarks.md
	@$(GO) run ./e2e/bench/cmd/leatbench

.PHONY: jobs-proof
jobs-proof: ## 10,000 durable jobs while a random process is killed every 5 s, and online requests beside bulk work
	@$(GO) test -v -count 1 -timeout 15m -run 'TestJobsOutlive|TestBulkWork' ./e2e/chaos -args -jobs 10000 -kill-every 5s -kills 0 -online-for 20s

SIZES ?= 100,1000,5000
.PHONY: bench-data
bench-data: ## hold a table and documentation against suites beside Great Expectations and polars, one core each; writes its section of docs/benchmarks.md
	@e2e/databench/install.sh
	@dir="$${LEAT_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/leat}/databench" && $(GO) run ./e2e/databench -python "$$dir/venv/bin/python" -manuals "$$dir/documentation" -dir "$$dir/inputs" -rounds 5 -o docs/benchmarks.md

.PHONY: data-speed
data-speed: ## measure a whole data run by separate processes, from 100 MB to 5 GB (SIZES=100,1000); writes its section of docs/benchmarks.md
	@$(GO) test -v -count 1 -timeout 30m -run TestSpeedAndMemoryOfARun ./e2e/data -args -sizes $(SIZES) -hold-bars -speed-doc $(CURDIR)/docs/benchmarks.md -plot $(CURDIR)/docs/img/data-memory.svg

.PHONY: data-proof
data-proof: ## data runs on 1, 2 and 4 replicas, while a process is killed every 3 s (the same bytes), and beside inference
	@$(GO) test -v -count 1 -timeout 20m -run TestReplicasAndKilledProcessesDoNotShow ./e2e/data -args -records 3000000 -kill-every 3s -kills 0
	@$(GO) test -v -count 1 -timeout 10m -run TestDataRunsGiveWay ./e2e/chaos -args -online-for 40s

.PHONY: routing
routing: ## compare all routing policies in virtual time, and draw docs/img/routing.svg
	@$(GO) test -v -count 1 -timeout 15m -run 'TestShared|TestGrowing|TestASlow|TestHedging' ./e2e/routing -args -every-policy -plot $(CURDIR)/docs/img/routing.svg

.PHONY: wall
wall: ## one bad engine of six in eight ways, nginx beside Leat (WALL=garbage picks some); writes its section of docs/faults.md
	@$(GO) test ./e2e/chaos -count=1 -timeout 20m -v -run 'TestFaultWall/$(WALL)' -args -wall $(CURDIR)/docs/faults.md

.PHONY: soak
soak: ## ten minutes of steady load (SOAK=10m); writes the soak's section of docs/benchmarks.md
	@$(GO) run ./e2e/bench/cmd/leatbench -only soak -soak $(or $(SOAK),10m)
