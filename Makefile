# The list of commands. `make demo` and `make test` each do all their own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin
UV := $(shell command -v uv || echo .cache/uv/bin/uv)
# The CPU wheel of torch, where this machine keeps one; the index's wheel brings CUDA.
WHEELS := $(wildcard $(PIP_FIND_LINKS)/torch-2.13.0+cpu-*.whl)
TORCH := $(if $(WHEELS),torch-cpu,torch)
LINKS := $(if $(WHEELS),--find-links "$(PIP_FIND_LINKS)")
# One worker a core, few enough that servers and clusters of several come up in time; what takes longest begins first.
SHARED := -n auto --maxprocesses 3 --no-loadscope-reorder
SOURCES := libs services pipelines tests benchmarks

export GX_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: help setup demo up test unit e2e integration attacks check fix policy lock lock-check bench clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# ---- set-up: uv, a virtual environment, locked and hashed packages; nothing outside the project but caches

.cache/uv/bin/uv: requirements/uv.txt
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/pip install -q --require-hashes -r requirements/uv.txt

$(VENV)/.%: requirements/%.txt requirements/$(TORCH).txt pyproject.toml | $(filter .cache/uv/bin/uv,$(UV))
	@test -x $(RUN)/python || $(UV) venv -q --python "$(PYTHON)" $(VENV)
	@$(if $(WHEELS),:,echo "note: no CPU wheel of torch in PIP_FIND_LINKS: the index's build with CUDA comes (several GB)")
	$(UV) pip install -q -p $(RUN)/python --no-deps --require-hashes $(LINKS) -r requirements/$*.txt -r requirements/$(TORCH).txt
	$(UV) pip install -q -p $(RUN)/python --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.dev  ## everything needed to work on Assay

# ---- use

demo: $(VENV)/.laptop  ## the main job: one model, end to end, on a throw-away platform
	$(RUN)/assay demo

up: $(VENV)/.laptop  ## start the platform on this machine (state in ~/.assay, or ASSAY_HOME)
	$(RUN)/assay up

# ---- tests

test: $(VENV)/.dev  ## unit, contract, the whole thread, attacks; `vault` and `opa` are used when they are on the PATH
	$(RUN)/pytest $(SHARED) tests/e2e tests/architecture tests/unit tests/contract tests/attacks

unit: $(VENV)/.dev  ## tests that need nothing
	$(RUN)/pytest $(SHARED) tests/unit tests/architecture

integration: $(VENV)/.dev  ## one part and its real engines (PostgreSQL, a browser, Ray), every implementation of a port
	$(RUN)/pytest $(SHARED) tests/integration tests/contract

e2e: $(VENV)/.dev  ## the whole thread, and the attacks on it
	$(RUN)/pytest $(SHARED) tests/e2e tests/attacks

bench: $(VENV)/.dev  ## figures beside a peer in the same run; BENCH="name …" for some of them
	$(RUN)/python -m benchmarks $(BENCH)

check: $(VENV)/.dev lock-check  ## lint, types, import direction, stale policy, stale locks
	$(RUN)/ruff format --check $(SOURCES)
	$(RUN)/ruff check $(SOURCES)
	$(RUN)/mypy $(SOURCES)
	$(RUN)/lint-imports --no-cache
	$(RUN)/python -m assay_laptop.opa.build --check

fix: $(VENV)/.dev  ## format and repair what can be repaired
	$(RUN)/ruff format $(SOURCES)
	$(RUN)/ruff check --fix $(SOURCES)

policy: $(VENV)/.dev  ## infra/opa/*.rego -> policy.wasm (needs `opa` on the PATH)
	$(RUN)/python -m assay_laptop.opa.build

# ---- locks

COMPILE = $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate

lock: | $(filter .cache/uv/bin/uv,$(UV))  ## make the hash-pinned locks anew
	bash requirements/lock.sh "$(UV)" "$(PYTHON)"

lock-check:  ## the locks belong to pyproject.toml
	bash requirements/lock.sh --check

clean:  ## remove what make made
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache build dist
