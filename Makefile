# One door to everything. It needs Python 3.11 or newer and make, nothing else: the first
# target that needs it makes .venv and installs the locked versions, checked by hash.
#
# There is one virtualenv, with the development packages in it, for every target: one lock
# to install, one stamp to check, and no demo that works where the tests do not.

SHELL := /bin/sh
BIN := .venv/bin
INSTALLED := .venv/.installed
CODE := events workflows store workers tests $(wildcard benchmarks)
WORDS := $(CODE) $(wildcard docs README.md CHANGELOG.md)
PAGES := $(wildcard README.md docs)
COMPILE := pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate

# Every process of the tests would compile all of ours anew on a machine that keeps no bytecode.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo years book test stack check format format-check lint types imports docs lock bench bench-full clean

help: ## Show this list
	@echo "Vouch: an event becomes an ask, a task, a reminder and a reward."
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

demo: $(INSTALLED) ## Play a year of a company with 400 customers; SEED=7 makes another
	$(BIN)/vouch demo $(if $(SEED),--seed $(SEED))

years: $(INSTALLED) ## Play twenty years and look whether an invariant broke; SEEDS=3,7 plays those
	$(BIN)/python -m tests.years --seeds $(or $(SEEDS),1-20)

book: $(INSTALLED) ## Play 100,000 operations on the book while its process is killed
	$(BIN)/python -m tests.book $(ARGS)

test: $(INSTALLED) ## Run every test; ARGS="-k nps" picks some
	$(BIN)/python -m pytest -n 4 --dist worksteal --durations=25 --durations-min=2 $(ARGS)

stack: $(INSTALLED) ## Run web, worker and clock on a real Postgres and Valkey, no service needed
	$(BIN)/python -m tests.services stack

check: ## Run every gate, as CI does: format, lint, types, imports, tests, docs
	$(MAKE) format-check
	$(MAKE) lint
	$(MAKE) types
	$(MAKE) imports
	$(MAKE) test
	$(MAKE) docs

format: $(INSTALLED) ## Put the code in the house's form, and mend what the linter can
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

format-check: $(INSTALLED) ## Check the form of the code
	$(BIN)/ruff format --check

lint: $(INSTALLED) ## Check the code against every rule of ruff, and the locks
	$(BIN)/ruff check
	$(BIN)/python .ci/check_locks.py

types: $(INSTALLED) ## Check the types
	$(BIN)/mypy $(CODE)

imports: $(INSTALLED) ## Check that imports point one way
	$(BIN)/lint-imports

docs: $(INSTALLED) ## Check the spelling, and run the examples in the documents
	$(BIN)/codespell $(WORDS)
	$(if $(PAGES),$(BIN)/python -m pytest -q --doctest-glob='*.md' $(PAGES) || test $$? -eq 5 # 5: pages without examples)

lock: $(INSTALLED) ## Resolve the newest versions that fit pyproject.toml; with hashes, no address
	@command -v uv > /dev/null || test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	PATH="$$PATH:$(CURDIR)/$(BIN)" uv $(COMPILE) --upgrade pyproject.toml --output-file requirements.lock > /dev/null
	PATH="$$PATH:$(CURDIR)/$(BIN)" uv $(COMPILE) --upgrade --group dev --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock > /dev/null

bench: $(INSTALLED) ## Measure, in the same run, against the actor with a transaction an event
	$(BIN)/python -m benchmarks $(ARGS)

bench-full: $(INSTALLED) ## Measure every figure and the peers, with pictures, in about an hour and a half
	$(BIN)/python -m benchmarks.full $(ARGS)

clean: ## Remove what the other targets made, the virtualenv too
	rm -rf .venv .stack .demo .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build
	find events workflows store workers tests $(wildcard benchmarks) -name __pycache__ -prune -exec rm -rf {} +

# A name on the PATH can be an empty promise (a version manager's shim), hence the try.
$(INSTALLED): requirements-dev.lock pyproject.toml
	@set -e; \
	for python in python3.11 python3 python3.12 python3.13; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then found="$$python"; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
		echo "Vouch needs Python 3.11 or newer, and found $$(python3 --version 2> /dev/null || echo none)." >&2; \
		echo "Install it (Debian, Ubuntu: apt-get install python3.11 python3.11-venv), then try again." >&2; \
		exit 1; \
	fi; \
	test -x $(BIN)/python || "$$found" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
