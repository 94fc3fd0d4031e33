# make help lists the targets.

GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/jrweb
	go build -o bin/jrweb ./cmd/jrweb

# What runs on any machine, also in an image without anything else.
.PHONY: static
static: ## build bin/static/jrweb, without libc, and the empty folder of its image
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/static/jrweb ./cmd/jrweb
	mkdir -p bin/static/data

.PHONY: release
release: ## build what is given away into dist/: binaries, Debian packages, SBOM, checksums
	scripts/release

.PHONY: test
test: ## install what the tests need, then vet and run them all
	scripts/setup
	scripts/test

.PHONY: test-agents
test-agents: ## install real coding agents, 1.8 GB, and record what they do, about 30 minutes
	scripts/test-agents

.PHONY: torture
torture: ## kill, cut the power, flip bits, soak, abuse and fuzz for longer, about an hour
	scripts/setup
	scripts/torture

.PHONY: population
population: ## kill jrweb watch among 20,000 old and 19 live transcripts, and trace it at rest, about an hour and a half
	JRWEB_POPULATION=20000 go test -v -count=1 -timeout 3h -run 'TestAWatchThatIsKilled|TestAWatchAtRest' ./cmd/jrweb

.PHONY: bench
bench: ## measure beside peers and limits, and write benchmarks/RESULTS.md, about 30 minutes
	scripts/bench

.PHONY: check
check: format-check lint darwin test ## everything a change must pass

.PHONY: fmt
fmt: ## format the Go code
	gofmt -w .

.PHONY: lint
lint: $(GOLANGCI_LINT) ## run golangci-lint
	$(GOLANGCI_LINT) run
	cd benchmarks && ../$(GOLANGCI_LINT) run
	cd deploy/grafana && ../../$(GOLANGCI_LINT) run

.PHONY: format-check
format-check: ## complain about code that is not formatted
	@files=$$(gofmt -l .) && test -z "$$files" || { echo "not formatted, run make fmt:" $$files >&2; exit 1; }

# jrweb is developed on Linux; this keeps it building for macOS.
.PHONY: darwin
darwin: export GOOS = darwin
darwin: export GOARCH = arm64
darwin: export CGO_ENABLED = 0
darwin: ## vet and build for macOS
	go vet ./...
	go build ./...

# The version is part of the file name, so that a new one replaces the old one.
$(GOLANGCI_LINT):
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv bin/golangci-lint $@
