# make run      the sample study, from nothing to registered champions
# make test     the tests, except those of the next line
# make end-to-end  those of whole runs (the README's commands, your own data, flaws, kills, MLflow), and slow ones
# make test-all   both of these, with all that they leave out to be quick (about an hour)
# make test-services  PostgreSQL and an object store, which it installs and starts on loopback
# make tests    these three in one go, which is quicker
# make fuzz     5,000 random cells against the eager loop (hours; goes on where it was stopped)
# make fuzz-files  20,000 broken files: an answer, or one clear refusal (some minutes)
# make fuzz-serve  20,000 odd requests to a model server (some minutes)
# make mlflow-dies  MLflow is dead for 60 s in a training; make kills  50 kills (some minutes each)
# make rivals   16 processes promote at once into one registered model, 50 times (some minutes)
# make check    style, types, the direction of imports, spelling, plain words, and code.json
# make pages    the pages of docs/ that are written from code: cells, command line, params.yaml
# make docs     the documentation site, in site/; fails at any warning
# make up       Prefect, MLflow, a worker and the model server, on loopback, until Ctrl-C
# make bench    speed of the cells against torch.nn
# make calibrate  how often the comparison errs on studies whose truth is known (an hour)
# make test-torch TORCH=2.15.0  the layer's tests with that PyTorch, in an environment of its own
# make release VERSION=0.2.0  checks, builds and tags a release; DRY_RUN=1 does all but the tag
# make setup    what all of these begin with: a virtual environment in .venv

PYTHON ?= python3
EXTRAS ?= dev
BIN := .venv/bin

# Python compiles what is imported, when it is: a tenth of what pip would compile. If Python may
# write no bytecode, pip has to, or each process compiles all that it imports.
QUICKLY := --quiet --disable-pip-version-check $(if $(PYTHONDONTWRITEBYTECODE),,--no-compile)

PYTEST := $(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
SERVICES := tests/flows/services
# Those that take long for what one waits for before each commit.
SLOW := tests/benchmarks/test_calibration.py tests/flows/commands/test_export.py \
	tests/flows/operations/test_watch.py tests/flows/own_data/test_mutated_files.py tests/flows/recording/test_record.py \
	tests/flows/report/test_recurrence_needed.py tests/flows/report/test_report.py \
	tests/flows/stages/test_code.py tests/flows/stages/test_code_covers.py \
	tests/flows/stages/test_references.py tests/flows/stages/test_refit.py tests/flows/stages/test_train.py \
	tests/rnn_core/compiler/cpu/test_build.py tests/rnn_core/compiler/gpu \
	tests/rnn_core/compiler/running/test_threads.py tests/rnn_core/compiler/test_random_cells.py \
	tests/rnn_core/compiler/test_sums.py tests/rnn_core/exports/test_onnx.py tests/rnn_core/layers/test_settings.py \
	tests/rnn_core/torch_cases/test_processes.py
END_TO_END := tests/flows/end_to_end tests/rnn_core/end_to_end tests/flows/test_chain.py tests/flows/tracking \
	tests/flows/serving tests/flows/commands/test_leftovers.py \
	tests/flows/operations/test_reproduce.py tests/flows/operations/test_verify.py $(SLOW)

# What a layer is: tests that need no more than `gatewise[test]`.
LAYER := $(addprefix tests/rnn_core/,layers compiler cells exports torch_cases)

.PHONY: setup services run test end-to-end test-services tests test-all check pages docs fuzz fuzz-files fuzz-serve \
	rivals mlflow-dies kills up bench calibrate test-torch release

setup: .venv/installed

# Installing leaves its mark last, so that an interrupted one starts over. All of our bytecode is
# written at once: later files would change what DVC finds there, for studies in other folders.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python >= 3.11 is needed; run make with PYTHON=/path/to/it")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install $(QUICKLY) --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@$(BIN)/python -m compileall -q flows rnn_core
	@touch $@

run: setup
	@$(BIN)/gatewise run

test: setup
	@$(PYTEST) $(END_TO_END:%=--ignore %) --ignore $(SERVICES)

test-all: setup
	@GATEWISE_TEST_ALL=1 $(PYTEST) --ignore $(SERVICES)

end-to-end: setup
	@$(PYTEST) $(END_TO_END)

test-services: services
	@$(PYTEST) $(SERVICES)

tests: services
	@$(PYTEST)

services: setup
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
		apt-get install --yes --no-install-recommends postgresql || \
		echo 'PostgreSQL could not be installed; its tests are skipped' >&2
	@$(BIN)/pip install $(QUICKLY) --constraint constraints.txt --editable '.[services]'

fuzz: setup
	@PYTHONPATH=tests/fuzzing $(BIN)/python -m random_cells

fuzz-files: setup
	@GATEWISE_FUZZ_FILES=20000 $(BIN)/pytest --numprocesses auto tests/flows/own_data/test_mutated_files.py

fuzz-serve: setup
	@GATEWISE_FUZZ_SERVE=20000 $(PYTEST) tests/flows/serving/test_fuzz.py

mlflow-dies: setup
	@GATEWISE_MLFLOW_DEAD_SECONDS=60 $(BIN)/pytest tests/flows/end_to_end/test_mlflow_dies.py

kills: setup
	@GATEWISE_TEST_KILLS=50 $(BIN)/pytest tests/flows/end_to_end/test_interruption.py -k killed_at_random

rivals: setup
	@GATEWISE_RIVAL_ROUNDS=50 $(BIN)/pytest tests/flows/tracking/test_rivals.py

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@git ls-files -z | xargs -0 $(BIN)/codespell
	@PYTHONPATH=maintenance $(BIN)/python -m plain_words
	@$(BIN)/gatewise code --check

pages: setup
	@PYTHONPATH=maintenance $(BIN)/python -m generated_pages

docs: setup
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo 'The documentation is in site/index.html'

up: setup
	@$(BIN)/gatewise up

bench: setup
	@$(BIN)/python benchmarks/cells.py

calibrate: setup
	@$(BIN)/python benchmarks/calibration.py

release:
	@test -n '$(VERSION)' || { echo 'error: name the version, as in make release VERSION=0.2.0'; exit 2; }
	@$(MAKE) --no-print-directory setup
	@$(BIN)/python maintenance/release.py '$(VERSION)' $(if $(DRY_RUN),--dry-run)

# Constraints say which PyTorch goes with the rest of a study; here it is another.
.venv-torch-%/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	grep --invert-match --extended-regexp '^(torch|triton)==' constraints.txt > $(@D)/constraints.txt
	$(@D)/bin/pip install $(QUICKLY) --constraint $(@D)/constraints.txt \
		'torch==$*' --editable '.[test]'
	@touch $@

test-torch:
	@test -n '$(TORCH)' || { echo 'error: say which, as in make test-torch TORCH=2.15.0'; exit 2; }
	@$(MAKE) --no-print-directory .venv-torch-$(TORCH)/installed
	@.venv-torch-$(TORCH)/bin/python -c 'import torch; print("PyTorch", torch.__version__)'
	@.venv-torch-$(TORCH)/bin/pytest --numprocesses auto --dist loadfile $(LAYER)
