# What a person or a gate runs here. `make` alone lists it. Works with GNU make 3.81, which macOS ships.

BIN = .venv/bin
CODE = src tests benchmarks scripts
# A process takes a module whole, so that the module's cast and book are made once; the order is tests/conftest.py's.
# One process more than there are cores: a quarter of the time a test waits for a database, a browser or a worker.
PROCESSES = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST = $(BIN)/pytest -q -n $(PROCESSES) --dist loadfile --no-loadscope-reorder --durations 20
# Else each process of a run, and each command that a test starts, would compile the whole project anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo lint check test suite test-long journeys bench audit sbom shots pages

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

setup: ## .venv with everything pinned, and the project in place; does nothing when up to date
	@sh scripts/setup.sh

demo: setup ## simulates a partnership and serves a room with it; prints the address and one login for each role
	@sh scripts/demo.sh

lint: setup
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

check: lint ## format, lint, types, import order and the quick tests, in under 90 seconds
	$(PYTEST) -m "not gate and not long and not browser and not shared"

test: setup ## everything that a change has to pass, browser tests and real records included
	@$(MAKE) -j 2 lint suite

# Beside `lint`, most of which is one process of mypy: the cores are busy to the end.
suite: setup
	$(PYTEST) -m "not long"

test-long: setup ## what takes too long for the gate: kill tests, fuzzing, coverage by simulation
	$(PYTEST) -m "long or hypothesis" --hypothesis-profile long --timeout 3600

journeys: setup ## every journey of two sides through the room in a browser; `make test` has the first month alone
	$(PYTEST) tests/journeys --timeout 3600

bench: setup ## speed and memory, as ratios against named baselines in the same run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement benchmarks/requirements.lock
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.bringer
	$(BIN)/python -m benchmarks.recognition
	$(BIN)/python -m benchmarks.queueing
	$(BIN)/python -m benchmarks.agreement_text
	$(BIN)/python -m benchmarks.agreement_pages
	$(BIN)/python -m benchmarks.ledger
	$(BIN)/python -m benchmarks.waiting
	$(BIN)/python -m benchmarks.room

audit: setup ## known weaknesses in what we depend on; needs the network
	$(BIN)/pip-audit --requirement requirements.lock --disable-pip --strict

sbom: setup ## what a room is made of, as a CycloneDX list of parts in dist/
	@mkdir -p dist
	$(BIN)/python scripts/locked.py --here | $(BIN)/python -W ignore -m cyclonedx_py requirements - --pyproject pyproject.toml --short-PURLs --output-reproducible --validate -o dist/comity.cdx.json

shots: setup ## pictures of every page of the room in shots/index.html; ONLY="today review", --resume or --part=1/4 take some
	@$(BIN)/python tests/journeys/shots.py $(ONLY)

pages: setup ## docs/book.md, docs/tables.md and docs/clauses.md from the declarations, and the answers in docs/first-book.md
	@$(BIN)/python scripts/pages.py --tutorial
