# Every command of the project; `make` without a target lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first interpreter of this list that runs and is 3.11 or newer; PYTHON=… selects another.
ifeq ($(origin PYTHON),undefined)
PYTHON = $(eval PYTHON := $$(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$$$python && break; done))$(PYTHON)
else
THIS_PYTHON := --this-python
endif
STAGE ?= dev

# MiniStack runs the functions in its own interpreter, which must have Lambda's version.
MINISTACK_PYTHON ?= $(shell for python in python3.13 "$(PYTHON)"; do \
	$$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo $$python && break; done)

VENV := .venv
MINISTACK_VENV := .venv-ministack
CONTRACT_TOOLS := tests/e2e/openapi
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)

# Without bytecode, each process compiles all modules again. Collecting the tests then takes twice as
# long.
unexport PYTHONDONTWRITEBYTECODE

export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

# CDK_DISABLE_CLI_TELEMETRY keeps synthesis off the network.
export CDK_DISABLE_CLI_TELEMETRY := true

# Tests that share slow fixtures run in one process: see tests/conftest.py. Four processes suit two
# cores, because many tests wait. Unit tests do not.
PARALLEL := --numprocesses=4 --dist=loadfile --no-loadscope-reorder

.PHONY: help run reference doctor ops smoke unit test test-long test-bundle e2e others-clients mutants bench bench-fleet check format synth bootstrap diff deploy destroy \
	deploy-local lock sbom clean set-up-local set-up-ops set-up-dev set-up-cdk set-up-contract set-up-tools set-up-ministack

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

doctor: ## Check Python, Node.js, environments, AWS credentials and the port; say what to do
	@$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m dev.doctor

run: set-up-local ## Run the service on this machine: no account, no Docker (PORT=8080 HOST= DATA= LOG= READY=)
	@exec $(BIN)/python -m dev.server

reference: set-up-local ## Write the API reference to build/reference, to publish (URL=https://… to try it)
	@$(BIN)/python -m dev.server.reference build/reference "$(URL)"

ops: set-up-ops ## Operate a stage: key, developer token, smoke test (ARGS="--help")
	@$(BIN)/python -m ops $(ARGS)

smoke: set-up-ops ## Run the smoke test on a deployed service (URL=https://…, MUSIC_USER_TOKEN)
	@test -n "$(URL)" || { echo "Name the service: make smoke URL=https://…"; exit 1; }
	@$(BIN)/python -m ops smoke $(if $(WRITE),--write $(WRITE)) $(URL)

unit: set-up-dev ## Run the unit tests: no sockets, no processes
	@$(BIN)/python -m pytest $(PARALLEL) --numprocesses=2 -m "not long" tests/unit $(ARGS)

test: set-up-cdk ## Run every test except the long ones
	@$(BIN)/python -m pytest $(PARALLEL) -m "not long" $(ARGS)

test-long: set-up-cdk set-up-contract ## Run the long tests: contract fuzz, load, random runs, real synthesis
	@$(BIN)/python -m pytest $(PARALLEL) -m long $(ARGS)

test-bundle: set-up-dev ## Run the ratings function's integration tests on the bundle that is deployed
	@rm -rf build/tested-bundle && mkdir -p build/tested-bundle
	@$(BIN)/python -m tests.bundle build/tested-bundle
	@$(BIN)/python -m pytest $(PARALLEL) -m "not long" -p tests.bundle \
		--override-ini="pythonpath=build/tested-bundle ." $(ARGS) \
		--ignore-glob='*/test_differential.py' --ignore-glob='*/test_coherence.py' \
		tests/integration/ratings tests/integration/shared/aws tests/integration/faults

e2e: set-up-ministack ## Test a deployment on an emulator of AWS, from creation to deletion
	@$(BIN)/python -m pytest -qq --override-ini=console_output_style=classic --exitfirst $(ARGS) tests/deployed

others-clients: set-up-dev ## Install published clients of Apple Music, which the long tests then run
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --upgrade \
		--require-hashes --target build/others-clients -r tests/e2e/others_clients/requirements.lock

# The first command is needed because mutmut keeps earlier results even if the tests have changed.
mutants: set-up-tools ## Test the tests: change the code in many small ways, list changes without a failing test (ARGS="NAME…")
	@rm -rf mutants
	$(BIN)/mutmut run $(ARGS)
	@$(BIN)/mutmut results --all true | $(BIN)/python -m tests.mutation_score

bench: set-up-dev ## Measure the function and other implementations of its job (a few minutes)
	@$(BIN)/python -m bench --python "$(MINISTACK_PYTHON)" $(ARGS)

bench-fleet: set-up-dev ## Simulate fleets of environments while Apple or AWS fails (80 seconds)
	@$(BIN)/python -m bench.fleet

check: set-up-dev ## Check lint, types, wording, unsafe code and which modules import each other
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m dev.prose
	$(BIN)/bandit --quiet --recursive app.py dev examples/python functions infra ops
	$(BIN)/zizmor --quiet --offline --config .github/zizmor.yml .github

format: set-up-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

