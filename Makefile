# Everything runs in .venv, made by `make install` with the pinned versions of constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := rfuav_ray preprocessing actors serve_app benchmarks tests

.PHONY: install demo serve test test-all test-long coverage cluster faults fuzz check audit bench soak clean docs/openapi.json

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	# Else every process of the service compiles Ray and PyTorch anew where Python may not write into the environment.
	-$(BIN)/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1
	touch $@

demo: install
	$(BIN)/rfuav demo

serve: install
	$(BIN)/rfuav serve

# The unit tests on all cores, each on neighbours, which share what is made once; then the integration tests, which
# share one service.
test: install
	$(BIN)/pytest tests/unit -m 'not long' --numprocesses auto --dist worksteal
	$(BIN)/pytest tests/integration -m 'not long'

# About an hour: also the page in a browser, attacks, clusters of several nodes, killed and stopped services, and the long
# tests of the units and their integration.
test-all: test test-browser test-security test-cluster test-faults test-long

test-long: install
	$(BIN)/pytest tests/unit -m long --numprocesses auto --dist worksteal
	$(BIN)/pytest tests/integration -m long

test-%: install
	$(BIN)/pytest tests/$*

# Which lines the unit tests reach. It makes them a third longer.
coverage: install
	$(BIN)/pytest tests/unit --numprocesses auto --dist worksteal --cov --cov-report term:skip-covered

# Clusters on this machine: GPUs of others, lost nodes, 200 tasks; three hosts, 10 starts and 60 tasks (needs root).
cluster: export CLUSTER_STARTS ?= 10
cluster: export CLUSTER_TASKS ?= 60
cluster: install
	$(BIN)/pytest tests/cluster

# 20 rounds in which every part of the service is killed: an hour and a half. FAULT_SEED repeats the choices of an earlier call.
faults: export FAULT_ROUNDS ?= 20
faults: install
	$(BIN)/pytest tests/faults -s

# 20 minutes of requests made from the description of the API, with strace on what they open and change.
fuzz: export FUZZ_SECONDS ?= 1200
fuzz: install
	$(BIN)/pytest tests/security/test_fuzzing.py -s

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	# Names of the standard library that the oldest Python of pyproject.toml does not have.
	$(BIN)/vermin --quiet --target=3.11- --violations --no-tips --eval-annotations $(PACKAGES)
	.ci/every_python $(PACKAGES)
	$(BIN)/python .ci/audit

# The pinned packages and the published security advisories. It says so where it cannot reach them.
audit: install
	$(BIN)/python .ci/audit

# The description of the REST API, after a change of a route or a request.
docs/openapi.json: install
	$(BIN)/python docs/write_openapi.py

bench: install
	$(BIN)/python -m benchmarks

# Half an hour of mixed load; the memory of every process is drawn into docs/images/soak-memory.png.
soak: install
	$(BIN)/python -m benchmarks.soak

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
