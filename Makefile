# OPTRIA IQ. Needs python3 (3.11 to 3.14) and make; everything else is fetched into .venv once.
BIN := .venv/bin
WORKERS ?= 2
ARGS ?=
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev browser node-tools pooler servers servers-if-any demo screenshots test test-pooled faults fuzz check bench bench-quality clauses docs build-frontend lock

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

setup: ## make .venv and install the program (runs once)
	@sh scripts/bootstrap.sh run

setup-dev:
	@sh scripts/bootstrap.sh dev

browser: setup-dev
	@sh scripts/browser.sh

node-tools: # the front-end's own tests want them; without npm they are skipped with a reason
	@if command -v npm >/dev/null 2>&1 && [ ! -d frontend/node_modules ]; then \
		cd frontend && npm install --no-audit --no-fund --silent >/dev/null || echo "test: npm could not install; the front-end build is not checked" >&2; fi

demo: setup ## the simulated plant and the screens, in one go (ARGS="--port 8080 --no-browser")
	@$(BIN)/optria demo $(ARGS)

test: setup-dev browser node-tools servers-if-any ## all tests (WORKERS=1 for one at a time, ARGS="-k words" to choose)
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS) </dev/null

pooler: setup-dev
	@sh scripts/servers.sh pgbouncer

servers: setup-dev
	@sh scripts/servers.sh pgbouncer nats-server libfaketime

servers-if-any: setup-dev # a machine without them skips their tests, with the reason
	@sh scripts/servers.sh pgbouncer nats-server libfaketime || true

test-pooled: setup-dev browser node-tools pooler ## all tests, with PgBouncer in transaction mode before the database
	@OPTRIA_TEST_POOLER=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS) </dev/null

faults: setup-dev browser node-tools servers ## every row of the fault matrix at full length, a line each (ARGS="1 12-17")
	@$(BIN)/python -m tests.faults $(ARGS) </dev/null

fuzz: setup-dev ## made-up requests to every operation, boundary values too (FUZZ_CASES=30 of each)
	@FUZZ_CASES=$${FUZZ_CASES:-30} $(BIN)/python -m pytest -q tests/web/test_fuzz.py $(ARGS) </dev/null

check: setup-dev ## style, types, floors and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src tests
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/check_migrations.py

bench: setup-dev ## measurements, with the machine they were taken on
	@$(BIN)/python benchmarks/stream_cost.py
	@$(BIN)/python benchmarks/causes_on_simulator.py $(ARGS)
	@$(BIN)/python -m benchmarks.loop_closes

DATA ?= recordings
bench-quality: setup-dev ## detection and causes, with intervals, beside what is to be reached (DATA=folder ARGS="--only skab")
	@$(BIN)/python -m benchmarks.quality $(DATA) $(ARGS)

screenshots: setup-dev browser node-tools ## pictures of every page during a fault, and what axe-core finds (ARGS="--only twin")
	@$(BIN)/python -m scripts.screenshots $(ARGS)

clauses: setup-dev ## which test proves which clause of the requirements; fails when one has none
	@$(BIN)/python -m tests.clauses

docs: setup-dev ## write docs/permissions.md and the table of docs/faults.md anew from the program
	@$(BIN)/python scripts/write_permissions.py
	@$(BIN)/python -m scripts.write_faults

build-frontend: ## rebuild the style sheet and scripts (needs npm; the built files are in the repository)
	cd frontend && npm install --no-audit --no-fund && npm run build

lock: ## resolve the packages anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet \
		pyproject.toml requirements/build.in --output-file requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet \
		--extra dev pyproject.toml requirements/build.in --constraint requirements/run.txt --output-file requirements/dev.txt
