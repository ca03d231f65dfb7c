# Needs Python 3.11 or newer and make; everything else is installed into .venv, .venv-engine and, for make bench, .venv-bench.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)
PORT ?= 8000
DATA_DIR ?= .local
DEMO ?= 1
BIN := .venv/bin
# Read by the shell itself, so that nothing in it is taken for a command.
export STAGE

.DEFAULT_GOAL := help
.PHONY: help run test faults check audit soak load mutants zip deploy status rollback destroy bench bench-quick clean python-ready

help: ## Show what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

run: .venv/ready .venv-engine/ready ## Start everything on http://127.0.0.1:8000 (PORT, DATA_DIR, DEMO=0)
	@exec env PORT=$(PORT) DATA_DIR=$(DATA_DIR) DEMO=$(DEMO) $(BIN)/python -m local

# Files in their own order: by default, one that is a single long test would come last, and alone.
test: .venv/ready .venv-engine/ready ## Run every test
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/ready ## Lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

faults: .venv/ready .venv-engine/ready ## Break every call of every money path in every way, which takes long
	EVERY_CALL=1 $(BIN)/python -m pytest -n 2 --dist load tests/faults

load: .venv/ready .venv-engine/ready ## Load the local stack and the package up to saturation and beyond (ARGS=--quick)
	$(BIN)/python bench/saturation.py $(ARGS)
	$(BIN)/python bench/saturation_artefact.py $(ARGS)

mutants: .venv/ready ## Change the code of money everywhere, and tell what no test notices (ARGS="--most 20")
	$(BIN)/python -m tests.mutants $(ARGS)

audit: ## Ask the advisory database about every pinned dependency (needs the internet)
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	build/audit/bin/pip-audit --strict -r requirements.txt

soak: .venv/ready .venv-engine/ready ## Play thousands of histories under faults and crashes (ARGS="--histories 5000 --seed ...")
	$(BIN)/python -m tests.histories.soak $(ARGS)

zip: .venv/ready ## Build the deployment package into build/package
	$(BIN)/python -m infra.build_zip

deploy: .venv/ready stage-named ## Deploy a stage into the AWS account: STAGE=dev (STEPS="app settings" for some steps)
	$(BIN)/python -m infra.deploy "$$STAGE" $(STEPS)

status: .venv/ready stage-named ## Tell the state of a deployed stage: STAGE=dev
	@$(BIN)/python -m infra.status "$$STAGE"

rollback: .venv/ready stage-named ## Go back to the release before: STAGE=prod (RELEASE=name, or RELEASE=--list)
	$(BIN)/python -m infra.rollback "$$STAGE" $(RELEASE)

destroy: .venv/ready stage-named ## Take a stage down, but for its data: STAGE=dev
	$(BIN)/python -m infra.destroy "$$STAGE"

bench: .venv/ready .venv-engine/ready .venv-bench/ready ## Measure everything; writes build/bench.json
	$(BIN)/python bench/run.py

bench-quick: .venv/ready .venv-engine/ready ## The same in under a minute, at smaller sizes
	$(BIN)/python bench/run.py --quick

clean: ## Remove what was built (not the data, not the environments)
	rm -rf build .pytest_cache .ruff_cache .mypy_cache .hypothesis .chalice/deployments
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

.venv/ready: requirements.txt requirements-dev.txt | python-ready
	@echo "Installing into .venv ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.venv-engine/ready: requirements-engine.txt | python-ready
	@echo "Installing the embedded engine into .venv-engine ..."
	@test -x .venv-engine/bin/python || $(PYTHON) -m venv .venv-engine
	@.venv-engine/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-engine.txt
	@touch $@

.venv-bench/ready: requirements-bench.txt | python-ready
	@echo "Installing the packages that are measured beside ours into .venv-bench ..."
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

stage-named:
	@test -n "$$STAGE" || { echo "Which stage? STAGE=dev, say" >&2; exit 1; }

python-ready:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) lacks the venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
