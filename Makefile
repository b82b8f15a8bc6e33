# Every command of the project; `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first of these that runs; give PYTHON=… to choose another, 3.11 or newer.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
STAGE ?= dev

# MiniStack runs the functions in its own interpreter, which has to be of Lambda's version.
MINISTACK_PYTHON ?= $(shell for python in python3.13 "$(PYTHON)"; do \
	$$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo $$python && break; done)

VENV := .venv
MINISTACK_VENV := .venv-ministack
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

# CDK_DISABLE_CLI_TELEMETRY keeps synthesis off the network.
export CDK_DISABLE_CLI_TELEMETRY := true

.PHONY: help run ops smoke test test-bundle e2e mutants bench check format synth bootstrap deploy destroy deploy-local lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.local ## Run the service on this machine: no account, no Docker (PORT=8080)
	@exec $(BIN)/python -m local

ops: $(VENV)/.ops ## Look after the developer token, try a service (ARGS="--help")
	@$(BIN)/python -m ops $(ARGS)

smoke: $(VENV)/.ops ## Try a deployed service as an app would (URL=https://…, MUSIC_USER_TOKEN)
	@test -n "$(URL)" || { echo "Name the service: make smoke URL=https://…"; exit 1; }
	@$(BIN)/python -m ops smoke $(if $(WRITE),--write $(WRITE)) $(URL)

test: $(VENV)/.dev node_modules/.installed ## Run every test that needs no deployment
	$(BIN)/python -m pytest --cov --cov-report=term $(ARGS)

test-bundle: $(VENV)/.dev ## Run the ratings function's tests on the bundle that is deployed
	@rm -rf build/tested-bundle && mkdir -p build/tested-bundle
	@$(BIN)/python -m tests.bundle build/tested-bundle
	$(BIN)/python -m pytest --quiet -p tests.bundle --override-ini="pythonpath=build/tested-bundle ." $(ARGS) \
		tests/unit/ratings tests/integration/ratings tests/integration/faults

e2e: $(VENV)/.dev $(MINISTACK_VENV)/.installed node_modules/.installed ## Deploy to an emulator of AWS, and try everything there
	@$(BIN)/python -m pytest -qq --override-ini=console_output_style=classic --exitfirst $(ARGS) tests/deployed

# From a clean start: mutmut keeps what it found before, however much the tests have changed since.
mutants: $(VENV)/.mutants ## Change the code in many small ways, see whether a test notices (ARGS="NAME…")
	@rm -rf mutants
	$(BIN)/mutmut run $(ARGS)
	@$(BIN)/mutmut results --all true | $(BIN)/python -m tests.mutation_score

bench: $(VENV)/.dev ## Measure the function beside what others build (some minutes)
	@$(BIN)/python -m bench --python "$(MINISTACK_PYTHON)" $(ARGS)

check: $(VENV)/.dev ## Lint, types, unsafe code, and which module may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive app.py deployment functions infra local ops

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

synth: $(VENV)/.dev node_modules/.installed ## Write the CloudFormation templates to cdk.out (STAGE=dev)
	cdk synth --quiet -c stage=$(STAGE)
	@echo "The templates are in cdk.out."

bootstrap: $(VENV)/.dev node_modules/.installed ## Prepare the AWS account and region in use for the CDK, once
	cdk bootstrap -c stage=$(STAGE)

deploy: $(VENV)/.dev node_modules/.installed ## Deploy to the AWS account in use (STAGE=dev)
	cdk deploy $(or $(ARGS),--all) -c stage=$(STAGE)

destroy: $(VENV)/.dev node_modules/.installed ## Remove a stage's stack, but for what is to stay (STAGE=dev)
	cdk destroy --exclusively apple-music-ratings-$(STAGE) -c stage=$(STAGE)

deploy-local: $(VENV)/.dev $(MINISTACK_VENV)/.installed node_modules/.installed ## Deploy to an emulator of AWS on this machine: no account, no Docker
	@exec $(BIN)/python -m deployment

# With the oldest Python that the code runs on: what that one takes, the newer ones take too.
lock: $(VENV)/.mutants ## Pin every package that the requirements bring in (PYTHON=python3.11)
	@{ sed '/^[^#]/,$$d' constraints.txt; $(BIN)/python -m pip freeze; } > constraints.new
	@mv constraints.new constraints.txt

clean: ## Remove everything that these commands made
	rm -rf $(VENV) $(MINISTACK_VENV) node_modules cdk.out build .coverage htmlcov .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache .hypothesis mutants
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=…"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.local: $(VENV)/bin/python requirements-local.txt functions/ratings/requirements.txt functions/token_rotation/requirements.txt constraints.txt
	@echo "Installing what the local service needs (once, about half a minute) …"
	@$(PIP) install -r requirements-local.txt
	@touch $@

$(VENV)/.ops: $(VENV)/bin/python requirements-ops.txt constraints.txt
	@echo "Installing what an operator needs (once, about a quarter of a minute) …"
	@$(PIP) install -r requirements-ops.txt
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements-dev.txt requirements.txt requirements-local.txt requirements-ops.txt functions/ratings/requirements.txt functions/token_rotation/requirements.txt constraints.txt
	@echo "Installing what development needs (once, about a minute) …"
	@$(PIP) install -r requirements-dev.txt
	@touch $@ $(VENV)/.local $(VENV)/.ops

$(MINISTACK_VENV)/.installed: requirements-ministack.txt
	@test -n "$(MINISTACK_PYTHON)" || { echo "Python 3.13 is needed for this, Lambda's version: install it, or name it with MINISTACK_PYTHON=…"; exit 1; }
	@echo "Installing MiniStack, an emulator of AWS, with $$($(MINISTACK_PYTHON) --version) (once, some seconds) …"
	@$(MINISTACK_PYTHON) -m venv --clear $(MINISTACK_VENV)
	@$(MINISTACK_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps -r requirements-ministack.txt
	@touch $@

$(VENV)/.mutants: $(VENV)/.dev requirements-mutants.txt
	@echo "Installing what mutation testing needs (once, about a quarter of a minute) …"
	@$(PIP) install -r requirements-mutants.txt
	@touch $@

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo "Node.js with npm is needed for the CDK: install it first."; exit 1; }
	@echo "Installing the CDK command line (once) …"
	@npm ci --no-audit --no-fund --silent
	@touch $@
