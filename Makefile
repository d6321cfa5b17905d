# Everything a newcomer needs: make demo, make test, make bench, make torture, make lint, make screenshots.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# pip only; nothing else is fetched by the build.
PIP_FLAGS := --disable-pip-version-check --quiet

.PHONY: demo test lint bench torture screenshots clean

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
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

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
