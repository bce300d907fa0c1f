# Everything runs in .venv, which is made on first use from constraints.txt, so that it is the same everywhere.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell $(name) -c \
	'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test check format lint types contracts bench lock clean

demo: $(READY)
	@$(BIN)/tkt demo

test: $(READY)
	$(BIN)/pytest -n 2 $(TESTS)

check: format lint types contracts test

format: $(READY)
	$(BIN)/ruff format --check .

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m bench

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "tkt needs Python 3.11 or newer" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv (once)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $(READY)

# Renew constraints.txt: the newest versions that pyproject.toml allows, as a fresh environment gets them.
lock:
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet '.[test]'
	.lock/bin/python -m pip freeze --exclude tkt > constraints.txt
	rm -rf .lock

clean:
	rm -rf .venv .lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
