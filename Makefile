# Everything a newcomer needs: make demo, make test, make test-slow, make bench, make torture, make lint, make screenshots.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# pip only; nothing else is fetched by the build.
PIP_FLAGS := --disable-pip-version-check --quiet
# Each test goes to the worker that is free; those of one xdist_group stay together.
PYTEST_FLAGS := -n auto --dist loadgroup --no-loadscope-reorder

.PHONY: demo test test-slow lint bench torture screenshots clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[starter,dev]'
	@touch $@

demo: $(READY)
	$(BIN)/emotui data starter
	$(BIN)/emotui baseline starter
	$(BIN)/emotui train starter
	$(BIN)/emotui predict last "I saw a movie today and it was really good."
	@if [ -t 0 ] && [ -t 2 ]; then $(BIN)/emotui starter; fi

test: $(READY)
	$(BIN)/python -m pytest $(PYTEST_FLAGS) -m 'not slow'

test-slow: $(READY)
	$(BIN)/python -m pytest $(PYTEST_FLAGS) -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m benchmarks

torture: $(READY)
	$(BIN)/python -m tests.runs.torture

screenshots: $(READY)
	$(BIN)/python -m benchmarks.screenshots

clean:
	rm -rf $(VENV) build *.egg-info
