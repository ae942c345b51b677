"""`python -m rfuav_ray`: what it does here, and what it leaves to a service."""

import os
import subprocess
import sys

import pytest

from actors.ray_internals import jobs
from serve_app.command.job import main
from tests.support.project import ROOT

TRAIN = ["train", "--model", "resnet18", "--num-classes", "2", "--train-path", "/a", "--val-path", "/b"]


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Call the program; returns its exit status, output and errors."""
    monkeypatch.chdir(tmp_path)
    for name in ("RFUAV_URL", "RFUAV_ROOT", jobs.JOB_CONFIG):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run


def test_job_the_module_is_the_program_and_loads_nothing_heavy():
    program = (
        "import runpy, sys\nsys.argv = ['rfuav_ray', '--help']\n"
        "try:\n    runpy.run_module('rfuav_ray', run_name='__main__')\nfinally:\n"
        "    print([name for name in ('torch', 'ray', 'httpx2', 'rich', 'numpy', 'cv2') if name in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("Usage: python -m rfuav_ray ")
    assert "\n  split " in run.stdout and "\n  serve " in run.stdout
    assert run.stdout.splitlines()[-1] == "[]"


def test_job_the_version(call):
    code, out, _ = call("--version")
    assert code == 0 and out.startswith("rfuav-ray ")


def test_job_it_works_here_without_a_service(call, tmp_path):
    code, _, err = call(*TRAIN, "--save-path", "out")
    assert (code, err) == (1, "Error: train_path: there is no folder '/a'.\n")
    code, _, err = call("split", "in", "out")
    assert (code, err) == (1, f"Error: input_path: there is no file or folder '{tmp_path / 'in'}'.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [*TRAIN, "--save-path", "out", "--detach"],
        ["infer", "--cfg", "m.yaml", "--weights", "m.pth", "--source", "x"],
        ["infer", "--cfg", "m.yaml", "--weights", "m.pth", "--source", "x", "--source", "y", "--save-path", "z"],
        ["split", "in", "out", "--detach"],
        ["train", "--config", "gone.yaml"],
    ],
)
def test_job_what_needs_a_service_or_is_missing_is_wrong_usage(call, arguments):
    assert call(*arguments)[0] == 2


def test_job_in_a_ray_job_results_need_an_absolute_path_or_a_root(call, monkeypatch, tmp_path):
    monkeypatch.setenv(jobs.JOB_CONFIG, "{}")
    code, _, err = call(*TRAIN, "--save-path", "out")
    assert code == 2 and err.startswith("Error: save_path: 'out' is relative")
    monkeypatch.setenv("RFUAV_ROOT", str(tmp_path))
    code, _, err = call(*TRAIN, "--save-path", "out")
    assert code == 1 and err.startswith(f"Relative paths start at '{tmp_path}'.\n")


def test_job_a_named_service_gets_the_task(call, service):
    service.on("POST /api/v2/training/start", {"task_id": "t1"})
    assert call("--url", service.url, *TRAIN, "--save-path", "/out", "--detach") == (0, "t1\n", "")
