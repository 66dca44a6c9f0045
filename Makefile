# On a fresh machine, `make demo` and `make test` install everything they need.
# They use uv if it is installed, and otherwise venv and pip.

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
PYTHON ?= python3

.PHONY: demo unit test check install lint types size frameworks peers bench soak mutants screenshots reference lock release programs clean help

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/demo ## run emulator, service and page on this machine; needs no key
	@$(BIN)/python -m tokensvc demo $(DEMO)

# Times are on two cores, once everything is installed. Files of tests run in parallel, in four processes for two
# cores, because many tests wait; tests that measure time run alone, after the others.
# Our modules are compiled once, and not again by each of the hundreds of programs that the tests start.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest
PROCESSES := $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) * 2 )))
BESIDE := "not alone and not frameworks and not soak"
BY_ITSELF := "alone and not soak"
# Large, and needed by nothing else.
FRAMEWORKS := $(addsuffix /node_modules/.package-lock.json,tests tests/frameworks tests/frameworks/react-18)
PARALLEL := -q -n $(PROCESSES) --dist loadfile --no-loadscope-reorder --durations=20
# Tests that fail run once more, alone, up to the first that fails again: a browser or a measurement may get no CPU time
# for seconds. Both results are printed, so look at a test that is run again often.
ALONE := -v --last-failed --last-failed-no-failures none --maxfail=1

unit: $(VENV)/test ## run the tests that need no browser, PostgreSQL or npm package (1 minute)
	node --test --test-timeout=120000 --test-concurrency=$(PROCESSES) tests/web/
	$(PYTEST) $(PARALLEL) -m "not system" $(TESTS) || { [ $$? -eq 1 ] && $(PYTEST) $(ALONE) -m "not system" $(TESTS); }

test: $(VENV)/test tests/node_modules/.package-lock.json programs ## run what must pass before a merge (15 minutes)
	node --test --test-timeout=120000 --test-concurrency=$(PROCESSES) tests/web/
	$(PYTEST) $(PARALLEL) -m $(BESIDE) $(TESTS) || { [ $$? -eq 1 ] && $(PYTEST) $(ALONE) -m $(BESIDE) $(TESTS); }
	$(PYTEST) -m $(BY_ITSELF) $(TESTS) || { [ $$? -eq 1 ] && $(PYTEST) $(ALONE) -m $(BY_ITSELF) $(TESTS); }

check: lint types size test ## run lint, types, import rules, the size budget and the tests (16 minutes)

frameworks: $(VENV)/test $(FRAMEWORKS) programs ## build apps with bundlers and frameworks, and talk to them (7 minutes)
	$(PYTEST) -m frameworks
	$(PYTEST) -m "not frameworks" tests/browser/test_bundlers.py

peers: $(VENV)/test ## run the newest releases of Google's SDKs and of other clients against the emulator (1 minute)
	PYTHONPATH=tests $(BIN)/python -m peers $(PEERS)

mutants: $(VENV)/test tests/node_modules/.package-lock.json ## remove each rule and check in turn: a test must notice (10 minutes)
	PYTHONPATH=tests $(BIN)/python -m mutants $(MUTANTS)

install: $(VENV)/test tests/node_modules/.package-lock.json programs ## install what the tests need, and run nothing

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/test tests/node_modules/.package-lock.json
	$(BIN)/mypy
	tests/node_modules/.bin/tsc -p web/tsconfig.json
	tests/node_modules/.bin/tsc -p web/tsconfig.worklet.json
	tests/node_modules/.bin/tsc -p tests/web/tsconfig.json

size: $(VENV)/test programs ## build the wheel and measure its widget in a browser against the budget
	@$(BIN)/python tests/browser/size.py

bench: $(VENV)/test programs ## measure speed and memory, as ratios to a baseline of the same run (20 minutes; BENCH=--help lists its parts)
	PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

soak: $(VENV)/test programs ## kill processes under load, be quiet, attack the API, then two hours of load (3 hours 40 minutes)
	PYTHONPATH=tests $(BIN)/python -m soak
	$(PYTEST) -m soak
	HISTORIES=1000 $(PYTEST) tests/store/test_histories.py

screenshots: $(VENV)/test programs ## take screenshots of page and widget in every state, for docs/screenshots
	@tests/install-fonts
	$(BIN)/python tests/browser/screenshots.py
	$(BIN)/python tests/browser/widget_screenshots.py

reference: $(VENV)/test ## write docs/reference from the docstrings of settings and errors
	@$(BIN)/python tools/reference.py

lock: $(VENV)/test ## compile the three lock files from pyproject.toml
	$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --extra postgres \
	  --generate-hashes --no-strip-extras --no-emit-index-url --no-header --no-annotate -o requirements.txt
	$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --all-extras --group dev \
	  --generate-hashes --no-strip-extras --no-emit-index-url --no-header --no-annotate -c requirements.txt -o tests/requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --group release \
	  --generate-hashes --no-strip-extras --no-emit-index-url --no-header --no-annotate -c tests/requirements.txt -o tools/requirements.txt

release: $(VENV)/release tests/node_modules/.package-lock.json ## build the packages, SBOMs and checksums of a release into dist/
	@$(BIN)/python tools/release.py $(if $(DRAFT),--draft)

clean:
	rm -rf $(VENV) tests/node_modules tests/frameworks/node_modules tests/frameworks/react-18/node_modules data dist

# The demo installs the locked service and the emulator's extra; the tests install everything, locked.
$(BIN)/python:
ifdef UV
	@uv venv -q --python $(PYTHON) $(VENV)
else
	@$(PYTHON) -m venv $(VENV)
endif

ifdef UV
INSTALL := uv pip install -q --python $(BIN)/python
else
INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check
endif

$(VENV)/demo: $(BIN)/python requirements.txt pyproject.toml
	@echo "Installing (about a minute, once) …"
	@$(INSTALL) --require-hashes -r requirements.txt
	@$(INSTALL) -e '.[emulator]'
	@touch $@

$(VENV)/test: $(BIN)/python tests/requirements.txt pyproject.toml
	@echo "Installing what the tests need …"
	@$(INSTALL) --require-hashes -r tests/requirements.txt
	@$(INSTALL) --no-deps -e .
	@touch $@ $(VENV)/demo

$(VENV)/release: $(VENV)/test tools/requirements.txt
	@echo "Installing what a release needs …"
	@$(INSTALL) --require-hashes -r tools/requirements.txt
	@touch $@

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	cd $* && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

programs: $(VENV)/test
	@tests/install-programs $(BIN)
