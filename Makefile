# `make` alone lists the commands.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint golden docs bench check clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/run ## run everything: the exporter, Prometheus and Alertmanager, with a demo (CONFIG=file: with your targets)
	@$(BIN)/tocsin up $(if $(CONFIG),--config $(CONFIG))

test: .venv/test .cache/servers ## install what the tests need, then lint and run all tests
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest

test-all: test ## the same, and what needs the newest servers: PostgreSQL 18 and MySQL 9, fetched into .cache
	@tests/install_newest.sh
	$(BIN)/python -m pytest -m newest

lint: .venv/test ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: .venv/test .cache/servers ## write the golden pages again; the diff is the review
	@tests/install_newest.sh
	TOCSIN_GOLDEN=write $(BIN)/python -m pytest -q -m '' tests/golden

docs: .venv/test ## write METRICS.md, EVENTS.md, CONFIG.md, routes and dashboards again
	$(BIN)/python -m tocsin.bundle.docs
	$(BIN)/python -m grafana.build

bench: .venv/test .cache/servers ## measure: printed as ratios within one run
	$(BIN)/python -m pytest -q -s tests/bench --override-ini=python_files='bench_*.py'

clean: ## remove what the commands above made
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# The exporter alone needs only its own packages; the tests need theirs beside them.
.venv/run: pyproject.toml tests/constraints.txt
	@PYTHON=$(PYTHON) tests/install.sh venv ""
	@touch $@

.venv/test: pyproject.toml tests/constraints.txt
	@PYTHON=$(PYTHON) tests/install.sh venv "[test]"
	@touch $@ .venv/run

.cache/servers: tests/install.sh tests/install_docker.sh tests/install_peers.sh
	@tests/install.sh servers
	@tests/install_docker.sh
	@tests/install_peers.sh
	@mkdir -p .cache && touch $@
