# The README shows the commands without make.
# DVC too runs the stages in this shell, whatever the login shell is.
export SHELL := bash
PYTHON ?= python3
JOBS ?= $(shell nproc)
BIN := .venv/bin
# The stages that DVC starts find the environment's Python first.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONPATH :=
# These variables would hide the current folder from `python -m`, stop DVC in a path with letters
# beyond ASCII, or make pip install elsewhere.
unexport PYTHONSAFEPATH PYTHONHOME PYTHONWARNINGS PYTHONUTF8 PYTHONCOERCECLOCALE
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER
# DVC needs a user name; in a container the user may have only a number.
export LOGNAME := $(or $(LOGNAME),$(shell id -u))

.PHONY: repro test lint gate verify verify-cpus bench readme lock

# Runs rows side by side on all cores; JOBS=2 uses two. Ctrl-C ends make too.
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

# Writes the tables in README.md from the current reports and code.
readme: $(BIN)/.ready
	$(BIN)/python -m tools.refresh_readme

ifeq ($(shell [ -L .venv ] && echo link),link)
# .venv links to another folder's environment, as in a Git worktree: use it, never change it.
.PHONY: $(BIN)/.ready
$(BIN)/.ready:
	@missing=$$($(BIN)/python -m pip freeze --disable-pip-version-check | sed 's/+cpu//' \
		| grep -vxFf - requirements.lock | head -n 3 | paste -sd ' ') && [ -z "$$missing" ] || { \
		echo "error: .venv is a link to an environment without $$missing …;" \
		"delete the link: make then installs one here" >&2; exit 2; }
else
# .ready holds the folder's path. A moved environment would start the Python of its old place, so
# it is made again.
MOVED := $(shell grep -qsxvF '$(CURDIR)' $(BIN)/.ready && echo --clear)
ifdef MOVED
.PHONY: $(BIN)/.ready
endif
$(BIN)/.ready: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(MOVED) .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/dvc --version > /dev/null && $(BIN)/python -c 'import dvc.repo, torch' || { echo \
		"error: dvc or torch does not start from .venv; look for a target in \`pip config list\`" \
		>&2; exit 2; }
	@echo '$(CURDIR)' > $@
endif

# Pins the newest versions that pyproject.toml allows. One file serves every Python from 3.11 on.
lock:
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet '.[pipeline,test]'
	$(BIN)/python -m pip uninstall --quiet --yes dvc-gate
	rm -rf build dvc_gate.egg-info
	$(BIN)/python -m pip freeze | sed 's/+cpu//' > requirements.lock
