# Every target works from a fresh clone: the environment is made on first use.
.DEFAULT_GOAL := help
PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3,$(if $(shell $(name) --version 2>/dev/null),$(name))))
BIN := .venv/bin
READY := .venv/.ready
CORE := graph inference likelihood posterior queries survey

.PHONY: help setup demo test test-slow test-installs test-faults coverage validation recovery against bench mutants lint map docs notebooks data reports clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## Make .venv and install the package with its development tools

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12))' || \
	  { echo "backrisk needs Python 3.12 or newer; '$(PYTHON)' is older. Try: make PYTHON=/path/to/python3.13 setup"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)  ## The main job on the packaged survey: fit, judge, one runner's risk and its causes
	$(BIN)/backrisk demo

test: $(READY)  ## Tests, doctests and the notebooks with few draws, a few minutes
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --durations=10

test-slow: .venv/.spark  ## The long checks: whole notebooks, long fits, Spark on this machine's Java
	$(BIN)/python -m pytest -q -m slow --durations=10

test-installs: $(READY)  ## Wheel and sdist in new environments: no extra, each extra, each Python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt build
	$(BIN)/python -m tests.installs

test-faults: $(READY)  ## Full disks, failing calls, killed processes, bad bytes; writes reports/faults.md
	$(BIN)/python -m tests.faults --jobs 2

coverage: $(READY)  ## Lines and branches of the core that its own tests run
	$(BIN)/python -m coverage run -m pytest -q $(foreach room,$(CORE),tests/$(room) backrisk/$(room))
	$(BIN)/python -m coverage report

validation: $(READY)  ## Planted faults, every check on real fits; writes reports/validation.md, under an hour
	$(BIN)/python -m tests.validation

recovery: $(READY)  ## Panels of a known truth: how often intervals cover it; writes reports/recovery.md
	$(BIN)/python -m tests.recovery

against: .venv/.peers  ## The same questions put to pyAgrum, pgmpy, dowhy, statsmodels and StepMix
	$(BIN)/python -m tests.against

bench: .venv/.bench  ## Timings against the peers, one JSON line each, and reports/benchmarks.md
	$(BIN)/python -m tests.benchmarks

mutants: $(READY)  ## Small faults, which each room's own tests should notice; writes reports/mutants.md
	$(BIN)/python -m tests.mutants

.venv/.%: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$*]'
	@touch $@

lint: $(READY)  ## Style, types, layers and circles of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.map --check

map: $(READY)  ## Draw the map of imports, reports/map.svg
	$(BIN)/python -m tests.map

docs: .venv/.docs  ## Build the documentation into out/docs, without a warning
	$(BIN)/python -m sphinx -W --keep-going -q -c notebooks/site -b html notebooks out/docs
	@echo "Open out/docs/index.html"

notebooks: $(READY)  ## Execute the notebooks and store what they show
	$(BIN)/python -m tests.notebooks

data: $(READY)  ## Simulate the packaged survey again
	$(BIN)/backrisk simulate --graph runner --n 2000 --seed 1 --truth 1 --out data/survey.csv

reports: $(READY)  ## Fit the packaged survey and make the example reports
	$(BIN)/python -m tests.example_reports

clean:  ## Remove the environment and caches
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
