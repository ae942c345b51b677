"""The service answers what it documents, whatever is sent, and touches nothing outside of its folders.

schemathesis makes the requests from the service's own description. FUZZ_SECONDS says how long; `make fuzz` takes
20 minutes.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.security.conftest import ADMIN
from tests.security.fuzzing import folders
from tests.security.fuzzing.known import SECRET, VALID_FILE
from tests.security.fuzzing.watched import Watched
from tests.support.project import ROOT

SETTINGS = Path(__file__).parent / "fuzzing" / "schemathesis.toml"
FUZZ_S = int(os.environ.get("FUZZ_SECONDS", "60"))
START_AND_END_S = 300
#: Each gets its part of the time: the first ones would leave nothing.
PHASES = {"examples,coverage,fuzzing": 2 / 3, "stateful": 1 / 3}

#: beside the interpreter, as pip installs it
PROGRAM = shutil.which("schemathesis", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="schemathesis is not installed"),
    pytest.mark.timeout(FUZZ_S * 2 + START_AND_END_S),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzzing") / "root"


@pytest.fixture(scope="module")
def watched(root):
    with Watched(root.parent, root) as service:
        folders.fill(root, root.parent / "beside")
        service.start()
        folders.run_tasks(service, root)
        yield service


@pytest.fixture(scope="module")
def fuzzed(watched, root, tmp_path_factory):
    """What schemathesis has found, by phase; and when it began."""
    folder = tmp_path_factory.mktemp("schemathesis")
    folders.lists(folder, root, watched)
    shutil.copy(SETTINGS, folder)
    began_s = time.time()
    return {phases: _found(watched, folder, phases, part) for phases, part in PHASES.items()}, began_s


def _found(service, folder, phases, part):
    assert PROGRAM is not None
    report = folder / f"{phases}.txt"
    with report.open("w") as output:
        done = subprocess.run(
            [
                PROGRAM, "--config-file", folder / SETTINGS.name, "run", f"{service.url}/openapi.json",
                "--header", f"X-API-Key: {ADMIN}", "--phases", phases, "--max-time", str(int(FUZZ_S * part)),
                "--report", "ndjson", "--report-ndjson-path", folder / f"{phases}.ndjson", "--no-color",
            ],
            cwd=ROOT,
            env=os.environ
            | {"SCHEMATHESIS_HOOKS": "tests.security.fuzzing.hooks", VALID_FILE: str(folder / folders.VALID)},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )  # fmt: skip
    text = report.read_text()
    print(text[text.find("= SUMMARY") :])
    return done.returncode, text


@pytest.mark.parametrize("phases", PHASES)
def test_fuzzing_finds_no_answer_that_is_not_documented(fuzzed, phases):
    status, report = fuzzed[0][phases]
    assert status == 0, report


def test_fuzzing_the_service_is_well_afterwards(fuzzed, watched):
    with watched.as_admin() as http:
        assert http.get("/api/v1/health").json()["status"] == "healthy"
    assert "unexpected error in a request" not in watched.app_log.read_text()


def test_fuzzing_nothing_outside_of_the_folders_changes(fuzzed, watched, root):
    assert {path.read_text() for path in watched.secrets} == {SECRET}
    assert len([*(watched.folder / "beside").rglob("*")]) == 1
    if not watched.is_watched:
        pytest.skip("strace is not installed")
    assert watched.changes_below(root)
    assert [touch.line for touch in watched.wrong_changes()] == []


def test_fuzzing_opens_no_file_outside_of_the_folders(fuzzed, watched):
    if not watched.is_watched:
        pytest.skip("strace is not installed")
    assert [touch.line for touch in watched.wrong_reads(fuzzed[1])] == []
