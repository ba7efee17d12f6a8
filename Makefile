# Everything here is one command of pip, DVC or Python; the README shows them without make.
# DVC runs the stages with it too, whatever the login shell is.
export SHELL := bash
PYTHON ?= python3
JOBS ?= $(shell nproc)
BIN := .venv/bin
# The stages that DVC starts find the environment's Python first.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONPATH :=
# They hide the current folder from `python -m`, stop DVC (in a path with letters beyond ASCII), or
# send packages to another place.
unexport PYTHONSAFEPATH PYTHONHOME PYTHONWARNINGS PYTHONUTF8 PYTHONCOERCECLOCALE
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER
# DVC asks who runs it; in a container that may be a number without a name.
export LOGNAME := $(or $(LOGNAME),$(shell id -u))

.PHONY: repro test lint gate verify verify-cpus bench readme lock

# Rows side by side on all cores, or JOBS=2 of them. Ctrl-C ends make too.
repro: $(BIN)/.ready
	@bash tools/side_by_side.sh $(JOBS) || { [ $$? = 130 ] && kill -INT $$PPID; }

test: $(BIN)/.ready
	$(BIN)/python -m pytest

lint: $(BIN)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

gate: $(BIN)/.ready
	$(BIN)/python -m dvc_gate check

verify: $(BIN)/.ready
	$(BIN)/python -m dvc_gate verify

verify-cpus: $(BIN)/.ready
	$(BIN)/python -m tools.emulated_processors

bench: $(BIN)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check reservoirpy==0.4.2
	$(BIN)/python -m tools.bench

# The table of results in README.md, from the metrics as they are now.
readme: $(BIN)/.ready
	$(BIN)/python -m tools.refresh_readme

ifeq ($(shell [ -L .venv ] && echo link),link)
# Another folder's environment, as worktrees share one: it is used as it is, and never changed.
.PHONY: $(BIN)/.ready
$(BIN)/.ready:
	@missing=$$($(BIN)/python -m pip freeze --disable-pip-version-check | sed 's/+cpu//' \
		| grep -vxFf - requirements.lock | head -n 3 | paste -sd ' ') && [ -z "$$missing" ] || { \
		echo "error: .venv is a link to an environment without $$missing …;" \
		"delete the link, and make installs one here" >&2; exit 2; }
else
# It holds the folder's path: an environment that was moved starts the Python of its old place.
MOVED := $(shell grep -qsxvF '$(CURDIR)' $(BIN)/.ready && echo --clear)
ifdef MOVED
.PHONY: $(BIN)/.ready
endif
$(BIN)/.ready: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(MOVED) .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/dvc --version > /dev/null && $(BIN)/python -c 'import dvc.repo, torch' || { echo \
		"error: dvc or torch does not start from .venv; pip config list: does pip install elsewhere?" \
		>&2; exit 2; }
	@echo '$(CURDIR)' > $@
endif

# The newest versions that pyproject.toml allows, pinned. One file serves every Python from 3.11 on.
lock:
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet '.[pipeline,test]'
	$(BIN)/python -m pip uninstall --quiet --yes dvc-gate
	rm -rf build dvc_gate.egg-info
	$(BIN)/python -m pip freeze | sed 's/+cpu//' > requirements.lock
