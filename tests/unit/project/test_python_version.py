"""The oldest Python of pyproject.toml is the one that everything else speaks of, and it has what is used."""

import subprocess
import sys
import tomllib

import pytest

from rfuav_ray.cli.doctor.software import MIN_PYTHON
from tests.support.project import ROOT


@pytest.fixture(scope="module")
def oldest():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["ruff"]["target-version"] == f"py{'{}{}'.format(*MIN_PYTHON)}"
    return project["project"]["requires-python"].removeprefix(">=")


def test_python_version_the_promise_is_the_same_everywhere(oldest):
    assert oldest == "{}.{}".format(*MIN_PYTHON)
    assert f"Python {oldest} or newer" in (ROOT / "README.md").read_text()
    assert f"--target={oldest}-" in (ROOT / "Makefile").read_text()


@pytest.mark.long
def test_python_version_no_module_uses_what_that_python_does_not_have(oldest):
    pytest.importorskip("vermin", reason="vermin is not installed: `pip install vermin`")
    command = [
        sys.executable,
        "-c",
        "import vermin; vermin.main()",
        f"--target={oldest}-",
        "--violations",
        "--no-tips",
    ]
    packages = ["rfuav_ray", "preprocessing", "actors", "serve_app"]
    found = subprocess.run(
        [*command, "--eval-annotations", *packages], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout
