# make run: install what is needed and open the workbench.   make test: the suite.
PYTHON ?= python3
PORT ?= 8501
PY := .venv/bin/python
export CAI_TEST_DATA ?= $(wildcard $(abspath ../shared/data))
export HF_HUB_DISABLE_TELEMETRY := 1
export TOKENIZERS_PARALLELISM := false
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile

.PHONY: run test test-slow check bench environment dev

run: environment
	@$(PY) -m cai_core models fetch
	@$(PY) -m cai_core init
	@$(PY) scripts/serve.py $(PORT)

environment:
	@$(PYTHON) scripts/environment.py

dev:
	@$(PYTHON) scripts/environment.py --dev

test: dev
	@$(PY) -m cai_core models fetch
	CHROMIUM=$$($(PY) scripts/chromium.py) && export CHROMIUM && $(PYTEST) -m "not slow"

test-slow: dev
	@$(PY) -m cai_core models fetch
	@$(PY) scripts/llama_server.py > /dev/null
	CHROMIUM=$$($(PY) scripts/chromium.py) && export CHROMIUM && $(PYTEST) -m slow

check: dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -m pytest -q tests/test_house.py

bench: dev
	$(PY) -m tests.bench
