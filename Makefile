# Needs Python >= 3.11 and make, nothing else; `make test` also uses Java and Maven where they exist.
# PYTHON may name the interpreter: make test PYTHON=python3.12

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# test processes: many tests wait for a broker, so more of them than two cores have
JOBS ?= 3
ORACLE := .venv-oracle
CHART_TOOLS := .cache/chart-tools
TOOLS := .venv-tools
FOR ?=
BENCH ?= full
BENCH_ARGS ?=
PYTEST_ARGS ?=
AUDIT_ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-dev system demo docs test test-docs test-faults test-oracles test-image test-page test-coverage helm-test chart-tools helm-docs bench audit lint format lock grafana-schema clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.runtime-installed ## create .venv with the service in it (.venv/bin/hindcast)

setup-dev: $(VENV)/.dev-installed ## the same, with everything that tests, lint and bench need

system: ## Debian packages that some tests use (browser, Prometheus, etcd); needs root, and does nothing where all are there
	@dpkg-query --show --showformat='' $$(cat .ci/debian-packages) 2>/dev/null || { apt-get update --quiet=2 && \
		DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends $$(cat .ci/debian-packages); }

demo: setup ## everything on one machine, with simulated traffic: make demo FOR=60s
	$(BIN)/hindcast demo $(if $(FOR),--for $(FOR))

docs: setup-dev ## the pages as a site, in .cache/site; broken links and forgotten pages are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

test: lint ## lint, then every test that this machine can run (at most 10 minutes)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --timeout-method=signal $(PYTEST_ARGS)

test-faults: setup-dev ## the long fault suite on a real broker: kills, pauses, restarts
	$(BIN)/python -m pytest -m faults -n 3 --dist loadgroup --timeout-method=signal $(PYTEST_ARGS)

test-docs: setup-dev ## build the site, and follow the tutorial from its first command to its last
	$(BIN)/python -m pytest -m docs tests/docs $(PYTEST_ARGS)

test-oracles: setup-dev $(ORACLE)/.installed ## estimates beside those of NannyML, which gets an environment of its own
	$(BIN)/python -m pytest -m oracles tests/oracles $(PYTEST_ARGS)

test-image: setup-dev $(TOOLS)/.installed ## the Dockerfile linted, its steps done without an engine, the result run; needs Linux and root
	$(BIN)/python -m pytest -m image tests/image --timeout-method=signal $(PYTEST_ARGS)

test-page: setup-dev ## the live page in a real browser; writes the screenshots of docs/images
	$(BIN)/python -m pytest -m browser tests/browser -n 2 --dist loadfile --timeout-method=signal $(PYTEST_ARGS)

test-coverage: setup-dev ## how often the 95 % intervals hold the truth, in simulated windows (minutes)
	$(BIN)/python -m benchmarks.coverage
	$(BIN)/python -m docs.coverage_table

helm-test: setup-dev $(CHART_TOOLS)/.built ## the chart: lint, schemas, a real API server, its pods on a real broker; needs Go and etcd
	$(BIN)/python -m pytest -m chart tests/chart -n 2 --dist loadfile --timeout-method=signal $(PYTEST_ARGS)

chart-tools: $(CHART_TOOLS)/.built ## build what `make helm-test` needs: Helm, a control plane, what looks at charts

helm-docs: $(CHART_TOOLS)/.built ## write helm/hindcast/README.md anew from values.yaml
	$(CHART_TOOLS)/helm-docs --chart-search-root helm

bench: setup-dev ## measure against plain Faust and Kafka Streams: make bench BENCH=full|ci
	BENCH=$(BENCH) $(BIN)/python -m benchmarks $(BENCH_ARGS)

audit: setup-dev $(TOOLS)/.installed ## a bill of materials (build/hindcast.cdx.json), and what is known to be vulnerable in it
	$(BIN)/python -m tests.image.audit build/hindcast.cdx.json $(AUDIT_ARGS)

