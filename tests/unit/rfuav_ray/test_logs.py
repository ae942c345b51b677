"""LOG_FILE, in processes of their own: loggers are global."""

import subprocess
import sys

import pytest

from tests.support.project import ROOT

PROGRAM = """
import logging, sys
from pathlib import Path
from rfuav_ray.logs import write_to_log_file
from rfuav_ray.settings import Settings

for _ in range(2):
    write_to_log_file(Settings(_env_file=None, log_file=Path(sys.argv[1])), also_to_terminal=True)
NAMES = ("rfuav_ray.signals.formats.sigmf.pair", "preprocessing.split", "actors.tasks.manager", "serve_app.app")
for name in (*NAMES, "others"):
    logging.getLogger(name).warning("said by %s", name)
    logging.getLogger(name).info("told by %s", name)
"""
OURS = ["rfuav_ray.signals.formats.sigmf.pair", "preprocessing.split", "actors.tasks.manager", "serve_app.app"]


@pytest.fixture
def run(tmp_path):
    log = tmp_path / "logs" / "app.log"
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(log)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    return log.read_text().splitlines(), program.stderr.splitlines()


def test_logs_write_to_log_file_takes_what_every_package_says_once(run):
    lines = [line.split(" ", 2)[2] for line in run[0]]
    assert lines == [
        text for name in OURS for text in (f"WARNING {name}: said by {name}", f"INFO {name}: told by {name}")
    ]


def test_logs_write_to_log_file_shows_warnings_on_the_terminal(run):
    assert [line for line in run[1] if "others" not in line] == [f"said by {name}" for name in OURS]
