# One command for each job. `make help` lists them.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
STUDY := params/studies/spending_review.toml

# PYTHON=... on the command line reaches the interpreter search.
export PYTHON

.PHONY: help setup evidence answers test bench bench-quick check lab docs docs-check lock clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## make the environment in .venv, if it is missing or out of date

# uv is used when it is there because it is faster; pip reads the same lock. Both refuse a package whose hash differs.
$(STAMP): requirements.lock pyproject.toml .ci/find_python
	@set -e; python=$$(sh .ci/find_python); \
	echo "Setting up $(VENV) with $$python (once; one to three minutes)"; \
	rm -rf $(VENV); \
	if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --python "$$python" $(VENV); \
	  uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock; \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
	  "$$python" -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi; \
	touch $(STAMP)

evidence: $(STAMP)  ## the main job: forecast, simulate, report; prints where the report lies
	@$(BIN)/dispersal study $(STUDY)
	@$(BIN)/dispersal report $(STUDY)

answers: $(STAMP)  ## the main job with every further answer: grant rates, notice, moves, barriers, drivers (15 minutes)
	@$(BIN)/dispersal study $(STUDY)
	@$(BIN)/dispersal answers
	@$(BIN)/dispersal report $(STUDY)

test: $(STAMP)  ## every test
	@$(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(STAMP)  ## how fast the model is, beside the targets (two to five minutes on a quiet machine)
	@$(BIN)/python tests/bench/benchmark.py

bench-quick: $(STAMP)  ## the same in one minute, rougher
	@$(BIN)/python tests/bench/benchmark.py --quick

check: $(STAMP)  ## style, types, parameters and reference tables
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/dispersal check

lab: $(STAMP)  ## JupyterLab, open on the first notebook
	@# Jupyter refuses to run as root unless told; in a container there is often nobody else to run it.
	@$(BIN)/jupyter lab --notebook-dir=notebooks --LabApp.default_url=/lab/tree/learn/first_notebook.ipynb \
	  $$([ "$$(id -u)" = 0 ] && echo --allow-root)

docs: $(STAMP)  ## the pages on how to use it, with notebooks executed, into runs/site
	@rm -rf runs/.site/html
	@$(BIN)/sphinx-build --quiet --fresh-env --fail-on-warning --keep-going -d runs/.site/doctrees notebooks/learn runs/.site/html
	@rm -rf runs/site && mv runs/.site/html runs/site
	@echo "runs/site/index.html"

docs-check: $(STAMP)  ## the first notebook, every tutorial and the explorer in a real JupyterLab, with chromium
	@$(BIN)/python -m pytest -m lab tests/notebooks

lock:  ## resolve requirements.lock again from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --all-extras --universal --python-version 3.12 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --upgrade -o requirements.lock

clean:  ## remove the environment and caches; runs/ is left alone
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
