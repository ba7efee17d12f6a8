# Everything here is one command of pip, DVC or Python; the README shows them without make.
PYTHON ?= python3
BIN := .venv/bin
# The stages that DVC starts find the environment's Python first.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONPATH :=

.PHONY: repro test lint gate verify verify-cpus bench readme lock

# The check comes first: some mistakes in params.yaml trip DVC before any stage starts.
repro: $(BIN)/.ready
	$(BIN)/python -m stages.check
	$(BIN)/dvc repro

test: $(BIN)/.ready
	$(BIN)/python -m pytest

lint: $(BIN)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

gate: $(BIN)/.ready
	$(BIN)/python -m stages.gate

verify: $(BIN)/.ready
	$(BIN)/python -m stages.verify

verify-cpus: $(BIN)/.ready
	$(BIN)/python -m tools.emulated_processors

bench: $(BIN)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check reservoirpy==0.4.2
	$(BIN)/python -m tools.bench

# The table of results in README.md, from the metrics as they are now.
readme: $(BIN)/.ready
	$(BIN)/python -m tools.refresh_readme

$(BIN)/.ready: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	touch $@

# The newest versions that pyproject.toml allows, pinned.
lock:
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet '.[test]'
	$(BIN)/python -m pip uninstall --quiet --yes sine-rnn-pipeline
	rm -rf build sine_rnn_pipeline.egg-info
	$(BIN)/python -m pip freeze | sed 's/+cpu//' > requirements.lock
