# Everything runs from .venv, made on first use and reinstalled only when an input below changes.

PYTHON ?= python3
PYTEST_ARGS ?= -n logical --maxprocesses 4 --dist loadfile

BIN := .venv/bin
INPUTS := pyproject.toml constraints.txt
TORCH := $(shell grep '^torch==' constraints.txt)

.PHONY: help demo test coverage bench lint docs test-latest test-pythons clean
.NOTPARALLEL:
.DEFAULT_GOAL := help

help:
	@echo "make demo         run a first market and draw it"
	@echo "make test         run the tests with every extra installed"
	@echo "make coverage     run the tests and say which lines they miss; fails below the floor in pyproject.toml"
	@echo "make bench        measure speed and theory"
	@echo "make lint         check style, types and layers"
	@echo "make docs         build the documentation as a site, build/site/index.html"
	@echo "make test-latest  run the tests on the newest versions of all dependencies"
	@echo "make test-pythons run the tests on each Python that Outcry supports (PYTHONS), with uv"
	@echo "make clean        remove environments, caches and builds; runs/ is kept"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Outcry needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv .venv

.venv/.installed-base: $(INPUTS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

# What installs all extras has installed the base as well.
.venv/.installed-all: $(INPUTS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	@touch .venv/.installed-base $@

demo: .venv/.installed-base
	@rm -rf runs/first_market
	$(BIN)/outcry run first_market --out runs/first_market
	@find runs/first_market -name '*.png' | sort | sed 's/^/Picture: /' | grep .

test: .venv/.installed-all
	$(BIN)/python -m pytest $(PYTEST_ARGS)

coverage: .venv/.installed-all
	$(BIN)/python -m pytest $(PYTEST_ARGS) --cov --cov-report=term

# A bench is a module of bench/ with a function `run`. All of them run, even after one has failed.
bench: .venv/.installed-all
	@status=0; for file in $$(grep -l '^def run(' bench/*.py bench/*/__init__.py); do \
	    name=$$(echo $${file#bench/} | sed 's|/__init__.py||; s|\.py$$||'); echo "== $$name"; \
	    $(BIN)/python -m bench $$name || { echo "bench $$name failed"; status=1; }; \
	done; exit $$status

lint: .venv/.installed-all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A warning ends it: a broken link, a docstring that does not parse.
docs: .venv/.installed-all
	cd .mkdocs && NO_MKDOCS_2_WARNING=1 ../$(BIN)/mkdocs build --quiet --strict
	@echo "Site: build/site/index.html (its search needs a server: $(BIN)/python -m http.server -d build/site)"

# torch stays pinned: other versions bring several GB of GPU libraries.
test-latest:
	$(PYTHON) -m venv --clear .venv-latest
	.venv-latest/bin/python -m pip install --quiet --editable '.[all,dev]' '$(TORCH)'
	.venv-latest/bin/python -m pytest $(PYTEST_ARGS)

# uv finds the Pythons of this machine, and fetches those that it lacks.
PYTHONS ?= 3.11 3.12 3.13 3.14
test-pythons: .venv/.installed-all
	@status=0; for version in $(PYTHONS); do echo "== Python $$version"; \
	    $(BIN)/uv venv --quiet --clear --python $$version .venv-$$version && \
	    $(BIN)/uv pip install --quiet --python .venv-$$version --constraint constraints.txt --editable '.[all,dev]' && \
	    .venv-$$version/bin/python -m pytest $(PYTEST_ARGS) || { echo "fails on Python $$version"; status=1; }; \
	done; exit $$status

clean:
	rm -rf .venv .venv-* build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find lob sim agents scenarios bench tests examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