lint: setup-dev ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup-dev ## let ruff lay out the code and mend what it can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# The locks hold hashes for every platform and Python >= 3.11, and name no registry.
LOCK := .cache/lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --quiet
lock: ## write the lock files anew from pyproject.toml and requirements-*.in
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/python -m pip --disable-pip-version-check install --quiet 'uv~=0.13.8'
	$(LOCK) pyproject.toml --extra dev -o requirements-dev.lock
	$(LOCK) pyproject.toml --extra registry --extra apprise --constraint requirements-dev.lock -o requirements.lock
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | \
		$(LOCK) - -o requirements-build.lock
	$(LOCK) requirements-tools.in -o requirements-tools.lock
	$(LOCK) requirements-oracle.in --excludes requirements-oracle.excludes -o requirements-oracle.lock

grafana-schema: ## write the JSON Schema of dashboards anew from Grafana's own types (needs node and npm)
	cd tests/grafana/schema && npm ci --ignore-scripts --cache ../../../.cache/npm && npm run generate

clean: ## remove .venv, caches and build output
	rm -rf $(VENV) $(ORACLE) $(TOOLS) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
	rm -rf client/build client/*.egg-info tests/grafana/schema/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is written last, so an installation that broke off is done again.
$(VENV)/.runtime-installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the service needs (once; about a minute)"
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.dev-installed: requirements-dev.lock client/pyproject.toml $(VENV)/.runtime-installed
	@echo "Installing what tests, lint and bench need (once)"
	$(PIP) install --require-hashes --requirement requirements-dev.lock
	$(PIP) install --no-deps --editable ./client
	@touch $@

# Without what it names and does not need (requirements-oracle.excludes), so pip must not look for it.
$(ORACLE)/.installed: requirements-oracle.lock | $(BIN)/python
	@echo "Installing NannyML in an environment of its own (once)"
	$(BIN)/python -m venv $(ORACLE)
	$(ORACLE)/bin/python -m pip --disable-pip-version-check install --no-deps --require-hashes --no-compile --quiet \
		--requirement requirements-oracle.lock
	@touch $@

# Unoptimised, which compiles in two thirds of the time: they run for a minute. Collecting the compiler's garbage less
# often saves a seventh more. The API server tells its version.
GO_BUILD := CGO_ENABLED=0 GOGC=400 go build -trimpath -gcflags='all=-N -l'
GO_MODULE := tests/chart/tools
KUBERNETES = $(shell awk '$$1 == "k8s.io/kubernetes" { print $$2 }' $(GO_MODULE)/go.mod)
VERSION := k8s.io/component-base/version
$(CHART_TOOLS)/.built: $(wildcard $(GO_MODULE)/go.* $(GO_MODULE)/score/go.*)
	@command -v go >/dev/null || { echo "make helm-test needs Go, which builds its tools"; exit 1; }
	@echo "Building Helm, a Kubernetes control plane and what looks at charts (once; some minutes)"
	@mkdir -p $(@D)
	cd $(GO_MODULE) && $(GO_BUILD) -o $(CURDIR)/$(@D)/ -ldflags "-s -w -X $(VERSION).gitVersion=$(KUBERNETES) \
		-X $(VERSION).gitMajor=$(word 1,$(subst ., ,$(KUBERNETES:v%=%))) \
		-X $(VERSION).gitMinor=$(word 2,$(subst ., ,$(KUBERNETES)))" tool
	cd $(GO_MODULE)/score && $(GO_BUILD) -o $(CURDIR)/$(@D)/ -ldflags '-s -w' tool
	@touch $@

$(TOOLS)/.installed: requirements-tools.lock | $(BIN)/python
	@echo "Installing what lints the image and audits the locks in an environment of its own (once)"
	$(BIN)/python -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip --disable-pip-version-check install --require-hashes --no-compile --quiet \
		--requirement requirements-tools.lock
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Hindcast needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Hindcast needs Python 3.11 or newer; $(PYTHON) is older"; exit 1; }
	$(PYTHON) -m venv $(VENV)
