# What a person types. Each target sets up what it needs in .venv.

PYTHON ?= python3
BIN = .venv/bin
SECONDS = 60
DEMO_LOG = fixtures/postfix/demo.log

.PHONY: demo test check-wheel servers docs bench torture clean

demo: .venv/installed            ## the main job on a real Postfix log, nothing sent
	@$(BIN)/logster --dry-run postfix $(DEMO_LOG)

test: .venv/ready                ## lint, types, import directions and every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

check-wheel: .venv/ready         ## the suite against the installed wheel, the sources out of reach
	$(BIN)/python tests/against_wheel.py

servers:                         ## install the real receivers and daemons that tests use (root)
	.ci/install-servers

docs: .venv/ready                ## write man/logster.1 and parts of the README anew
	$(BIN)/python man/build.py

bench: .venv/ready               ## speed against other tools, as ratios
	$(BIN)/python benchmarks/bench.py

torture: .venv/ready             ## the long exactly-once test, with its figures
	$(BIN)/python benchmarks/torture.py --seconds $(SECONDS)

clean:
	rm -rf .venv build dist *.egg-info .cache

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/ready: .venv/installed
	$(BIN)/pip install --quiet --group dev
	@touch $@
