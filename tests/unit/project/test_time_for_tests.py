import os
import subprocess
import sys

from tests.support.project import ROOT

TESTS = "tests/unit/rfuav_ray/test_wording.py"


def test_time_for_tests_that_is_over_skips_the_rest_and_says_so() -> None:
    call = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", TESTS]
    environment = os.environ | {"TESTS_UNTIL": "1"}
    done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "the time for tests is over (TESTS_UNTIL)" in done.stdout and "passed" not in done.stdout
