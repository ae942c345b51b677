"""What the entry point of a Ray job knows of it; a real job is in tests/cluster/test_jobs.py."""

from pathlib import Path

import pytest
import ray

from actors.ray_internals import jobs

JOB = {jobs.JOB_CONFIG: "{}"}


@pytest.mark.parametrize(
    ("variables", "is_job", "may_use_gpus"),
    [
        ({}, False, True),
        ({jobs.VISIBLE_GPUS: ""}, False, True),
        (JOB | {jobs.ALL_GPUS_VISIBLE: "1"}, True, False),
        # The node's own choice, not a reservation:
        (JOB | {jobs.ALL_GPUS_VISIBLE: "1", jobs.VISIBLE_GPUS: "0,1"}, True, False),
        (JOB, True, False),
        (JOB | {jobs.VISIBLE_GPUS: "1"}, True, True),
    ],
)
def test_jobs_what_the_variables_say(monkeypatch, variables, is_job, may_use_gpus):
    for name in (jobs.JOB_CONFIG, jobs.ALL_GPUS_VISIBLE, jobs.VISIBLE_GPUS):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (jobs.is_job(), jobs.may_use_gpus()) == (is_job, may_use_gpus)


@pytest.mark.parametrize("name", [jobs.JOB_CONFIG, jobs.ALL_GPUS_VISIBLE, jobs.VISIBLE_GPUS])
def test_jobs_the_installed_ray_knows_the_variables(name):
    folder = Path(ray.__file__).parent / "_private"
    files = [*folder.glob("runtime_env/constants.py"), *folder.glob("accelerators/nvidia_gpu.py")]
    assert any(f'"{name}"' in file.read_text(encoding="utf-8") for file in files)
