# The commands of this project; `make help` lists them.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := help
.PHONY: help run test lint build bench faults profile fuzz migrate docker clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## everything on this machine, without any account
	@bin/aisha dev

build: ## bin/aisha, a static binary
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/aisha ./cmd/aisha

test: ## every test, with the race detector, on an own PostgreSQL
	@go run ./internal/check/testdb/with go test -race -timeout 20m ./...

lint: ## style and import rules
	@go run $(GOLANGCI) run
	@go run ./internal/check/lint/droppedresource ./...

bench: ## figures beside pgbench on the same cluster, in one run
	@go run ./internal/check/bench

faults: ## the long form of the fault tests, with the ledger of each fault
	@AISHA_FAULTS=long go run ./internal/check/testdb/with go test -race -count=1 -timeout 60m -run TestFaults -v ./internal/check/e2e

profile: ## where the time goes on the way of a sign-up and of a webhook
	@go run ./internal/check/bench -profile bin/profile

FUZZTIME ?= 1m
fuzz: ## every fuzz target, FUZZTIME (1m) each
	@grep -rlE '^func Fuzz' --include='*_test.go' internal | while read -r file; do \
	  for target in $$(sed -nE 's/^func (Fuzz[A-Za-z]+)\(.*/\1/p' "$$file"); do \
	    echo "== $$(dirname "$$file") $$target"; \
	    go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" || exit 1; \
	  done; \
	done

migrate: build ## apply pending migrations to DATABASE_URL
	@bin/aisha migrate

docker: ## the image aisha:$(VERSION)
	docker build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) -t aisha:$(VERSION) -t aisha:latest .

clean: ## remove what was built; your data in .aisha/ stays
	@rm -rf bin
