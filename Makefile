# One command a chore. `make demo` and `make test` do all the set-up on a fresh Debian 12.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: help demo test check format bench compare clean

help:
	@echo "make demo    create $(VENV) and run netcheck against an embedded lab"
	@echo "make test    every test; as root it also installs the Debian packages the lab needs"
	@echo "make check   format, lint, strict types"
	@echo "make bench   measure against nmap and ssh-keyscan, and what has a bound; writes docs/benchmarks.md"
	@echo "make compare ask netcheck and other tools about the same broken networks; writes docs/comparison.md"
	@echo "make format  rewrite the files as 'make check' wants them"

# One clear line where Debian's python3-venv is missing; otherwise pip's own words are enough.
$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "netcheck needs Python 3.11 or newer: $(PYTHON) is older; try 'make PYTHON=python3.12 $(MAKECMDGOALS)'" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "python3-venv is missing: run 'apt-get install python3-venv' as root, then 'make $(MAKECMDGOALS)' again" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,all]'
	$(BIN)/python -m compileall -q netcheck probes
	@touch $@

demo: $(VENV)/installed
	@$(BIN)/netcheck demo

test: $(VENV)/installed
	@sh tests/lab/prepare.sh
	$(BIN)/pytest -rs

check: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed
	$(BIN)/python -m tests.bench --write

compare: $(VENV)/installed
	@sh tests/lab/prepare.sh
	$(BIN)/python -m tests.compare --write

clean:
	rm -rf $(VENV) build dist *.egg-info
