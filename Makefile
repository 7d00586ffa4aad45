# `make` lists the targets. They all use .venv, and create it if it is missing or out of date.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo demo-lifecycle test test-all test-lowest test-python check format lock browser database bench flame \
  docs screenshots soak clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv --clear $(VENV) || { echo "the venv module is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-dev.lock # the lock is whole; for extras pip would look further
	@$(BIN)/python -m pip check --quiet
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## run the main job on the embedded emulator
	@$(BIN)/python -m tests.demo

demo-lifecycle: $(READY) ## run the whole life of base connections on an emulator and a real database
	@$(BIN)/python -m tests.demo_lifecycle

# Tests that are slow, or need a browser or a database server.
SLOW := tests/answers tests/files tests/kills tests/fuzzing tests/browser tests/databases tests/pipelines \
  tests/definitions/test_agreement.py \
  $(addprefix tests/acceptance/test_,doctor.py faults.py nothing_leaks.py rotate.py secret_scanner.py)
# Idle processes take tests from busy ones, because slow tests are next to each other.
PARALLEL := -n auto --dist worksteal

test: $(READY) ## run the fast tests, in under two minutes
	@$(BIN)/python -m pytest $(PARALLEL) $(SLOW:%=--ignore=%) $(ARGS)

# Kills end without their coverage. Fuzzing starts so many threads that, while they are traced, one of them may fail to
# start in Python 3.11 (https://github.com/python/cpython/issues/98257).
NOT_COVERED := tests/kills tests/fuzzing

test-all: browser database ## run all tests, with branch coverage of all but kills and fuzzing
	@$(BIN)/python -m pytest $(PARALLEL) $(NOT_COVERED:%=--ignore=%) --cov --cov-report=term $(ARGS)
	@$(BIN)/python -m pytest $(PARALLEL) $(NOT_COVERED) $(ARGS)

check: $(READY) ## check format, lint and types
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy

format: $(READY) ## format the code and sort its imports
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

# validate, plan and apply are those that `init` gives every project.
PROVISIONER := $(BIN)/provisioner
validate plan apply: $(READY)
include provisioner/scaffold/project/provisioner.mk

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
  --no-emit-index-url --custom-compile-command "make lock"

# What a pipeline installs beside provisioner, and to build it.
PROJECT_LOCK := provisioner/scaffold/project/requirements.txt

lock: $(READY) ## update the pinned dependencies
	@$(COMPILE) --extra databases --group dev pyproject.toml -o requirements-dev.lock
	@$(COMPILE) --group browser --constraint requirements-dev.lock -o requirements-browser.lock
	@$(COMPILE) --group bench --constraint requirements-dev.lock -o requirements-bench.lock
	@echo "# What the pipeline installs beside provisioner, which is in provisioner.txt: pinned by hash." >$(PROJECT_LOCK)
	@$(COMPILE) --no-header --no-annotate --group build --constraint requirements-dev.lock pyproject.toml >>$(PROJECT_LOCK)

BROWSERS := chromium chromium-browser google-chrome

browser: $(READY) ## install a browser if there is none, for the tests of the HTML page and for `make screenshots`
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-browser.lock
	@for name in $(BROWSERS); do if command -v $$name >/dev/null; then exit 0; fi; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium fonts-dejavu >/dev/null; \
	else $(BIN)/python -m playwright install chromium; fi

database: $(READY) ## install MariaDB if there is none, for the tests against a real database
	@$(BIN)/python -m tests.mariadb && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends mariadb-server-core mariadb-client-core openssl >/dev/null; \
	fi; \
	$(BIN)/python -m tests.mariadb || { echo "install MariaDB: apt-get install mariadb-server-core mariadb-client-core openssl, or brew install mariadb" >&2; exit 1; }

test-lowest: $(READY) ## run the fast tests with the oldest dependencies that pyproject.toml allows
	@$(PYTHON) -m venv --clear .venv-lowest
	@$(BIN)/uv pip install --quiet --python .venv-lowest --resolution lowest-direct --editable '.[databases]' --group dev
	@.venv-lowest/bin/python -m pytest $(PARALLEL) $(SLOW:%=--ignore=%) $(ARGS)

PYTHONS ?= 3.11 3.12 3.13 3.14

test-python: $(READY) ## run the fast tests on each Python that is installed or that uv can fetch (PYTHONS="3.12 3.13")
	@for version in $(PYTHONS); do \
	  $(BIN)/uv venv --quiet --clear --python $$version .venv-$$version || { echo "Python $$version: NOT TESTED, there is none here" >&2; continue; }; \
	  echo "Python $$version"; \
	  $(BIN)/uv pip install --quiet --python .venv-$$version --require-hashes --no-deps -r requirements-dev.lock && \
	  $(BIN)/uv pip install --quiet --python .venv-$$version --no-deps --editable . && \
	  .venv-$$version/bin/python -m pytest -q $(PARALLEL) $(SLOW:%=--ignore=%) $(ARGS) || exit 1; \
	done

bench: $(READY) ## run the benchmarks, ten minutes; ARGS="--write" updates docs/performance.md
	@command -v hyperfine >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq hyperfine time >/dev/null; } || \
	  { echo "install hyperfine and GNU time" >&2; exit 1; }
	@$(BIN)/python -m benchmarks $(ARGS)

FLAME ?= flame.svg

flame: $(READY) ## draw a flame graph of a plan of ten thousand definitions, as flame.svg
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-bench.lock
	@$(BIN)/python -m benchmarks.flame $(BIN)/py-spy $(FLAME)

docs: $(READY) ## regenerate the parts of the documentation that come from the code
	@$(BIN)/python -m tests.docs.generate

screenshots: browser ## retake the screenshots of the documentation
	@$(BIN)/python -m tests.docs.screenshots

soak: $(READY) ## run minutes of random faults, kills and malformed answers; ARGS="--kills 300 --faults 10000 --answers 100000 --seed 1"
	@$(BIN)/python -m tests.soak $(ARGS)

clean: ## remove everything that make created
	@rm -rf $(VENV) .venv-lowest .venv-3.* .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .provisioner build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