synth: set-up-cdk ## Write the CloudFormation templates to cdk.out (STAGE=dev)
	cdk synth --quiet -c stage=$(STAGE)
	@echo "The templates are in cdk.out."

bootstrap: set-up-cdk ## Prepare the current AWS account and region for the CDK, once
	@$(BIN)/python -m dev.doctor --aws
	cdk bootstrap -c stage=$(STAGE)

diff: set-up-cdk ## Show what a deployment would change (STAGE=dev)
	cdk diff --method=template apple-music-ratings-$(STAGE) -c stage=$(STAGE)

deploy: set-up-cdk ## Deploy to the current AWS account (STAGE=dev)
	@$(BIN)/python -m dev.doctor --aws
	cdk deploy $(or $(ARGS),--all) -c stage=$(STAGE)

destroy: set-up-cdk ## Delete a stage's stack, except retained resources (STAGE=dev ARGS=--force)
	cdk destroy --exclusively apple-music-ratings-$(STAGE) -c stage=$(STAGE) $(ARGS)

deploy-local: set-up-ministack ## Deploy to an emulator of AWS on this machine: no account, no Docker
	@exec $(BIN)/python -m dev.emulator

# A lock file is valid for every supported platform, and for the given Python version or a newer one.
# requirements-tools.lock contains all packages of $(VENV). With SAME_VERSIONS, another lock file uses
# its versions.
RESOLVE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --custom-compile-command "make lock"
SAME_VERSIONS := --constraints requirements-tools.lock

lock: set-up-tools ## Write the lock files of the requirements files (ARGS=--upgrade)
	@$(RESOLVE) $(ARGS) --python-version 3.11 requirements-tools.txt -o requirements-tools.lock
	@set -e; for file in requirements-{local,ops,dev,clients}.txt; do \
		$(RESOLVE) $(SAME_VERSIONS) --python-version 3.11 $$file -o $${file%.txt}.lock; done
	@$(RESOLVE) --no-deps --python-version 3.11 tests/e2e/others_clients/requirements.txt \
		-o tests/e2e/others_clients/requirements.lock
	@set -e; for file in functions/*/requirements.txt; do \
		$(RESOLVE) $(SAME_VERSIONS) --python-version 3.13 $$file -o $${file%.txt}.lock; done
	@set -e; for file in requirements-ministack.txt bench/peers/*/requirements.txt; do \
		$(RESOLVE) --no-deps --python-version 3.13 $$file -o $${file%.txt}.lock; done

sbom: set-up-tools ## Write a bill of materials (CycloneDX) of each function's bundle to build/sbom
	@mkdir -p build/sbom
	@set -e; for file in functions/*/requirements.lock; do name=$${file#functions/}; \
		$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
			--output-file build/sbom/$${name%%/*}.cdx.json $$file; done
	@ls build/sbom/*

clean: ## Remove everything that these commands created
	rm -rf $(VENV) $(MINISTACK_VENV) node_modules $(CONTRACT_TOOLS)/node_modules examples/typescript/node_modules \
		examples/typescript/build cdk.out build .coverage htmlcov \
		.mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis mutants
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call set-up,PYTHON,OPTIONS) installs missing packages and repairs the environment. It prints to standard error:
# standard output is only for the target's own command.
define set-up
@$(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Python 3.11 or newer is needed$(if $(1),; $(1) --version prints: $$($(1) --version 2>&1 | tail -1)). Install it, or name one with PYTHON=…"; exit 1; }
@$(1) -m dev.setup $(2) >&2
endef

set-up-local:
	$(call set-up,$(PYTHON),$(THIS_PYTHON) $(VENV) requirements-local.lock)

set-up-ops:
	$(call set-up,$(PYTHON),$(THIS_PYTHON) $(VENV) requirements-ops.lock)

set-up-dev:
	$(call set-up,$(PYTHON),$(THIS_PYTHON) $(VENV) requirements-dev.lock)

set-up-cdk:
	$(call set-up,$(PYTHON),$(THIS_PYTHON) --node $(VENV) requirements-dev.lock)

# npm writes .package-lock.json when it has installed package-lock.json. It runs no package's install scripts.
set-up-contract: set-up-cdk
	$(call set-up,$(PYTHON),$(THIS_PYTHON) $(VENV) requirements-clients.lock)
	@for folder in $(CONTRACT_TOOLS) examples/typescript; do \
		[ $$folder/node_modules/.package-lock.json -nt $$folder/package-lock.json ] || { \
			echo "Installing $$folder/package.json (once, up to a minute) …" && \
			(cd $$folder && npm ci --include=dev --ignore-scripts --no-audit --no-fund --loglevel=error); } || exit 1; done

set-up-tools:
	$(call set-up,$(PYTHON),$(THIS_PYTHON) $(VENV) requirements-tools.lock)

set-up-ministack: set-up-cdk
	@test -n "$(MINISTACK_PYTHON)" || { echo "This needs Python 3.13, Lambda's version: install it, or name it with MINISTACK_PYTHON=…"; exit 1; }
	$(call set-up,$(MINISTACK_PYTHON),$(MINISTACK_VENV) requirements-ministack.lock)
