"""Every example of the README, the tutorial, the how-to guides and the reference runs, and answers as it shows.

`bash` and `python` blocks run in the order of the pages; `json` and `text` blocks are answers of the block before.
Blocks of other languages, `sh` among them, are not run.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from rfuav_ray.client import RFUAVClient
from rfuav_ray.demo.data import STFT, make_recordings
from tests.support.project import ROOT

DOCS = ROOT / "docs"
#: the first two leave the tasks and files that others use
PAGES = [
    ROOT / "README.md",
    DOCS / "tutorial.md",
    *sorted(DOCS.glob("how-to/*.md")),
    *sorted(DOCS.glob("reference/*.md")),
]


def blocks_of(page):
    """Language and text of each code block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


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


def shape(text):
    """The number of lines, and of tasks that completed."""
    return len(text.strip().splitlines()), text.count("completed")


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("demo_files")
def test_examples_run_and_answer_as_shown(service, root):
    checked = Counter()
    output = ""
    for page in PAGES:
        for language, block in blocks_of(page):
            text = block.replace("http://127.0.0.1:8000", service)
            where = f"{page.relative_to(ROOT)}:\n{block}"
            if language == "bash":
                output = run(["bash", "-euo", "pipefail", "-c", text], root, service)
            elif language == "python":
                output = run([sys.executable, "-c", text], root, service)
            elif language == "json":
                assert fields(json.loads(output)) == fields(json.loads(text)), where
            elif language == "text":
                assert shape(output) == shape(text), f"{where}\n{output}"
            checked[language] += 1
    assert checked["bash"] >= 10 and checked["python"] >= 3 and checked["json"] >= 6 and checked["text"] >= 5


def test_examples_are_the_same_in_both_readmes():
    assert blocks_of(ROOT / "README.zh-CN.md") == blocks_of(ROOT / "README.md")
