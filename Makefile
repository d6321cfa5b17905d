# Everything a newcomer needs: make demo, make test, make test-slow, make coverage, make package, make bench, make torture, make fuzz, make lint, make screenshots.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# pip only; nothing else is fetched by the build.
PIP_FLAGS := --disable-pip-version-check --quiet
# Each test goes to the worker that is free; those of one xdist_group stay together.
PYTEST_FLAGS := -n auto --dist loadgroup --no-loadscope-reorder
# What was compiled once is kept: all processes of the tests import the same modules.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slow coverage mutation package lint types-of-the-package types-of-the-tests bench torture fuzz fuzz-guided screenshots clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_FLAGS) --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[starter,sentencepiece,onnx]' --group dev
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

coverage: $(READY)
	$(BIN)/python -m pytest $(PYTEST_FLAGS) -m 'not slow and not uninstrumented' --cov --cov-report=term

# Small changes that no test notices, in the files that pyproject.toml names.
mutation: $(READY)
	$(BIN)/python -m pip install $(PIP_FLAGS) --group mutation
	tests/mutation.sh $(BIN)/python

# Builds the wheel and the sdist, installs each where nothing else is, and asks both whether they work.
package: $(READY)
	$(BIN)/python -m pip install $(PIP_FLAGS) --group package
	tests/package.sh $(BIN)/python

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p $(VENV)/types && ln -sfn ../.. $(VENV)/types/emotui # the checker does not follow an editable installation
	$(MAKE) --jobs=2 types-of-the-package types-of-the-tests
	$(BIN)/lint-imports

types-of-the-package: $(READY)
	$(BIN)/basedpyright

types-of-the-tests: $(READY)
	$(BIN)/basedpyright --project tests/pyrightconfig.json --pythonpath $(BIN)/python

bench: $(READY)
	$(BIN)/python -m benchmarks

torture: $(READY)
	$(BIN)/python -m tests.runs.torture

# Hostile files for every reader, for ten minutes; SECONDS=60 for one.
SECONDS ?= 600
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

# The same led by what of the program a file reaches: READER='config.toml'.
READER ?= csv
fuzz-guided: $(READY)
	$(BIN)/python -m pip install $(PIP_FLAGS) --group fuzz
	$(BIN)/python -m tests.fuzz.guided '$(READER)' --seconds $(SECONDS)

screenshots: $(READY)
	$(BIN)/python -m benchmarks.screenshots

clean:
	rm -rf $(VENV) build dist *.egg-info
