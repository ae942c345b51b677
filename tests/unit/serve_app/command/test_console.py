"""The console script: its help, and `serve` before it starts."""

import os
import subprocess
import sys

from rfuav_ray.api.kinds import kinds_of
from tests.support.project import ROOT


def test_console_help_names_the_commands_and_imports_nothing_heavy():
    program = (
        "import sys\nfrom serve_app.command.console import main\ntry:\n    main(['--help'])\nfinally:\n"
        "    print([name for name in ('torch', 'ray', 'httpx2', 'rich', 'numpy', 'cv2') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"
    for command in (
        "serve",
        "demo",
        "doctor",
        "train",
        "infer",
        "tasks",
        "logs",
        "cancel",
        *kinds_of("preprocessing"),
    ):
        assert f"\n  {command} " in run.stdout


def test_console_serve_refuses_wrong_settings_before_it_starts(rfuav, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RFUAV_LOG_LEVEL", "loud")
    code, out, err = rfuav("serve")
    assert (code, out) == (2, "")
    assert err.startswith("Error in the settings: LOG_LEVEL: ")
    assert err.count("\n") == 1


def test_console_no_command_shows_the_help(rfuav):
    assert "doctor" in "".join(rfuav()[1:])
