# The commands of this project; `make help` lists them.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
# auto: the toolchain that go.mod names, even where the environment says local.
export GOTOOLCHAIN = auto
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
# Version of the vulnerability database; make vuln VULNDB=latest asks for the newest.
VULNDB ?= v0.0.0-20261105234957-e22db6528018

.DEFAULT_GOAL := help
.PHONY: help run test lint vuln build bench faults profile fuzz notices migrate docker clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## run everything on this machine, without any account
	@[ -x bin/aisha ] || echo 'Building Aisha. The first build downloads and compiles everything, which takes two to seven minutes. Later ones take seconds.'
	@{ $(MAKE) --no-print-directory build BUILDFLAGS=-v 2>&1; echo "exit $$?"; } | awk '$(SHOW_PROGRESS)'
	@bin/aisha dev

# Counts the packages that `go build -v` names: in one line of a terminal, otherwise
# with a line for each hundred. It prints everything else, such as errors and
# downloads, and exits with the status of the build.
SHOW_PROGRESS = \
  BEGIN { terminal = system("[ -t 1 ]") == 0; clear = terminal ? "\r\033[K" : "" } \
  /^exit [0-9]+$$/ { status = $$2; next } \
  /^[a-zA-Z0-9._\/-]+$$/ { \
    if (terminal) printf "\r  %d packages compiled", ++n; \
    else if (++n % 100 == 0) print "  " n " packages compiled"; \
    fflush(); next } \
  { printf "%s%s\n", clear, $$0; fflush() } \
  END { printf "%s", clear; exit status }

# The tag grpcnotrace leaves out the debugging pages of gRPC, which Google's SDK links
# and this program does not use. The binary is about a sixth smaller without them.
build: ## build the static binary bin/aisha
	@CGO_ENABLED=0 go build $(BUILDFLAGS) -tags grpcnotrace -trimpath -ldflags '$(LDFLAGS)' -o bin/aisha ./cmd/aisha

test: ## run every test with the race detector; starts a PostgreSQL for it
	@go run ./internal/check/testdb/with go test -race -timeout 20m ./...

lint: vuln ## check style, import rules and known vulnerabilities
	@go run $(GOLANGCI) run
	@go run ./internal/check/lint/droppedresource ./...

vuln: ## report known vulnerabilities that the program reaches
	@dir=$$(go mod download -json golang.org/x/vulndb@$(VULNDB) | sed -n 's/^\t"Dir": "\(.*\)",/\1/p'); \
	db=bin/vulndb/$$(basename "$$dir"); \
	if [ ! -f "$$db/complete" ]; then \
	  echo "building the vulnerability database" && rm -rf bin/vulndb && mkdir -p "$$db" && \
	  go run golang.org/x/vulndb/cmd/indexdb@$(VULNDB) -vulns "$$dir/data/osv" -out "$$db" && touch "$$db/complete"; \
	fi && \
	go run $(GOVULNCHECK) -db "file://$(CURDIR)/$$db" ./...

bench: ## measure the service, and pgbench on the same PostgreSQL
	@go run ./internal/check/bench

faults: ## run the long fault tests; prints the lost and duplicated answers of each fault
	@AISHA_FAULTS=long go run ./internal/check/testdb/with go test -race -count=1 -timeout 60m -run TestFaults -v ./internal/check/e2e

profile: ## profile sign-ups and webhooks
	@go run ./internal/check/bench -profile bin/profile

FUZZTIME ?= 1m
fuzz: ## run every fuzz target, FUZZTIME (1m) each
	@grep -rlE '^func Fuzz' --include='*_test.go' internal | while read -r file; do \
	  for target in $$(sed -nE 's/^func (Fuzz[A-Za-z]+)\(.*/\1/p' "$$file"); do \
	    echo "== $$(dirname "$$file") $$target"; \
	    go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" || exit 1; \
	  done; \
	done

notices: ## write the licences of everything in the binary to bin/THIRD_PARTY_NOTICES.txt
	@mkdir -p bin && go run ./internal/check/notices > bin/THIRD_PARTY_NOTICES.txt

migrate: build ## apply pending migrations to DATABASE_URL
	@bin/aisha migrate

docker: ## build the image aisha:$(VERSION)
	docker build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) -t aisha:$(VERSION) -t aisha:latest .

clean: ## remove bin/; the data in .aisha/ stays
	@rm -rf bin
