# One command each: `make run`, `make demo`, `make test`, `make check`, `make bench`, `make endurance`,
# `make fuzz`.
#
# The first of them makes .venv and installs into it; later ones do so again only when pyproject.toml has changed.
# What is needed to run is installed apart from what is needed to test, so that `make run` waits for less.
#
#   make run PYTHON=python3.13          another interpreter
#   make run ARGS="--workers 2"         flags for the command
#   make test ARGS="tests/config -x"    flags for pytest; without any, several processes share the tests

PYTHON ?= python3
ARGS   ?=
VENV   := .venv
BIN    := $(VENV)/bin
SHARED := --numprocesses auto --maxprocesses 4 --dist loadfile
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := run
.PHONY: run demo test check screenshot bench bench-peers bench-query endurance fuzz clean

run: $(VENV)/to-run
	@exec $(BIN)/tollbook serve $(ARGS)

demo: $(VENV)/to-run
	@exec $(BIN)/tollbook demo $(ARGS)

test: $(VENV)/to-test
	@exec $(BIN)/python -m pytest $(or $(ARGS),$(SHARED))

check: $(VENV)/to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

screenshot: $(VENV)/to-test
	@exec $(BIN)/python -m docs.screenshot $(ARGS)

bench: $(VENV)/to-test
	@exec $(BIN)/python -m bench $(ARGS)

bench-peers: $(VENV)/to-test
	@exec $(BIN)/python -m bench.peers $(ARGS)

bench-query: $(VENV)/to-test
	@exec $(BIN)/python -m bench.query $(ARGS)

endurance: $(VENV)/to-test
	@exec $(BIN)/python -m tests.endurance $(ARGS)

fuzz: $(VENV)/to-test
	@exec $(BIN)/python -m tests.fuzz $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Tollbook needs Python 3.11 or newer, and there is no $(PYTHON) here. If it has another name: make run PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tollbook needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1). If there is a newer one: make run PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "No virtual environment could be made. On Debian and Ubuntu it takes the package python3-venv." >&2; exit 1; }

$(VENV)/to-run: pyproject.toml | $(BIN)/python
	@echo "Installing Tollbook into $(VENV) ..." >&2
	@$(PIP) install --upgrade "pip>=25.1"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/to-test: $(VENV)/to-run
	@echo "Installing what the tests and checks need ..." >&2
	@$(PIP) install --group test --group check
	@touch $@
