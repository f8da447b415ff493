# make help lists the targets. PYTHON names the interpreter of the environment (3.10 to 3.12).
VENV ?= .venv
DOCS_VENV ?= .venv-docs
PYTHON ?=
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP_OPTIONS := --disable-pip-version-check --no-input
PIP := $(BIN)/python -m pip $(PIP_OPTIONS)
COVERED := tests/format tests/runtime
DOCS_BIN := $(DOCS_VENV)/bin
INPUTS := setup.cfg pyproject.toml constraints.txt
# The full environment serves the demo too, so that a developer installs once.
DEMO_READY := $(if $(wildcard $(VENV)/.dev),$(VENV)/.dev,$(VENV)/.demo)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo lint test bench bench-speed macs man docs wheel dist clean distclean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: $(DEMO_READY)  ## compress and restore a real photo; files and a picture go to demo/
	$(BIN)/python tools/study.py demo

lint: $(VENV)/.dev  ## style and types: ruff and basedpyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

# Tracing slows every call of a Python function in a run, measured or not: the rest of the tests runs without.
test: $(VENV)/.dev  ## install everything and run all tests; coverage of format and runtime
ifeq ($(strip $(PYTEST_ARGS)),)
	$(BIN)/python -m pytest -q $(COVERED) --cov
	$(BIN)/python -m pytest -q $(addprefix --ignore=,$(COVERED))
else
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)
endif

bench: $(VENV)/.dev  ## codecs side by side: make bench PICTURES=folder
	$(BIN)/jndlic bench $(PICTURES)

bench-speed: $(VENV)/.dev  ## time and memory against CompressAI's bmshj2018-hyperprior
	$(BIN)/python tools/study.py speed

macs: $(DEMO_READY)  ## multiplications per pixel and parameters of each part
	$(BIN)/python tools/study.py complexity

man: $(DEMO_READY)  ## write the manual pages to build/share/man; man -M build/share/man jndlic
	$(BIN)/python tools/write_manual.py build/share

# The pages are made by the standard library alone, from sources that are not installed there.
docs: $(DOCS_VENV)/.ready  ## build the documentation site into build/site; broken links fail
	rm -rf build/docs build/site
	PYTHONPATH=. $(DOCS_BIN)/python tools/write_site.py build/docs
	$(DOCS_BIN)/zensical build --strict --clean
	PYTHONPATH=. $(DOCS_BIN)/python tools/check_site.py build/site

wheel: $(DEMO_READY)  ## build dist/*.whl
	rm -rf build  # files of an earlier build would get in
	$(PIP) wheel --no-deps --wheel-dir dist .

# Both are built from the tree; the tests build the wheel from the sdist once more, and install it.
dist: $(VENV)/.dev  ## build sdist and wheel into dist/, check both, try them
	rm -rf build dist
	$(BIN)/python -m build --no-isolation --sdist --wheel
	JNDLIC_DIST=$(CURDIR)/dist $(BIN)/python -m pytest -q tests/test_package.py

clean:  ## remove what was made, except the environments
	rm -rf demo build dist jndlic.egg-info .pytest_cache .ruff_cache .coverage .cache
	find jndlic tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## remove the environments as well
	rm -rf $(VENV) $(DOCS_VENV)

$(BIN)/python $(DOCS_BIN)/python:
	@for python in $(if $(PYTHON),$(PYTHON),python3 python3.12 python3.11 python3.10); do \
	  if $$python -c 'import ensurepip, sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then \
	    echo "environment $(@D:/bin=): $$($$python --version)"; exec $$python -m venv $(@D:/bin=); \
	  fi; \
	done; \
	echo "no Python from 3.10 to 3.12 with venv found; name one: make PYTHON=/path/to/python3.11" >&2; exit 1

$(VENV)/.demo: $(INPUTS) | $(BIN)/python
	@echo 'installing into $(VENV); minutes, and gigabytes on Linux, where torch comes with CUDA'
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(INPUTS) | $(BIN)/python
	@echo 'installing into $(VENV); minutes, and gigabytes on Linux, where torch comes with CUDA'
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.demo

# Of its own: the generator's libraries move as they like, those of the tests are pinned.
$(DOCS_VENV)/.ready: constraints.txt | $(DOCS_BIN)/python
	@echo 'installing what builds the site into $(DOCS_VENV); 140 MB'
	@$(DOCS_BIN)/python -m pip $(PIP_OPTIONS) install --quiet --constraint constraints.txt zensical
	@touch $@
