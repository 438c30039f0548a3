# make demo | demo-short | test | consumers | check | fmt: each brings its own .venv up to date first.
# The first Python that really runs (a pyenv shim may stand for none); the pins are tested with 3.11.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
EXTRAS := all,dev
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo demo-short test consumers check fmt venv clean

demo: .venv/.ready
	$(BIN)/seestep run recipes/quickstart.yaml --out runs/demo

demo-short: .venv/.ready
	$(BIN)/seestep run recipes/quickstart-short.yaml --out runs/demo-short

# Two workers with one torch thread each are faster on two cores than one with two.
test: .venv/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not gpu"

# What `seestep export` writes, read by the trainers it is for, each in an environment of its own.
consumers: .venv/.ready
	tests/consumers/install.sh $(BIN)/python llamafactory .venv-llamafactory
	tests/consumers/install.sh $(BIN)/python swift .venv-swift
	SEESTEP_LLAMAFACTORY_PYTHON=$(CURDIR)/.venv-llamafactory/bin/python \
	SEESTEP_SWIFT_PYTHON=$(CURDIR)/.venv-swift/bin/python \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/consumers

check: .venv/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fmt: .venv/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

venv: .venv/.ready

# torch comes first and alone, so that the pinned build is there before anything asks for "a torch".
.venv/.ready: pyproject.toml constraints.txt
	@test -x $(BIN)/python || test -n "$(PYTHON)" || \
	  { echo "seestep needs Python 3.11 or newer; give one: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

clean:
	rm -rf .venv runs .pytest_cache .mypy_cache .ruff_cache
