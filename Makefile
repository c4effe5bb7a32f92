# `make` lists the targets. Nothing here needs root, but for test-bare and for what setup may install.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

bin := .venv/bin
pytest := $(bin)/pytest -n auto --maxprocesses 4 --dist loadgroup

policies := $(wildcard examples/*.sched examples/*/*.sched stdlib/*.sched)

# Slow tests run in test-full; the bare root and a shard of the fuzz also in every CI run.
fast := not slow and not bare and not shard
ifeq ($(CI),true)
fast := not slow
endif

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## make .venv and fetch clang, QEMU, a kernel and bpftool (again: nothing to do)
	@scripts/setup

.PHONY: demo
demo: setup ## prove, load and run three policies in the micro-VM; see a fourth refused
	@scripts/demo

.PHONY: test
test: setup lint ## all tests but the slow ones, after lint
	@$(pytest) -m "$(fast)"

.PHONY: test-unit
test-unit: setup ## tests that need neither a micro-VM nor an installation
	@$(pytest) -m "not vm and not packaging and not bare and not slow and not shard"

.PHONY: test-vm
test-vm: setup ## tests under a real kernel in the micro-VM
	@$(pytest) -m "vm and not slow"

.PHONY: test-full
test-full: setup lint ## every test
	@$(pytest)

.PHONY: test-bare
test-bare: ## set up and use this commit in a bare Debian root (DEBIAN=13 for another)
	@scripts/bare-root

.PHONY: fuzz
fuzz: setup ## 2,000 random policies against their proofs, with the table (half an hour)
	@$(bin)/pytest -s -m slow tests/prover/test_soundness.py

.PHONY: conform
conform: setup ## 1,000 random policies' C against the reference machine, starving runs in the VM (10 minutes)
	@$(bin)/pytest -s -m slow tests/conform

.PHONY: bench
bench: setup ## times of compilation, proofs and simulation, emitted code, a small comparison; bench/results/*
	@$(bin)/python -m bench.compile_time
	@$(bin)/python -m bench.interpreter
	@$(bin)/python -m bench.simulate
	@$(bin)/python -m bench.proofs
	@$(bin)/python -m bench.emitted_code
	@$(bin)/python -m bench.long_tail --seeds 3 --cpus 2

.PHONY: bench-compare
bench-compare: setup ## policies against EEVDF in the micro-VM, 12 seeds (half an hour); bench/results/*
	@$(bin)/python -m bench.long_tail
	@$(bin)/python -m bench.message_worker
	@$(bin)/python -m bench.build_tree
	@$(bin)/python -m bench.sim_against_kernel

.PHONY: lint
lint: setup ## ruff, mypy --strict, formatting
	@$(bin)/ruff check --quiet
	@$(bin)/ruff format --check --quiet
	@$(bin)/mypy --no-error-summary
	@$(bin)/schedc fmt --check $(policies)

.PHONY: fmt
fmt: setup ## format all sources
	@$(bin)/ruff check --quiet --fix-only
	@$(bin)/ruff format --quiet
	@$(bin)/schedc fmt $(policies)

.PHONY: kernel-6.12
kernel-6.12: setup ## build the oldest kernel with sched_ext for the micro-VM (12 minutes)
	@scripts/kernel-6.12

.PHONY: lock
lock: ## resolve requirements/*.txt anew (needs uv)
	@scripts/lock

.PHONY: clean
clean: ## remove .venv and what tools left in the checkout; the shared cache stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist bench/results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
