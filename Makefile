# Everything that a developer types. Each target makes sure of its own needs, so `make demo` works on a fresh clone.

LAB ?= lab
NODE ?= cp1
PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup lab-ready check test test-all bench-drain bench-etcd demo lab-supply lab-up lab-down lab-status lab-shell lab-clean changelog clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make .venv with the pinned tools; quick when it is there
	@scripts/setup

lab-ready: setup
	@scripts/lab-ready

check: setup ## Lint, types, unit tests, ansible-test sanity: no cluster
	@scripts/stage "make check" scripts/check

test: check lab-ready ## check, then drains and upgrades of real clusters
	@scripts/stage "lab and scenarios" scripts/test

bench-drain: lab-supply ## Compare drains with kubectl's and kubernetes.core's
	@$(PYTHON) tests/bench/drain.py

bench-etcd: lab-supply ## Compare snapshots of etcd with those of its own tools
	@$(PYTHON) tests/bench/etcd.py

test-all: check lab-ready ## test with all of its slow tests, and half an hour of spoiled snapshots for their reader
	@KUBEOPS_TESTS=all scripts/stage "lab and all scenarios" scripts/test
	@KUBEOPS_FUZZ_ROUNDS=200000 scripts/stage "spoiled snapshots" .venv/bin/pytest --quiet tests/integration/etcd/test_fuzz.py

demo: lab-ready ## Watch a real cluster being upgraded under traffic
	@$(PYTHON) tests/lab/demo.py

lab-supply: lab-ready ## Build packages and images of the lab (once, long)
	@$(PYTHON) tests/lab supply --name $(LAB)

lab-up: lab-ready ## Start the lab LAB=lab
	@$(PYTHON) tests/lab up --name $(LAB)

lab-down: setup ## Remove the lab LAB=lab
	@$(PYTHON) tests/lab down --name $(LAB)

lab-status: setup ## What runs in the lab LAB=lab
	@$(PYTHON) tests/lab status --name $(LAB)

lab-shell: setup ## A shell on NODE=cp1 of the lab LAB=lab
	@$(PYTHON) tests/lab shell --name $(LAB) $(NODE)

lab-clean: setup ## Empty the cache of built packages and images
	@$(PYTHON) tests/lab clean --name $(LAB)

changelog: setup ## Turn fragments into CHANGELOG.md, under the version in galaxy.yml
	@PATH=$(CURDIR)/.venv/bin:$$PATH antsibull-changelog release --update-existing --reload-plugins

clean: ## Remove what setup and check made; labs and their cache stay
	rm -rf .venv .collections .ansible build/sanity .mypy_cache .pytest_cache .ruff_cache .hypothesis
