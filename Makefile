# make demo    the main job: the article's load and faults, optimizations off and on, and the report
# make test    every test; installs what it needs
# make check   lint, format, types, import contracts
# make bench   what the parts cost, each beside what it is compared to
# make faults-table   docs/faults.md: what real clients see of every fault
# make locust  Locust's web UI on the embedded stack
# make lock    compile requirements.lock anew

# The first interpreter that fits: 3.11 to 3.13.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test check bench faults-table locust lock clean install packages

demo: $(READY)
	@$(BIN)/headwind run article

# Those that start whole stacks or drive a load have the machine to themselves; the others share its cores.
SHARING := tests/records tests/reports tests/harness tests/reference_app tests/faults tests/model_server

test: $(READY) packages
	@$(BIN)/python -m pytest $(addprefix --ignore=,$(SHARING))
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(SHARING)

check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY)
	@$(BIN)/python -m harness.bench

faults-table: $(READY)
	@$(BIN)/python -m harness.callers --out docs/faults.md

locust: $(READY)
	@$(BIN)/locust -f locustfile.py

install: $(READY)

$(READY): requirements.lock
	@test -n "$(PYTHON)" || { echo "Headwind needs Python 3.11, 3.12 or 3.13; none was found. Name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "Installing into .venv (about a minute and a half, once) ..."
	@$(PYTHON) -m venv --clear .venv || { echo "Could not make .venv; on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $(READY)

# What the tests need beside Python. Installed where that is possible without asking; elsewhere the tests say what they skip.
# RUNLEVEL=1: Debian starts a service with its package, and the tests start their own.
packages:
	@missing=""; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing="$$missing chromium"; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$$missing postgresql"; \
	command -v promtool >/dev/null || missing="$$missing prometheus"; \
	test -z "$$missing" || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing for the tests:$$missing ..."; \
		apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else echo "Not there, so that some tests are skipped:$$missing."; fi

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links --quiet -o requirements.lock

# Leaves runs/ alone: what was recorded cannot be recorded again.
clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
