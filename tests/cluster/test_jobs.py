"""`ray job submit -- python -m rfuav_ray …` on a Ray with a dashboard and tokens, as a user calls it."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx2
import pytest

from tests.cluster.ray_head import UNBUFFERED, started_head
from tests.support.project import ROOT

TOKEN = "0123456789abcdef" * 4
RAY = str(Path(sys.executable).with_name("ray"))
ENDED = {"SUCCEEDED", "FAILED", "STOPPED"}
QUICK = shlex.split("train --config configs/train/quick.yaml --model mobilenet_v3_small --image-size 32")

pytestmark = pytest.mark.timeout(900)


class Jobs:
    """A head with a dashboard, and its jobs."""

    def __init__(self, environment, address):
        self._environment, self._address = environment, address
        self._http = httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)

    def call(self, *arguments):
        """Call `ray job`; returns its output."""
        command = [RAY, "job", arguments[0], "--address", self._address, *arguments[1:]]
        done = subprocess.run(
            command, env=self._environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def submit(self, job_id, arguments, *options, root=None):
        variables = {"RAY_JOB_STOP_WAIT_TIME_S": "120"} | ({} if root is None else {"RFUAV_ROOT": str(root)})
        settings = ["--submission-id", job_id, "--runtime-env-json", json.dumps({"env_vars": variables})]
        # The interpreter of the tests: for users it is the `python` of the node.
        program = [sys.executable, "-m", "rfuav_ray", *map(str, arguments)]
        output = self.call("submit", "--no-wait", "--working-dir", ".", *settings, *options, "--", *program)
        assert f"'{job_id}' submitted" in output, output

    def wait(self, job_id, text="\0"):
        """Follow the log to the job's end, or to a text in it; returns the job's status, exit code and log."""
        follow = [RAY, "job", "logs", "--follow", "--address", self._address, job_id]
        log = ""
        with subprocess.Popen(
            follow, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as following:
            for line in following.stdout:
                log += line
                if text in line:
                    following.terminate()
                    break
        job = self._http.get(f"/api/jobs/{job_id}").json()
        if text not in log:
            assert job["status"] in ENDED, job
            log = self._http.get(f"/api/jobs/{job_id}/logs").json()["logs"]
        return job["status"], job.get("driver_exit_code"), log

    def run(self, job_id, arguments, *options, root=None):
        self.submit(job_id, arguments, *options, root=root)
        return self.wait(job_id)


@pytest.fixture(scope="module")
def jobs():
    with tempfile.TemporaryDirectory(prefix="rfuav") as folder:  # sockets live in it: a short path
        environment = os.environ | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_USAGE_STATS_ENABLED": "0",
            "PYTHONPATH": "",  # The job has its own copy of the project.
            **UNBUFFERED,
        }
        for name in ("RAY_ADDRESS", "RFUAV_URL", "RFUAV_ROOT"):
            environment.pop(name, None)
        with started_head(environment, Path(folder), "--num-gpus=1", f"--temp-dir={folder}/ray") as head:
            yield Jobs(environment, head.url)


@pytest.fixture
def paths(dataset):
    return ["--train-path", dataset / "train", "--val-path", dataset / "val"]


def test_jobs_a_training_succeeds_and_its_relative_folder_starts_at_the_root(jobs, paths, tmp_path):
    arguments = [*QUICK, *paths, "--num-epochs", 1]
    status, code, log = jobs.run("trains", arguments, "--entrypoint-num-gpus", "1", root=tmp_path)
    assert (status, code) == ("SUCCEEDED", 0), log
    assert (tmp_path / "results/quick/best_model.pth").exists()
    assert f"Relative paths start at '{tmp_path}'." in log and "Epoch 1/1: training loss" in log
    assert "\x1b" not in log and "\r" not in log
    # The head's GPU is a logical one.
    assert "No GPU found" in log


def test_jobs_results_in_rays_own_folder_are_refused(jobs, paths):
    status, code, log = jobs.run("relative", [*QUICK, *paths])
    assert (status, code) == ("FAILED", 2)
    assert "save_path: 'results' is relative" in log and "--root or RFUAV_ROOT" in log


def test_jobs_a_failure_says_why_and_the_cpu_stands_in_for_a_gpu_that_is_not_reserved(jobs, paths, tmp_path):
    arguments = [*QUICK, *paths, "--val-path", tmp_path / "nowhere", "--save-path", tmp_path / "out"]
    status, code, log = jobs.run("fails", arguments)
    assert (status, code) == ("FAILED", 1)
    assert "Error: val_path: " in log
    assert "No GPU is reserved for this job: computing on the CPU. Submit it with --entrypoint-num-gpus 1" in log


def test_jobs_a_stopped_training_is_resumed_by_the_same_submission(jobs, paths, tmp_path):
    arguments = [*QUICK, *paths, "--save-path", tmp_path, "--num-epochs", 40]
    jobs.submit("stopped", arguments)
    jobs.wait("stopped", "Epoch 3/40: training loss")
    jobs.call("stop", "stopped")
    status, _, log = jobs.wait("stopped")
    assert status == "STOPPED" and "Stopped by SIGTERM." in log, log
    assert (tmp_path / "quick/checkpoint.pt").exists()
    status, code, log = jobs.run("resumed", arguments)
    assert (status, code) == ("SUCCEEDED", 0), log
    assert "Resuming " in log and "Epoch 2/40: started" not in log and "Epoch 40/40: training loss" in log


def test_jobs_preprocessing_and_inference_work_in_the_job(jobs, dataset, paths, tmp_path):
    status, code, log = jobs.run("splits", ["split", dataset / "train", "parts"], root=tmp_path)
    assert (status, code) == ("SUCCEEDED", 0), log
    assert list(tmp_path.glob("parts/train/*/*.png")) and "total images" in log
    trained, _, log = jobs.run("before", [*QUICK, *paths, "--num-epochs", 1], root=tmp_path)
    assert trained == "SUCCEEDED", log
    model = tmp_path / "results/quick"
    arguments = ["infer", "--cfg", model / "model.yaml", "--weights", model / "best_model.pth"]
    arguments += ["--source", dataset / "val", "--save-path", tmp_path / "found"]
    status, code, log = jobs.run("infers", arguments)
    assert (status, code) == ("SUCCEEDED", 0), log
    assert (tmp_path / "found/predictions.csv").exists()
