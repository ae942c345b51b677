"""Every example of the README runs, in its order, and the answers have the fields that it shows."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rfuav_ray.client import RFUAVClient
from rfuav_ray.demo.data import STFT, make_recordings
from tests.support.project import ROOT

BLOCKS = re.findall(r"```(\w*)\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def demo_files(root, service):
    """What `rfuav demo` leaves, with fewer recordings and without augmented images."""
    demo = root / "demo"
    list(make_recordings(demo / "recordings", {"known": 4, "unseen": 1}))
    drawing = STFT.model_dump(exclude={"sample_rate_hz"})
    with RFUAVClient(service) as client:
        tasks = [
            client.make_spectrograms(demo / "recordings" / "known", demo / "pictures", **drawing),
            client.make_spectrograms(demo / "recordings" / "unseen", demo / "unseen", **drawing),
        ]
        assert all(client.wait(task["task_id"], timeout=120)["status"] == "completed" for task in tasks)
        split = client.split_dataset(demo / "pictures", demo / "dataset")
        assert client.wait(split["task_id"], timeout=60)["status"] == "completed"
    (root / "configs").symlink_to(ROOT / "configs")


def run(command, root, service):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RFUAV_URL": service,
    }
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def fields(value):
    """The names in a JSON answer at every depth, of lists those of the first entry."""
    if isinstance(value, dict):
        return {name: fields(inner) for name, inner in value.items() if name != "classes"}
    return fields(value[0]) if isinstance(value, list) and value else None


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("demo_files")
def test_the_examples_of_the_readme_run(service, root):
    checked = 0
    output = ""
    for language, block in BLOCKS:
        text = block.replace("http://127.0.0.1:8000", service)
        if language == "bash":
            output = run(["bash", "-euo", "pipefail", "-c", text], root, service)
        elif language == "python":
            output = run([sys.executable, "-c", text], root, service)
            assert output.count("completed") == 2
        elif language == "json":
            assert fields(json.loads(output)) == fields(json.loads(text))
        checked += language in {"bash", "python", "json"}
    assert checked >= 10
